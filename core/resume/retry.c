/* SPDX-License-Identifier: Apache-2.0 */
/* retry - see retry.h. */
#include "config.h"

#include "core/base/ownfile.h"
#include "core/io/splice.h"
#include "core/resume/note.h"
#include "core/resume/retry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct retry_mark {
	struct retry_mark *next;
	struct note *place;   /* goes with the item into the window */
	struct note *failure; /* of an item that can't be run; else NULL */
};

static int no_memory(struct err *err)
{
	return err_set(err, ERR_RESOURCE, "out of memory");
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static int put(struct journal *journal, const char *job_name, const struct journal_position *position, struct err *err)
{
	return journal_put_position(journal, job_name, position, err) == 0 && journal_commit(journal, err) == 0 ? 0 : -1;
}

/* FILE.MARK.new is the output by now. */
static int rename_new(struct journal *journal, const char *job_name, const struct endpoint *output,
                      struct journal_position *position, struct err *err)
{
	if (splice_rename(output->argument, position->output_bytes, position->output_digest, err) != 0)
		return -1;
	position->is_renaming = false;
	return journal_begin(journal, false, err) == 0 && put(journal, job_name, position, err) == 0 ? 0 : -1;
}

int retry_settle(struct journal *journal, const char *job_name, const struct endpoint *output,
                 struct journal_position *position, struct err *err)
{
	return position->is_renaming ? rename_new(journal, job_name, output, position, err) : 0;
}

void retry_begin(struct retry *retry, struct journal *journal, const char *job_name, const struct endpoint *output,
                 struct tally *tally, struct journal_position *take_position)
{
	*retry = (struct retry){
		.journal = journal, .job_name = job_name, .output = output, .position = *take_position, .results_fd = -1};
	*take_position = (struct journal_position){0};
	for (int i = OUTCOME_OK + 1; i < OUTCOME_COUNT; i++) {
		tally->n_before -= tally->n_outcomes[i];
		tally->n_outcomes[i] = 0;
	}
	tally->n_read = tally->n_before;
}

static struct retry_mark *take_mark(struct retry *retry)
{
	struct retry_mark *mark = retry->first;
	if (mark)
		retry->first = mark->next;
	if (!retry->first)
		retry->last = NULL;
	return mark;
}

static void free_mark(struct retry_mark *mark)
{
	free(mark->place);
	free(mark->failure);
	free(mark);
}

void retry_fini(struct retry *retry)
{
	struct retry_mark *mark;
	if (!retry->journal)
		return;
	while ((mark = take_mark(retry)))
		free_mark(mark);
	journal_cursor_close(&retry->cursor);
	journal_position_fini(&retry->position);
	if (retry->results_fd >= 0)
		close(retry->results_fd);
	*retry = (struct retry){.results_fd = -1};
}

/* --- the source --------------------------------------------------------------------------------------------------- */

struct source_retry {
	struct source_head head;
	struct retry *retry;
	struct journal_failure failure; /* its item is being given; what it points to is the cursor's */
	size_t n_given;                 /* of its bytes and the delimiter */
	bool has_item;
};

static int add_mark(struct retry *retry, const struct journal_failure *failure, struct err *err)
{
	struct retry_mark *mark = calloc(1, sizeof *mark);
	if (!mark)
		return no_memory(err);
	mark->place = note_of_retry(failure->seq, failure->output_at, failure->is_cut ? 0 : failure->output_bytes);
	if (failure->is_cut)
		mark->failure = note_of_old(failure);
	if (!mark->place || (failure->is_cut && !mark->failure)) {
		free_mark(mark);
		return no_memory(err);
	}
	if (retry->last)
		retry->last->next = mark;
	else
		retry->first = mark;
	retry->last = mark;
	return 0;
}

static ssize_t retry_read(struct source *base, char *dest, size_t room_bytes, struct err *err)
{
	struct source_retry *source = (struct source_retry *)base;
	const char *job;
	if (!source->has_item) {
		int more = journal_next(source->retry->cursor, &job, &source->failure, err);
		if (more <= 0)
			return more == 0 ? SOURCE_END : -1;
		if (add_mark(source->retry, &source->failure, err) != 0)
			return -1;
		source->n_given = 0;
		source->has_item = true;
	}
	size_t n_item = source->failure.item_bytes, n = 0;
	if (source->n_given < n_item) {
		n = n_item - source->n_given < room_bytes ? n_item - source->n_given : room_bytes;
		memcpy(dest, (const char *)source->failure.item + source->n_given, n);
	}
	if (source->n_given + n == n_item && n < room_bytes) {
		dest[n++] = source->head.delimiter;
		source->has_item = false;
	}
	source->n_given += n;
	return (ssize_t)n;
}

static void retry_close(struct source *base)
{
	free(base);
}

static const struct source_ops retry_ops = {"failures", retry_read, retry_close};

int retry_open_source(struct retry *retry, struct source **ret, const struct endpoint *input, char delimiter,
                      struct err *err)
{
	struct source_retry *source = calloc(1, sizeof *source);
	if (!source)
		return no_memory(err);
	if (source_head_init(&source->head, &retry_ops, input, err) != 0) {
		free(source);
		return -1;
	}
	source->retry = retry;
	source->head.total_items = (int64_t)retry->position.taken_items;
	retry->delimiter = source->head.delimiter = delimiter;
	*ret = (struct source *)source;
	return journal_list(&retry->cursor, retry->journal, retry->job_name, JOURNAL_BY_PLACE, err);
}

int retry_take(struct retry *retry, struct window *window, struct tally *tally, struct report *report,
               struct slice *take_slice, struct err *err)
{
	struct retry_mark *mark = take_mark(retry);
	if (!mark) {
		slice_drop(take_slice);
		return err_set(err, ERR_RUN, "an item belongs to no failure");
	}
	struct note *place = mark->place, *note = mark->failure;
	struct note_list notes = {0};
	int result;
	take_slice->seq = place->seq;
	free(mark);
	if (!note) {
		result = window_add(window, take_slice, err);
		if (result == 0)
			window_note(window->newest, &place->link);
		else
			free(place);
		return result;
	}
	struct failure failure = {.seq = note->seq,
	                          .item = note->text,
	                          .item_bytes = note->item_bytes,
	                          .cause = note->cause};
	if (note->cause.kind != CAUSE_MAX_ITEM)
		failure.cause =
			(struct cause){.kind = CAUSE_FAILED,
		                   .text =
		                       "it is too large for the journal, which has only its beginning: it can't be run again"};
	report_failure(report, &failure);
	tally->n_outcomes[outcome_of(note->cause.kind)]++;
	note_list_add(&notes, &place->link);
	note_list_add(&notes, &note->link);
	return window_add_done(window, take_slice, &notes, err);
}

/* --- the output --------------------------------------------------------------------------------------------------- */

/* 1: a regular file, 0: nothing that results can be put into, -1. */
static int look_at_output(const struct endpoint *output, struct err *err)
{
	struct stat status;
	if (!endpoint_is_file(output))
		return 0;
	if (stat(output->argument, &status) == 0)
		return S_ISREG(status.st_mode) ? 1 : 0;
	return err_set_errno(err, ERR_USAGE, errno, "%s, to which results were written", output->argument);
}

int retry_open_sink(struct retry *retry, struct sink **ret, struct err *err)
{
	struct endpoint results = *retry->output;
	int is_regular = look_at_output(retry->output, err);
	if (is_regular < 0)
		return -1;
	if (!is_regular)
		return sink_open(ret, retry->output, err);
	/* at the end is too late to say that it can't be done */
	if (splice_check(results.argument, err) != 0)
		return -1;
	retry->results_fd = ownfile_make_nameless(results.argument, err);
	if (retry->results_fd < 0)
		return -1;
	results.is_descriptor = true;
	results.fd = retry->results_fd;
	return sink_open(ret, &results, err);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

/* What the journal is to say of the items, one after another. */
struct tail {
	struct retry *retry;
	struct splice *splice; /* or NULL: no new output is made */
	uint64_t n_failed;
};

/* The results of one item go to where they are missing; what failed again is noted. */
static int put_item(struct tail *tail, struct note *place, uint64_t end, struct note *failure, struct err *err)
{
	struct retry *retry = tail->retry;
	uint64_t at = place->old_output_at;
	if (tail->splice &&
	    splice_put(tail->splice, place->old_output_at, place->old_bytes, place->link.output_at, end, &at, err) != 0)
		return -1;
	if (!failure)
		return 0;
	failure->link.output_at = at;
	const struct journal_failure row = note_failure(failure);
	tail->n_failed++;
	return journal_add_failure(retry->journal, retry->job_name, &row, err);
}

/* Each place is followed by the failure of the same item, if it failed again. */
static int put_items(struct tail *tail, struct window *window, struct err *err)
{
	struct note_list *notes = &window->left_notes;
	struct note *place = note_take(notes);
	int result = 0;
	while (place && result == 0) {
		struct note *next = note_take(notes), *failure = NULL;
		if (next && next->cause.kind != CAUSE_NONE) {
			failure = next;
			next = note_take(notes);
		}
		result = put_item(tail, place, next ? next->link.output_at : window->emitted_bytes, failure, err);
		free(place);
		free(failure);
		place = next;
	}
	free(place);
	return result;
}

static int commit(struct tail *tail, struct window *window, struct err *err)
{
	struct retry *retry = tail->retry;
	struct journal_position *position = &retry->position;
	if (journal_begin(retry->journal, true, err) != 0 ||
	    journal_drop_failures(retry->journal, retry->job_name, err) != 0 || put_items(tail, window, err) != 0)
		return -1;
	if (tail->splice && splice_finish(tail->splice, &position->output_bytes, &position->output_digest, err) != 0)
		return -1;
	position->n_failed = tail->n_failed;
	position->n_ok = position->taken_items - tail->n_failed;
	position->is_renaming = tail->splice != NULL;
	if (put(retry->journal, retry->job_name, position, err) != 0)
		return -1;
	return tail->splice ? rename_new(retry->journal, retry->job_name, retry->output, position, err) : 0;
}

int retry_finish(struct retry *retry, struct window *window, struct err *err)
{
	struct splice splice = {.old_fd = -1};
	struct tail tail = {.retry = retry};
	journal_cursor_close(&retry->cursor);
	if (retry->results_fd >= 0) {
		if (splice_open(&splice, retry->output->argument, retry->position.output_bytes, retry->position.output_digest,
		                retry->results_fd, err) != 0)
			return -1;
		tail.splice = &splice;
	}
	int result = commit(&tail, window, err);
	splice_fini(&splice);
	return result;
}
