/* SPDX-License-Identifier: Apache-2.0 */
/*
 * descriptor - what a descriptor leads to, and a description of our own for one that we share.
 *
 *   descriptor_share or open(2), descriptor_kind, descriptor_reopen where the kind asks for it, descriptor_widen
 */
#include "config.h"

#include "core/io/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define PIPE_BYTES (512 * 1024) /* every user may have so many, unless he has many such pipes */

int descriptor_kind(int fd)
{
	struct stat status;
	int saved_errno = errno;
	int kind;

	if (fstat(fd, &status) < 0)
		return -1;
	switch (status.st_mode & S_IFMT) {
	case S_IFREG:
	case S_IFBLK:
		return DESCRIPTOR_REGULAR;
	case S_IFDIR:
		return DESCRIPTOR_FOLDER;
	case S_IFIFO:
		return DESCRIPTOR_PIPE;
	case S_IFSOCK:
		return DESCRIPTOR_SOCKET;
	default:
		kind = isatty(fd) ? DESCRIPTOR_TERMINAL : DESCRIPTOR_DEVICE;
		errno = saved_errno;
		return kind;
	}
}

int descriptor_reopen(int fd, int access_mode)
{
	char path[64];
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -1;
	/* Opening /dev/ptmx makes a new pseudo-terminal: that is somebody else. */
	if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(5, 2)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, access_mode | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

void descriptor_widen(int fd)
{
	int saved_errno = errno;
	int held_bytes = fcntl(fd, F_GETPIPE_SZ);

	if (held_bytes >= 0 && held_bytes < PIPE_BYTES)
		fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
	errno = saved_errno;
}

int descriptor_share(int fd, int access_mode)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -1;
	if ((flags & O_ACCMODE) != access_mode && (flags & O_ACCMODE) != O_RDWR) {
		errno = EBADF;
		return -1;
	}
	return fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}
