/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed - cuts a source's stream into runs of whole items.
 *
 *   feed_create, feed_read, feed_take ..., slice_split, slice_item, slice_drop, feed_destroy
 *
 * The feed holds a list of blocks: items are taken from the first, bytes are read into the last. In each block
 *
 *     0 ......... start ......... good ......... whole ......... end ......... cap
 *       taken            items            items          no end         room
 *                        to take          too long       of an item     (always 1 byte for a delimiter)
 *
 * Invariants:
 *   - only the last block has bytes behind whole: the piece of an item whose end hasn't been read;
 *   - every byte is searched for delimiters once when it is read, from the back, so that an item of any length costs
 *     linear time; where items are counted they are looked at once more;
 *   - bytes before whole never move while somebody else holds the block: only a block that is ours alone is resized;
 *   - items in [start, good) are within max-item; if good < whole, the item at good isn't.
 *
 * A block is used up to its end, however little each read brings. A block over BLOCK_BYTES holds one item alone: it
 * grows by doubling, and is closed and cut to its size when the item's end has come.
 * Of an item over max-item the first bytes stay, and what follows is skipped up to the next delimiter.
 */
#include "config.h"

#include "core/io/feed.h"

#include "core/io/delimiter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (256 * 1024)
#define MIN_ROOM_BYTES 4096 /* less isn't worth a read */
#define SHOWN_BYTES 200     /* of an item that is too long */
#define NONE SIZE_MAX

/* How much memory blocks take. It lives as long as the feed or any block. */
struct account {
	uint64_t held_bytes;
	size_t n_users;
};

struct block {
	struct account *account;
	struct block *next; /* in the feed's list */
	size_t n_users;     /* the list and the slices */
	char *bytes;
	size_t start, good, whole, end, cap;
	size_t kept; /* where the last item of this block begins if it is cut: too long, and its rest is skipped; or NONE */
};

struct feed {
	struct source *source;
	struct account *account;
	struct block *first, *last; /* both NULL before the first read */
	size_t max_item_bytes;
	uint64_t next_seq;
	char delimiter;
	bool is_skipping; /* inside an item that is too long and was already given */
	bool has_ended;
};

/* Blocks */

static void account_leave(struct account *account)
{
	if (--account->n_users == 0)
		free(account);
}

static struct block *block_create(struct account *account, size_t cap)
{
	struct block *block = calloc(1, sizeof(*block));

	if (block == NULL)
		return NULL;
	block->bytes = malloc(cap);
	if (block->bytes == NULL) {
		free(block);
		return NULL;
	}
	block->cap = cap;
	block->kept = NONE;
	block->n_users = 1;
	block->account = account;
	account->n_users++;
	account->held_bytes += cap;
	return block;
}

static void block_leave(struct block *block)
{
	if (--block->n_users > 0)
		return;
	block->account->held_bytes -= block->cap;
	account_leave(block->account);
	free(block->bytes);
	free(block);
}

/* Of a block of ours alone. -1 when memory is short; the block is then as it was. */
static int block_resize(struct block *block, size_t cap)
{
	char *bytes = realloc(block->bytes, cap);

	if (bytes == NULL)
		return -1;
	block->account->held_bytes += cap;
	block->account->held_bytes -= block->cap;
	block->bytes = bytes;
	block->cap = cap;
	return 0;
}

/* Reading */

int feed_create(struct feed **ret, struct source *source, int64_t max_item_bytes, struct err *err)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	struct account *account = calloc(1, sizeof(*account));

	if (feed == NULL || account == NULL) {
		free(account);
		free(feed);
		return err_set(err, ERR_RESOURCE, "out of memory while reading %s", source_head(source)->name);
	}
	account->n_users = 1;
	feed->account = account;
	feed->source = source;
	feed->delimiter = source_head(source)->delimiter;
	/* Sums of this and a few blocks must not overflow. */
	feed->max_item_bytes = max_item_bytes < PTRDIFF_MAX / 4 ? (size_t)max_item_bytes : PTRDIFF_MAX / 4;
	feed->next_seq = 1;
	*ret = feed;
	return 0;
}

