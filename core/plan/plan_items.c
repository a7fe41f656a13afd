/* SPDX-License-Identifier: Apache-2.0 */
/* plan_items - see plan_items.h. */
#include "config.h"

#include "core/plan/plan_items.h"

#include "core/base/log.h"
#include "core/base/notation.h"
#include "core/base/option.h"
#include "core/base/pattern.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENT_BYTES (128 * 1024) /* what the kernel takes of one; and of a command, where --max-chars doesn't say */
#define SPARE_BYTES 2048            /* that POSIX has xargs leave of what the kernel takes */

extern char **environ;

/* As it is written where the job stands: --key, or key. */
static const char *dashes(const struct job *job)
{
	return job->place.file ? "" : "--";
}

__attribute__((format(printf, 3, 4))) static void refuse(struct plan *plan, const struct job *job, const char *format,
                                                         ...)
{
	char prefix[JOB_PREFIX_BYTES], text[ERR_TEXT_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	place_error(&plan->errors, job->place, ERR_USAGE, "%s%s", job_prefix(job, job->place, prefix), text);
}

/* --- what doesn't go together ------------------------------------------------------------------------------------- */

/* The first of these that was given; NULL: none was. */
static const char *given_of(const struct job *job, const char *const *names, size_t n_names)
{
	for (size_t i = 0; i < n_names; i++)
		if (job_is_given(job, names[i]))
			return names[i];
	return NULL;
}

#define GIVEN_OF(job, ...) \
	given_of(job, (const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

static void check_lists(struct plan *plan, const struct job *job)
{
	const struct recipe *recipe = &job->recipe;
	const char *d = dashes(job);
	if (recipe->n_lists > 0 && job_is_given(job, "input"))
		refuse(plan, job, "%sinput goes with no other list of values: give its file by %sarg-file, too", d, d);
	if (job->has_null_items && recipe->has_delimiter && recipe->delimiter != '\0')
		refuse(plan, job, "%snull and %sdelimiter both say where a value ends: give one of them", d, d);
}

static void check_columns(struct plan *plan, const struct job *job)
{
	const struct recipe *recipe = &job->recipe;
	const char *d = dashes(job), *other = GIVEN_OF(job, "delimiter", "null", "eof", "max-lines");
	struct pattern *pattern;
	struct err err;
	if (recipe->given.is_csv && other)
		refuse(plan, job, "%scsv says where a row ends, so %s%s has no meaning: leave one of them out", d, d, other);
	if (recipe->given.is_csv && recipe->column_end && recipe->column_end[1] && strcmp(recipe->column_end, "\\t") != 0)
		refuse(plan, job, "%scolsep '%.100s' isn't one character: with %scsv give one, as in ';' or '\\t'", d,
		       recipe->column_end, d);
	if (recipe->given.is_csv || !recipe->column_end)
		return;
	if (pattern_create(&pattern, recipe->column_end, &err) == 0)
		pattern_destroy(&pattern);
	else
		refuse(plan, job, "%scolsep: %s", d, err.text);
}

static void check_packs(struct plan *plan, const struct job *job)
{
	static const char *const names[] = {"max-args", "max-replace-args", "max-lines"};
	static const char *const fills[] = {"context-replace", "multiple-args", "xargs"};
	const char *d = dashes(job), *one = given_of(job, names, 3), *fill = given_of(job, fills, 3);
	for (size_t i = 0; one && i < 3; i++)
		if (names[i] != one && job_is_given(job, names[i]))
			refuse(plan, job, "%s%s and %s%s both say how many values an item has: give one of them", d, one, d,
			       names[i]);
	for (size_t i = 0; fill && i < 3; i++)
		if (fills[i] != fill && job_is_given(job, fills[i]))
			refuse(plan, job, "%s%s and %s%s both fill command lines: give one of them", d, fill, d, fills[i]);
	if (fill && one && strcmp(one, "max-args") != 0)
		refuse(plan, job, "%s%s takes as many values as fit; at most so many are %smax-args, not %s%s", d, fill, d, d,
		       one);
}

static void check_pipes(struct plan *plan, const struct job *job)
{
	const struct recipe *recipe = &job->recipe;
	const char *d = dashes(job), *pipe = recipe->given.pipes ? "pipe" : "pipepart";
	const char *other = GIVEN_OF(job, "max-args", "max-lines", "context-replace", "multiple-args", "xargs", "max-chars",
	                             "colsep", "csv", "trim", "no-run-if-empty", "eof", "link");
	const char *of_pipe = GIVEN_OF(job, "block", "recstart", "recend");
	char size[NOTATION_SIZE_BYTES];
	int64_t block_bytes = recipe_block_bytes(recipe);
	const struct endpoint *input = recipe->n_lists > 0 ? &recipe->lists[0].endpoint : &job->input;
	if (!recipe->given.pipes && !recipe->given.pipes_parts) {
		if (of_pipe)
			refuse(plan, job, "%s%s is about blocks of the input: add %spipe", d, of_pipe, d);
		return;
	}
	if (recipe->given.pipes && recipe->given.pipes_parts)
		refuse(plan, job, "%spipe and %spipepart are two ways: give %spipepart for a file, %spipe for a stream", d, d,
		       d, d);
	else if (other)
		refuse(plan, job, "%s%s takes the input as it is, in blocks, so %s%s has no meaning: leave it out%s", d, pipe,
		       d, other, strncmp(other, "max-", 4) == 0 ? "; so many records a block are -N" : "");
	else if (recipe->has_delimiter || job->has_null_items)
		refuse(plan, job, "%s%s: what ends a record is given by %srecend, as in %srecend '\\0'", d, pipe, d, d);
	else if (recipe->n_lists > 1 || (recipe->n_lists == 1 && recipe->lists[0].words))
		refuse(plan, job, "%s%s cuts one input into blocks, so it is given by %sinput FILE, or as standard input", d,
		       pipe, d);
	else if (recipe->given.pipes && block_bytes >= job->max_item_bytes)
		refuse(plan, job, "%spipe: a block of %s is over %smax-item: make %sblock smaller", d,
		       notation_write_size(size, block_bytes), d, d);
	else if (recipe->given.pipes && recipe->is_shuffled)
		refuse(plan, job, "%sshuf holds all items, with %spipe the whole input: %spipepart and a file can be shuffled",
		       d, d, d);
	else if (recipe->given.pipes_parts && recipe->has_header)
		refuse(plan, job, "%spipepart doesn't read the header line: use %spipe", d, d);
	else if (recipe->given.pipes_parts && recipe->given.max_replace_args > 0)
		refuse(plan, job, "%spipepart doesn't read records, and can't count them: give %sblock SIZE, or use %spipe", d,
		       d, d);
	else if (recipe->given.pipes_parts && !endpoint_is_file(input) && input->kind != ENDPOINT_WRONG)
		refuse(plan, job, "%spipepart wants the name of a file: give %sinput FILE, or use %spipe", d, d, d);
}

/* --- what a command line takes ------------------------------------------------------------------------------------ */

static const struct job_option *find_option(const struct job *job, const char *name)
{
	for (size_t i = 0; i < job->n_options; i++)
		if (strcmp(job->options[i].name, name) == 0)
			return &job->options[i];
	return NULL;
}

/* The length of a replacement string that stands for values and begins here; 0: none does. */
static size_t value_mark(const char *at, const char *replace)
{
	size_t n_replace = strlen(replace), n;
	if (n_replace > 0 && strncmp(at, replace, n_replace) == 0)
		return n_replace;
	n = *at == '{' ? strcspn(at, "}") : 0;
	return n > 0 && at[n] == '}' && strcspn(at, "#%") > n ? n + 1 : 0;
}

/* One word more: its own bytes, and how often a value is in it. */
static void count_word(struct recipe *recipe, const char *word, const char *replace, bool repeats)
{
	int64_t n_own = 1, n_uses = 0;
	while (*word) {
		size_t n = value_mark(word, replace);
		n_uses += n > 0;
		n_own += n == 0;
		word += n > 0 ? n : 1;
	}
	recipe->n_uses += n_uses;
	if (n_uses == 0 || !repeats)
		recipe->fixed_bytes += n_own;
	recipe->value_bytes += n_uses == 0 ? 0 : repeats ? n_own : n_uses;
}

/* A value that no word asks for is a word by itself. */
static void count_command(struct job *job)
{
	const struct job_option *command = find_option(job, "command"), *replace = find_option(job, "replace");
	struct recipe *recipe = &job->recipe;
	const char *mark = replace && replace->n_elements == 1 ? replace->elements[0] : "{}";
	bool repeats = recipe->given.fills_one || recipe->given.fills ? false : true;
	recipe->fixed_bytes = recipe->value_bytes = recipe->n_uses = 0;
	for (size_t i = 0; command && i < command->n_elements; i++)
		count_word(recipe, command->elements[i], mark, repeats);
	if (recipe->n_uses == 0)
		recipe->n_uses = recipe->value_bytes = 1;
}

/* What the kernel takes beside the environment. */
static int64_t line_bytes_max(void)
{
	long n_bytes = sysconf(_SC_ARG_MAX);
	int64_t n_left = (n_bytes > 0 ? n_bytes : ARGUMENT_BYTES) - SPARE_BYTES;
	for (char **variable = environ; variable && *variable; variable++)
		n_left -= (int64_t)(strlen(*variable) + 1 + sizeof(*variable));
	return n_left > 1 ? n_left : 1;
}

/* fills: it is as long as may be; else it is only cut short where it would be too long. */
static void limit_line(struct plan *plan, struct job *job, bool fills)
{
	const struct job_option *command = find_option(job, "command");
	struct recipe *recipe = &job->recipe;
	int64_t most = line_bytes_max(), wanted = recipe->given.max_chars;
	count_command(job);
	recipe->fixed_load_bytes =
		recipe->fixed_bytes + (int64_t)sizeof(char *) * (int64_t)(command ? command->n_elements : 0);
	/* and the item may be in the environment, too */
	recipe->load_bytes = most - ARGUMENT_BYTES;
	/* A script, and what several values stand in, are one argument. */
	if (!recipe->given.fills_words && command && (command->n_elements == 1 || recipe->given.fills_one) &&
	    most > ARGUMENT_BYTES - 1)
		most = ARGUMENT_BYTES - 1;
	recipe->pack_bytes = wanted > 0 ? wanted : fills ? ARGUMENT_BYTES : 0;
	if (recipe->pack_bytes > most)
		recipe->pack_bytes = most;
	if (wanted > most)
		log_notice("job '%s': a command line can't have more than %" PRId64 " bytes here, so that is its limit",
		           job->name, most);
	if (recipe->pack_bytes > 0 && recipe->fixed_bytes + recipe->value_bytes > recipe->pack_bytes)
		refuse(plan, job, "%smax-chars: %" PRId64 " bytes are too few, the command itself takes %" PRId64, dashes(job),
		       recipe->pack_bytes, recipe->fixed_bytes + recipe->value_bytes);
}

/* --- the recipe --------------------------------------------------------------------------------------------------- */

static void complete_pack(struct plan *plan, struct job *job)
{
	struct recipe *recipe = &job->recipe;
	const struct recipe_given *given = &recipe->given;
	bool fills = given->fills || given->fills_words || given->fills_one;
	recipe->pack_rows = given->max_args;
	if (fills || (given->max_chars > 0 && given->max_args + given->max_replace_args + given->max_lines == 0)) {
		recipe->pack = PACK_FILL;
		recipe->is_shared = (given->fills_words || given->fills_one) && given->max_args == 0;
	} else if (given->max_args > 1) {
		recipe->pack = PACK_ROWS;
	} else if (given->max_lines > 0) {
		recipe->pack = PACK_LINES;
		recipe->pack_rows = given->max_lines;
	} else if (given->max_replace_args > 1) {
		recipe->pack = PACK_FIELDS;
		recipe->pack_rows = given->max_replace_args;
	}
	fills = recipe->pack == PACK_FILL;
	if (recipe->pack != PACK_NONE && (fills || given->max_chars > 0 || job->runs_commands))
		limit_line(plan, job, fills);
}

static void complete(struct plan *plan, struct job *job)
{
	struct recipe *recipe = &job->recipe;
	recipe->n_shares = job->n_workers;
	if (job->has_null_items && !recipe->has_delimiter) {
		recipe->has_delimiter = recipe->n_lists > 0;
		recipe->delimiter = '\0';
	}
	if (recipe->given.is_csv) {
		recipe->columns = COLUMNS_CSV;
		if (recipe->column_end && strcmp(recipe->column_end, "\\t") == 0)
			strcpy(recipe->column_end, "\t");
	} else if (recipe->column_end) {
		recipe->columns = COLUMNS_SEPARATED;
	}
	if (recipe->given.pipes || recipe->given.pipes_parts) {
		recipe->cut = recipe->given.pipes ? CUT_BLOCKS : CUT_PARTS;
		recipe->block_records = recipe->given.max_replace_args;
	} else {
		complete_pack(plan, job);
	}
	if (recipe->n_lists > 0) {
		endpoint_fini(&job->input);
		job->input.kind = ENDPOINT_LISTS;
	}
}

/* The plugin is told what its items are, if it has such an option and the user has said nothing of it. */
static void tell(struct plan *plan, struct job *job, const char *name, const char *value)
{
	if (option_find(job->info->options, name) && !find_option(job, name))
		job_set_option(plan, job, name, &value, 1, false, job->place, false);
}

static void tell_plugin(struct plan *plan, struct job *job)
{
	const struct recipe *recipe = &job->recipe;
	const struct recipe_given *given = &recipe->given;
	if (!recipe_makes_rows(recipe))
		return;
	tell(plan, job, "rows", "yes");
	if (recipe->has_header && recipe->cut == CUT_NONE)
		tell(plan, job, "header", "yes");
	if (recipe->pack != PACK_NONE)
		tell(plan, job, "fill", given->fills_one || given->fills || recipe->pack == PACK_FIELDS ? "insert" : "words");
	if (recipe->cut != CUT_NONE)
		tell(plan, job, "stdin", recipe->cut == CUT_BLOCKS ? "block" : "part");
}

void plan_items_check(struct plan *plan, struct job *job)
{
	size_t n_errs = plan->errors.n_errs;
	check_lists(plan, job);
	check_columns(plan, job);
	check_packs(plan, job);
	check_pipes(plan, job);
	if (plan->errors.n_errs > n_errs)
		return;
	complete(plan, job);
	if (job->info)
		tell_plugin(plan, job);
}
