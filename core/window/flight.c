/* SPDX-License-Identifier: Apache-2.0 */
/* flight - see flight.h. */
#include "config.h"

#include "core/window/flight.h"

#define UNDONE_MAX 3u /* workers that end with an item that they say they hadn't begun, before it is run alone */

void flight_init(struct flight *flight, struct window *window)
{
	*flight = (struct flight){.window = window};
	flight->end = &flight->first;
}

uint64_t flight_seq(const struct flight *flight, uint32_t place)
{
	for (const struct batch *batch = flight->first; batch; batch = batch->next_owed) {
		uint32_t left = batch->slice.n_items - batch->n_answered;
		if (place < left)
			return batch->slice.seq + batch->n_answered + place;
		place -= left;
	}
	return 0;
}

const char *flight_item(const struct flight *flight, size_t *ret_n_bytes)
{
	const struct batch *batch = flight->first;
	return slice_item(&batch->slice, batch->n_answered, flight->window->delimiter, ret_n_bytes);
}

void flight_add(struct flight *flight, struct batch *batch)
{
	window_send(flight->window, batch);
	batch->next_owed = NULL;
	*flight->end = batch;
	flight->end = &batch->next_owed;
	flight->n_batches++;
	flight->n_items += batch->slice.n_items;
}

/* --- its next items ----------------------------------------------------------------------------------------------- */

/* The first batch has all its outcomes, and may be gone. */
static void pop(struct flight *flight, struct batch *next)
{
	flight->first = next;
	flight->n_batches--;
	if (!next) {
		flight->end = &flight->first;
		flight->is_cut_short = false;
	}
}

int flight_answer(struct flight *flight, const void *bytes, size_t n_bytes, uint32_t n_items, struct err *err)
{
	struct batch *next = flight->first->next_owed;
	bool is_done;
	if (window_give(flight->window, flight->first, bytes, n_bytes, n_items, &is_done, err) != 0)
		return -1;
	if (is_done)
		pop(flight, next);
	flight->n_items -= n_items;
	flight->is_in_part = false;
	return 0;
}

int flight_retry(struct flight *flight, int64_t not_before_ns, struct err *err)
{
	struct batch *batch = flight->first, *next = batch->next_owed;
	bool is_over;
	if (window_retry(flight->window, batch, not_before_ns, &is_over, err) != 0)
		return -1;
	if (is_over) {
		batch->next_owed = NULL;
		pop(flight, next);
	}
	flight->n_items--;
	flight->is_in_part = false;
	return 0;
}

/* --- back --------------------------------------------------------------------------------------------------------- */

/* One more worker ended and left the first item of this pending batch undone. */
static int blame_first(struct flight *flight, struct batch *batch, struct err *err)
{
	if (batch->n_suspected == 0 && ++batch->n_undone < UNDONE_MAX)
		return 0;
	if (window_cut(flight->window, batch, 1, err) != 0)
		return -1;
	batch->n_suspected++;
	return 0;
}

/* The batches from this one on go back to the window; the first from item `from` on. */
static int put_back_from(struct flight *flight, struct batch **at, uint32_t from, enum flight_blame blame,
                         struct err *err)
{
	struct batch *batch = *at;
	*at = NULL;
	flight->end = at;
	while (batch) {
		struct batch *next = batch->next_owed;
		batch->next_owed = NULL;
		batch->n_suspected += blame == BLAME_ALL;
		flight->n_batches--;
		flight->n_items -= batch->slice.n_items - from;
		/* what goes back of one that is answered in part is a batch of its own behind it, which may be gone then */
		struct batch *undone = batch, *newer = batch->newer;
		bool is_blamed = blame == BLAME_FIRST && from < batch->slice.n_items;
		if (window_put_back(flight->window, batch, from, err) != 0)
			return -1;
		if (from > 0)
			undone = newer ? newer->older : flight->window->newest;
		if (is_blamed && blame_first(flight, undone, err) != 0)
			return -1;
		batch = next;
		from = 0;
		blame = blame == BLAME_FIRST ? BLAME_NOBODY : blame;
	}
	return 0;
}

int flight_put_back(struct flight *flight, enum flight_blame blame, struct err *err)
{
	return flight->first ? put_back_from(flight, &flight->first, flight->first->n_answered, blame, err) : 0;
}

int flight_keep(struct flight *flight, uint32_t n_kept, struct err *err)
{
	flight->is_cut_short = n_kept > 0;
	for (struct batch **at = &flight->first; *at; at = &(*at)->next_owed) {
		struct batch *batch = *at;
		uint32_t n_left = batch->slice.n_items - batch->n_answered;
		if (n_kept >= n_left) {
			n_kept -= n_left;
			continue;
		}
		if (n_kept == 0)
			return put_back_from(flight, at, batch->n_answered, BLAME_NOBODY, err);
		if (put_back_from(flight, &batch->next_owed, 0, BLAME_NOBODY, err) != 0)
			return -1;
		flight->n_items -= n_left - n_kept;
		return window_put_back(flight->window, batch, batch->n_answered + n_kept, err);
	}
	return 0;
}
