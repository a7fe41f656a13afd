/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter - runs a command and tells what it took: meter INPUT OUTPUT COMMAND [ARG]...
 *
 * INPUT becomes the command's standard input, OUTPUT (made new) its standard output. One line is printed: wall time in
 * ns, user and system time in us, the largest resident set of any one process in KiB, the exit status as a shell would
 * see it, and the CPU time in us of the command's own process (its first thread), 0 where the kernel doesn't tell. Wall
 * time is up to the command's end; the others are of all that it had started, orphans included: meter adopts them and
 * waits for them.
 *
 * The command has a process group of its own. It is killed as a whole when it takes longer than LIMIT_S, when meter is
 * told to end, and when meter's parent dies.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_S 120
#define EXIT_TROUBLE 125

extern char **environ;

struct cost {
	uint64_t user_us, system_us;
	long largest_kib;
};

static volatile sig_atomic_t group;

static void on_end(int signum)
{
	if (group > 0)
		kill(-group, SIGKILL);
	_exit(signum == SIGALRM ? 124 : 128 + signum);
}

static _Noreturn void give_up(const char *what, int errnum)
{
	fprintf(stderr, "meter: %s: %s\n", what, strerror(errnum));
	exit(EXIT_TROUBLE);
}

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int open_or_give_up(const char *file, int flags)
{
	int fd = open(file, flags | O_CLOEXEC, 0600);
	if (fd < 0)
		give_up(file, errno);
	return fd;
}

static void watch_for_the_end(void)
{
	const int signals[] = {SIGALRM, SIGHUP, SIGINT, SIGTERM};
	struct sigaction action = {.sa_handler = on_end};
	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &action, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* A shell has INT and QUIT ignored in what it starts in the background; the command is to see them as always. */
static pid_t start(char **command, int in_fd, int out_fd)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	pid_t pid;
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGINT);
	sigaddset(&defaults, SIGQUIT);
	int error = posix_spawnattr_init(&attributes);
	if (error == 0)
		error = posix_spawn_file_actions_init(&actions);
	if (error == 0)
		error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
	if (error == 0)
		error = posix_spawnattr_setpgroup(&attributes, 0);
	if (error == 0)
		error = posix_spawnattr_setsigdefault(&attributes, &defaults);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, in_fd, STDIN_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawnp(&pid, command[0], &actions, &attributes, command, environ);
	if (error != 0)
		give_up(command[0], error);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return pid;
}

static uint64_t us_of(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

/* Waits for pid, or with -1 for any child, and adds what it took. false: there is none. */
static int wait_for(pid_t pid, struct cost *cost, int *ret_status)
{
	struct rusage usage;
	pid_t ended;
	while ((ended = wait4(pid, ret_status, 0, &usage)) < 0 && errno == EINTR)
		;
	if (ended < 0)
		return 0;
	cost->user_us += us_of(usage.ru_utime);
	cost->system_us += us_of(usage.ru_stime);
	if (usage.ru_maxrss > cost->largest_kib)
		cost->largest_kib = usage.ru_maxrss;
	return 1;
}

/* Waits until pid has ended, and leaves it to be waited for: what the kernel has counted for it alone. */
static uint64_t own_us(pid_t pid)
{
	siginfo_t info;
	char path[64];
	uint64_t run_ns = 0;
	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	snprintf(path, sizeof path, "/proc/%ld/schedstat", (long)pid);
	FILE *file = fopen(path, "r");
	if (file && fscanf(file, "%" SCNu64, &run_ns) != 1)
		run_ns = 0;
	if (file)
		fclose(file);
	return run_ns / 1000;
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: meter INPUT OUTPUT COMMAND [ARG]...\n");
		return EXIT_TROUBLE;
	}
	struct cost cost = {0};
	int status = 0, orphan_status;
	int in_fd = open_or_give_up(argv[1], O_RDONLY);
	int out_fd = open_or_give_up(argv[2], O_WRONLY | O_CREAT | O_TRUNC);
	watch_for_the_end();
	alarm(LIMIT_S);
	int64_t begin_ns = now_ns();
	pid_t pid = start(argv + 3, in_fd, out_fd);
	group = pid;
	uint64_t supervisor_us = own_us(pid);
	int64_t wall_ns = now_ns() - begin_ns;
	if (!wait_for(pid, &cost, &status))
		give_up("wait4", errno);
	while (wait_for(-1, &cost, &orphan_status))
		;
	printf("%" PRId64 " %" PRIu64 " %" PRIu64 " %ld %d %" PRIu64 "\n", wall_ns, cost.user_us, cost.system_us,
	       cost.largest_kib, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), supervisor_us);
	return fflush(stdout) == 0 ? 0 : EXIT_TROUBLE;
}
