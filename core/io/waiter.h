/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiter - one descriptor to watch for a source that waits now for one of its own descriptors, now for another, or only
 * lets others have their turn.
 *
 *   waiter_open; waiter_fd is what the loop watches for EPOLLIN; waiter_wait before each SOURCE_WAIT; waiter_close
 */
#ifndef IO_WAITER_H
#define IO_WAITER_H

#include "core/base/err.h"

#define WAITER_TURN (-1)

struct waiter {
	int epoll_fd, ready_fd; /* ready_fd can always be read */
	int current_fd;         /* what it waits for; -1: for nothing yet */
};

int waiter_open(struct waiter *ret, struct err *err);
void waiter_close(struct waiter *waiter);
int waiter_fd(const struct waiter *waiter);

/* For fd, which is open; WAITER_TURN: it is ready at once. */
int waiter_wait(struct waiter *waiter, int fd, struct err *err);

#endif
