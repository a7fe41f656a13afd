/* SPDX-License-Identifier: Apache-2.0 */
/* segment - see segment.h. The only file that calls shm_open and memfd_create. */
#include "config.h"

#include "shm/segment.h"

#include "core/base/limit.h"
#include "core/base/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SEGMENT_FOLDER "/dev/shm"
#define SEGMENT_PREFIX "rota."
#define NODES_MAX 1024 /* the most that Linux can be built for */
#define LONG_BITS (8 * sizeof(long))

size_t segment_page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* When that process was started, in ticks since boot; 0 when there is no such process. */
static unsigned long long start_ticks(long pid)
{
	struct procfs_process process;
	return procfs_look((pid_t)pid, &process) ? process.start_ticks : 0;
}

/* 0 or an errno. A signal may interrupt it. */
static int reserve(int fd, size_t offset, size_t n_bytes)
{
	int errnum;
	while (n_bytes > 0 && (errnum = posix_fallocate(fd, (off_t)offset, (off_t)n_bytes)) != 0)
		if (errnum != EINTR)
			return errnum;
	return 0;
}

/*
 * Pages are where the thread that reserves them would have them, not the one that reads them first: so it wishes for
 * the other's node while it does. A kernel that knows no nodes, or forbids it, leaves them where they are.
 */
static int reserve_near(int fd, const struct segment_near *near)
{
	unsigned long mask[NODES_MAX / LONG_BITS] = {near->nodes}, old_mask[NODES_MAX / LONG_BITS] = {0};
	int old_mode = MPOL_DEFAULT;
	bool is_wished = near->nodes != 0 && syscall(SYS_get_mempolicy, &old_mode, old_mask, NODES_MAX, NULL, 0) == 0 &&
	                 syscall(SYS_set_mempolicy, MPOL_PREFERRED, mask, NODES_MAX) == 0;
	int errnum = reserve(fd, 0, near->n_bytes);
	if (is_wished && syscall(SYS_set_mempolicy, old_mode, old_mask, NODES_MAX) != 0 && errnum == 0)
		errnum = errno;
	return errnum;
}

static int reserve_all(int fd, size_t n_bytes, const struct segment_near *near)
{
	if (!near)
		return reserve(fd, 0, n_bytes);
	int errnum = reserve_near(fd, near);
	return errnum != 0 ? errnum : reserve(fd, near->n_bytes, n_bytes - near->n_bytes);
}

static int create_named(size_t n_bytes, const struct segment_near *near)
{
	static _Atomic unsigned counter;
	char name[96];
	snprintf(name, sizeof name, "/" SEGMENT_PREFIX "%ld.%llu.%u", (long)getpid(), start_ticks(getpid()),
	         atomic_fetch_add(&counter, 1u));
	int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return -1;
	if (shm_unlink(name) != 0) {
		int errnum = errno;
		close(fd);
		errno = errnum;
		return -1;
	}
	int errnum = reserve_all(fd, n_bytes, near);
	if (errnum != 0) {
		close(fd);
		errno = errnum;
		return -1;
	}
	return fd;
}

static int create_sealed(size_t n_bytes, const struct segment_near *near)
{
	int fd = memfd_create("rota", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	int errnum = reserve_all(fd, n_bytes, near);
	if (errnum == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		errnum = errno;
	if (errnum != 0) {
		close(fd);
		errno = errnum;
		return -1;
	}
	return fd;
}

int segment_create(size_t n_bytes, const struct segment_near *near, int *ret_fd, const char **ret_why_memfd,
                   struct err *err)
{
	*ret_why_memfd = "";
	int fd = create_named(n_bytes, near);
	if (fd < 0) {
		int errnum = errno;
		fd = create_sealed(n_bytes, near);
		unsigned long long limit_bytes;
		/* threads would need it, too */
		if (fd < 0 && errno == EFBIG && limit_file_bytes(&limit_bytes))
			return err_set(err, ERR_RUN,
			               "%zu bytes of shared memory exceed the file-size limit of %llu bytes (ulimit -f): raise it",
			               n_bytes, limit_bytes);
		if (fd < 0)
			return err_set_errno(err, ERR_RESOURCE, errnum,
			                     "cannot create %zu bytes of shared memory (nor a memfd: %s)", n_bytes,
			                     strerror(errno));
		*ret_why_memfd = strerror(errnum);
	}
	*ret_fd = fd;
	return 0;
}

/* Maps n_bytes of the object from offset at an address inside of our own reservation. */
static int map_at(unsigned char *address, size_t n_bytes, int fd, off_t offset, struct err *err)
{
	void *got = mmap(address, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset);
	if (got == MAP_FAILED)
		return err_set_errno(err, ERR_RESOURCE, errno, "cannot map %zu bytes of shared memory", n_bytes);
	return 0;
}

int segment_map(int fd, size_t control_bytes, const size_t *ring_bytes, size_t n_rings, struct segment_map *ret,
                unsigned char **ret_rings, struct err *err)
{
	struct segment_map map = {.mapped_bytes = control_bytes};
	for (size_t i = 0; i < n_rings; i++)
		map.mapped_bytes += 2 * ring_bytes[i];
	map.base = mmap(NULL, map.mapped_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map.base == MAP_FAILED)
		return err_set_errno(err, ERR_RESOURCE, errno, "cannot reserve %zu bytes of address space", map.mapped_bytes);
	unsigned char *at = map.base;
	off_t offset = 0;
	if (map_at(at, control_bytes, fd, offset, err) != 0)
		goto fail;
	at += control_bytes;
	offset += (off_t)control_bytes;
	for (size_t i = 0; i < n_rings; i++) {
		if (map_at(at, ring_bytes[i], fd, offset, err) != 0 ||
		    map_at(at + ring_bytes[i], ring_bytes[i], fd, offset, err) != 0)
			goto fail;
		ret_rings[i] = at;
		at += 2 * ring_bytes[i];
		offset += (off_t)ring_bytes[i];
	}
	*ret = map;
	return 0;
fail:
	segment_unmap(&map);
	return -1;
}

void segment_unmap(struct segment_map *map)
{
	int errnum = errno;
	if (map->base)
		munmap(map->base, map->mapped_bytes);
	map->base = NULL;
	errno = errnum;
}

int segment_sweep(void)
{
	DIR *folder = opendir(SEGMENT_FOLDER);
	if (!folder)
		return 0;
	int n_removed = 0;
	for (struct dirent *entry; (entry = readdir(folder));) {
		long pid;
		unsigned long long ticks;
		unsigned counter;
		int n_used = 0;
		if (sscanf(entry->d_name, SEGMENT_PREFIX "%ld.%llu.%u%n", &pid, &ticks, &counter, &n_used) != 3 ||
		    entry->d_name[n_used] != '\0' || ticks == 0 || start_ticks(getpid()) == 0)
			continue;
		if (start_ticks(pid) != ticks && unlinkat(dirfd(folder), entry->d_name, 0) == 0)
			n_removed++;
	}
	closedir(folder);
	return n_removed;
}
