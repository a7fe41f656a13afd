/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - see tree.h. The children are those that /proc/self/task/TID/children lists. What is given to us goes to the
 * first thread, where no thread that waits for children of its own looks. Where /proc can't be read nobody is killed.
 *
 * What tree_end needs takes no memory from the heap and no lock: a signal may have come at any place.
 */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/procfs.h"
#include "core/base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH_BYTES 64
#define IDLE_NS (1 * CLOCK_NS_PER_SEC) /* nothing dies for so long: it won't */
#define END_NS (10 * CLOCK_NS_PER_SEC) /* they may breed faster than they die */
#define NAP_NS (CLOCK_NS_PER_MS / 4)

struct noted {
	pid_t pid;
	uint64_t start;
};

static struct {
	struct noted *noted;
	size_t n_noted;
	pid_t *owned;
	size_t n_owned, n_owned_max;
	bool has_others;    /* somebody else's can get below us */
	pid_t kept_session; /* 0: none */
	uint64_t start_stack;
	struct stat image; /* the program that we are */
	char mark[64];     /* NAME=VALUE; "" */
} self;

/* --- who is who --------------------------------------------------------------------------------------------------- */

static bool is_owned(pid_t pid)
{
	for (size_t i = 0; i < self.n_owned; i++)
		if (self.owned[i] == pid)
			return true;
	return false;
}

static bool is_noted(const struct procfs_process *process)
{
	if (self.kept_session != 0 && process->session == self.kept_session)
		return true;
	for (size_t i = 0; i < self.n_noted; i++)
		if (self.noted[i].pid == process->pid && self.noted[i].start == process->start_ticks)
			return true;
	return false;
}

enum answer { NO, YES, NOT_YET };

/* In the midst of an exec, or of its end, a process has no environment: it is another image then, or none. */
static bool is_changing(const struct procfs_process *process)
{
	struct procfs_process now;
	return procfs_look(process->pid, &now) && (now.start_stack == 0 || now.start_stack != process->start_stack);
}

/* In what it was executed with: what it has changed since doesn't show. */
static enum answer has_mark(const struct procfs_process *process)
{
	char path[PATH_BYTES], text[4096];
	const size_t n_mark = strlen(self.mark) + 1; /* and the NUL behind it */
	size_t n_kept = 1;
	bool is_found = false, is_empty = true;
	snprintf(path, sizeof path, "/proc/%d/environ", (int)process->pid);
	if (n_mark == 1)
		return NO;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	/* one that dies has none any more */
	if (fd < 0)
		return errno == EACCES || errno == EPERM ? NO : NOT_YET;
	text[0] = '\0'; /* as if something stood before the first */
	for (ssize_t n; !is_found && (n = read(fd, text + n_kept, sizeof text - n_kept)) > 0;) {
		size_t n_bytes = n_kept + (size_t)n;
		is_empty = false;
		for (size_t i = 0; !is_found && i + 1 + n_mark <= n_bytes; i++)
			is_found = text[i] == '\0' && memcmp(text + i + 1, self.mark, n_mark) == 0;
		n_kept = n_bytes < n_mark ? n_bytes : n_mark;
		memmove(text, text + n_bytes - n_kept, n_kept);
	}
	close(fd);
	return is_found ? YES : is_empty && is_changing(process) ? NOT_YET : NO;
}

/* Where the stack began is chosen at random by each exec, and kept by a fork. */
static bool is_fork_of_us(const struct procfs_process *process)
{
	char path[PATH_BYTES];
	struct stat image;
	snprintf(path, sizeof path, "/proc/%d/exe", (int)process->pid);
	return process->start_stack != 0 && process->start_stack == self.start_stack && stat(path, &image) == 0 &&
	       image.st_ino == self.image.st_ino && image.st_dev == self.image.st_dev;
}

static enum answer is_ours(const struct procfs_process *process, const pid_t *sessions, size_t n_sessions)
{
	if (is_noted(process))
		return NO;
	if (!self.has_others)
		return YES;
	for (size_t i = 0; i < n_sessions; i++)
		if (sessions[i] > 0 && process->session == sessions[i])
			return YES;
	return is_fork_of_us(process) ? YES : has_mark(process);
}

/* --- before ------------------------------------------------------------------------------------------------------- */

static void note(pid_t pid, size_t *n_max)
{
	struct procfs_process process;
	if (!procfs_look(pid, &process))
		return;
	if (self.n_noted == *n_max) {
		struct noted *more = reallocarray(self.noted, *n_max * 2 + 16, sizeof *more);
		if (!more)
			return;
		self.noted = more;
		*n_max = *n_max * 2 + 16;
	}
	self.noted[self.n_noted++] = (struct noted){process.pid, process.start_ticks};
}

static void note_children_of(pid_t pid, size_t *n_max)
{
	pid_t threads[PROCFS_THREADS_MAX];
	size_t n_threads = procfs_threads(pid, threads);
	for (size_t i = 0; i < n_threads; i++) {
		struct procfs_children children = procfs_children_open(pid, threads[i]);
		for (pid_t child; (child = procfs_children_next(&children)) != 0;)
			note(child, n_max);
	}
}

