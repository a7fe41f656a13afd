/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fileid - which file a name means, whatever the name: through symbolic links, by another folder, by a hard link; also
 * of a file that isn't there yet, and of a name that means a descriptor.
 *
 *   fileid_of_name or fileid_of_fd, fileid_is_same, fileid_fini; fileid_real_name; fileid_descriptor,
 *   fileid_is_others_descriptor
 *
 * Only files that keep what is written to them have an identity: regular ones and block devices. /dev/null, terminals
 * and pipes may be shared, so they are never the same as anything. Thread-safe.
 */
#ifndef BASE_FILEID_H
#define BASE_FILEID_H

#include <stdbool.h>
#include <sys/types.h>

enum fileid_kind {
	FILEID_NONE,   /* nothing that two could spoil for each other, or it can't be looked at: errnum */
	FILEID_FILE,   /* it is there: device and inode say which */
	FILEID_FUTURE, /* a file of that name would be made: device and inode are those of its folder */
};

struct fileid {
	enum fileid_kind kind;
	dev_t device;
	ino_t inode;
	char *name; /* FILEID_FUTURE: in its folder; owned; else NULL */
	int errnum; /* why the name leads to no file (ENOENT where one would be made), or 0 */
};

struct fileid fileid_of_name(const char *name);
struct fileid fileid_of_fd(int fd);
bool fileid_is_same(const struct fileid *one, const struct fileid *other);
void fileid_fini(struct fileid *id);

/*
 * The name without symbolic links, also of a file that isn't there yet: then of its folder, with what its name in it
 * would be (dangling links are followed). The caller's (free); NULL with errno.
 */
char *fileid_real_name(const char *name);

/*
 * The descriptor of this process that a name means: /dev/stdin, /dev/stdout, /dev/stderr, /dev/fd/N, /proc/self/fd/N
 * and links to them. -1: none of them. Opening such a name would open the file behind it once more, from its beginning.
 */
int fileid_descriptor(const char *name);

/* Does it mean a descriptor of another process: /proc/PID/fd/N, or a link to one? */
bool fileid_is_others_descriptor(const char *name);

#endif
