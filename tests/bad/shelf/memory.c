/* SPDX-License-Identifier: Apache-2.0 */
/* Faults in memory and files that aren't the plugin's own. */
#define _GNU_SOURCE 1
#include "tests/bad/shelf/shelf.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Fills every shared writable mapping with what next_byte gives. */
static void scribble(unsigned char (*next_byte)(void))
{
	FILE *maps = fopen("/proc/self/maps", "re");
	if (!maps)
		abort();
	char line[PATH_MAX + 100];
	while (fgets(line, sizeof(line), maps)) {
		uintptr_t first, end;
		char mode[5];
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &first, &end, mode) == 3 && !strcmp(mode, "rw-s")) {
			for (volatile unsigned char *at = (volatile unsigned char *)first; (uintptr_t)at < end; at++)
				*at = next_byte();
		}
	}
	fclose(maps);
}

static unsigned char zero(void)
{
	return 0;
}

static unsigned char garbage(void)
{
	static uint32_t seed = 2463534242;
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return (unsigned char)seed;
}

static int fault_garbage(struct rota_task *task)
{
	(void)task;
	scribble(garbage);
	return GO_ON;
}

static int fault_zeros(struct rota_task *task)
{
	(void)task;
	scribble(zero);
	return GO_ON;
}

/* A child that goes on with it while its parent answers, and answers, until somebody ends it. */
static void scribble_on(void)
{
	for (;;) {
		scribble(garbage);
		scribble(zero);
	}
}

static int fault_child_scribble(struct rota_task *task)
{
	pid_t child = fork();
	if (child == 0)
		scribble_on();
	return child < 0 ? rota_fail(task, "cannot fork") : GO_ON;
}

/* The same by one that is nobody's child any more, and that has begun when its parent answers. */
static int fault_daemon_scribble(struct rota_task *task)
{
	int begun[2];
	char byte;
	if (pipe(begun))
		return rota_fail(task, "cannot make a pipe");
	pid_t child = fork();
	if (child == 0) {
		setsid();
		if (fork() == 0 && write(begun[1], "", 1) == 1)
			scribble_on();
		_exit(0);
	}
	bool has_begun = child > 0 && waitpid(child, NULL, 0) == child && read(begun[0], &byte, 1) == 1;
	close(begun[0]);
	close(begun[1]);
	return has_begun ? GO_ON : rota_fail(task, "cannot fork");
}

/* Cuts every file in shared memory that it has a descriptor of, or that it finds one of. */
static int fault_truncate(struct rota_task *task)
{
	(void)task;
	DIR *folder = opendir("/proc/self/fd");
	if (!folder)
		abort();
	for (struct dirent *entry; (entry = readdir(folder));) {
		char target[PATH_MAX];
		ssize_t n = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		if (!strncmp(target, "/dev/shm/", 9) || !strncmp(target, "/memfd:", 7)) {
			if (ftruncate(atoi(entry->d_name), 0))
				continue;
		}
	}
	closedir(folder);
	return GO_ON;
}

const struct shelf_fault shelf_memory[] = {
	{"garbage", fault_garbage},
	{"zeros", fault_zeros},
	{"child-scribble", fault_child_scribble},
	{"daemon-scribble", fault_daemon_scribble},
	{"truncate", fault_truncate},
	{NULL, NULL},
};
