/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dispatch - which worker gets which items, and how many at a time.
 *
 *   dispatch_init, dispatch_step at each turn of the loop; while dispatch_waits_for_source, dispatch_hear_source when
 *   there is something to read; dispatch_close when nothing more is to be read
 *
 * Batches: one item at first; then as many as take about BATCH_NS by the measured time an item (rota's own, from what
 * the workers say they were busy), growing by at most a factor of four from one to the next, never more than
 * BATCH_BYTES unless it is one item. So slow items go one at a time and tiny ones by the block. A worker has a few
 * batches in hand, so that it never waits for the supervisor; of short ones those at work have the most, and others are
 * woken only when we have time to spare. When one has nothing left and there is nothing to read,
 * what others have not begun is taken back and shared. Workers are started when there is work that no worker is there
 * for.
 */
#ifndef DISPATCH_DISPATCH_H
#define DISPATCH_DISPATCH_H

#include "core/base/err.h"
#include "core/dispatch/gate.h"
#include "core/dispatch/parts.h"

#include <stdbool.h>
#include <stdint.h>

#define BATCH_NS 1000000
#define BATCH_BYTES (256u << 10)
#define BATCH_ITEMS_MAX 65536u
#define WINDOW_ITEMS_MAX (1u << 20)
#define DISPATCH_AHEAD_MAX 16u /* short batches that are held for one that is behind, before it is waited for a while */

struct dispatch {
	const struct job *plan;
	struct feed *feed;
	struct window *window;
	struct crew *crew;
	struct tally *tally;
	struct report *report;
	enum verify_kind verify;          /* the job's; of results that nobody reads, never */
	int64_t item_ns;                  /* measured, rounded up; 0: nothing measured yet */
	double weighed_ns, weighed_items; /* what it is the quotient of */
	int64_t batch_ns;                 /* what the batch that was read last will take; 0: not known */
	uint32_t items_max;               /* how far batches may grow by now */
	bool is_single;         /* one item at a time is in a worker's hands: nothing more may be begun after a failure */
	struct gate gate;       /* when the next item may begin */
	bool is_gate_shut;      /* what is pending waits for that alone: there is a worker for it */
	bool is_source_waiting; /* nothing to read until its descriptor is ready (dispatch_hear_source) */
	bool has_source_failed; /* the source can't be read any further: what was read is finished */
	bool is_closed;         /* no more is to be read: the run is being ended */
	struct checkpoint *checkpoint;
	struct resume *resume;
	struct retry *retry;
};

void dispatch_init(struct dispatch *dispatch, const struct parts *parts);

/* Nothing more is read: the job is being ended. */
void dispatch_close(struct dispatch *dispatch);

/* Is there nothing to read until the source's descriptor is ready? */
static inline bool dispatch_waits_for_source(const struct dispatch *dispatch)
{
	return dispatch->is_source_waiting && !dispatch->is_closed;
}

/* It is, or may be. */
void dispatch_hear_source(struct dispatch *dispatch);

/*
 * One turn. is_busy: there was something else to do in it. 1: something was done, so that another turn may find more;
 * 0: nothing; -1: the source can't be read.
 */
int dispatch_step(struct dispatch *dispatch, bool is_busy, struct err *err);

/* Nothing more will come: the source has ended, or is closed, and everything read has been cut into batches. */
bool dispatch_is_at_end(const struct dispatch *dispatch);

/* The source couldn't be read to its end. */
static inline bool dispatch_has_failed(const struct dispatch *dispatch)
{
	return dispatch->has_source_failed;
}

/* When a pending item may begin that has to wait for its time; -1: none has. */
int64_t dispatch_due_ns(const struct dispatch *dispatch);

/* Memory that counts against the window. */
uint64_t dispatch_held_bytes(const struct dispatch *dispatch);

#endif
