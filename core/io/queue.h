/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue - bytes that wait to be written, in chunks: small pieces are gathered in the last one, a big buffer becomes one
 * as it is.
 *
 *   queue_add, queue_add_buf ...; queue_parts, queue_front and queue_take as far as was written; queue_fini
 *
 * Invariants: n_bytes is the sum of what stands in the chunks; no chunk in the queue is empty. Private to whoever has
 * it: one thread.
 */
#ifndef IO_QUEUE_H
#define IO_QUEUE_H

#include "core/base/buf.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#define QUEUE_BLOCK_BYTES (64 * 1024) /* a chunk's room at least: what is worth a system call */

struct chunk {
	struct chunk *next;
	char *bytes; /* owned */
	size_t start, end, cap;
};

/* All zero: an empty one. */
struct queue {
	struct chunk *first, *last;
	struct chunk *spare; /* one emptied chunk of QUEUE_BLOCK_BYTES, or NULL */
	uint64_t n_bytes;
};

/* What doesn't fit into the last chunk: the rest begins another. */
int queue_add_beyond(struct queue *queue, const char *bytes, size_t n_bytes);

/* A copy of n_bytes > 0 to the end. -1: memory is short, and nothing was added. */
static inline int queue_add(struct queue *queue, const char *bytes, size_t n_bytes)
{
	struct chunk *last = queue->last;

	if (last == NULL || n_bytes > last->cap - last->end)
		return queue_add_beyond(queue, bytes, n_bytes);
	memcpy(last->bytes + last->end, bytes, n_bytes);
	last->end += n_bytes;
	queue->n_bytes += n_bytes;
	return 0;
}

/* The buffer's memory to the end, and it is empty then; it has bytes. -1: memory is short, and it is as it was. */
int queue_add_buf(struct queue *queue, struct buf *take_buf);

/* The first chunks for a writev, at most so many. How many. */
int queue_parts(const struct queue *queue, struct iovec *parts, int max_parts);

/* The first chunk's bytes; there is one. */
const char *queue_front(const struct queue *queue, size_t *ret_bytes);

/* Takes bytes off the first chunk, at most all that it has. */
void queue_take(struct queue *queue, size_t n_bytes);

void queue_clear(struct queue *queue);
void queue_fini(struct queue *queue);

#endif
