/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server - the process of a fork server (rota-worker --serve) and our end of its socket, without a job as yet: it waits
 * for its set-up (MESSAGE_SETUP). Starting a program takes longer than all else that a run begins with, so one may be
 * started while the plan is being checked.
 *
 *   server_start, server_describe; server_take by who gives it a job; server_end, orderly, or server_kill
 *
 * Owner: whoever started or took it. One thread.
 */
#ifndef CREW_SERVER_H
#define CREW_SERVER_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/crew/words.h"
#include "core/wire/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct server {
	pid_t pid;          /* 0: there is none (any more) */
	int fd;             /* the socket; -1 */
	char *file;         /* of the plugin that it has loaded; owned; NULL: none */
	int64_t load_ns;    /* how long that took: its constructors */
	struct words words; /* its standard output and error: what the plugin prints while it is loaded */
};

#define SERVER_NONE ((struct server){.fd = -1, .words = WORDS_NONE})

/* Both are the caller's then. ERR_RESOURCE: no process or descriptor is to be had. */
int server_start(struct server *ret, const char *worker_program, struct err *err);

/*
 * Sends a message, with text behind it (NULL: none) and descriptors. -1 with errno. It doesn't wait for one that
 * doesn't read, or for a second at most where hundreds of messages are unread: EAGAIN then.
 */
int server_send(const struct server *server, const struct message *message, const char *text, const int *fds,
                size_t n_fds);

/* Is it stopped, or does it sleep and leave unread what was sent? Ask again: it may be about to. */
bool server_is_deaf(const struct server *server);

/*
 * Has it load a plugin and say what that is: 0, *ret_text is the caller's (empty before). 1: it doesn't say; who
 * asks another way hears why. -1: loading took longer than timeout_ns. Unless it said, it is gone; but one that has
 * loaded another plugin is left alone.
 */
int server_describe(struct server *server, const char *file, int64_t timeout_ns, struct buf *ret_text);

/* What stands in *from, which has none afterwards; none when it has loaded another plugin, or from is NULL. */
struct server server_take(struct server *from, const char *file);

/* It ends at the end of file on its socket, with everything below it: that is waited for, though not for ever. */
void server_end(struct server *server);

/* At once, with all that it has left behind. Returns its wait status; nothing happens when there is none. */
int server_kill(struct server *server);

#endif
