/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop - epoll: descriptors and what to call when one is ready. One thread.
 *
 * A watch is a struct in its user's memory: loop_add, then its call-back from loop_wait, loop_modify,
 * loop_remove. A call-back may remove any watch, its own included: events that were collected in the
 * same round for a removed watch are dropped. Remove before closing the descriptor: a copy of it elsewhere (another
 * process's, too) would keep it watched.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;
struct loop_watch;
typedef void loop_ready_f(struct loop_watch *watch, uint32_t events);

struct loop_watch {
	int fd;          /* borrowed; -1 while not in a loop */
	uint32_t events; /* EPOLLIN, EPOLLOUT, EPOLLET; EPOLLERR and EPOLLHUP always */
	loop_ready_f *ready;
	void *arg; /* the user's */
};

int loop_create(struct loop **ret, struct err *err);
void loop_destroy(struct loop **loop); /* closes the epoll descriptor, not the watched ones */

/*
 * EPERM (a regular file: always ready, never watched) is no error: ret_always_ready says so. It may be NULL: then EPERM
 * is one.
 */
int loop_add(struct loop *loop, struct loop_watch *watch, int fd, uint32_t events, loop_ready_f *ready, void *arg,
             bool *ret_always_ready, struct err *err);
int loop_modify(struct loop *loop, struct loop_watch *watch, uint32_t events, struct err *err);
void loop_remove(struct loop *loop, struct loop_watch *watch); /* nothing when it isn't in one */

/*
 * Waits at most timeout_ns (-1: for ever; 0: just looks), calls what is ready and returns how many that were, or -1.
 * EINTR counts as nothing ready.
 */
int loop_wait(struct loop *loop, int64_t timeout_ns, struct err *err);

#endif
