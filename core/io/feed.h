/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed - cuts a source's stream into runs of whole items. Bytes are read into blocks; a slice is some consecutive
 * items of one block and holds a reference to it, so the bytes of an item live as long as anybody owes its outcome.
 * An item is never copied, but for the piece at the end of a block that the next block begins with. One thread.
 *
 *   feed_create, feed_read (SOURCE_WAIT: watch the source's descriptor), feed_take ..., slice_split, slice_drop,
 *   feed_destroy
 *
 * Invariants: items are numbered from 1 in input order and each is taken exactly once; every item in a slice is
 * followed by the delimiter, the last of the input too (it is added when it is missing).
 */
#ifndef IO_FEED_H
#define IO_FEED_H

#include "core/base/err.h"
#include "core/io/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block; /* counted; private to feed.c */

struct slice {
	struct block *block;
	const char *bytes; /* n_items items, each followed by the delimiter */
	size_t n_bytes;
	uint64_t seq; /* number of the first item */
	uint32_t n_items;
	bool is_too_long; /* one item over max-item, an item's error: at most 200 bytes of it stand here */
};

struct feed;

int feed_create(struct feed **ret, struct source *source, int64_t max_item_bytes, struct err *err);
void feed_destroy(struct feed **feed); /* slices that are out stay good: their blocks go with the last of them */

/* Reads once. At least 1 when bytes came, SOURCE_END, SOURCE_WAIT, or -1 with err. */
int feed_read(struct feed *feed, struct err *err);

/*
 * The next items that are there: at most max_items and max_bytes (but always one item). false when no whole item is
 * there: read again. The slice is the caller's (slice_drop).
 */
bool feed_take(struct feed *feed, uint32_t max_items, size_t max_bytes, struct slice *ret);

bool feed_is_at_end(const struct feed *feed); /* the source has ended and every item was taken */
bool feed_has_item(const struct feed *feed);  /* feed_take would give one */
uint64_t feed_taken_items(const struct feed *feed);
int64_t feed_taken_bytes(const struct feed *feed); /* of the source, up to the last item that was taken */
uint64_t feed_held_bytes(const struct feed *feed); /* memory of all blocks that are alive, in slices or here */

/* Splits off the first n_items (0 < n_items < slice->n_items); the rest stays in *slice. Both hold the block. */
struct slice slice_split(struct slice *slice, uint32_t n_items, char delimiter);

/* The item of that place (from 0): its bytes and length, without the delimiter. Borrowed from the slice. */
const char *slice_item(const struct slice *slice, uint32_t place, char delimiter, size_t *ret_bytes);
void slice_drop(struct slice *slice);

#endif
