/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring - a single-producer single-consumer byte ring over memory that is given to it. No system call, no lock, no
 * allocation. The memory is mapped twice in a row (segment_map), so any run of up to `size` bytes is contiguous.
 *
 *   producer: ring_room, ring_at, ring_put ..., ring_publish        (or ring_write: as much as fits)
 *   consumer: ring_look, ring_data, ring_take ..., ring_release
 *
 * Protocol: Lamport's queue with free-running indices compared only by difference, each side's index published with
 * release order and read with acquire order. Each side keeps its own index privately, so nothing that the other side
 * writes can move it. What is read of the other's is bounds-checked: RING_BROKEN when it can't be true, and then the
 * ring is to be thrown away. Positions are mod 2^40 and marks mod 2^24 (layout.h).
 *
 * Threads: one producer and one consumer, each in one thread of whatever process.
 */
#ifndef SHM_RING_H
#define SHM_RING_H

#include "shm/layout.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RING_BROKEN (-1)

struct ring_producer {
	unsigned char *bytes;
	uint64_t size_bytes;          /* a power of two, at most 2^32 */
	_Atomic uint64_t *head;       /* ours */
	const _Atomic uint64_t *tail; /* the consumer's */
	uint64_t put_bytes;           /* so far, free-running */
	uint64_t tail_bytes;          /* of the consumer's index, as last seen */
	uint32_t marks;               /* free-running */
};

struct ring_consumer {
	const unsigned char *bytes;
	uint64_t size_bytes;
	const _Atomic uint64_t *head; /* the producer's */
	_Atomic uint64_t *tail;       /* ours */
	uint64_t taken_bytes;         /* free-running */
	uint32_t taken_marks;         /* mod 2^24 */
};

static inline uint64_t ring_word(uint64_t position, uint32_t marks)
{
	return (position & RING_POSITION_MASK) | (uint64_t)marks << RING_POSITION_BITS;
}

static inline void ring_producer_init(struct ring_producer *ring, unsigned char *bytes, uint64_t size_bytes,
                                      _Atomic uint64_t *head, const _Atomic uint64_t *tail)
{
	*ring = (struct ring_producer){.bytes = bytes, .size_bytes = size_bytes, .head = head, .tail = tail};
}

static inline void ring_consumer_init(struct ring_consumer *ring, const unsigned char *bytes, uint64_t size_bytes,
                                      const _Atomic uint64_t *head, _Atomic uint64_t *tail)
{
	*ring = (struct ring_consumer){.bytes = bytes, .size_bytes = size_bytes, .head = head, .tail = tail};
}

/* Bytes that may be put for certain. */
static inline uint64_t ring_known_room(const struct ring_producer *ring)
{
	return ring->size_bytes - (ring->put_bytes - ring->tail_bytes);
}

/*
 * Bytes that may be put now, or RING_BROKEN. Looks at the consumer's index only when fewer than wanted are known to be
 * free: the index is on a line that the other side writes.
 */
static inline int64_t ring_room(struct ring_producer *ring, uint64_t wanted_bytes)
{
	uint64_t used = ring->put_bytes - ring->tail_bytes;
	if (ring->size_bytes - used < wanted_bytes) {
		ring->tail_bytes = atomic_load_explicit(ring->tail, memory_order_acquire);
		used = ring->put_bytes - ring->tail_bytes;
		if (used > ring->size_bytes)
			return RING_BROKEN;
	}
	return (int64_t)(ring->size_bytes - used);
}

/* Where the next byte goes. What is written there within ring_room is the producer's own until ring_publish. */
static inline unsigned char *ring_at(const struct ring_producer *ring)
{
	return ring->bytes + (ring->put_bytes & (ring->size_bytes - 1));
}

static inline void ring_put(struct ring_producer *ring, uint64_t n_bytes)
{
	ring->put_bytes += n_bytes;
}

static inline void ring_publish(struct ring_producer *ring, uint32_t more_marks)
{
	ring->marks += more_marks;
	atomic_store_explicit(ring->head, ring_word(ring->put_bytes, ring->marks), memory_order_release);
}

/* Copies as much as fits (a fragment) and publishes it without a mark. How much, or RING_BROKEN. */
static inline int64_t ring_write(struct ring_producer *ring, const void *bytes, uint64_t n_bytes)
{
	int64_t room = ring_room(ring, n_bytes);
	if (room <= 0)
		return room;
	uint64_t n = (uint64_t)room < n_bytes ? (uint64_t)room : n_bytes;
	memcpy(ring_at(ring), bytes, n);
	ring_put(ring, n);
	ring_publish(ring, 0);
	return (int64_t)n;
}

/*
 * What is there now and not yet taken: bytes, and marks behind those that ring_take was told of. 0, or RING_BROKEN.
 * Both come from one load: the marks belong to the bytes.
 */
static inline int ring_look(const struct ring_consumer *ring, uint64_t *ret_bytes, uint32_t *ret_marks)
{
	uint64_t word = atomic_load_explicit(ring->head, memory_order_acquire);
	uint64_t n_bytes = (word - ring->taken_bytes) & RING_POSITION_MASK;
	if (n_bytes > ring->size_bytes)
		return RING_BROKEN;
	*ret_bytes = n_bytes;
	*ret_marks = ((uint32_t)(word >> RING_POSITION_BITS) - ring->taken_marks) & RING_MARK_MASK;
	return 0;
}

static inline const unsigned char *ring_data(const struct ring_consumer *ring)
{
	return ring->bytes + (ring->taken_bytes & (ring->size_bytes - 1));
}

static inline void ring_take(struct ring_consumer *ring, uint64_t n_bytes, uint32_t n_marks)
{
	ring->taken_bytes += n_bytes;
	ring->taken_marks = (ring->taken_marks + n_marks) & RING_MARK_MASK;
}

/* Gives the room of all that was taken back to the producer. */
static inline void ring_release(struct ring_consumer *ring)
{
	atomic_store_explicit(ring->tail, ring->taken_bytes, memory_order_release);
}

#endif
