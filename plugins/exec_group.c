/* SPDX-License-Identifier: Apache-2.0 */
/* exec_group - see exec_group.h. */
#define _GNU_SOURCE 1
#include "plugins/exec_group.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_MS 200  /* from TERM to KILL */
#define KILL_MS 2000 /* until a process that KILL was sent to is given up: it hangs in the kernel */
#define FIRST_STEP_MS 1
#define LAST_STEP_MS 16
#define LIST_BYTES 4096

/* What the handler of TERM does: a worker that is a process has one command at a time. */
static volatile sig_atomic_t running; /* the group to be told; 0: there is no command; -1: it is being tidied up */
static volatile sig_atomic_t is_told;

/* One that is stopped hears TERM only when it goes on. */
static void end_group(pid_t pid)
{
	/* the command may have joined another group */
	if (kill(-pid, SIGTERM) != 0)
		kill(pid, SIGTERM);
	kill(-pid, SIGCONT);
}

static void die_by_term(void)
{
	signal(SIGTERM, SIG_DFL);
	raise(SIGTERM);
}

static void on_term(int signum)
{
	int errnum = errno;
	pid_t pid = running;
	(void)signum;
	if (pid == 0) {
		die_by_term();
	} else if (!is_told) {
		is_told = 1;
		if (pid > 0)
			end_group(pid);
	}
	errno = errnum;
}

/* The command stops with us, and goes on with us. */
static void on_stop(int signum)
{
	int errnum = errno;
	pid_t pid = running;
	(void)signum;
	if (pid > 0)
		kill(-pid, SIGSTOP);
	raise(SIGSTOP);
	if (pid > 0)
		kill(-pid, SIGCONT);
	errno = errnum;
}

/* Unless somebody else has done so. */
static void handle(int signum, void (*handler)(int signum))
{
	struct sigaction action;
	if (sigaction(signum, NULL, &action) != 0 || action.sa_handler != SIG_DFL)
		return;
	action = (struct sigaction){.sa_handler = handler, .sa_flags = SA_RESTART};
	sigaction(signum, &action, NULL);
}

void group_init(struct group *group)
{
	*group = (struct group){.is_alone = syscall(SYS_gettid) == getpid()};
	if (!group->is_alone)
		return;
	handle(SIGTERM, on_term);
	handle(SIGTSTP, on_stop);
}

void group_hold(const struct group *group, sigset_t *ret_before)
{
	sigset_t told;
	sigemptyset(&told);
	sigaddset(&told, SIGTERM);
	sigaddset(&told, SIGTSTP);
	pthread_sigmask(SIG_BLOCK, group->is_alone ? &told : NULL, ret_before);
}

void group_begin(struct group *group, pid_t pid, const sigset_t *before)
{
	group->pid = pid;
	group->is_reaped = group->has_status = false;
	if (!group->is_alone)
		return;
	running = pid;
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

bool group_is_wanted(const struct group *group)
{
	return !group->is_alone || !is_told;
}

bool group_has_ended(const struct group *group)
{
	siginfo_t info = {0};
	int result;
	do
		result = waitid(P_PID, (id_t)group->pid, &info, WEXITED | WNOHANG | WNOWAIT);
	while (result && errno == EINTR);
	return result || info.si_pid == group->pid;
}

/* Waits until it is so, at most so long; looks seldomer as time goes on. */
static bool wait_for(bool (*is_so)(const struct group *group), const struct group *group, int most_ms)
{
	int step_ms = FIRST_STEP_MS;
	for (int waited_ms = 0; !is_so(group); waited_ms += step_ms) {
		if (waited_ms >= most_ms)
			return false;
		poll(NULL, 0, step_ms);
		step_ms = step_ms < LAST_STEP_MS ? step_ms * 2 : LAST_STEP_MS;
	}
	return true;
}

void group_end_leader(struct group *group)
{
	if (!group_has_ended(group)) {
		bool is_wanted = group_is_wanted(group);
		/* once is enough: the supervisor's TERM may come while we act on its word that the item is given up */
		if (group->is_alone)
			running = -1;
		if (is_wanted)
			end_group(group->pid);
		if (!wait_for(group_has_ended, group, STOP_MS)) {
			kill(-group->pid, SIGKILL);
			kill(group->pid, SIGKILL);
		}
	}
	/* from here on the handler would tell a number that may be another's */
	if (group->is_alone)
		running = -1;
	pid_t pid;
	do
		pid = waitpid(group->pid, &group->wait_status, 0);
	while (pid < 0 && errno == EINTR);
	group->is_reaped = true;
	group->has_status = pid == group->pid;
}

/* What has ended of those is reaped. Is one left? */
static bool has_living(idtype_t kind, pid_t pid)
{
	for (;;) {
		siginfo_t info = {0};
		if (waitid(kind, (id_t)pid, &info, WEXITED | WNOHANG | __WALL) != 0) {
			if (errno != EINTR)
				return false;
		} else if (info.si_pid == 0) {
			return true;
		}
	}
}

bool group_has_rest(const struct group *group)
{
	return group->is_alone ? has_living(P_ALL, 0) : has_living(P_PGID, group->pid);
}

static bool has_no_rest(const struct group *group)
{
	return !group_has_rest(group);
}

/*
 * Those that have left the group. A list longer than the buffer is seen whole once its beginning has ended. Without
 * /proc the group must do.
 */
static void signal_escaped(const struct group *group, int signum)
{
	char text[LIST_BYTES];
	int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	ssize_t n_bytes = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
	if (fd >= 0)
		close(fd);
	text[n_bytes > 0 ? n_bytes : 0] = '\0';
	char *end;
	for (char *at = text;; at = end) {
		long pid = strtol(at, &end, 10);
		/* a number that the buffer's end may have cut isn't one */
		if (end == at || *end == '\0' || pid <= 1)
			return;
		if (getpgid((pid_t)pid) != group->pid)
			kill((pid_t)pid, signum);
	}
}

static void signal_rest(const struct group *group, int signum)
{
	if (has_living(P_PGID, group->pid))
		kill(-group->pid, signum);
	if (group->is_alone)
		signal_escaped(group, signum);
}

/* Those whose parent has just ended show only then. */
void group_end_rest(const struct group *group)
{
	signal_rest(group, SIGTERM);
	if (wait_for(has_no_rest, group, STOP_MS))
		return;
	for (int waited_ms = 0; waited_ms < KILL_MS && group_has_rest(group); waited_ms += LAST_STEP_MS) {
		signal_rest(group, SIGKILL);
		wait_for(has_no_rest, group, LAST_STEP_MS);
	}
}

void group_leave(const struct group *group)
{
	if (!group->is_alone)
		return;
	running = 0;
	if (is_told)
		die_by_term();
}
