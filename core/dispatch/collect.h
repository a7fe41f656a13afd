/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collect - what a worker has published, brought into the window: results by the run, failures by the item.
 *
 * The way: one look at the result ring tells how many bytes and answered items there are. Then the events of these
 * items, in order: each says at which position of the result ring it belongs, so everything before that position is
 * brought in first. What is left is brought in batch by batch; where a batch ends, the worker has noted. Of a batch
 * with sums it is a copy that is brought in, whose digest is what the worker has noted of the last of its items.
 */
#ifndef DISPATCH_COLLECT_H
#define DISPATCH_COLLECT_H

#include "core/base/err.h"
#include "core/dispatch/parts.h"

/* The first are those of struct parts: who gets to know. */
struct collector {
	const struct job *plan;
	struct window *window;
	struct tally *tally;
	struct report *report;
	struct crew *crew;
	struct checkpoint *checkpoint;
	const struct setup *setup; /* the crew's: how a result ends */
	struct buf copy;           /* of what is being checked; owned: collect_fini */
	bool has_failed;           /* memory is short, the run can't go on: err */
	struct err err;
};

void collect_init(struct collector *collector, const struct parts *parts);
void collect_fini(struct collector *collector);

/* 1: something was collected, 0: nothing, CHANNEL_BROKEN. A failure of ours is noted (collect_failure). */
int collect(struct collector *collector, struct worker *worker);

/*
 * Charges the item behind those answered: another attempt, when it has one left and the cause allows it; else it has
 * its outcome, without a result. -1: a failure of ours.
 */
int collect_charge(struct collector *collector, struct worker *worker, const struct cause *cause);

/* Why the run can't go on; NULL: it can. */
static inline const struct err *collect_failure(const struct collector *collector)
{
	return collector->has_failed ? &collector->err : NULL;
}

#endif