void feed_destroy(struct feed **feed)
{
	int saved_errno = errno;

	if (*feed != NULL) {
		while ((*feed)->first != NULL) {
			struct block *block = (*feed)->first;

			(*feed)->first = block->next;
			block_leave(block);
		}
		account_leave((*feed)->account);
		free(*feed);
		*feed = NULL;
	}
	errno = saved_errno;
}

/* Takes blocks off the list from which all was taken and into which nothing more is read. */
static void feed_trim(struct feed *feed)
{
	while (feed->first != NULL && feed->first->start == feed->first->whole &&
	       (feed->first != feed->last || feed->has_ended)) {
		struct block *block = feed->first;

		feed->first = block->next;
		if (feed->first == NULL)
			feed->last = NULL;
		block_leave(block);
	}
}

/* The size for a block that begins with a piece of an item; never far over max-item. */
static size_t feed_cap_for(const struct feed *feed, size_t n_piece)
{
	size_t most = feed->max_item_bytes + BLOCK_BYTES;

	if (n_piece <= BLOCK_BYTES / 2)
		return BLOCK_BYTES;
	return 2 * n_piece <= most || most < n_piece + BLOCK_BYTES ? 2 * n_piece : most;
}

/* Closes the last block, and goes on in a new one that begins with the piece that stood at the end. */
static int feed_begin_block(struct feed *feed)
{
	struct block *old = feed->last;
	struct block *block = block_create(feed->account, feed_cap_for(feed, old == NULL ? 0 : old->end - old->whole));

	if (block == NULL)
		return -1;
	if (old != NULL) {
		block->end = old->end - old->whole;
		memcpy(block->bytes, old->bytes + old->whole, block->end);
		old->end = old->whole;
		/* Nobody has seen its bytes yet: give back what a long item left over. Failing to is no harm. */
		if (old->n_users == 1 && old->cap > BLOCK_BYTES && old->cap - old->end > BLOCK_BYTES && old->end > 0)
			block_resize(old, old->end);
		old->next = block;
	} else {
		feed->first = block;
	}
	feed->last = block;
	feed_trim(feed);
	return 0;
}

/* Room for MIN_ROOM_BYTES and a delimiter at the end of the last block. */
static int feed_make_room(struct feed *feed)
{
	struct block *block = feed->last;
	size_t n_piece;

	if (block == NULL)
		return feed_begin_block(feed);
	n_piece = block->end - block->whole;
	if (block->n_users == 1 && block->start == block->whole) {
		bool is_short = block->cap - block->end <= MIN_ROOM_BYTES;

		/* Nothing in it is needed but the piece: use it again from its start. */
		if (n_piece == 0 || (is_short && n_piece <= block->cap / 2)) {
			memmove(block->bytes, block->bytes + block->whole, n_piece);
			block->start = block->good = block->whole = 0;
			block->kept = NONE;
			block->end = n_piece;
		} else if (is_short && block->whole == 0) {
			return block_resize(block, feed_cap_for(feed, n_piece));
		}
	}
	if (block->cap - block->end > MIN_ROOM_BYTES)
		return 0;
	return feed_begin_block(feed);
}

/* Moves good on over the items that have become whole. */
static void feed_check_items(const struct feed *feed, struct block *block)
{
	size_t n_bytes = (block->kept < block->whole ? block->kept : block->whole) - block->good;

	block->good += delimiter_find_too_long(block->bytes + block->good, n_bytes, feed->delimiter, feed->max_item_bytes);
}

/* The piece at the end is over max-item already: its first bytes become an item, the rest is skipped. */
static int feed_cut_piece(struct feed *feed)
{
	struct block *block = feed->last;

	block->kept = block->whole;
	block->bytes[block->kept + SHOWN_BYTES] = feed->delimiter;
	block->whole = block->end = block->kept + SHOWN_BYTES + 1;
	feed->is_skipping = true;
	return feed_begin_block(feed);
}

