/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refuse - the disk fails a call of rota's own rooms (not those of a library), and the order in which such calls came.
 * The test is linked with $(refuse_flags), which lead these calls here.
 *
 *   refuse_call("fsync", 2, EIO); what is tested; refuse_end(): whether it was refused. Then refuse_comes_before.
 *
 * One call is refused, the n-th of its name; then all go on. A close that is refused has closed, as with Linux.
 */
#ifndef TESTS_REFUSE_H
#define TESTS_REFUSE_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static struct refusal {
	const char *call; /* NULL: nothing is refused */
	unsigned n_before;
	int errnum; /* 0: the call does nothing, and says so */
	bool has_come;
	char order[4096]; /* of all calls since: "CALL NAME\n", the name without its folder */
	size_t n_order;
} refusal;

__attribute__((unused)) static void refuse_call(const char *call, unsigned nth, int errnum)
{
	refusal = (struct refusal){.call = call, .n_before = nth - 1, .errnum = errnum};
}

__attribute__((unused)) static bool refuse_end(void)
{
	refusal.call = NULL;
	return refusal.has_come;
}

/* Was the first such call before the first of the others? Both must have been. */
__attribute__((unused)) static bool refuse_comes_before(const char *one, const char *other)
{
	const char *first = strstr(refusal.order, one), *second = strstr(refusal.order, other);
	return first && second && first < second;
}

static bool refuse_look(const char *call, const char *path)
{
	const char *slash = strrchr(path, '/');
	int n = snprintf(refusal.order + refusal.n_order, sizeof refusal.order - refusal.n_order, "%s %s\n", call,
	                 slash ? slash + 1 : path);
	if (n > 0 && (size_t)n < sizeof refusal.order - refusal.n_order)
		refusal.n_order += (size_t)n;
	if (refusal.has_come || !refusal.call || strcmp(refusal.call, call) != 0 || refusal.n_before-- > 0)
		return false;
	refusal.has_come = true;
	errno = refusal.errnum;
	return true;
}

static bool refuse_look_at(const char *call, int fd)
{
	char link[40], path[512];
	int saved_errno = errno;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	path[n > 0 ? n : 0] = '\0';
	errno = saved_errno;
	return refuse_look(call, path);
}

#define REFUSED (refusal.errnum ? -1 : 0)

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	return refuse_look_at("fsync", fd) ? REFUSED : __real_fsync(fd);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	return refuse_look_at("fdatasync", fd) ? REFUSED : __real_fdatasync(fd);
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
	bool is_refused = refuse_look_at("close", fd);
	int result = __real_close(fd);
	if (is_refused)
		errno = refusal.errnum;
	return is_refused ? REFUSED : result;
}

int __real_ftruncate(int fd, off_t n_bytes);
int __wrap_ftruncate(int fd, off_t n_bytes);
int __wrap_ftruncate(int fd, off_t n_bytes)
{
	return refuse_look_at("ftruncate", fd) ? REFUSED : __real_ftruncate(fd, n_bytes);
}

ssize_t __real_writev(int fd, const struct iovec *parts, int n_parts);
ssize_t __wrap_writev(int fd, const struct iovec *parts, int n_parts);
ssize_t __wrap_writev(int fd, const struct iovec *parts, int n_parts)
{
	return refuse_look_at("writev", fd) ? REFUSED : __real_writev(fd, parts, n_parts);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
	return refuse_look("rename", from) ? REFUSED : __real_rename(from, to);
}

#endif
