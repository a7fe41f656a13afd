/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint - a job's way into the journal: how far its items are done, and what failed of them.
 *
 *   checkpoint_init, checkpoint_load (what an earlier run has left), checkpoint_attach,
 *   checkpoint_take_input for each slice of the feed, checkpoint_note before a failure's outcome is given,
 *   checkpoint_step at each turn, checkpoint_finish, checkpoint_fini
 *
 * One at a time: what is to be written is noted (the position), then all results up to it are written to the sink,
 * then the sink is synced, then one transaction says so. So the journal is never ahead of the output, and a resume cuts
 * the output back to the position. About one a second; less often where syncing takes long, so that it costs no more
 * than a tenth of the time.
 *
 * Position. Ordered: items 1 to settled are done, their results are the first bytes of the output; those behind are to
 * be done again. Unordered: all items that were taken are done, but for those that are in the window. The digest is of
 * the bytes of all items that were taken.
 *
 * A job without a journal has a checkpoint that does nothing. One thread.
 */
#ifndef RESUME_CHECKPOINT_H
#define RESUME_CHECKPOINT_H

#include "core/base/digest.h"
#include "core/base/err.h"
#include "core/io/feed.h"
#include "core/io/sink.h"
#include "core/record/journal.h"
#include "core/record/report.h"
#include "core/record/tally.h"
#include "core/window/window.h"

#include <stdbool.h>
#include <stdint.h>

enum checkpoint_phase { CHECKPOINT_IDLE, CHECKPOINT_WRITING };

struct checkpoint {
	struct journal *journal; /* borrowed; NULL: none is kept */
	const char *job_name;    /* in the journal */
	struct window *window;
	struct sink *sink;
	struct digest_state taken; /* of the items taken */
	uint64_t taken_items;
	struct digest_state given;          /* of all results in the output, where that is a file */
	uint64_t held_bytes;                /* of failures that aren't in the journal yet */
	uint64_t n_failures[OUTCOME_COUNT]; /* in the journal */
	enum checkpoint_phase phase;
	struct journal_position position;                                  /* WRITING: what is to be committed */
	struct note_list notes;                                            /* WRITING: with these failures */
	uint64_t committed_taken, committed_bytes, committed_window_items; /* as they were at the last one */
	int64_t due_ns;
};

void checkpoint_init(struct checkpoint *checkpoint, struct journal *journal, const char *job_name);
void checkpoint_fini(struct checkpoint *checkpoint);
/* What it looks at from the first checkpoint on; borrowed. */
void checkpoint_attach(struct checkpoint *checkpoint, struct window *window, struct sink *sink);
bool checkpoint_is_on(const struct checkpoint *checkpoint);

/* The tally begins with what an earlier run has done. *ret is the caller's (journal_position_fini). */
int checkpoint_load(struct checkpoint *checkpoint, struct tally *tally, struct journal_position *ret, struct err *err);

/* The next items of the input. */
void checkpoint_take_input(struct checkpoint *checkpoint, const struct slice *slice);
struct digest checkpoint_digest(const struct checkpoint *checkpoint);

/* *ret: a record of a failure, to be given to the window; NULL where no journal is kept. -1: memory is short. */
int checkpoint_note(struct checkpoint *checkpoint, const struct failure *failure, struct window_note **ret,
                    struct err *err);

/* All results that go to the sink belong to the digest of the output, which begins as that of what is there. */
void checkpoint_take_output(struct checkpoint *checkpoint, const struct digest_state *there);

/* Before anything is added to what had finished: the journal says that it isn't any more, whatever happens then. */
int checkpoint_begin_anew(struct checkpoint *checkpoint, struct err *err);

/* Writes a checkpoint when it's time. -1: it can't be written. */
int checkpoint_step(struct checkpoint *checkpoint, int64_t now_ns, struct err *err);

/* When it wants another turn (monotonic); -1: when something happens. */
int64_t checkpoint_due_ns(const struct checkpoint *checkpoint);

/* The last one: everything is with the sink. is_finished: every item of the input has its outcome. */
int checkpoint_finish(struct checkpoint *checkpoint, bool is_finished, struct err *err);

#endif