/* Of n_bytes behind the last block's end, what lies behind the end of the item that is skipped; 0: nothing yet. */
static size_t feed_skip(struct feed *feed, size_t n_bytes)
{
	struct block *block = feed->last;
	const char *found = memchr(block->bytes + block->end, feed->delimiter, n_bytes);
	size_t n_skipped;

	if (found == NULL)
		return 0;
	feed->is_skipping = false;
	n_skipped = (size_t)(found - (block->bytes + block->end)) + 1;
	block->start = block->good = block->whole = block->end = block->end + n_skipped;
	return n_bytes - n_skipped;
}

/*
 * In a block that was made for one long item, its end has come: what is behind it goes to a block of its own, so that
 * small items don't hold a large block. The caller looks for their ends.
 */
static int feed_close_long(struct feed *feed, const char *item_end)
{
	struct block *block = feed->last;

	block->whole = (size_t)(item_end - block->bytes) + 1;
	feed_check_items(feed, block);
	return feed_begin_block(feed);
}

/* n_bytes have come behind the last block's end. */
static int feed_accept(struct feed *feed, size_t n_bytes)
{
	struct block *block = feed->last;
	const char *item_end;

	if (feed->is_skipping)
		n_bytes = feed_skip(feed, n_bytes);
	block->end += n_bytes;
	if (block->cap > BLOCK_BYTES) {
		item_end = memchr(block->bytes + block->end - n_bytes, feed->delimiter, n_bytes);
		if (item_end != NULL) {
			if (feed_close_long(feed, item_end) < 0)
				return -1;
			block = feed->last;
			item_end = memrchr(block->bytes, feed->delimiter, block->end);
		}
	} else {
		item_end = memrchr(block->bytes + block->end - n_bytes, feed->delimiter, n_bytes);
	}
	if (item_end != NULL) {
		block->whole = (size_t)(item_end - block->bytes) + 1;
		feed_check_items(feed, block);
	}
	/* What is shown of a long item is the same however it came. */
	if (block->end - block->whole > feed->max_item_bytes && block->end - block->whole > SHOWN_BYTES)
		return feed_cut_piece(feed);
	return 0;
}

static void feed_accept_end(struct feed *feed)
{
	struct block *block = feed->last;

	feed->has_ended = true;
	if (block->end > block->whole) {
		block->bytes[block->end++] = feed->delimiter;
		block->whole = block->end;
		feed_check_items(feed, block);
	}
	feed_trim(feed);
}

int feed_read(struct feed *feed, struct err *err)
{
	size_t room_bytes;
	ssize_t n_bytes;

	if (feed->has_ended)
		return SOURCE_END;
	if (feed_make_room(feed) < 0)
		goto no_memory;
	room_bytes = feed->last->cap - feed->last->end - 1;
	/* What comes behind a long item has to fit into a common block. */
	if (room_bytes > BLOCK_BYTES / 2 && feed->last->cap > BLOCK_BYTES)
		room_bytes = BLOCK_BYTES / 2;
	n_bytes = source_read(feed->source, feed->last->bytes + feed->last->end, room_bytes, err);
	if (n_bytes == SOURCE_END)
		feed_accept_end(feed);
	if (n_bytes <= 0)
		return (int)n_bytes;
	if (feed_accept(feed, (size_t)n_bytes) < 0)
		goto no_memory;
	return (int)n_bytes;
no_memory:
	return err_set(err, ERR_RESOURCE, "out of memory for the items of %s: use a smaller --max-item or --window",
	               source_head(feed->source)->name);
}

/* Taking */

/* The next n_bytes of the first block, which hold n_items and are the first n_used of what is there. */
static void feed_give(struct feed *feed, size_t n_bytes, size_t n_used, uint32_t n_items, struct slice *ret)
{
	struct block *block = feed->first;

	*ret = (struct slice){
		.block = block,
		.bytes = block->bytes + block->start,
		.n_bytes = n_bytes,
		.seq = feed->next_seq,
		.n_items = n_items,
	};
	block->n_users++;
	block->start += n_used;
	feed->next_seq += n_items;
}

