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
	return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_dev == named.st_dev &&
	       ours.st_ino == named.st_ino;
}

static pid_t read_owner(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return (pid_t)strtol(text, NULL, 10);
}

static int write_owner(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n ? 0 : -1;
}

int lockfile_take(struct lockfile *ret, const char *path, pid_t *ret_owner, struct err *err)
{
	struct lockfile lockfile = {.fd = -1, .path = strdup(path)};
	*ret_owner = 0;
	if (!lockfile.path)
		return err_set(err, ERR_RUN, "out of memory");
	for (;;) {
		lockfile.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
		if (lockfile.fd < 0) {
			err_set_errno(err, ERR_RUN, errno, "cannot make the lock file %s", path);
			break;
		}
		if (flock(lockfile.fd, LOCK_EX | LOCK_NB) != 0) {
			if (errno == EWOULDBLOCK)
				*ret_owner = read_owner(lockfile.fd);
			err_set_errno(err, errno == EWOULDBLOCK ? ERR_USAGE : ERR_RUN, errno, "cannot lock %s", path);
			break;
		}
		if (is_current(lockfile.fd, path)) {
			if (write_owner(lockfile.fd) == 0) {
				*ret = lockfile;
				return 0;
			}
			err_set_errno(err, ERR_RUN, errno, "cannot write %s", path);
			unlink(path);
			break;
		}
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
	unlink(lockfile->path);
	close(lockfile->fd);
	free(lockfile->path);
	*lockfile = (struct lockfile){.fd = -1};
}
