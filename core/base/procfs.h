/* SPDX-License-Identifier: Apache-2.0 */
/*
 * procfs - what the kernel says in small files of /proc, /sys or a cgroup: the only reader of /proc/PID/stat and of
 * the lists of children and threads, and one way to read or write any file that fits into a buffer.
 *
 *   procfs_read, procfs_write; procfs_look; procfs_children_open, procfs_children_next until 0; procfs_threads;
 *   procfs_close_from
 *
 * Nothing here takes memory from the heap or a lock: it may be called after a fork, and when a signal has come.
 */
#ifndef BASE_PROCFS_H
#define BASE_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCFS_THREADS_MAX 1024 /* of one process: more aren't listed */

/* At most n_bytes - 1 of a file, in one call, and a NUL. How many; 0: it can't be read, or is empty. */
size_t procfs_read(const char *file, char *text, size_t n_bytes);

/* In one call, too. -1 with errno. */
int procfs_write(const char *file, const char *text);

/* A process as /proc/PID/stat has it. */
struct procfs_process {
	pid_t pid, parent, session;
	char state;           /* of its first thread: R runs or waits for a processor, T is stopped */
	bool is_dead;         /* all its threads: the first one may have ended before the others */
	uint64_t start_ticks; /* since boot */
	uint64_t start_stack; /* of its image; 0: not to be seen */
};

/* false: it is gone, or /proc isn't there. */
bool procfs_look(pid_t pid, struct procfs_process *ret);

/* The children of one thread of a process. */
struct procfs_children {
	int fd; /* -1: at its end */
	char text[1024];
	size_t n_bytes, at;
};

/* One after another; 0 at the end, which must be reached: there it closes itself. */
struct procfs_children procfs_children_open(pid_t pid, pid_t thread);
pid_t procfs_children_next(struct procfs_children *children);

/* The threads of a process. How many; 0: it is gone. */
size_t procfs_threads(pid_t pid, pid_t ret[PROCFS_THREADS_MAX]);

/* Closes this process's descriptors from first on, as closefrom, which glibc has only from 2.34 on. Takes no memory. */
void procfs_close_from(int first);

#endif
