/* SPDX-License-Identifier: Apache-2.0 */
/* procfs - see procfs.h. */
#include "config.h"

#include "core/base/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_BYTES 64

size_t procfs_read(const char *file, char *text, size_t n_bytes)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;
	if (fd >= 0) {
		n = read(fd, text, n_bytes - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

int procfs_write(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = write(fd, text, strlen(text));
	int errnum = errno;
	close(fd);
	errno = errnum;
	return n < 0 ? -1 : 0;
}

/* PID (NAME) STATE PARENT ...: the name may hold anything, brackets too. */
bool procfs_look(pid_t pid, struct procfs_process *ret)
{
	char path[PATH_BYTES], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (procfs_read(path, text, sizeof text) == 0)
		return false;
	const char *at = strrchr(text, ')');
	if (!at || at[1] != ' ' || at[2] == '\0')
		return false;
	*ret = (struct procfs_process){.pid = pid, .state = at[2]};
	at += 2;
	for (int field = 4; field <= 28; field++) {
		at = strchr(at, ' ');
		if (!at)
			return false;
		at++;
		if (field == 4)
			ret->parent = (pid_t)strtol(at, NULL, 10);
		else if (field == 6)
			ret->session = (pid_t)strtol(at, NULL, 10);
		else if (field == 20)
			ret->is_dead = (ret->state == 'Z' || ret->state == 'X') && strtol(at, NULL, 10) <= 1;
		else if (field == 22)
			ret->start_ticks = strtoull(at, NULL, 10);
		else if (field == 28)
			ret->start_stack = strtoull(at, NULL, 10);
	}
	return true;
}

struct procfs_children procfs_children_open(pid_t pid, pid_t thread)
{
	struct procfs_children children = {.fd = -1};
	char path[PATH_BYTES];
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)thread);
	children.fd = open(path, O_RDONLY | O_CLOEXEC);
	return children;
}

/* The next byte; 0 at the end, where the list closes itself. */
static char children_byte(struct procfs_children *children)
{
	if (children->at == children->n_bytes && children->fd >= 0) {
		ssize_t n = read(children->fd, children->text, sizeof children->text);
		children->at = 0;
		children->n_bytes = n > 0 ? (size_t)n : 0;
		if (n <= 0) {
			close(children->fd);
			children->fd = -1;
		}
	}
	return children->at < children->n_bytes ? children->text[children->at++] : '\0';
}

/* Every number is followed by a space. */
pid_t procfs_children_next(struct procfs_children *children)
{
	pid_t pid = 0;
	for (char byte; (byte = children_byte(children)) != '\0' && byte != ' ';)
		pid = pid * 10 + (byte - '0');
	return pid;
}

/* folder_fd: of the folder that is being read. */
typedef void number_f(int number, int folder_fd, void *arg);

/* Calls for each name in the folder that is a number. Without opendir, which takes memory. Is the folder there? */
static bool each_number(const char *path, number_f *call, void *arg)
{
	alignas(struct dirent64) char entries[4096];
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	for (long n_bytes; (n_bytes = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0;) {
		for (long at = 0; at < n_bytes;) {
			const struct dirent64 *entry = (const struct dirent64 *)(const void *)(entries + at);
			int number = (int)strtol(entry->d_name, NULL, 10);
			if (entry->d_name[0] != '.')
				call(number, fd, arg);
			at += entry->d_reclen;
		}
	}
	close(fd);
	return true;
}

struct threads {
	pid_t *all;
	size_t n;
};

static void add_thread(int number, int folder_fd, void *arg)
{
	struct threads *threads = arg;
	(void)folder_fd;
	if (threads->n < PROCFS_THREADS_MAX)
		threads->all[threads->n++] = (pid_t)number;
}

size_t procfs_threads(pid_t pid, pid_t ret[PROCFS_THREADS_MAX])
{
	char path[PATH_BYTES];
	struct threads threads = {ret, 0};
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	return each_number(path, add_thread, &threads) ? threads.n : 0;
}

static void close_late(int number, int folder_fd, void *arg)
{
	const int *first = arg;
	if (number >= *first && number != folder_fd)
		close(number);
}

/* The list is by number, so closing one that was told changes nothing of what follows. */
void procfs_close_from(int first)
{
	struct rlimit limit;
	if (each_number("/proc/self/fd", close_late, &first) || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	for (rlim_t fd = (rlim_t)first; fd < limit.rlim_cur && fd <= INT_MAX; fd++)
		close((int)fd);
}
