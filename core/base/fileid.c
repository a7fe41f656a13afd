/* SPDX-License-Identifier: Apache-2.0 */
/* fileid - see fileid.h. */
#include "config.h"

#include "core/base/fileid.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as many as the kernel follows */

/* Where the last part of a path begins. */
static size_t folder_bytes(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? (size_t)(slash - path) + 1 : 0;
}

/* The folder of a path, without symbolic links: the caller's (free), or NULL. */
static char *folder_real(const char *path)
{
	char folder[PATH_MAX + 2];
	if (snprintf(folder, sizeof(folder), "%.*s.", (int)folder_bytes(path), path) >= (int)sizeof(folder))
		return NULL;
	return realpath(folder, NULL);
}

/* Puts in the place of a path what its last part leads to as a link. 1; 0: it's no link; -1: too long. */
static int link_step(char path[PATH_MAX])
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return 0;
	target[n] = '\0';
	size_t at = target[0] == '/' ? 0 : folder_bytes(path);
	if (at + (size_t)n >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path + at, target, (size_t)n + 1);
	return 1;
}

static int path_copy(char path[PATH_MAX], const char *name)
{
	if (snprintf(path, PATH_MAX, "%s", name) < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/* The place where a file of that name would be made, one that isn't there. */
static char *future_name(const char *name)
{
	char path[PATH_MAX], *joined = NULL;
	int rc = path_copy(path, name) == 0 ? 1 : -1;
	for (int i = 0; rc > 0 && i < LINKS_MAX; i++)
		rc = link_step(path);
	if (rc > 0)
		errno = ELOOP;
	char *folder = rc == 0 ? folder_real(path) : NULL;
	if (folder && asprintf(&joined, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path + folder_bytes(path)) < 0)
		joined = NULL;
	free(folder);
	return joined;
}

char *fileid_real_name(const char *name)
{
	char *real = realpath(name, NULL);
	return real || errno != ENOENT ? real : future_name(name);
}

static struct fileid of_status(const struct stat *status)
{
	if (S_ISREG(status->st_mode))
		return (struct fileid){.kind = FILEID_FILE, .device = status->st_dev, .inode = status->st_ino};
	if (S_ISBLK(status->st_mode)) /* the same by each of its nodes */
		return (struct fileid){.kind = FILEID_FILE, .device = status->st_rdev};
	return (struct fileid){.kind = FILEID_NONE};
}

static struct fileid of_future(const char *name, int errnum)
{
	struct fileid id = {.kind = FILEID_NONE, .errnum = errnum};
	struct stat status;
	char *path = errnum == ENOENT ? future_name(name) : NULL;
	char *slash = path ? strrchr(path, '/') : NULL;
	if (slash && slash[1]) {
		id.name = strdup(slash + 1);
		slash[slash == path] = '\0'; /* that of the root stays */
	}
	if (id.name && stat(path, &status) == 0) {
		id.kind = FILEID_FUTURE;
		id.device = status.st_dev;
		id.inode = status.st_ino;
	}
	free(path);
	return id;
}

struct fileid fileid_of_name(const char *name)
{
	struct stat status;
	return stat(name, &status) == 0 ? of_status(&status) : of_future(name, errno);
}

struct fileid fileid_of_fd(int fd)
{
	struct stat status;
	return fstat(fd, &status) == 0 ? of_status(&status) : (struct fileid){.kind = FILEID_NONE, .errnum = errno};
}

bool fileid_is_same(const struct fileid *one, const struct fileid *other)
{
	if (one->kind == FILEID_NONE || one->kind != other->kind || one->device != other->device ||
	    one->inode != other->inode)
		return false;
	return one->kind == FILEID_FILE || strcmp(one->name, other->name) == 0;
}

void fileid_fini(struct fileid *id)
{
	free(id->name);
	*id = (struct fileid){.kind = FILEID_NONE};
}

/* --- descriptors -------------------------------------------------------------------------------------------------- */

/* A number as the kernel writes it, and nothing behind it; -1: none. */
static int number_of(const char *text)
{
	char *end;
	if (text[0] < '0' || text[0] > '9' || (text[0] == '0' && text[1]))
		return -1;
	errno = 0;
	long number = strtol(text, &end, 10);
	return errno || *end || number > INT_MAX ? -1 : (int)number;
}

/* What stands behind a prefix, or NULL. */
static const char *text_behind(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

/* The names by themselves: they mean it also where there is no /proc that could tell. */
static int descriptor_spelt(const char *path)
{
	static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"};
	for (int i = 0; i < 3; i++)
		if (strcmp(path, names[i]) == 0)
			return i;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		const char *behind = text_behind(path, folders[i]);
		if (behind)
			return number_of(behind);
	}
	return -1;
}

/* Of /proc/PID/fd and /proc/PID/task/TID/fd the PID; 0: it's another folder. */
static long folder_process(const char *folder)
{
	const char *behind = text_behind(folder, "/proc/");
	char *end;
	if (!behind || behind[0] < '1' || behind[0] > '9')
		return 0;
	long pid = strtol(behind, &end, 10);
	const char *task = text_behind(end, "/task/");
	const char *slash = task ? strchr(task, '/') : NULL;
	return strcmp(end, "/fd") == 0 || (slash && strcmp(slash, "/fd") == 0) ? pid : 0;
}

/* The descriptor that a name means, and whose: *ret_pid. -1: it's no such name. */
static int descriptor_of_any(const char *name, long *ret_pid)
{
	char path[PATH_MAX];
	if (path_copy(path, name) != 0)
		return -1;
	for (int i = 0; i < LINKS_MAX; i++) {
		int fd = descriptor_spelt(path);
		*ret_pid = (long)getpid();
		if (fd >= 0)
			return fd;
		char *folder = folder_real(path);
		*ret_pid = folder ? folder_process(folder) : 0;
		free(folder);
		fd = *ret_pid != 0 ? number_of(path + folder_bytes(path)) : -1;
		if (fd >= 0)
			return fd;
		if (link_step(path) <= 0)
			return -1;
	}
	return -1;
}

int fileid_descriptor(const char *name)
{
	long pid;
	int fd = descriptor_of_any(name, &pid);
	return fd >= 0 && pid == (long)getpid() ? fd : -1;
}

bool fileid_is_others_descriptor(const char *name)
{
	long pid;
	return descriptor_of_any(name, &pid) >= 0 && pid != (long)getpid();
}
