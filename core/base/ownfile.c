/* SPDX-License-Identifier: Apache-2.0 */
/* ownfile - see ownfile.h. */
#include "config.h"

#include "core/base/ownfile.h"

#include "core/base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int folder_bytes(const char *file)
{
	const char *slash = strrchr(file, '/');
	return slash ? (int)(slash - file) + 1 : 0;
}

/* By the name in its folder: the mark stays when that is moved. */
char *ownfile_name(const char *file)
{
	const char *base = file + folder_bytes(file);
	char *name = NULL;
	struct digest_state state;
	digest_init(&state);
	digest_add(&state, "rota", sizeof("rota"));
	digest_add(&state, base, strlen(base));
	return asprintf(&name, "%s.%016" PRIx64 ".new", file, digest_value(&state).low) < 0 ? NULL : name;
}

static int in_the_way(const char *name, const char *what, struct err *err)
{
	return err_set(err, ERR_USAGE,
	               "%s is in the way: rota needs that name for a file of its own, and this is %s; move it away", name,
	               what);
}

int ownfile_clear(const char *name, struct err *err)
{
	struct stat status;
	if (lstat(name, &status) != 0)
		return errno == ENOENT ? 0 : err_set_errno(err, ERR_RUN, errno, "cannot create %s", name);
	if (!S_ISREG(status.st_mode))
		return in_the_way(name, S_ISLNK(status.st_mode) ? "a link" : "not a regular file", err);
	if (unlink(name) != 0 && errno != ENOENT)
		return err_set_errno(err, ERR_RUN, errno, "cannot remove %s, which an earlier run left behind", name);
	return 0;
}

int ownfile_make(const char *name, mode_t mode, struct err *err)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, mode);
	if (fd < 0 && errno == EEXIST)
		return in_the_way(name, "another's", err);
	return fd < 0 ? err_set_errno(err, ERR_RUN, errno, "cannot create %s", name) : fd;
}

/* Where the file system knows no files without names: one that nobody else has, for an instant. */
static int make_unnamed(const char *beside)
{
	const int n_chosen = 6; /* by mkostemp, in the place of as many letters X */
	char *name = NULL;
	int n_bytes = asprintf(&name, "%s.%0*d", beside, n_chosen, 0);
	if (n_bytes < 0)
		return -1;
	memset(name + n_bytes - n_chosen, 'X', (size_t)n_chosen);
	int fd = mkostemp(name, O_CLOEXEC), errnum = errno;
	if (fd >= 0)
		unlink(name);
	free(name);
	errno = errnum;
	return fd;
}

int ownfile_make_nameless(const char *beside, struct err *err)
{
	char *folder = NULL;
	if (asprintf(&folder, "%.*s.", folder_bytes(beside), beside) < 0)
		return err_set(err, ERR_RESOURCE, "out of memory");
	int fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT || errno == EINVAL))
		fd = make_unnamed(beside);
	if (fd < 0)
		err_set_errno(err, ERR_RUN, errno, "cannot create a file beside %s", beside);
	free(folder);
	return fd;
}

/* A folder that may not be read, and a file system that can't do it, are no failure of the disk's. */
int ownfile_sync_folder(const char *file)
{
	char *folder = NULL;
	int fd = asprintf(&folder, "%.*s.", folder_bytes(file), file) < 0
	             ? -1
	             : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return 0;
	int result = fsync(fd), saved_errno = errno;
	close(fd);
	errno = saved_errno;
	return result == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP ? 0 : -1;
}
