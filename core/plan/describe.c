/* SPDX-License-Identifier: Apache-2.0 */
/*
 * describe - see describe.h. The child is the leader of a session of its own: at the end everything in its process
 * group is killed before the child is reaped, while nobody else can have its number; then what has left its group. It
 * dies with us.
 */
#include "config.h"

#include "core/plan/describe.h"

#include "core/base/clock.h"
#include "core/base/proc.h"
#include "core/base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX_BYTES ((size_t)1 << 20)
#define WORDS_MAX_BYTES ((size_t)1 << 14) /* of its standard error: the last ones are kept */
#define KILLED_MAX 10                     /* by others: that is no verdict on the plugin, which is looked at anew */
#define STOPPED_NS CLOCK_NS_PER_SEC       /* by others: for so long it is waited for */
#define LOOK_MS 100

struct child {
	pid_t pid;
	int pidfd;             /* -1: this kernel has none, then the end of its output is waited for */
	int text_fd, words_fd; /* ends of pipes to read from; -1 at the end */
	struct buf text, words;
};

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int describe_set_late(int64_t timeout_ns, struct err *err)
{
	return err_set(err, ERR_USAGE, "loading the plugin took longer than %g s: allow more with --start-timeout",
	               (double)timeout_ns / (double)CLOCK_NS_PER_SEC);
}

static int child_start(struct child *child, const char *worker_program, const char *file, struct err *err)
{
	int text[2] = {-1, -1}, words[2] = {-1, -1};
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int rc = -1;
	if (null_fd < 0 || pipe2(text, O_CLOEXEC | O_NONBLOCK) || pipe2(words, O_CLOEXEC | O_NONBLOCK)) {
		err_set_errno(err, ERR_RESOURCE, errno, "cannot create a pipe to %s", worker_program);
		goto out;
	}
	/* Only our ends don't block: the flag belongs to each end of a pipe by itself. */
	if (fcntl(text[1], F_SETFL, 0) || fcntl(words[1], F_SETFL, 0)) {
		err_set_errno(err, ERR_RESOURCE, errno, "cannot create a pipe to %s", worker_program);
		goto out;
	}
	char parent[32];
	snprintf(parent, sizeof(parent), "%ld", (long)getpid());
	const char *argv[] = {worker_program, "--describe", file, parent, NULL};
	struct proc_fd fds[] = {{null_fd, STDIN_FILENO}, {text[1], STDOUT_FILENO}, {words[1], STDERR_FILENO}};
	rc = proc_spawn(argv, fds, sizeof(fds) / sizeof(fds[0]), true, &child->pid, err);
	if (rc)
		goto out;
	child->pidfd = proc_open_pidfd(child->pid);
	child->text_fd = text[0];
	child->words_fd = words[0];
	text[0] = words[0] = -1;
out:
	fd_close(&null_fd);
	for (int i = 0; i < 2; i++) {
		fd_close(&text[i]);
		fd_close(&words[i]);
	}
	return rc;
}

/* All that is there now. Closes the descriptor at its end. -1: more than there may be, or memory is short. */
static int stream_read(int *fd, struct buf *buf, size_t max_bytes)
{
	while (*fd >= 0) {
		if (buf->len > max_bytes || buf_reserve(buf, 4096))
			return -1;
		ssize_t n = read(*fd, buf->bytes + buf->len, 4096);
		if (n > 0)
			buf->len += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			fd_close(fd);
		else if (errno == EAGAIN)
			break;
	}
	return 0;
}

/* Its words: only the end of them matters. */
static void words_read(struct child *child)
{
	while (stream_read(&child->words_fd, &child->words, WORDS_MAX_BYTES) && child->words.len > WORDS_MAX_BYTES) {
		size_t kept = WORDS_MAX_BYTES / 2;
		memmove(child->words.bytes, child->words.bytes + child->words.len - kept, kept);
		child->words.len = kept;
	}
}

/* Reads until it has ended (or closed both streams). 1: it is stopped; -1: it was given up, err says why. */
static int child_listen(struct child *child, int64_t deadline_ns, int64_t timeout_ns, struct err *err)
{
	int64_t running_ns = clock_now_ns();
	bool has_ended = false;
	while (!has_ended && (child->text_fd >= 0 || child->words_fd >= 0 || child->pidfd >= 0)) {
		int64_t now_ns = clock_now_ns(), left_ns = deadline_ns - now_ns;
		if (proc_state(child->pid) != 'T')
			running_ns = now_ns;
		if (now_ns - running_ns >= STOPPED_NS)
			return 1;
		if (left_ns <= 0)
			return describe_set_late(timeout_ns, err);
		int pause_ms = left_ns / CLOCK_NS_PER_MS < LOOK_MS ? (int)(left_ns / CLOCK_NS_PER_MS) + 1 : LOOK_MS;
		struct pollfd polled[] = {{.fd = child->text_fd, .events = POLLIN},
		                          {.fd = child->words_fd, .events = POLLIN},
		                          {.fd = child->pidfd, .events = POLLIN}};
		if (poll(polled, 3, pause_ms) < 0 && errno != EINTR)
			/* never ERR_RESOURCE, of whatever errno: a child was made */
			return err_set(err, ERR_RUN, "waiting for the plugin's description failed: %s", strerror(errno));
		/* What it wrote before its end is in the pipes by now. */
		has_ended = child->pidfd >= 0 && polled[2].revents;
		words_read(child);
		if (stream_read(&child->text_fd, &child->text, TEXT_MAX_BYTES))
			return child->text.len > TEXT_MAX_BYTES
			           ? err_set(err, ERR_USAGE, "its description is larger than 1 MB")
			           : err_set(err, ERR_RUN, "cannot allocate memory for its description");
	}
	return 0;
}