/* The item at start is too long. It is shortened in its place. */
static void feed_take_too_long(struct feed *feed, struct slice *ret)
{
	struct block *block = feed->first;
	char *item = block->bytes + block->start;
	size_t n_there = block->whole - block->start;
	size_t n_bytes = n_there - 1;
	size_t n_shown;

	if (block->start == block->kept)
		block->kept = NONE;
	else
		n_bytes = (size_t)((const char *)memchr(item, feed->delimiter, n_there) - item);
	n_shown = n_bytes < SHOWN_BYTES ? n_bytes : SHOWN_BYTES;
	item[n_shown] = feed->delimiter;
	feed_give(feed, n_shown + 1, n_bytes + 1, 1, ret);
	ret->is_too_long = true;
	block->good = block->start;
	feed_check_items(feed, block);
}

static void feed_take_run(struct feed *feed, uint32_t max_items, size_t max_bytes, struct slice *ret)
{
	const struct block *block = feed->first;
	const char *run = block->bytes + block->start;
	size_t n_bytes = block->good - block->start;
	uint32_t n_items;

	if (n_bytes > max_bytes) {
		const char *last = memrchr(run, feed->delimiter, max_bytes);

		if (last == NULL)
			last = memchr(run, feed->delimiter, n_bytes);
		n_bytes = (size_t)(last - run) + 1;
	}
	n_bytes = delimiter_cut(run, n_bytes, feed->delimiter, max_items > 0 ? max_items : 1, &n_items);
	feed_give(feed, n_bytes, n_bytes, n_items, ret);
}

bool feed_take(struct feed *feed, uint32_t max_items, size_t max_bytes, struct slice *ret)
{
	if (!feed_has_item(feed))
		return false;
	feed_trim(feed);
	if (feed->first->good == feed->first->start)
		feed_take_too_long(feed, ret);
	else
		feed_take_run(feed, max_items, max_bytes, ret);
	feed_trim(feed);
	return true;
}

bool feed_has_item(const struct feed *feed)
{
	for (const struct block *block = feed->first; block != NULL; block = block->next) {
		if (block->start < block->whole)
			return true;
	}
	return false;
}

bool feed_is_at_end(const struct feed *feed)
{
	return feed->has_ended && !feed_has_item(feed);
}

uint64_t feed_taken_items(const struct feed *feed)
{
	return feed->next_seq - 1;
}

int64_t feed_taken_bytes(const struct feed *feed)
{
	int64_t n_bytes = source_head(feed->source)->read_bytes;

	for (const struct block *block = feed->first; block != NULL; block = block->next)
		n_bytes -= (int64_t)(block->end - block->start);
	return n_bytes;
}

uint64_t feed_held_bytes(const struct feed *feed)
{
	return feed->account->held_bytes;
}

/* Slices */

struct slice slice_split(struct slice *slice, uint32_t n_items, char delimiter)
{
	struct slice head = *slice;

	head.n_bytes = delimiter_cut(slice->bytes, slice->n_bytes, delimiter, n_items, &head.n_items);
	slice->bytes += head.n_bytes;
	slice->n_bytes -= head.n_bytes;
	slice->seq += head.n_items;
	slice->n_items -= head.n_items;
	slice->block->n_users++;
	return head;
}

const char *slice_item(const struct slice *slice, uint32_t place, char delimiter, size_t *ret_bytes)
{
	const char *end = slice->bytes + slice->n_bytes;
	const char *item = slice->bytes;
	const char *stop = memchr(item, delimiter, slice->n_bytes);

	for (; place > 0; place--) {
		item = stop + 1;
		stop = memchr(item, delimiter, (size_t)(end - item));
	}
	*ret_bytes = (size_t)(stop - item);
	return item;
}

void slice_drop(struct slice *slice)
{
	if (slice->block != NULL)
		block_leave(slice->block);
	*slice = (struct slice){0};
}
