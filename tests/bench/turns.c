/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns - one item at a time: turns WHERE COMMAND [ARG]... < ITEMS > RESULTS
 *
 * The command gets a line on its standard input, and the next when it has answered with one on its standard output, so
 * that what is measured is an item's way there and back. WHERE says on which processors that is:
 *
 *   one    all on the first
 *   two    all on the first, but for the command's last descendant, which works: it is moved to the second
 */
#define _GNU_SOURCE 1
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_BYTES 4096
#define EXIT_TROUBLE 125

extern char **environ;

static void fail(const char *what)
{
	fprintf(stderr, "turns: cannot %s: %m\n", what);
	exit(EXIT_TROUBLE);
}

static void stay_on(pid_t pid, int cpu)
{
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(pid, sizeof cpus, &cpus) != 0)
		fail("choose a processor (this takes the processors 0 and 1)");
}

/* The first child of the first child ... */
static pid_t last_descendant(pid_t pid)
{
	char name[64];
	int child;
	for (;;) {
		snprintf(name, sizeof name, "/proc/%d/task/%d/children", (int)pid, (int)pid);
		FILE *file = fopen(name, "r");
		int n = file ? fscanf(file, "%d", &child) : 0;
		if (file)
			fclose(file);
		if (n != 1)
			return pid;
		pid = child;
	}
}

static pid_t start(char **argv, int *ret_to, int *ret_from)
{
	posix_spawn_file_actions_t actions;
	int to[2], from[2];
	pid_t pid;
	if (pipe(to) != 0 || pipe(from) != 0)
		fail("make a pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
	for (int i = 0; i < 2; i++) {
		posix_spawn_file_actions_addclose(&actions, to[i]);
		posix_spawn_file_actions_addclose(&actions, from[i]);
	}
	if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) != 0)
		fail(argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	close(to[0]);
	close(from[1]);
	*ret_to = to[1];
	*ret_from = from[0];
	return pid;
}

static void take_turn(int to, int from, const char *line, size_t n_bytes)
{
	char answer[LINE_BYTES];
	size_t n_there = 0;
	if (write(to, line, n_bytes) != (ssize_t)n_bytes)
		fail("write an item");
	while (n_there == 0 || answer[n_there - 1] != '\n') {
		ssize_t n = n_there < sizeof answer ? read(from, answer + n_there, sizeof answer - n_there) : 0;
		if (n <= 0)
			fail("read a result");
		n_there += (size_t)n;
	}
	fwrite(answer, 1, n_there, stdout);
}

int main(int argc, char **argv)
{
	static const char *const places[] = {"one", "two"};
	char line[LINE_BYTES];
	int where = 0, to, from, status;
	while (where < 2 && argc > 2 && strcmp(argv[1], places[where]) != 0)
		where++;
	if (argc < 3 || where == 2) {
		fprintf(stderr, "usage: turns one|two COMMAND [ARG]... < ITEMS > RESULTS\n");
		return EXIT_TROUBLE;
	}
	stay_on(0, 0);
	pid_t pid = start(argv + 2, &to, &from);
	for (long n = 0; fgets(line, sizeof line, stdin); n++) {
		take_turn(to, from, line, strlen(line));
		if (n == 0 && where == 1) /* now it has all its processes */
			stay_on(last_descendant(pid), 1);
	}
	close(to);
	if (waitpid(pid, &status, 0) != pid || fflush(stdout) != 0)
		fail("end");
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_TROUBLE;
}
