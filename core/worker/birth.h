/* SPDX-License-Identifier: Apache-2.0 */
/*
 * birth - a worker's first steps: from the fork server's fork to the worker's loop, which it never comes back from.
 *
 *   birth_fork, in the fork server, once the plugin is loaded
 *
 * Invariants: a worker dies with its fork server, also with one that ends while it is born; it has a session of its
 * own, so that a terminal's Ctrl-C reaches the supervisor alone; it is the subreaper of what its items start; of the
 * fork server's descriptors it has none but those of its message; all this holds before it runs code of the plugin's.
 */
#ifndef WORKER_BIRTH_H
#define WORKER_BIRTH_H

#include "core/wire/message.h"
#include "core/wire/setup.h"
#include "core/worker/host.h"

#include <sys/types.h>

/* What the fork server has for all workers. Borrowed. */
struct birth {
	const struct host *host; /* with the plugin loaded */
	const struct setup *setup;
	int socket_fd; /* to the supervisor: the worker says there that it lives, and closes it */
	int signal_fd; /* closed in the worker */
};

/*
 * Forks the worker of a MESSAGE_FORK; fds are that message's, the caller's to close here. -1 with errno: no process is
 * to be had, or none would be left for the worker's commands.
 */
pid_t birth_fork(const struct birth *birth, const struct message *message, const int fds[FORK_FDS]);

#endif
