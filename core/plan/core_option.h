/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core_option - rota's own options in one table: the keys of a job and of `run:` in a conf file, and the long options
 * of the command line, in the order of the help.
 */
#ifndef PLAN_CORE_OPTION_H
#define PLAN_CORE_OPTION_H

#include "core/base/option.h"

#include <stdbool.h>
#include <stddef.h>

/* Where each may stand. */
enum core_flag {
	CORE_JOB = 1 << 0,      /* a key of a job, and an option of map, exec and run (there it holds for every job) */
	CORE_COMMAND = 1 << 1,  /* an option of map, exec and run only: progress, dry-run */
	CORE_RUN_KEY = 1 << 2,  /* a key of the conf file's `run:` */
	CORE_CONF = 1 << 3,     /* a key of a job that is no option: plugin, options, after */
	CORE_ANYWHERE = 1 << 4, /* an option of every command: quiet, verbose, help */
	CORE_SET = 1 << 5,      /* an option of run only: set */
	CORE_FAILURES = 1 << 6, /* an option of failures: json, items, null */
	CORE_TRY = 1 << 7       /* an option of try: null */
};

struct core_option {
	struct option_spec spec;
	char letter; /* of the short option, or 0 */
	unsigned flags;
	bool has_argument;      /* on the command line; without one it means "yes" */
	char other_letter;      /* a second short option that people's fingers know, or 0 */
	const char *other_name; /* a second long option, or NULL */
};

const struct core_option *core_options(size_t *ret_n);

/* The option of that name (or other_name) that has one of the flags; NULL when there is none. */
const struct core_option *core_option_find(const char *name, unsigned flags);

/* The place of an option in the table: what struct job.given counts in bits. */
size_t core_option_index(const struct core_option *option);

/* The name nearest to a misspelt one among those that have one of the flags, or NULL. */
const char *core_option_nearest(const char *word, unsigned flags);

#endif
