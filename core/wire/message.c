/* SPDX-License-Identifier: Apache-2.0 */
/* message - see message.h. */
#include "config.h"

#include "core/base/clock.h"
#include "core/wire/message.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define POLL_MS 10

static void put_fds(struct msghdr *packet, const int *fds, size_t n_fds)
{
	packet->msg_controllen = CMSG_SPACE(sizeof *fds * n_fds);
	struct cmsghdr *head = CMSG_FIRSTHDR(packet);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof *fds * n_fds);
	memcpy(CMSG_DATA(head), fds, sizeof *fds * n_fds);
}

int message_send(int fd, const struct message *message, const char *text, const int *fds, size_t n_fds, int64_t wait_ns)
{
	union {
		struct cmsghdr head; /* for its alignment */
		char bytes[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
	} control = {0};
	struct iovec parts[2] = {{(void *)(uintptr_t)message, sizeof *message},
	                         {(void *)(uintptr_t)text, text ? strnlen(text, MESSAGE_TEXT_MAX) : 0}};
	struct msghdr packet = {.msg_iov = parts, .msg_iovlen = 2};
	if (n_fds > 0) {
		packet.msg_control = &control;
		put_fds(&packet, fds, n_fds);
	}
	const int flags = MSG_NOSIGNAL | (wait_ns >= 0 ? MSG_DONTWAIT : 0);
	const int64_t begin_ns = clock_now_ns();
	ssize_t n;
	while ((n = sendmsg(fd, &packet, flags)) < 0 &&
	       (errno == EINTR || (errno == EAGAIN && clock_now_ns() - begin_ns < wait_ns))) {
		struct pollfd polled = {.fd = fd, .events = POLLOUT};
		if (errno == EAGAIN)
			poll(&polled, 1, POLL_MS);
	}
	return n < 0 ? -1 : 0;
}

/* One or the other goes along: a socket that says who sent it has no room for more. */
struct control {
	union {
		struct ucred sender;
		int fds[MESSAGE_FDS_MAX];
	};
};

static void take_control(struct packet *ret, const struct cmsghdr *head, bool takes_fds)
{
	struct control control;
	size_t n_bytes = head->cmsg_len - CMSG_LEN(0);
	if (n_bytes > sizeof control)
		return;
	memcpy(&control, CMSG_DATA(head), n_bytes);
	if (head->cmsg_type == SCM_CREDENTIALS && n_bytes == sizeof control.sender)
		ret->sender = control.sender.pid;
	for (size_t i = 0; head->cmsg_type == SCM_RIGHTS && i < n_bytes / sizeof *control.fds; i++) {
		if (takes_fds)
			ret->fds[ret->n_fds++] = control.fds[i];
		else
			close(control.fds[i]);
	}
}

int message_receive(int fd, struct packet *ret, bool takes_fds, int flags)
{
	union {
		struct cmsghdr head; /* for its alignment */
		char bytes[CMSG_LEN(sizeof(struct control))];
	} control;
	struct iovec parts[2] = {{&ret->message, sizeof ret->message}, {ret->text, MESSAGE_TEXT_MAX}};
	/* by the length, not by CMSG_SPACE: in what that is rounded up to one more descriptor would have room */
	struct msghdr packet = {.msg_iov = parts,
	                        .msg_iovlen = 2,
	                        .msg_control = &control,
	                        .msg_controllen = sizeof control.bytes};
	ssize_t n = recvmsg(fd, &packet, MSG_CMSG_CLOEXEC | flags);
	if (n < 0)
		return -1;
	ret->sender = 0;
	ret->n_fds = 0;
	if (CMSG_FIRSTHDR(&packet))
		take_control(ret, CMSG_FIRSTHDR(&packet), takes_fds);
	bool is_whole = n >= (ssize_t)sizeof ret->message;
	ret->n_text_bytes = is_whole ? (size_t)n - sizeof ret->message : 0;
	ret->text[ret->n_text_bytes] = '\0';
	return is_whole;
}
