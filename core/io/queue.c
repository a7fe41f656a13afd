/* SPDX-License-Identifier: Apache-2.0 */
/* queue - see queue.h. */
#include "config.h"

#include "core/io/queue.h"

#include <stdlib.h>

static void chunk_destroy(struct chunk *chunk)
{
	if (chunk != NULL)
		free(chunk->bytes);
	free(chunk);
}

/* Bytes of its own; or those of the caller, when bytes is given. */
static struct chunk *chunk_create(char *bytes, size_t len, size_t cap)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk));

	if (chunk == NULL)
		return NULL;
	chunk->bytes = bytes != NULL ? bytes : malloc(cap);
	if (chunk->bytes == NULL) {
		free(chunk);
		return NULL;
	}
	chunk->end = len;
	chunk->cap = cap;
	return chunk;
}

static void queue_put(struct queue *queue, struct chunk *chunk)
{
	if (queue->last != NULL)
		queue->last->next = chunk;
	else
		queue->first = chunk;
	queue->last = chunk;
}

static void queue_remove_first(struct queue *queue)
{
	struct chunk *chunk = queue->first;

	queue->first = chunk->next;
	if (queue->first == NULL)
		queue->last = NULL;
	if (queue->spare == NULL && chunk->cap == QUEUE_BLOCK_BYTES) {
		chunk->next = NULL;
		chunk->start = chunk->end = 0;
		queue->spare = chunk;
	} else {
		chunk_destroy(chunk);
	}
}

/* An empty chunk with room for n_bytes and the small ones after them. */
static struct chunk *queue_take_chunk(struct queue *queue, size_t n_bytes)
{
	struct chunk *chunk = queue->spare;

	if (chunk == NULL || n_bytes > chunk->cap)
		return chunk_create(NULL, 0, n_bytes > QUEUE_BLOCK_BYTES ? n_bytes : QUEUE_BLOCK_BYTES);
	queue->spare = NULL;
	return chunk;
}

int queue_add_beyond(struct queue *queue, const char *bytes, size_t n_bytes)
{
	struct chunk *last = queue->last;
	size_t n_here = last == NULL ? 0 : last->cap - last->end;
	struct chunk *more = queue_take_chunk(queue, n_bytes - n_here);

	if (more == NULL)
		return -1;
	if (n_here > 0) {
		memcpy(last->bytes + last->end, bytes, n_here);
		last->end += n_here;
	}
	memcpy(more->bytes, bytes + n_here, n_bytes - n_here);
	more->end = n_bytes - n_here;
	queue_put(queue, more);
	queue->n_bytes += n_bytes;
	return 0;
}

int queue_add_buf(struct queue *queue, struct buf *take_buf)
{
	struct chunk *chunk = chunk_create(take_buf->bytes, take_buf->len, take_buf->cap);

	if (chunk == NULL)
		return -1;
	queue_put(queue, chunk);
	queue->n_bytes += take_buf->len;
	*take_buf = (struct buf){0};
	return 0;
}

int queue_parts(const struct queue *queue, struct iovec *parts, int max_parts)
{
	int n_parts = 0;

	for (const struct chunk *chunk = queue->first; chunk != NULL && n_parts < max_parts; chunk = chunk->next)
		parts[n_parts++] = (struct iovec){chunk->bytes + chunk->start, chunk->end - chunk->start};
	return n_parts;
}

const char *queue_front(const struct queue *queue, size_t *ret_bytes)
{
	const struct chunk *chunk = queue->first;

	*ret_bytes = chunk->end - chunk->start;
	return chunk->bytes + chunk->start;
}

void queue_take(struct queue *queue, size_t n_bytes)
{
	struct chunk *chunk = queue->first;

	queue->n_bytes -= n_bytes;
	chunk->start += n_bytes;
	if (chunk->start == chunk->end)
		queue_remove_first(queue);
}

void queue_clear(struct queue *queue)
{
	while (queue->first != NULL)
		queue_remove_first(queue);
	queue->n_bytes = 0;
}

void queue_fini(struct queue *queue)
{
	queue_clear(queue);
	chunk_destroy(queue->spare);
	*queue = (struct queue){0};
}
