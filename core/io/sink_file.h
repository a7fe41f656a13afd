/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink_file - a descriptor to write results to, and the way to write to it without waiting. For sink.c; and, for others
 * that write to standard output, where that is by now.
 */
#ifndef IO_SINK_FILE_H
#define IO_SINK_FILE_H

#include "core/base/err.h"
#include "core/plan/plan.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct sink_ops {
	const char *kind;
	bool may_wait; /* the descriptor is worth watching */
	/* The front of the queue: how many bytes it took (at least 1), or -1 with errno (EAGAIN: not now). NULL: drops. */
	ssize_t (*write)(int fd, const struct iovec *parts, int n_parts);
};

/* What becomes of what stands in a file. */
enum sink_file_mode {
	SINK_FILE_TRUNCATE, /* it is made when it isn't there */
	SINK_FILE_KEEP,     /* it must be there */
	SINK_FILE_KEEP_ANY  /* it is made when it isn't there */
};

/* Opens a file by name, or finds a way to write to a descriptor that was given. *ret_fd is the caller's to close. */
int sink_file_open(const struct endpoint *endpoint, const char *name, enum sink_file_mode mode, int *ret_fd,
                   const struct sink_ops **ret_ops, struct err *err);

/* The size of a regular file; -1: it is none. */
int64_t sink_file_bytes(int fd);

/* Cuts a regular file to so many bytes and goes on at its end; anything else is left alone. -1 with errno. */
int sink_file_cut(int fd, uint64_t n_bytes);

/* Takes the last bytes off a regular file at whose end we stand. -1: it is none, or it has grown. */
int sink_file_take_off(int fd, uint64_t n_bytes);

/* What was written is with the disk when it returns. What has no disk is left alone. -1 with errno. */
int sink_file_sync(int fd);

/* So that the name of a new file lasts, as ownfile_sync_folder has it. -1 with errno. */
int sink_file_sync_folder(int fd);

/*
 * From now on descriptor 1 is standard error; results still go where it led. For a process that runs plugin code: what
 * a plugin prints must not get among the results. Once is enough.
 */
int sink_file_divert_stdout(struct err *err);

/* The descriptor that standard output is by now. */
int sink_file_stdout(void);

#endif
