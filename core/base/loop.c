/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop - see loop.h. The events of the round stand in the loop while their call-backs run, and loop_remove takes
 * a watch out of what is left of them: a watch that was removed is never called, even when it has been freed.
 */
#include "config.h"

#include "core/base/loop.h"

#include "core/base/clock.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUND_MAX 64

struct loop {
	int fd;
	bool has_no_pwait2; /* an old kernel, or a sandbox that forbids it */
	int n_round;        /* of the round that is under way; 0 outside */
	int at;             /* the event whose call-back runs */
	struct epoll_event round[ROUND_MAX];
};

int loop_create(struct loop **ret, struct err *err)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	if (!loop)
		return err_set(err, ERR_RESOURCE, "out of memory for an event loop");
	loop->fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->fd < 0) {
		err_set_errno(err, ERR_RESOURCE, errno, "cannot create an epoll descriptor");
		free(loop);
		return -1;
	}
	*ret = loop;
	return 0;
}

void loop_destroy(struct loop **loop)
{
	if (!*loop)
		return;
	int errno_before = errno;
	close((*loop)->fd);
	free(*loop);
	*loop = NULL;
	errno = errno_before;
}

int loop_add(struct loop *loop, struct loop_watch *watch, int fd, uint32_t events, loop_ready_f *ready, void *arg,
             bool *ret_always_ready, struct err *err)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	*watch = (struct loop_watch){.fd = -1, .events = events, .ready = ready, .arg = arg};
	if (epoll_ctl(loop->fd, EPOLL_CTL_ADD, fd, &event) == 0) {
		watch->fd = fd;
		if (ret_always_ready)
			*ret_always_ready = false;
		return 0;
	}
	if (errno == EPERM && ret_always_ready) {
		*ret_always_ready = true;
		return 0;
	}
	enum err_code code = errno == ENOMEM || errno == ENOSPC ? ERR_RESOURCE : ERR_RUN;
	return err_set_errno(err, code, errno, "cannot watch descriptor %d", fd);
}

int loop_modify(struct loop *loop, struct loop_watch *watch, uint32_t events, struct err *err)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	if (epoll_ctl(loop->fd, EPOLL_CTL_MOD, watch->fd, &event) < 0)
		return err_set_errno(err, ERR_RUN, errno, "cannot change the events watched on descriptor %d", watch->fd);
	watch->events = events;
	return 0;
}

void loop_remove(struct loop *loop, struct loop_watch *watch)
{
	if (watch->fd < 0 || !watch->ready)
		return;
	int errno_before = errno;
	epoll_ctl(loop->fd, EPOLL_CTL_DEL, watch->fd, NULL); /* fails when it is closed: then it's out already */
	watch->fd = -1;
	for (int i = loop->at; i < loop->n_round; i++) {
		if (loop->round[i].data.ptr == watch)
			loop->round[i].data.ptr = NULL;
	}
	errno = errno_before;
}

static int wait_ms(struct loop *loop, int64_t timeout_ns)
{
	int64_t timeout_ms = -1;
	if (timeout_ns >= 0)
		timeout_ms = timeout_ns / CLOCK_NS_PER_MS + (timeout_ns % CLOCK_NS_PER_MS > 0);
	if (timeout_ms > INT_MAX)
		timeout_ms = INT_MAX;
	return epoll_wait(loop->fd, loop->round, ROUND_MAX, (int)timeout_ms);
}

static int wait_round(struct loop *loop, int64_t timeout_ns)
{
#ifdef HAVE_EPOLL_PWAIT2
	if (!loop->has_no_pwait2 && timeout_ns > 0) {
		struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / CLOCK_NS_PER_SEC),
		                           .tv_nsec = (long)(timeout_ns % CLOCK_NS_PER_SEC)};
		int n = epoll_pwait2(loop->fd, loop->round, ROUND_MAX, &timeout, NULL);
		if (n >= 0 || (errno != ENOSYS && errno != EPERM))
			return n;
		loop->has_no_pwait2 = true;
	}
#endif
	return wait_ms(loop, timeout_ns);
}

int loop_wait(struct loop *loop, int64_t timeout_ns, struct err *err)
{
	assert(loop->n_round == 0); /* a call-back doesn't wait */
	int n = wait_round(loop, timeout_ns);
	if (n < 0 && errno == EINTR)
		return 0;
	if (n < 0)
		return err_set_errno(err, ERR_RUN, errno, "cannot wait for events");
	loop->n_round = n;
	for (loop->at = 0; loop->at < loop->n_round; loop->at++) {
		struct loop_watch *watch = loop->round[loop->at].data.ptr;
		if (!watch)
			continue;
		/* Only what is still asked for: an earlier call-back may have modified this watch. */
		uint32_t events = loop->round[loop->at].events & (watch->events | EPOLLERR | EPOLLHUP);
		if (events)
			watch->ready(watch, events);
	}
	loop->n_round = 0;
	return n;
}
