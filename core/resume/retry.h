/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry - --retry-failed: the items of a finished job that have failed are run once more, and the results that they
 * give now are put where they belong.
 *
 *   retry_settle (whatever a kill has left of an earlier one), retry_begin, retry_open_source, retry_open_sink,
 *   retry_take for each slice of the feed, retry_finish when every item has its outcome; retry_fini
 *
 * The source is the journal; the items keep their numbers. In a file results stand in the order of the input: so the
 * window is an ordered one, results go to a file without a name, and in the end a new output is made of the old one and
 * them. Then, in this order, so that a kill at any point leaves what can be repeated or gone on from:
 *
 *   FILE.MARK.new (io/splice.h) is complete and synced;
 *   one transaction: the failures that are left, the new output's size, and that the new one is to be renamed;
 *   FILE.MARK.new is renamed to FILE;
 *   one transaction: it was.
 *
 * Until the first transaction nothing has changed. An output that is no file gets the results of these items alone.
 * An item that was larger than max-item can't be run: only its beginning is in the journal. It stays a failure.
 * In memory: some 100 bytes for each item that is run. One thread.
 */
#ifndef RESUME_RETRY_H
#define RESUME_RETRY_H

#include "core/base/err.h"
#include "core/io/sink.h"
#include "core/io/source.h"
#include "core/record/journal.h"
#include "core/record/report.h"
#include "core/record/tally.h"
#include "core/window/window.h"

#include <stdbool.h>

struct retry_mark; /* of an item that the source has given and that isn't in the window yet */

struct retry {
	struct journal *journal; /* borrowed; NULL: nothing is retried */
	const char *job_name;
	const struct endpoint *output;
	struct journal_position position; /* before */
	struct journal_cursor *cursor;
	struct retry_mark *first, *last;
	int results_fd; /* what they gave, to be read; -1: results went to where they belong */
	char delimiter;
};

/* Renames what an earlier run hasn't come to; *position is what the journal says then. */
int retry_settle(struct journal *journal, const char *job_name, const struct endpoint *output,
                 struct journal_position *position, struct err *err);

/* Takes the position of a finished job. The tally forgets the failures: they come again. */
void retry_begin(struct retry *retry, struct journal *journal, const char *job_name, const struct endpoint *output,
                 struct tally *tally, struct journal_position *take_position);
void retry_fini(struct retry *retry);

static inline bool retry_is_on(const struct retry *retry)
{
	return retry->journal != NULL;
}

/* Both are the caller's, as those of source_open and sink_open. The retry must outlive the source. */
int retry_open_source(struct retry *retry, struct source **ret, const struct endpoint *input, char delimiter,
                      struct err *err);
int retry_open_sink(struct retry *retry, struct sink **ret, struct err *err);

/* The next item of the feed, alone in its slice, goes into the window under its own number. */
int retry_take(struct retry *retry, struct window *window, struct tally *tally, struct report *report,
               struct slice *take_slice, struct err *err);

/* Every item has its outcome and all results are written. */
int retry_finish(struct retry *retry, struct window *window, struct err *err);

#endif
