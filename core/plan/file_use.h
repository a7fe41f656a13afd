/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_use - which files a run uses, and as what: conf file, inputs, plugins, outputs and what takes their place, the
 * journal and what stands beside it, the job log, and the files that the standard streams are. What is wrong with them
 * is for plan_files.
 *
 *   file_uses_gather, file_uses_find ..., file_uses_fini
 *
 * Invariants: a use's identity is that of the file when it was gathered; a job's uses stand in the order input, plugin,
 * output, and jobs in the plan's order.
 */
#ifndef PLAN_FILE_USE_H
#define PLAN_FILE_USE_H

#include "core/base/fileid.h"
#include "core/plan/plan.h"

#include <stdbool.h>
#include <stddef.h>

/* In this order: what is read, then what is written (file_use_is_written). */
enum file_role {
	ROLE_STREAM, /* a standard stream: whoever started rota has it */
	ROLE_CONF,
	ROLE_INPUT,
	ROLE_PLUGIN,
	ROLE_OUTPUT,
	ROLE_NEW_OUTPUT, /* takes the output's place */
	ROLE_JOURNAL,
	ROLE_BESIDE, /* the journal */
	ROLE_JOBLOG
};

/* One file in one role. */
struct file_use {
	enum file_role role;
	char *name;            /* as the user calls it; owned */
	const struct job *job; /* whose it is, or NULL */
	struct place place;
	struct fileid id; /* owned */
	int fd;           /* the descriptor that the name means, or -1 */
};

struct file_uses {
	struct file_use *all;
	size_t n;
	bool is_short; /* memory is */
};

/* All of a plan's. Where memory is short is_short says so. */
void file_uses_gather(struct file_uses *uses, const struct plan *plan);
void file_uses_fini(struct file_uses *uses);

/* The first of that role and job; NULL: none. */
const struct file_use *file_uses_find(const struct file_uses *uses, enum file_role role, const struct job *job);

bool file_use_is_written(const struct file_use *use);

/* For a message: "the input of job 'one'". Returns text. */
#define FILE_USE_NAME_BYTES 300
const char *file_use_name(const struct file_use *use, char text[FILE_USE_NAME_BYTES]);

/* The first word of a message about it: the key of the conf file or the command line. NULL: it has none. */
const char *file_use_key(const struct file_use *use);

/* Does a name mean a descriptor: "-", or /dev/fd/N and its like? */
bool file_use_means_descriptor(const char *name);

#endif