/* Kills what is left of it, and of what it has started, and reaps it. is_given_up: it too. Returns its wait status. */
static int child_end(struct child *child, bool is_given_up, int64_t deadline_ns)
{
	if (!is_given_up) {
		/* Without a pidfd only its streams were waited for: it may still be on its way out. */
		siginfo_t info = {0};
		while (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid == 0 &&
		       clock_now_ns() < deadline_ns)
			poll(NULL, 0, 5);
	}
	kill(-child->pid, SIGKILL);
	int status = proc_end(child->pid);
	tree_end_strays(&child->pid, 1);
	return status;
}

/* The last line that it wrote on standard error, its program name taken off; "" when there is none. */
static const char *last_words(struct buf *words, char *line, size_t room_bytes)
{
	line[0] = '\0';
	size_t end = words->len;
	while (end > 0 && (words->bytes[end - 1] == '\n' || words->bytes[end - 1] == '\r'))
		end--;
	size_t start = end;
	while (start > 0 && words->bytes[start - 1] != '\n')
		start--;
	size_t n = end - start < room_bytes - 1 ? end - start : room_bytes - 1;
	if (n == 0)
		return line;
	memcpy(line, words->bytes + start, n);
	line[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	static const char *const names[] = {"rota-worker: ", "rota: "};
	for (size_t i = 0; i < 2; i++)
		if (strncmp(line, names[i], strlen(names[i])) == 0)
			return line + strlen(names[i]);
	return line;
}

/* How it ended, when it didn't end well. */
static int status_check(int status, struct child *child, const char *file, struct err *err)
{
	char line[512], death[PROC_DEATH_BYTES];
	const char *words = last_words(&child->words, line, sizeof(line));
	if (WIFSIGNALED(status))
		return err_set(err, ERR_USAGE, "the plugin crashed while it was being loaded: %s%s%s",
		               proc_death(death, status), words[0] ? "; its last words: " : "", words);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return child->text.len > 0 ? 0
		                           : err_set(err, ERR_USAGE, "the plugin ended its process while it was being loaded");
	size_t n_file = strlen(file);
	if (strncmp(words, file, n_file) == 0 && strncmp(words + n_file, ": ", 2) == 0)
		words += n_file + 2;
	if (words[0])
		return err_set(err, ERR_USAGE, "%s", words);
	return err_set(err, ERR_USAGE, "loading the plugin failed without a message, %s", proc_death(death, status));
}

/* One process of it. 1: it came to nothing by somebody else's signal, *ret_status; -1: err says why. */
static int look(const char *worker_program, const char *file, int64_t deadline_ns, int64_t timeout_ns,
                struct buf *ret_text, int *ret_status, struct err *err)
{
	struct child child = {.pid = -1, .pidfd = -1, .text_fd = -1, .words_fd = -1};
	if (child_start(&child, worker_program, file, err))
		return -1;
	int rc = child_listen(&child, deadline_ns, timeout_ns, err);
	*ret_status = child_end(&child, rc != 0, deadline_ns);
	if (rc == 0)
		rc = proc_was_killed(*ret_status) ? 1 : status_check(*ret_status, &child, file, err);
	if (rc == 0) {
		*ret_text = child.text;
		child.text = (struct buf){0};
	}
	fd_close(&child.pidfd);
	fd_close(&child.text_fd);
	fd_close(&child.words_fd);
	buf_fini(&child.text);
	buf_fini(&child.words);
	return rc;
}

int describe_run(const char *worker_program, const char *file, int64_t timeout_ns, struct buf *ret_text,
                 struct err *err)
{
	char death[PROC_DEATH_BYTES];
	const int64_t deadline_ns = clock_now_ns() + timeout_ns;
	int rc = 1, status = 0;
	for (int i = 0; rc > 0 && i < KILLED_MAX; i++)
		rc = look(worker_program, file, deadline_ns, timeout_ns, ret_text, &status, err);
	if (rc > 0)
		return err_set(
			err, ERR_RUN,
			"the process that inspects the plugin was killed from outside %d times, the last time by %s: try again",
			KILLED_MAX, proc_death(death, status));
	return rc;
}
