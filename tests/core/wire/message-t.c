/* SPDX-License-Identifier: Apache-2.0 */
/* message: what is said arrives as it was said, with what goes along, and nobody waits who needn't. */
#include "config.h"

#include "core/wire/message.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
	int down, up; /* the two ends */
} line;

static void open_line(void)
{
	int pair[2];
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	line.down = pair[0];
	line.up = pair[1];
}

static void close_line(void)
{
	close(line.down);
	close(line.up);
}

/* Is it the same open file? */
static bool is_same(int fd, int other)
{
	off_t at = lseek(other, 0, SEEK_CUR);
	return lseek(fd, at + 7, SEEK_SET) == at + 7 && lseek(other, 0, SEEK_CUR) == at + 7;
}

static void test_words(void)
{
	const struct message said = {.kind = MESSAGE_DIED, .worker = 3, .generation = UINT64_MAX, .status = -9};
	struct packet heard;
	open_line();
	ok(message_send(line.down, &said, NULL, NULL, 0, 0) == 0, "a message is sent");
	is_int(message_receive(line.up, &heard, false, 0), 1, "and comes");
	is_mem(&heard.message, sizeof heard.message, &said, sizeof said, "as it was");
	is_int((long long)heard.n_text_bytes, 0, "without a text");
	is_str(heard.text, "", "which is empty then");

	ok(message_send(line.down, &said, "why", NULL, 0, -1) == 0, "one with a text");
	is_int(message_receive(line.up, &heard, false, 0), 1, "comes");
	is_str(heard.text, "why", "with its text");
	is_int((long long)heard.n_text_bytes, 3, "which is so long");

	char longest[MESSAGE_TEXT_MAX + 100];
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	ok(message_send(line.down, &said, longest, NULL, 0, 0) == 0, "a text that is too long");
	is_int(message_receive(line.up, &heard, false, 0), 1, "comes");
	is_int((long long)heard.n_text_bytes, MESSAGE_TEXT_MAX, "as far as it may");
	is_int((long long)strlen(heard.text), MESSAGE_TEXT_MAX, "and has its end");
	close_line();
}

static void test_descriptors(void)
{
	const struct message said = {.kind = MESSAGE_FORK};
	struct packet heard;
	int fds[FORK_FDS];
	open_line();
	for (int i = 0; i < FORK_FDS; i++)
		must((fds[i] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)) >= 0);
	ok(message_send(line.down, &said, "text", fds, FORK_FDS, 0) == 0, "descriptors go along");
	is_int(message_receive(line.up, &heard, true, 0), 1, "and come");
	is_int((long long)heard.n_fds, FORK_FDS, "all of them");
	for (int i = 0; i < FORK_FDS; i++) {
		ok(is_same(heard.fds[i], fds[i]), "number %d is what it was", i);
		is_int(fcntl(heard.fds[i], F_GETFD), FD_CLOEXEC, "and isn't handed on to programs");
		close(heard.fds[i]);
	}

	int next = dup(0);
	close(next);
	ok(message_send(line.down, &said, NULL, fds, FORK_FDS, 0) == 0, "where they aren't wanted");
	is_int(message_receive(line.up, &heard, false, 0), 1, "the message comes");
	is_int((long long)heard.n_fds, 0, "without them");
	int now = dup(0);
	is_int(now, next, "and none of them is open");
	close(now);
	for (int i = 0; i < FORK_FDS; i++)
		close(fds[i]);
	close_line();
}

/* More of them than there are places, from one who sends as he likes. */
static void test_too_many(void)
{
	struct message said = {.kind = MESSAGE_FORK};
	struct packet heard;
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int) * 9)];
	} control = {0};
	struct iovec part = {&said, sizeof said};
	struct msghdr packet = {.msg_iov = &part,
	                        .msg_iovlen = 1,
	                        .msg_control = &control,
	                        .msg_controllen = sizeof control};
	open_line();
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int) * 9); /* descriptor 0, nine times */
	must(sendmsg(line.down, &packet, 0) == (ssize_t)sizeof said);
	is_int(message_receive(line.up, &heard, true, 0), 1, "nine descriptors: the message comes");
	is_int((long long)heard.n_fds, MESSAGE_FDS_MAX, "with as many as have a place");
	for (size_t i = 0; i < heard.n_fds; i++)
		close(heard.fds[i]);
	close_line();
}

static void test_sender(void)
{
	const struct message said = {.kind = MESSAGE_FORKED};
	struct packet heard;
	open_line();
	must(message_send(line.down, &said, NULL, NULL, 0, 0) == 0);
	is_int(message_receive(line.up, &heard, false, 0), 1, "a socket that doesn't say who");
	is_int(heard.sender, 0, "says so");
	must(setsockopt(line.up, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)) == 0);
	must(message_send(line.down, &said, NULL, NULL, 0, 0) == 0);
	is_int(message_receive(line.up, &heard, false, 0), 1, "one that does");
	is_int(heard.sender, getpid(), "names the process");
	close_line();
}

static void test_nonsense(void)
{
	struct packet heard;
	open_line();
	is_int(message_receive(line.up, &heard, false, MSG_DONTWAIT), -1, "there is nothing");
	is_int(errno, EAGAIN, "now");
	must(send(line.down, "short", 5, 0) == 5);
	is_int(message_receive(line.up, &heard, false, 0), 0, "less than a message is none");
	is_int((long long)heard.n_text_bytes, 0, "and has no text");
	close(line.down);
	is_int(message_receive(line.up, &heard, false, 0), 0, "the other end is closed");
	const struct message said = {.kind = MESSAGE_KILL};
	is_int(message_send(line.up, &said, NULL, NULL, 0, 0), -1, "nobody is there to hear");
	is_int(errno, EPIPE, "which is no signal");
	close(line.up);
}

static void test_deaf(void)
{
	const struct message said = {.kind = MESSAGE_KILL};
	unsigned n_sent = 0;
	open_line();
	while (message_send(line.down, &said, NULL, NULL, 0, 0) == 0)
		n_sent++;
	ok(n_sent > 0 && errno == EAGAIN, "one that doesn't read isn't waited for");
	is_int(message_send(line.down, &said, NULL, NULL, 0, 20000000), -1, "nor for long");
	is_int(errno, EAGAIN, "after 20 ms");
	close_line();
}

int main(void)
{
	test_words();
	test_descriptors();
	test_too_many();
	test_sender();
	test_nonsense();
	test_deaf();
	return tap_done();
}
