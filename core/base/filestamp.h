/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filestamp - is the file of a name still the one that it was: the same inode, as long and not written since.
 *
 *   filestamp_take, later filestamp_is_current
 *
 * A file that is written within the clock tick in which the stamp was taken, and keeps its length, isn't told apart.
 * Thread-safe.
 */
#ifndef BASE_FILESTAMP_H
#define BASE_FILESTAMP_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct filestamp {
	dev_t device;
	ino_t inode; /* 0: none was taken */
	off_t size_bytes;
	struct timespec changed; /* the contents, by the file system's clock */
};

/* All zeros where the file can't be looked at. */
struct filestamp filestamp_take(const char *file);

/* true for a stamp that wasn't taken, too: then nobody knows. */
bool filestamp_is_current(const struct filestamp *stamp, const char *file);

#endif