void tree_note(bool keeps_session)
{
	size_t n_max = 0;
	free(self.noted);
	free(self.owned);
	self.noted = NULL;
	self.owned = NULL;
	self.n_noted = self.n_owned = self.n_owned_max = 0;
	self.has_others = false;
	self.kept_session = keeps_session ? getsid(0) : 0;
	note_children_of(getpid(), &n_max);
	/* theirs may come to us later */
	for (size_t i = 0; i < self.n_noted; i++)
		note_children_of(self.noted[i].pid, &n_max);
}

bool tree_has_noted(void)
{
	return self.n_noted > 0;
}

void tree_forget(void)
{
	self.n_noted = 0;
	self.kept_session = 0;
}

void tree_begin(void)
{
	struct procfs_process me;
	int was_subreaper = 0;
	tree_note(false);
	prctl(PR_GET_CHILD_SUBREAPER, &was_subreaper);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	self.has_others = self.n_noted > 0 || getpid() == 1 || was_subreaper != 0;
	if (!procfs_look(getpid(), &me) || stat("/proc/self/exe", &self.image) != 0)
		return;
	self.start_stack = me.start_stack;
	snprintf(self.mark, sizeof self.mark, TREE_MARK "=%d.%llu", (int)me.pid, (unsigned long long)me.start_ticks);
	setenv(TREE_MARK, self.mark + sizeof TREE_MARK, 1);
}

void tree_own(pid_t pid)
{
	if (self.n_owned == self.n_owned_max) {
		size_t n_max = self.n_owned_max * 2 + 16;
		pid_t *more = reallocarray(self.owned, n_max, sizeof *more);
		if (!more)
			return;
		self.owned = more;
		self.n_owned_max = n_max;
	}
	self.owned[self.n_owned++] = pid;
}

void tree_own_children(void)
{
	struct procfs_children children = procfs_children_open(getpid(), getpid());
	for (pid_t child; (child = procfs_children_next(&children)) != 0;)
		if (!is_owned(child))
			tree_own(child);
}

void tree_disown(pid_t pid)
{
	for (size_t i = 0; i < self.n_owned; i++)
		if (self.owned[i] == pid)
			self.owned[i--] = self.owned[--self.n_owned];
}

/* --- afterwards --------------------------------------------------------------------------------------------------- */

/* What one look at the children has found. */
struct found {
	size_t n_killed, n_reaped, n_not_yet; /* not_yet: nobody knows whose they are */
};

static void take_child(pid_t pid, bool kills, bool reaps, const pid_t *sessions, size_t n_sessions, struct found *found)
{
	struct procfs_process process;
	/* a number that is another's child is one that somebody has reaped meanwhile */
	if (!procfs_look(pid, &process) || process.parent != getpid())
		return;
	if (process.is_dead && reaps && (getpid() == 1 || !is_noted(&process)))
		found->n_reaped += waitpid(pid, NULL, WNOHANG) == pid;
	if (process.is_dead || !kills)
		return;
	enum answer answer = is_ours(&process, sessions, n_sessions);
	found->n_killed += answer == YES && kill(pid, SIGKILL) == 0;
	found->n_not_yet += answer == NOT_YET;
}

static struct found take_thread(pid_t thread, bool kills, bool reaps, bool with_owned, const pid_t *sessions,
                                size_t n_sessions)
{
	struct found found = {0};
	struct procfs_children children = procfs_children_open(getpid(), thread);
	for (pid_t child; (child = procfs_children_next(&children)) != 0;)
		if (with_owned || !is_owned(child))
			take_child(child, kills, reaps, sessions, n_sessions, &found);
	return found;
}

void tree_reap(void)
{
	siginfo_t info = {0};
	/* the usual answer costs one call */
	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WNOTHREAD) == 0 && info.si_pid != 0)
		take_thread(getpid(), false, true, false, NULL, 0);
}

int tree_kill_strays(void)
{
	return (int)take_thread(getpid(), true, false, false, NULL, 0).n_killed;
}

static void end(bool is_all, const pid_t *sessions, size_t n_sessions)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};
	const int64_t begin_ns = clock_now_ns();
	int64_t now_ns = begin_ns, death_ns = begin_ns;
	size_t n_left;
	do {
		pid_t threads[PROCFS_THREADS_MAX] = {getpid()};
		size_t n_threads = is_all ? procfs_threads(getpid(), threads) : 1, n_reaped = 0;
		n_left = 0;
		for (size_t i = 0; i < n_threads; i++) {
			struct found found = take_thread(threads[i], true, true, is_all, sessions, n_sessions);
			n_left += found.n_killed + found.n_not_yet;
			n_reaped += found.n_reaped;
		}
		/* the children of what was reaped are there now */
		n_left += n_reaped;
		now_ns = clock_now_ns();
		if (n_reaped > 0)
			death_ns = now_ns;
		else if (n_left > 0)
			nanosleep(&nap, NULL);
	} while (n_left > 0 && now_ns - death_ns < IDLE_NS && now_ns - begin_ns < END_NS);
	/* without /proc nobody was seen */
	if (!self.has_others && self.n_noted == 0 && self.n_owned == 0)
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
}

void tree_end_strays(const pid_t *sessions, size_t n_sessions)
{
	end(false, sessions, n_sessions);
}

void tree_end(void)
{
	int errnum = errno;
	end(true, NULL, 0);
	errno = errnum;
}
