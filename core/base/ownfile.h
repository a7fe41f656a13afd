/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ownfile - files that rota makes for itself beside a user's file. They are made exclusively, never through a link, and
 * never in the place of somebody else's.
 *
 *   ownfile_name, ownfile_clear, ownfile_make; ownfile_make_nameless; ownfile_sync_folder
 *
 * A file that is to take the place of FILE is FILE.MARK.new, where MARK is made of the file's name: so that what a kill
 * has left is found and removed the next time, and nobody else has a file of that name by accident. What has it all the
 * same, and is none of ours, is left alone, and said.
 */
#ifndef BASE_OWNFILE_H
#define BASE_OWNFILE_H

#include "core/base/err.h"

#include <sys/types.h>

/* FILE.MARK.new; file without symbolic links. The caller's (free); NULL: memory is short. */
char *ownfile_name(const char *file);

/* Removes what an earlier run has left. -1 (ERR_USAGE): something else has that name. */
int ownfile_clear(const char *name, struct err *err);

/* Makes it; the descriptor is for writing, or -1: something has that name, or it can't be made. */
int ownfile_make(const char *name, mode_t mode, struct err *err);

/* A file without a name, in the folder of that one, for reading and writing. The descriptor, or -1. */
int ownfile_make_nameless(const char *beside, struct err *err);

/*
 * So that a name that was made or renamed lasts; what can't be synced is as safe as the file system makes it. -1 with
 * errno: the disk fails.
 */
int ownfile_sync_folder(const char *file);

#endif
