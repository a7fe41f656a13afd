/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flight - what one worker holds: batches of the window in the order in which they were sent, and how far it is.
 *
 *   flight_init, flight_add (a batch was sent)
 *   of its next item, the one behind those answered: flight_answer, flight_retry
 *   flight_keep (the items behind the first ones are taken back), flight_put_back (the worker is gone)
 *
 * An item of a flight is told by its place: 0 is the next, and so on in the order in which they were sent. All that
 * reckons with the batches of a worker is here; which items it has begun only its channel tells.
 *
 * Invariants: each batch is OUT in the window and in one flight only; each has an item without outcome; n_items is the
 * sum of those. Nothing is added to a flight that is cut short. One thread. The window is borrowed, and owns the
 * batches.
 */
#ifndef WINDOW_FLIGHT_H
#define WINDOW_FLIGHT_H

#include "core/base/err.h"
#include "core/window/window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flight {
	struct window *window;
	struct batch *first, **end;
	uint32_t n_batches;
	uint32_t n_items;  /* without outcome */
	bool is_cut_short; /* items of it were taken back: until it is empty nothing is added */
	bool is_in_part;   /* the result of its next item comes in parts */
};

enum flight_blame {
	BLAME_NOBODY,
	BLAME_ALL,  /* the worker was lost with it, and nobody knows at which item: each is run alone */
	BLAME_FIRST /* the worker says that it had begun nothing, and yet it ended: the next item, if that goes on */
};

void flight_init(struct flight *flight, struct window *window);

static inline bool flight_is_empty(const struct flight *flight)
{
	return flight->n_items == 0;
}

/* Does it hold the oldest batch of the window? */
static inline bool flight_has_oldest(const struct flight *flight)
{
	return flight->first && flight->first == flight->window->oldest;
}

/* How many workers were lost with its first batch, nobody knows at which item; 0: none, or it is empty. */
static inline uint32_t flight_suspicions(const struct flight *flight)
{
	return flight->first ? flight->first->n_suspected : 0;
}

/* How many items of its first batch have no outcome; 0: it is empty. */
static inline uint32_t flight_left_of_first(const struct flight *flight)
{
	return flight->first ? flight->first->slice.n_items - flight->first->n_answered : 0;
}

/* The number of the item at that place; 0: it isn't here. */
uint64_t flight_seq(const struct flight *flight, uint32_t place);

/* The next item's bytes: the window's. */
const char *flight_item(const struct flight *flight, size_t *ret_n_bytes);

/* The result of its next item comes in parts. */
static inline void flight_note_part(struct flight *flight)
{
	flight->is_in_part = true;
}

/* The oldest pending batch of the window is sent. */
void flight_add(struct flight *flight, struct batch *batch);

/* The next n_items items, all of the first batch, have their outcome; n_bytes are their whole results (window_give). */
int flight_answer(struct flight *flight, const void *bytes, size_t n_bytes, uint32_t n_items, struct err *err);

/* The next item is attempted once more, by whoever is free, not before that time (window_retry). */
int flight_retry(struct flight *flight, int64_t not_before_ns, struct err *err);

/* Its first n_kept items stay, the others go back to the window. */
int flight_keep(struct flight *flight, uint32_t n_kept, struct err *err);

/* All go back. */
int flight_put_back(struct flight *flight, enum flight_blame blame, struct err *err);

#endif
