/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_failures - rota failures [OPTIONS] JOURNAL [JOB]: what failed and why, from a run's journal: as a table, as JSON,
 * or the bare items, to be fed back into a run.
 */
#include "config.h"

#include "core/cli/cmd.h"

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/base/out.h"
#include "core/record/journal.h"
#include "core/record/json.h"
#include "core/record/tally.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	const struct options *options;
	bool ends_with_nul; /* items: a NUL byte, not a newline */
	uint64_t n_failures, n_cut;
	struct buf line;       /* of JSON */
	char *shape_job;       /* the job that shape is of; owned */
	enum item_shape shape; /* of its items */
};

static int print_item(struct listing *listing, const char *job, const struct journal_failure *failure, struct err *err)
{
	char end = listing->ends_with_nul ? '\0' : '\n';
	if (failure->is_cut) {
		log_warning("item %" PRIu64 " of job '%s' was larger than %s, and the journal has only its beginning: left out",
		            failure->seq, job, failure->kind == CAUSE_MAX_ITEM ? "max-item" : "the journal can store");
		listing->n_cut++;
		return 0;
	}
	if (listing->shape == ITEM_VALUE && failure->item_bytes > 0 && memchr(failure->item, end, failure->item_bytes))
		return err_set(err, ERR_USAGE, "item %" PRIu64 " of job '%s' contains a newline: use -0", failure->seq, job);
	fwrite(failure->item, 1, failure->item_bytes, stdout);
	putchar(end);
	return 0;
}

static int put_text(struct buf *line, const char *text)
{
	return buf_append(line, text, strlen(text));
}

/* ,"kind":"died","code":null,"signal":11 */
static void json_cause(char *text, size_t n_bytes, const struct journal_failure *failure)
{
	char code[24] = "null", signum[24] = "null";
	if (failure->code != -1)
		snprintf(code, sizeof code, "%" PRId64, failure->code);
	if (failure->signum != 0)
		snprintf(signum, sizeof signum, "%" PRId64, failure->signum);
	snprintf(text, n_bytes, ",\"kind\":\"%s\",\"code\":%s,\"signal\":%s", cause_kind_name(failure->kind), code, signum);
}

static int print_json(struct listing *listing, const char *job, const struct journal_failure *failure, struct err *err)
{
	struct buf *line = &listing->line;
	const char *outcome = outcome_name(outcome_of(failure->kind));
	char numbers[96], cause[128];
	buf_clear(line);
	snprintf(numbers, sizeof numbers, ",\"seq\":%" PRIu64 ",\"attempts\":%" PRIu32 ",\"outcome\":", failure->seq,
	         failure->attempts);
	json_cause(cause, sizeof cause, failure);
	if (put_text(line, "{\"job\":") != 0 || json_put_string(line, job, strlen(job)) != 0 ||
	    put_text(line, numbers) != 0 || json_put_string(line, outcome, strlen(outcome)) != 0 ||
	    put_text(line, cause) != 0 || put_text(line, failure->is_cut ? ",\"beginning\":" : ",\"item\":") != 0 ||
	    json_put_string(line, failure->item, failure->item_bytes) != 0 || put_text(line, ",\"cause\":") != 0 ||
	    json_put_string(line, failure->cause, strlen(failure->cause)) != 0 || put_text(line, "}\n") != 0)
		return err_set(err, ERR_RESOURCE, "out of memory");
	fwrite(line->bytes, 1, line->len, stdout);
	return 0;
}

static void print_row(const struct listing *listing, const char *job, const struct journal_failure *failure)
{
	char item[LOG_QUOTE_BYTES];
	if (listing->n_failures == 0)
		out_printf("%-16s %10s  %-10s %8s  %s: %s\n", "JOB", "ITEM", "OUTCOME", "ATTEMPTS", "BYTES", "CAUSE");
	out_printf("%-16s %10" PRIu64 "  %-10s %8" PRIu32 "  %s%s: %s\n", job, failure->seq,
	           outcome_name(outcome_of(failure->kind)), failure->attempts,
	           log_quote(item, failure->item, failure->item_bytes), failure->is_cut ? " (only its beginning)" : "",
	           failure->cause);
}

/* What the items of the job are; its failures stand together. */
static int find_shape(struct listing *listing, struct journal *journal, const char *job, struct err *err)
{
	char name[32];
	if (listing->shape_job && strcmp(listing->shape_job, job) == 0)
		return 0;
	int result = journal_find_value(journal, job, JOURNAL_KEY_SHAPE, name, sizeof name, err);
	free(listing->shape_job);
	listing->shape_job = strdup(job);
	listing->shape = result > 0 ? item_shape_of_name(name) : ITEM_VALUE;
	if (result >= 0 && !listing->shape_job)
		return err_set(err, ERR_RESOURCE, "out of memory");
	return result < 0 ? -1 : 0;
}

/* The item is made readable; with --items -0 rows keep their lines. */
static int print_failure(struct listing *listing, const char *job, const struct journal_failure *of_journal,
                         struct err *err)
{
	enum item_text_form form = listing->options->settings.wants_items || listing->options->settings.wants_json
	                               ? ITEM_TEXT_LINES
	                               : ITEM_TEXT_ENDS;
	struct journal_failure shown = *of_journal;
	const struct journal_failure *failure = &shown;
	struct item_text text;
	int result = 0;
	item_text_init(&text, listing->shape, form, of_journal->item, of_journal->item_bytes);
	shown.item = text.bytes;
	shown.item_bytes = text.n_bytes;
	if (listing->options->settings.wants_items)
		result = print_item(listing, job, failure, err);
	else if (listing->options->settings.wants_json)
		result = print_json(listing, job, failure, err);
	else
		print_row(listing, job, failure);
	item_text_fini(&text);
	listing->n_failures++;
	return result;
}

static int print_all(struct listing *listing, const char *file, const char *only_job, struct err *err)
{
	struct journal *journal = NULL;
	struct journal_cursor *cursor = NULL;
	struct journal_failure failure;
	const char *job;
	int result = -1;
	if (journal_open_reader(&journal, file, err) == 0 &&
	    (!only_job || journal_check_job(journal, only_job, err) == 0) &&
	    journal_list(&cursor, journal, only_job, JOURNAL_BY_SEQ, err) == 0)
		while ((result = journal_next(cursor, &job, &failure, err)) > 0)
			if (find_shape(listing, journal, job, err) != 0 || print_failure(listing, job, &failure, err) != 0) {
				result = -1;
				break;
			}
	journal_cursor_close(&cursor);
	journal_close(&journal);
	return result;
}

int cmd_failures(const struct command *command, const struct options *options)
{
	struct listing listing = {.options = options, .ends_with_nul = cmd_is_given(options, "null")};
	struct err err;
	if (options->n_words == 0)
		return cmd_missing(command, options, "the journal");
	if (options->n_words > 2)
		return cmd_usage_error(command, "only one journal can be given");
	if (options->settings.wants_items && options->settings.wants_json)
		return cmd_usage_error(command, "--items and --json can't be combined");
	if (listing.ends_with_nul && !options->settings.wants_items)
		return cmd_usage_error(command, "-0 requires --items");

	int status = CMD_OK;
	if (print_all(&listing, options->words[0], options->n_words == 2 ? options->words[1] : NULL, &err) != 0)
		status = cmd_error(&err);
	else if (listing.n_cut > 0)
		status = CMD_SOME_FAILED;
	buf_fini(&listing.line);
	free(listing.shape_job);
	return status;
}
