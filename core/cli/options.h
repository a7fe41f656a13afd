/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options - the command line of one command, read by getopt_long from the core options' table. What belongs to
 * jobs and to the run is kept in its order, for cmd_job_set and cmd_plan_run; the rest is typed here.
 *
 *   options_parse, options_fini
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "core/base/err.h"
#include "core/plan/core_option.h"
#include "core/plan/settings.h"

#include <stdbool.h>
#include <stddef.h>

struct command;

/* An option of a job or of the run, as given. */
struct option_given {
	const struct core_option *option;
	const char *text; /* borrowed from argv, or "yes" */
};

struct options {
	struct settings settings;
	struct option_given *given; /* n_given, in the order of the command line */
	size_t n_given;
	char **argv;  /* all of it, the command's name first, a NULL behind the last; borrowed */
	char **words; /* what is no option, up to the lists: n_words, borrowed */
	size_t n_words;
	char **list_words; /* from the first mark of a list on: n_list_words, borrowed */
	size_t n_list_words;
	const struct core_option *last; /* the last option that was given, and its value, or NULL */
	const char *last_value;
};

/* What the words behind a mark are: values, or names of files that have them; of the linked, with the list before. */
enum list_kind { LIST_NONE = 0, LIST_WORDS, LIST_WORDS_LINKED, LIST_FILES, LIST_FILES_LINKED };
enum list_kind options_list_kind(const char *word);

/* argv[0] is the command's name. err: what is wrong with which option. */
int options_parse(struct options *ret, const struct command *command, int argc, char **argv, struct err *err);
void options_fini(struct options *options);

#endif
