/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment - one shared-memory object: made, its name forgotten at once, its pages reserved, mapped.
 *
 *   segment_create, then the descriptor is handed over; segment_map on both sides; close(fd) on both sides;
 *   segment_unmap
 *
 * The object lives as long as somebody has it mapped or open, and no longer. shm_open with a name that carries pid
 * and start time; where /dev/shm is missing, forbidden or too small, a memfd with its size sealed serves the same.
 * Pages are reserved by posix_fallocate: a full file system is an error here, never a SIGBUS later. A name that a
 * kill between shm_open and shm_unlink left behind is removed by the next run (segment_sweep).
 */
#ifndef SHM_SEGMENT_H
#define SHM_SEGMENT_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the kernel maps: 4, 16 or 64 KiB. Offsets and sizes of what is mapped are multiples of it. */
size_t segment_page_bytes(void);

/*
 * Where a part of it should be: pages of [0, n_bytes) are of a NUMA node in nodes (bit n: node n) as long as it
 * has any and the kernel allows the wish. The rest is of whatever is near to the caller.
 */
struct segment_near {
	size_t n_bytes;
	uint64_t nodes; /* 0: no wish */
};

/*
 * near: NULL is no wish. *ret_fd is close-on-exec and the caller's. ret_why_memfd: an empty string, or why /dev/shm
 * couldn't be used (a static text or strerror's). ERR_RESOURCE when neither is to be had.
 */
int segment_create(size_t n_bytes, const struct segment_near *near, int *ret_fd, const char **ret_why_memfd,
                   struct err *err);

/*
 * Maps control_bytes once, then each of the n_rings rings (sizes in ring_bytes, whole pages) twice in a row.
 * rets: ret_rings[i] is where ring i begins. All is one range of addresses.
 */
struct segment_map {
	void *base;
	size_t mapped_bytes;
};
int segment_map(int fd, size_t control_bytes, const size_t *ring_bytes, size_t n_rings, struct segment_map *ret,
                unsigned char **ret_rings, struct err *err);
void segment_unmap(struct segment_map *map); /* nothing when it isn't mapped */

/* Removes names left behind by runs that are gone. Returns how many. Never touches those of a run that lives. */
int segment_sweep(void);

#endif
