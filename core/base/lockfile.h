/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lockfile - a file that one process at a time has: flock(2) on it, and its process number in it for messages. A lock
 * ends with its process, however that ends; a file that a kill has left is simply taken. A file of that name that isn't
 * a lock file is left alone, and so is a link.
 *
 *   lockfile_take, lockfile_drop
 *
 * The file is removed by whoever has it, while it's still locked; so a lock counts only when the name still leads to
 * the file that was locked. One process; not inherited by programs that are started (close-on-exec), but by forks.
 */
#ifndef BASE_LOCKFILE_H
#define BASE_LOCKFILE_H

#include "core/base/err.h"

#include <sys/types.h>

struct lockfile {
	int fd; /* -1: none */
	char *path;
};

/* ERR_USAGE with *ret_owner set (0: not known) when another process has it. */
int lockfile_take(struct lockfile *ret, const char *path, pid_t *ret_owner, struct err *err);
void lockfile_drop(struct lockfile *lockfile);

#endif
