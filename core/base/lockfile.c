/* SPDX-License-Identifier: Apache-2.0 */
/* lockfile - see lockfile.h. */
#include "config.h"

#include "core/base/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Does the name still lead to the file that is locked? */
static bool is_current(int fd, const char *path)
{
	struct stat ours, named;
	return fstat(fd, &ours) == 0 && lstat(path, &named) == 0 && ours.st_dev == named.st_dev &&
	       ours.st_ino == named.st_ino;
}

#define HEAD "rota: in use by process "
#define TEXT_BYTES 64

/* How many bytes the file has for a text of ours. */
static size_t read_text(int fd, char text[TEXT_BYTES])
{
	ssize_t n = pread(fd, text, TEXT_BYTES - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static pid_t read_owner(int fd)
{
	char text[TEXT_BYTES];
	read_text(fd, text);
	return strncmp(text, HEAD, strlen(HEAD)) == 0 ? (pid_t)strtol(text + strlen(HEAD), NULL, 10) : 0;
}

static int write_owner(int fd)
{
	char text[TEXT_BYTES];
	int n = snprintf(text, sizeof text, HEAD "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0)
		return -1;
	/* after a short write the next one says why */
	for (ssize_t at = 0, n_put; at < n; at += n_put)
		if ((n_put = pwrite(fd, text + at, (size_t)(n - at), at)) <= 0)
			return -1;
	return 0;
}

/* A kill has left it: our words stand in it, or nothing yet. Anything else is somebody's who has that name, too. */
static bool is_ours(int fd)
{
	char text[TEXT_BYTES];
	struct stat status;
	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       (status.st_size == 0 || (read_text(fd, text) > 0 && strncmp(text, HEAD, strlen(HEAD)) == 0));
}

static int in_the_way(const char *path, struct err *err)
{
	return err_set(err, ERR_RUN,
	               "%s is in the way: rota needs that name for a lock file, and this isn't one; move it away", path);
}

/* What is locked and still has that name becomes ours. 1: it lost its name. */
static int own(const struct lockfile *lockfile, struct err *err)
{
	if (!is_current(lockfile->fd, lockfile->path))
		return 1;
	if (!is_ours(lockfile->fd))
		return in_the_way(lockfile->path, err);
	if (write_owner(lockfile->fd) == 0)
		return 0;
	err_set_errno(err, ERR_RUN, errno, "cannot write %s", lockfile->path);
	unlink(lockfile->path);
	return -1;
}

int lockfile_take(struct lockfile *ret, const char *path, pid_t *ret_owner, struct err *err)
{
	struct lockfile lockfile = {.fd = -1, .path = strdup(path)};
	*ret_owner = 0;
	if (!lockfile.path)
		return err_set(err, ERR_RESOURCE, "out of memory");
	for (;;) {
		lockfile.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
		if (lockfile.fd < 0) {
			if (errno == ELOOP)
				in_the_way(path, err);
			else
				err_set_errno(err, ERR_RUN, errno, "cannot create the lock file %s", path);
			break;
		}
		if (flock(lockfile.fd, LOCK_EX | LOCK_NB) != 0) {
			int errnum = errno;
			if (errnum == EWOULDBLOCK)
				*ret_owner = read_owner(lockfile.fd);
			err_set_errno(err, errnum == EWOULDBLOCK ? ERR_USAGE : ERR_RUN, errnum, "cannot lock %s", path);
			break;
		}
		int result = own(&lockfile, err);
		if (result == 0) {
			*ret = lockfile;
			return 0;
		}
		if (result < 0)
			break;
		/* it was removed by the one who had it, between our open and our lock: there may be a new one */
		close(lockfile.fd);
	}
	if (lockfile.fd >= 0)
		close(lockfile.fd);
	free(lockfile.path);
	return -1;
}

void lockfile_drop(struct lockfile *lockfile)
{
	if (lockfile->fd < 0)
		return;
	if (is_current(lockfile->fd, lockfile->path))
		unlink(lockfile->path);
	close(lockfile->fd);
	free(lockfile->path);
	*lockfile = (struct lockfile){.fd = -1};
}
