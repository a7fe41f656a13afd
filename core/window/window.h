/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window - the items between the oldest unfinished one and the newest dispatched one, as batches in input order; and
 * the way of their results to the sink.
 *
 *   window_add (a slice of the feed), window_next_pending + window_send (a worker has it)
 *   window_give (results of its items, in order), window_part (bytes of a result that isn't whole), window_drop_part
 *   window_put_back (what the worker didn't do), window_retry (another attempt at an item), window_fini
 *   window_note (something that is to be known of an item when its outcome stands), window_add_done
 *
 * Ordered: results leave when every item before them has its outcome. Unordered: when they are whole.
 * A batch leaves the window when all of its items have their outcome and its results went to the sink.
 *
 * Invariants: batches stand in the order of their items; each item of the window is in exactly one batch; a batch is
 * pending (in the pending list, sorted), OUT (a worker owes it) or DONE; n_answered items of it, the first ones, have
 * their outcome; only whole results get to the sink. One thread. The window owns its batches, the sink is borrowed.
 */
#ifndef WINDOW_WINDOW_H
#define WINDOW_WINDOW_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/io/feed.h"
#include "core/io/sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What is to be told of an item once its outcome stands: in order, when all items before it have theirs, too. The
 * beginning of a record that malloc gave in one piece; the window owns it until it's taken out of left_notes.
 */
struct window_note {
	struct window_note *next;
	uint64_t output_at; /* set when it leaves: where in all that was emitted the item's result would stand */
};

struct note_list {
	struct window_note *first, **end; /* end: NULL while it's empty */
};

enum batch_state { BATCH_PENDING, BATCH_OUT, BATCH_DONE };

struct batch {
	struct batch *older, *newer; /* in the window */
	struct batch *next_pending;  /* in the pending list */
	int64_t not_before_ns;       /* an attempt that is put off; in the list of those */
	struct batch *next_owed;     /* in the flight of the worker that has it */
	enum batch_state state;
	struct slice slice;
	uint32_t n_answered;    /* of slice.n_items */
	uint32_t attempt;       /* from 1 */
	uint32_t number;        /* in the channel of the worker that has it */
	bool is_summed;         /* and that one notes sums of what it publishes */
	size_t open_bytes;      /* of the slice, the share of its items that aren't answered */
	uint32_t n_suspected;   /* workers that were lost with it, nobody knows at which item: if any, one at a time now */
	uint32_t n_undone;      /* workers that ended with it, the next item undone, which they said they hadn't begun */
	struct buf results;     /* whole results that may not leave yet */
	struct buf part;        /* of the item that is being run */
	struct note_list notes; /* output_at: behind so many bytes of results */
};

struct window {
	struct sink *sink;
	bool is_ordered;
	char delimiter; /* of items, for splitting */
	int ends_with;  /* what the bytes given end with, as their giver has seen; the sink gets our own; -1: anything */
	struct batch *oldest, *newest;
	struct batch *put_off; /* pending later: sorted by not_before_ns */
	struct batch *pending; /* sorted by seq */
	size_t n_batches, n_pending;
	uint64_t n_items;            /* without outcome, pending and out */
	uint64_t open_bytes;         /* of these, as far as each item of a batch counts the same: the sum of all batches' */
	uint64_t held_bytes;         /* in results and part of all batches */
	uint64_t emitted_bytes;      /* handed to the sink */
	struct note_list left_notes; /* of items whose outcome stands; whoever wants them takes them out */
};

/* delimiter: of items. ends_with: see above. Both come from the plan. */
void window_init(struct window *window, struct sink *sink, bool is_ordered, char delimiter, int ends_with);

/* Results go there from now on. */
void window_use_sink(struct window *window, struct sink *sink);
void window_fini(struct window *window);

/* A new batch at the end, pending. Takes the slice; -1 when memory is short (the slice is dropped then). */
int window_add(struct window *window, struct slice *take_slice, struct err *err);

/*
 * A new batch at the end that is done: its items have their outcome, with no result, and these notes, which are taken.
 * -1 as above; the notes are freed then.
 */
int window_add_done(struct window *window, struct slice *take_slice, struct note_list *take_notes, struct err *err);

/* A note of the item behind those answered, of a batch that isn't done. */
void window_note(struct batch *batch, struct window_note *take_note);
/* Those of items whose outcome stands, which are the caller's now (left_notes). */
struct note_list window_take_notes(struct window *window);
void note_list_add(struct note_list *list, struct window_note *take_note);

/* The items up to this one have their outcome, and their results are emitted. Ordered windows only. */
uint64_t window_settled_seq(const struct window *window, uint64_t taken_items);

/* The oldest batch that nobody has; NULL when there is none. */
struct batch *window_next_pending(const struct window *window);

/* Splits a pending batch so that it has at most n_items; the rest is pending behind it. */
int window_cut(struct window *window, struct batch *batch, uint32_t n_items, struct err *err);

/* The oldest pending batch was given to a worker. */
void window_send(struct window *window, struct batch *batch);

/*
 * The next n_items items of an OUT batch have their outcome; n_bytes are their whole results (what had come as a part
 * goes before them). The batch may be gone when it returns: ret_is_done.
 */
int window_give(struct window *window, struct batch *batch, const void *bytes, size_t n_bytes, uint32_t n_items,
                bool *ret_is_done, struct err *err);

/* Bytes of the result of the item behind those answered. */
int window_part(struct window *window, struct batch *batch, const void *bytes, size_t n_bytes, struct err *err);
void window_drop_part(struct window *window, struct batch *batch);

/*
 * What of an OUT batch has no outcome is pending again, from item `from` (>= n_answered) on. from == n_items:
 * nothing.
 */
int window_put_back(struct window *window, struct batch *batch, uint32_t from, struct err *err);

/*
 * The item behind those answered of an OUT batch is to be attempted once more, not before that time: it becomes a
 * batch of its own, pending, in its place. What came as a part of its result is dropped. The batch goes on with what
 * is behind the item; with nothing behind it, it isn't OUT any more: ret_is_over.
 */
int window_retry(struct window *window, struct batch *batch, int64_t not_before_ns, bool *ret_is_over, struct err *err);

/* Attempts whose time has come are pending. When the next one's comes; -1: none is put off. */
void window_wake(struct window *window, int64_t now_ns);
int64_t window_due_ns(const struct window *window);

/* May the results of this batch leave as they come? */
bool window_may_leave(const struct window *window, const struct batch *batch);

/* Bytes of memory that the window takes, without the feed's blocks. */
uint64_t window_bytes(const struct window *window);

#endif
