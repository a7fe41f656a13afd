/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pss - runs a command and tells how much memory it took: pss FILE COMMAND [ARG]...
 *
 * FILE gets one number, the most that all of its processes had together, in KiB: each page is counted once, for as many
 * of them as share it (Pss of /proc/PID/smaps_rollup), looked at every PAUSE_NS. The exit status is the command's.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_NS 20000000
#define EXIT_TROUBLE 125

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "pss: %s: %s\n", what, strerror(errno));
	exit(EXIT_TROUBLE);
}

/* A process may be gone at any time: then it has nothing. */
static long own_kib(long pid)
{
	char path[64], line[256];
	long kib = 0;
	snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", pid);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "Pss: %ld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

/* With all that descend from it. */
static long tree_kib(long pid)
{
	char path[64];
	long kib = own_kib(pid), child;
	snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", pid, pid);
	FILE *file = fopen(path, "r");
	while (file && fscanf(file, "%ld", &child) == 1)
		kib += tree_kib(child);
	if (file)
		fclose(file);
	return kib;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: pss FILE COMMAND [ARG]...\n");
		return EXIT_TROUBLE;
	}
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	long most_kib = 0;
	int status;
	pid_t pid = fork(), ended = 0;
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		give_up(argv[2]);
	}
	if (pid < 0)
		give_up("fork");
	while (ended == 0) {
		long kib = tree_kib(pid);
		most_kib = kib > most_kib ? kib : most_kib;
		nanosleep(&pause, NULL);
		ended = waitpid(pid, &status, WNOHANG);
	}
	FILE *file = fopen(argv[1], "w");
	if (ended < 0 || !file || fprintf(file, "%ld\n", most_kib) < 0 || fclose(file) != 0)
		give_up(argv[1]);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
