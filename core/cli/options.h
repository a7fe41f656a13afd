/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options - the command line of one command, read by getopt_long from the core options' table. What belongs to jobs is
 * kept in its order for plan's job_set; the rest is typed here.
 *
 *   options_parse, options_fini
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/plan/core_option.h"
#include "core/record/progress.h"

#include <stdbool.h>
#include <stddef.h>

struct command;

/* An option of a job, as given. */
struct option_given {
	const struct core_option *option;
	const char *text; /* borrowed from argv, or "yes" */
};

struct options {
	enum log_level log_level;
	enum progress_mode progress;
	bool is_dry_run, trusts_path, wants_help, wants_version;
	const char *journal_file, *joblog_file; /* borrowed, or NULL */
	bool is_resuming, retries_failed, accepts_change;
	bool wants_json, wants_items;
	struct option_given *given; /* n_given, in the order of the command line */
	size_t n_given;
	const char **sets; /* texts of --set: n_sets, borrowed */
	size_t n_sets;
	char **argv;  /* all of it, the command's name first, a NULL behind the last; borrowed */
	char **words; /* what is no option: n_words, borrowed, a NULL behind them */
	size_t n_words;
	const struct core_option *last; /* the last option that was given, and its value, or NULL */
	const char *last_value;
};

/* argv[0] is the command's name. err: what is wrong with which option. */
int options_parse(struct options *ret, const struct command *command, int argc, char **argv, struct err *err);
void options_fini(struct options *options);

#endif
