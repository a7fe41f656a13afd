/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_shuffle - another source's items in an order of chance (--shuf): that of Fisher and Yates, by the numbers of
 * SplitMix64, so that the same items have the same order with the same seed, on every machine.
 *
 * Memory: all items, and 16 bytes for each.
 */
#include "config.h"

#include "core/io/source_shuffle.h"

#include "core/base/buf.h"
#include "core/io/waiter.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define READ_BYTES (256 * 1024)
#define READS_A_TURN 64

struct piece {
	size_t begin, n_bytes;
};

struct source_shuffle {
	struct source_head head;
	struct waiter waiter;
	struct source *source; /* NULL: its end was reached */
	uint64_t state;
	struct buf items;
	struct piece *pieces;
	size_t n_pieces, at; /* at: the piece that is being given, */
	size_t given;        /* and so much of it was */
};

static int no_memory(struct err *err)
{
	return err_set(err, ERR_RESOURCE, "no memory for all items at once, which --shuf needs");
}

static uint64_t next_number(uint64_t *state)
{
	uint64_t number = *state += UINT64_C(0x9e3779b97f4a7c15);

	number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
	return number ^ (number >> 31);
}

/* One of n, each as likely as the others: those numbers count that a multiple of n has. */
static uint64_t choose(uint64_t *state, uint64_t n)
{
	uint64_t n_beyond = (UINT64_MAX % n + 1) % n, number;

	do
		number = next_number(state);
	while (number > UINT64_MAX - n_beyond);
	return number % n;
}

/* Finds the items in what was read. */
static int cut(struct source_shuffle *shuffle)
{
	char delimiter = shuffle->head.delimiter;
	struct buf *items = &shuffle->items;
	size_t n = 0, begin = 0;

	if (items->len > 0 && items->bytes[items->len - 1] != delimiter && buf_append(items, &delimiter, 1) < 0)
		return -1;
	for (size_t i = 0; i < items->len; i++)
		n += items->bytes[i] == delimiter;
	shuffle->pieces = calloc(n + 1, sizeof(*shuffle->pieces));
	if (shuffle->pieces == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *end = memchr(items->bytes + begin, delimiter, items->len - begin);

		shuffle->pieces[i] = (struct piece){begin, (size_t)(end + 1 - items->bytes) - begin};
		begin += shuffle->pieces[i].n_bytes;
	}
	shuffle->n_pieces = n;
	return 0;
}

static void mix(struct source_shuffle *shuffle)
{
	for (size_t i = shuffle->n_pieces; i > 1; i--) {
		size_t other = (size_t)choose(&shuffle->state, i);
		struct piece piece = shuffle->pieces[i - 1];

		shuffle->pieces[i - 1] = shuffle->pieces[other];
		shuffle->pieces[other] = piece;
	}
}

/* Reads all. 1: it is there, and in its new order; SOURCE_WAIT or -1. */
static int gather(struct source_shuffle *shuffle, struct err *err)
{
	for (int n_reads = 0;; n_reads++) {
		ssize_t n_bytes;

		if (n_reads == READS_A_TURN)
			return waiter_wait(&shuffle->waiter, WAITER_TURN, err) < 0 ? -1 : SOURCE_WAIT;
		if (buf_reserve(&shuffle->items, READ_BYTES) < 0)
			return no_memory(err);
		n_bytes = source_read(shuffle->source, shuffle->items.bytes + shuffle->items.len, READ_BYTES, err);
		if (n_bytes == SOURCE_WAIT)
			return waiter_wait(&shuffle->waiter, source_head(shuffle->source)->fd, err) < 0 ? -1 : SOURCE_WAIT;
		if (n_bytes < 0)
			return -1;
		if (n_bytes == SOURCE_END)
			break;
		shuffle->items.len += (size_t)n_bytes;
	}
	if (cut(shuffle) < 0)
		return no_memory(err);
	mix(shuffle);
	shuffle->head.total_items = (int64_t)shuffle->n_pieces;
	source_close(&shuffle->source);
	return 1;
}

static ssize_t shuffle_read(struct source *source, char *dest, size_t room_bytes, struct err *err)
{
	struct source_shuffle *shuffle = (struct source_shuffle *)source;
	int result = shuffle->source != NULL ? gather(shuffle, err) : 1;
	size_t n_bytes = 0;

	if (result < 0)
		return result;
	while (n_bytes < room_bytes && shuffle->at < shuffle->n_pieces) {
		const struct piece *piece = &shuffle->pieces[shuffle->at];
		size_t n_left = piece->n_bytes - shuffle->given;
		size_t n = n_left < room_bytes - n_bytes ? n_left : room_bytes - n_bytes;

		memcpy(dest + n_bytes, shuffle->items.bytes + piece->begin + shuffle->given, n);
		n_bytes += n;
		shuffle->given += n;
		if (n == n_left) {
			shuffle->at++;
			shuffle->given = 0;
		}
	}
	return n_bytes > 0 ? (ssize_t)n_bytes : SOURCE_END;
}

static void shuffle_close(struct source *source)
{
	struct source_shuffle *shuffle = (struct source_shuffle *)source;

	source_close(&shuffle->source);
	waiter_close(&shuffle->waiter);
	buf_fini(&shuffle->items);
	free(shuffle->pieces);
	free(shuffle);
}

static const struct source_ops shuffle_ops = {"shuffle", shuffle_read, shuffle_close};

int source_shuffle_open(struct source **source, uint64_t seed, struct err *err)
{
	const struct source_head *inner = source_head(*source);
	struct source_shuffle *shuffle = calloc(1, sizeof(*shuffle));
	char *name = strdup(inner->name);

	if (shuffle == NULL || name == NULL) {
		free(shuffle);
		free(name);
		return no_memory(err);
	}
	if (waiter_open(&shuffle->waiter, err) < 0) {
		free(shuffle);
		free(name);
		return -1;
	}
	shuffle->head = (struct source_head){.ops = &shuffle_ops,
	                                     .delimiter = inner->delimiter,
	                                     .fd = waiter_fd(&shuffle->waiter),
	                                     .total_items = -1,
	                                     .total_bytes = -1,
	                                     .name = name};
	shuffle->state = seed;
	shuffle->source = *source;
	*source = (struct source *)shuffle;
	return 0;
}
