/* SPDX-License-Identifier: Apache-2.0 */
/* server - see server.h. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/proc.h"
#include "core/base/tree.h"
#include "core/crew/server.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET_FD 3              /* in the fork server: FORKSERVER_SOCKET_FD */
#define SEND_NS CLOCK_NS_PER_SEC /* hundreds of messages are unread, and nobody reads them */
#define LOOK_NS (100 * CLOCK_NS_PER_MS)
#define STOPPED_NS CLOCK_NS_PER_SEC /* by others: for so long it is waited for */
#define CLOSE_NS CLOCK_NS_PER_SEC   /* how long an orderly end may take before it is made one */

/* The first is ours: it tells who sent what. */
static int make_sockets(int pair[2], struct err *err)
{
	const int yes = 1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return err_set_errno(err, ERR_RESOURCE, errno, "cannot create a socket");
	if (setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) == 0)
		return 0;
	err_set_errno(err, ERR_RESOURCE, errno, "cannot make a socket identify its senders");
	close(pair[0]);
	close(pair[1]);
	return -1;
}

int server_start(struct server *ret, const char *worker_program, struct err *err)
{
	int pair[2], error_fd;
	char parent[32];
	*ret = SERVER_NONE;
	if (make_sockets(pair, err) != 0)
		return -1;
	if (words_open(&ret->words, &error_fd, err) != 0) {
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	snprintf(parent, sizeof parent, "%ld", (long)getpid());
	const char *const argv[] = {worker_program, "--serve", parent, NULL};
	const struct proc_fd fds[] = {{error_fd, STDOUT_FILENO}, {error_fd, STDERR_FILENO}, {pair[1], SOCKET_FD}};
	int result = proc_spawn(argv, fds, sizeof fds / sizeof *fds, 1, &ret->pid, err);
	close(pair[1]);
	close(error_fd);
	if (result == 0) {
		tree_own(ret->pid);
		ret->fd = pair[0];
	} else {
		close(pair[0]);
		words_close(&ret->words);
	}
	return result;
}

int server_send(const struct server *server, const struct message *message, const char *text, const int *fds,
                size_t n_fds)
{
	return message_send(server->fd, message, text, fds, n_fds, SEND_NS);
}

bool server_is_deaf(const struct server *server)
{
	int unread_bytes = 0;
	return server->pid > 0 && server->fd >= 0 && proc_state(server->pid) != 'R' &&
	       (proc_state(server->pid) == 'T' || (ioctl(server->fd, SIOCOUTQ, &unread_bytes) == 0 && unread_bytes > 0));
}

/* Waits for the descriptor, and takes what is said meanwhile: a full pipe would hold it up. EINTR comes of wake.h. */
static bool await(struct server *server, int fd, int64_t timeout_ns)
{
	struct pollfd polled[] = {{.fd = fd, .events = POLLIN}, {.fd = server->words.fd, .events = POLLIN}};
	if (poll(polled, 2, (int)(timeout_ns / CLOCK_NS_PER_MS) + 1) <= 0)
		return false;
	words_read(&server->words, false);
	return polled[0].revents != 0;
}

/* 0, 1 or -1 as server_describe has it, but that the server lives on. */
static int hear(struct server *server, int64_t timeout_ns, struct buf *ret_text)
{
	struct packet packet;
	int64_t deadline_ns = clock_now_ns() + timeout_ns;
	int64_t now_ns = clock_now_ns(), running_ns = now_ns;
	bool is_there = false;
	for (; !is_there && now_ns < deadline_ns && now_ns - running_ns < STOPPED_NS; now_ns = clock_now_ns()) {
		int64_t left_ns = deadline_ns - now_ns;
		is_there = await(server, server->fd, left_ns < LOOK_NS ? left_ns : LOOK_NS);
		if (proc_state(server->pid) != 'T')
			running_ns = now_ns;
	}
	/* one that was stopped from outside says nothing of the plugin */
	if (!is_there)
		return proc_state(server->pid) == 'T' ? 1 : -1;
	if (message_receive(server->fd, &packet, false, MSG_DONTWAIT) <= 0 || packet.n_text_bytes == 0 ||
	    packet.message.kind != MESSAGE_DESCRIBED || packet.message.status != 0)
		return 1;
	return buf_append(ret_text, packet.text, packet.n_text_bytes) == 0 ? 0 : 1;
}

int server_describe(struct server *server, const char *file, int64_t timeout_ns, struct buf *ret_text)
{
	if (server->pid == 0 || server->file)
		return 1;
	const struct message question = {.kind = MESSAGE_DESCRIBE};
	int result = 1;
	const int64_t begin_ns = clock_now_ns();
	if (strlen(file) <= MESSAGE_TEXT_MAX && server_send(server, &question, file, NULL, 0) == 0)
		result = hear(server, timeout_ns, ret_text);
	server->load_ns = clock_now_ns() - begin_ns;
	server->file = result == 0 ? strdup(file) : NULL;
	if (!server->file)
		server_kill(server);
	return result;
}

struct server server_take(struct server *from, const char *file)
{
	struct server taken = SERVER_NONE;
	if (!from || (from->file && strcmp(from->file, file) != 0))
		return taken;
	taken = *from;
	*from = SERVER_NONE;
	return taken;
}

/* It has ended. */
static void end_words(struct server *server)
{
	words_read(&server->words, true);
	words_close(&server->words);
}

static void close_socket(struct server *server)
{
	if (server->fd >= 0)
		close(server->fd);
	server->fd = -1;
	free(server->file);
	server->file = NULL;
}

/* It has been waited for. What it has left behind is ours now. */
static void end_leftovers(struct server *server)
{
	tree_disown(server->pid);
	tree_end_strays(&server->pid, 1);
	server->pid = 0;
}

int server_kill(struct server *server)
{
	int status = 0;
	if (server->pid > 0) {
		/* what the plugin has started while it was loaded is in the same group */
		kill(-server->pid, SIGKILL);
		status = proc_end(server->pid);
		end_leftovers(server);
	}
	end_words(server);
	close_socket(server);
	return status;
}

void server_end(struct server *server)
{
	close_socket(server);
	int pid_fd = server->pid > 0 ? proc_open_pidfd(server->pid) : -1;
	const int64_t deadline_ns = clock_now_ns() + CLOSE_NS;
	bool has_ended = false;
	while (pid_fd >= 0 && !has_ended && clock_now_ns() < deadline_ns)
		has_ended = await(server, pid_fd, deadline_ns - clock_now_ns());
	if (pid_fd >= 0)
		close(pid_fd);
	if (has_ended) {
		while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
			;
		end_leftovers(server);
		end_words(server);
	} else {
		server_kill(server);
	}
}
