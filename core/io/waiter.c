/* SPDX-License-Identifier: Apache-2.0 */
/* waiter - see waiter.h. An epoll instance can itself be watched: it is ready while one of its descriptors is. */
#include "config.h"

#include "core/io/waiter.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int waiter_open(struct waiter *ret, struct err *err)
{
	struct waiter waiter = {.current_fd = -1};

	waiter.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	waiter.ready_fd = waiter.epoll_fd < 0 ? -1 : eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	*ret = waiter;
	if (waiter.ready_fd >= 0)
		return 0;
	err_set_errno(err, ERR_RESOURCE, errno, "cannot wait for input");
	waiter_close(ret);
	return -1;
}

void waiter_close(struct waiter *waiter)
{
	if (waiter->ready_fd >= 0)
		close(waiter->ready_fd);
	if (waiter->epoll_fd >= 0)
		close(waiter->epoll_fd);
	waiter->epoll_fd = waiter->ready_fd = waiter->current_fd = -1;
}

int waiter_fd(const struct waiter *waiter)
{
	return waiter->epoll_fd;
}

int waiter_wait(struct waiter *waiter, int fd, struct err *err)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (fd == WAITER_TURN)
		fd = waiter->ready_fd;
	if (fd == waiter->current_fd)
		return 0;
	/* It may have been closed since, and be another by now: then it isn't there any more. */
	if (waiter->current_fd >= 0)
		epoll_ctl(waiter->epoll_fd, EPOLL_CTL_DEL, waiter->current_fd, NULL);
	waiter->current_fd = -1;
	if (epoll_ctl(waiter->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_set_errno(err, ERR_RESOURCE, errno, "cannot wait for input");
	waiter->current_fd = fd;
	return 0;
}
