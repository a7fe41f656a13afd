/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream - some ten million bytes of records of random sizes for a ring whose ends are two threads or two processes.
 *
 *	one end: stream_produce        the other: stream_consume, then the fields of struct stream_report are tested
 *
 * A record is a header with its number, then its bytes. Small ones are put several at a time and published by one
 * store with a mark each; large ones, up to three times the ring, go as fragments behind the mark of their header. The
 * last record is the hash of all that was sent. Positions and marks start where they wrap under way.
 *
 * Who finds no bytes or no room yields; nobody sleeps.
 */
#ifndef TESTS_SHM_STREAM_H
#define TESTS_SHM_STREAM_H

#include "shm/ring.h"
#include "shm/segment.h"
#include "tests/tap.h"

#include <errno.h>
#include <sched.h>

#define STREAM_RING_BYTES 8192u
#define STREAM_CONTROL_BYTES 4096u
#define STREAM_SMALL_MAX 300u
#define STREAM_LARGE_MAX (3 * STREAM_RING_BYTES)
#define STREAM_START (RING_POSITION_MASK - 400000)
#define STREAM_START_MARKS (RING_MARK_MASK - 1000)

enum stream_kind { STREAM_SMALL = 1, STREAM_LARGE, STREAM_LAST };

struct stream_header {
	uint32_t number, kind, n_bytes, pad;
};

/* The first page. */
struct stream_shm {
	_Alignas(64) _Atomic uint64_t head;
	_Alignas(64) _Atomic uint64_t tail;
};

struct stream {
	struct segment_map map;
	unsigned char *bytes;
	struct stream_shm *shm;
	uint64_t seed, n_bytes_min; /* how much is sent, at least */
	bool (*is_other_gone)(void *arg);
	void *arg;
};

/* What the consumer saw. */
struct stream_report {
	uint64_t n_bytes, hash, hash_sent;
	uint32_t n_records, n_large;
	uint32_t n_wrong_headers; /* not the record that comes next */
	uint32_t n_unmarked;      /* bytes between records without a mark */
	uint32_t n_torn;          /* marks whose bytes weren't there */
	bool is_broken, is_at_end;
};

static inline uint64_t stream_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline uint64_t stream_hash(uint64_t hash, const unsigned char *bytes, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

__attribute__((unused)) static int stream_init(struct stream *stream, uint64_t seed, struct err *err)
{
	const size_t sizes[] = {STREAM_RING_BYTES};
	const char *why_memfd, *tests = getenv("ROTA_TESTS");
	int fd;
	*stream = (struct stream){.seed = seed};
	stream->n_bytes_min = tests && strcmp(tests, "quick") == 0 ? 1000000 : 10000000;
	if (segment_create(STREAM_CONTROL_BYTES + STREAM_RING_BYTES, NULL, &fd, &why_memfd, err) != 0)
		return -1;
	int result = segment_map(fd, STREAM_CONTROL_BYTES, sizes, 1, &stream->map, &stream->bytes, err);
	close(fd);
	if (result != 0)
		return -1;
	stream->shm = stream->map.base;
	atomic_store(&stream->shm->head, ring_word(STREAM_START, STREAM_START_MARKS));
	atomic_store(&stream->shm->tail, STREAM_START);
	return 0;
}

static bool stream_yield(const struct stream *stream)
{
	if (stream->is_other_gone && stream->is_other_gone(stream->arg))
		return false;
	sched_yield();
	return true;
}

/* --- the producer ------------------------------------------------------------------------------------------------- */

struct stream_producer {
	const struct stream *stream;
	struct ring_producer ring;
	uint64_t random, hash, n_bytes;
	uint32_t number;
};

static bool stream_wait_room(struct stream_producer *producer, uint64_t n_bytes)
{
	int64_t room;
	while ((room = ring_room(&producer->ring, n_bytes)) < (int64_t)n_bytes)
		if (room == RING_BROKEN || !stream_yield(producer->stream))
			return false;
	return true;
}

/* Puts a header, doesn't publish it. */
static void stream_put_header(struct stream_producer *producer, enum stream_kind kind, uint32_t n_bytes)
{
	const struct stream_header header = {.number = producer->number++, .kind = kind, .n_bytes = n_bytes};
	memcpy(ring_at(&producer->ring), &header, sizeof header);
	ring_put(&producer->ring, sizeof header);
}

static void stream_fill(struct stream_producer *producer, unsigned char *bytes, uint32_t n_bytes)
{
	for (uint32_t i = 0; i < n_bytes; i++)
		bytes[i] = (unsigned char)(stream_random(&producer->random) >> 24);
	producer->hash = stream_hash(producer->hash, bytes, n_bytes);
	producer->n_bytes += n_bytes;
}

/* Several at once: each is made in the ring itself, then all are published by one store. */
static bool stream_put_small(struct stream_producer *producer)
{
	uint32_t n_records = 1 + stream_random(&producer->random) % 8;
	if (!stream_wait_room(producer, n_records * (sizeof(struct stream_header) + STREAM_SMALL_MAX)))
		return false;
	for (uint32_t i = 0; i < n_records; i++) {
		uint32_t n_bytes = stream_random(&producer->random) % (STREAM_SMALL_MAX + 1);
		stream_put_header(producer, STREAM_SMALL, n_bytes);
		stream_fill(producer, ring_at(&producer->ring), n_bytes);
		ring_put(&producer->ring, n_bytes);
	}
	ring_publish(&producer->ring, n_records);
	return true;
}

static bool stream_put_large(struct stream_producer *producer)
{
	static _Thread_local unsigned char bytes[STREAM_LARGE_MAX];
	uint32_t n_bytes = stream_random(&producer->random) % (STREAM_LARGE_MAX + 1);
	if (!stream_wait_room(producer, sizeof(struct stream_header)))
		return false;
	stream_put_header(producer, STREAM_LARGE, n_bytes);
	ring_publish(&producer->ring, 1);
	stream_fill(producer, bytes, n_bytes);
	for (uint32_t n_sent = 0; n_sent < n_bytes;) {
		int64_t n = ring_write(&producer->ring, bytes + n_sent, n_bytes - n_sent);
		if (n < 0 || (n == 0 && !stream_yield(producer->stream)))
			return false;
		n_sent += (uint32_t)n;
	}
	return true;
}

/* false: the other end is gone, or has written what can't be true. */
__attribute__((unused)) static bool stream_produce(const struct stream *stream)
{
	struct stream_producer producer = {.stream = stream, .random = stream->seed};
	struct stream_shm *shm = stream->shm;
	ring_producer_init(&producer.ring, stream->bytes, STREAM_RING_BYTES, &shm->head, &shm->tail);
	producer.ring.put_bytes = producer.ring.tail_bytes = STREAM_START;
	producer.ring.marks = STREAM_START_MARKS;
	while (producer.n_bytes < stream->n_bytes_min) {
		bool is_large = stream_random(&producer.random) % 16 == 0;
		if (!(is_large ? stream_put_large(&producer) : stream_put_small(&producer)))
			return false;
	}
	if (!stream_wait_room(&producer, sizeof(struct stream_header) + sizeof producer.hash))
		return false;
	stream_put_header(&producer, STREAM_LAST, sizeof producer.hash);
	memcpy(ring_at(&producer.ring), &producer.hash, sizeof producer.hash);
	ring_put(&producer.ring, sizeof producer.hash);
	ring_publish(&producer.ring, 1);
	return true;
}

/* --- the consumer ------------------------------------------------------------------------------------------------- */

struct stream_consumer {
	const struct stream *stream;
	struct ring_consumer ring;
	struct stream_report *report;
	uint64_t random;
	uint64_t n_seen;  /* bytes, and */
	uint32_t n_marks; /* marks that the last look showed and that weren't taken */
};

/* Looks until there is something. */
static bool stream_look(struct stream_consumer *consumer)
{
	for (;;) {
		bool is_gone = consumer->stream->is_other_gone && consumer->stream->is_other_gone(consumer->stream->arg);
		if (ring_look(&consumer->ring, &consumer->n_seen, &consumer->n_marks) != 0) {
			consumer->report->is_broken = true;
			return false;
		}
		if (consumer->n_seen > 0)
			return true;
		/* what it published before it went was looked for */
		if (is_gone)
			return false;
		ring_release(&consumer->ring);
		sched_yield();
	}
}

static void stream_take(struct stream_consumer *consumer, uint64_t n_bytes, uint32_t n_marks)
{
	ring_take(&consumer->ring, n_bytes, n_marks);
	consumer->n_seen -= n_bytes;
	consumer->n_marks -= n_marks;
	/* room comes back at once, or later with more of it */
	if (stream_random(&consumer->random) % 4 == 0)
		ring_release(&consumer->ring);
}

/* The bytes of a large record, as they come, in pieces. */
static bool stream_gather(struct stream_consumer *consumer, uint32_t n_bytes)
{
	struct stream_report *report = consumer->report;
	for (uint64_t n_left = n_bytes; n_left > 0;) {
		if (consumer->n_seen == 0 && !stream_look(consumer))
			return false;
		uint64_t n = 1 + stream_random(&consumer->random) % STREAM_RING_BYTES;
		n = n > n_left ? n_left : n;
		n = n > consumer->n_seen ? consumer->n_seen : n;
		report->hash = stream_hash(report->hash, ring_data(&consumer->ring), n);
		stream_take(consumer, n, 0);
		n_left -= n;
	}
	report->n_large++;
	return true;
}

/* One record. false: it was the last one, or nothing more can be read. */
static bool stream_take_record(struct stream_consumer *consumer)
{
	struct stream_report *report = consumer->report;
	struct stream_header header;
	if (consumer->n_seen == 0 && !stream_look(consumer))
		return false;
	report->n_unmarked += consumer->n_marks == 0;
	if (consumer->n_marks == 0 || consumer->n_seen < sizeof header) {
		report->n_torn++;
		return false;
	}
	memcpy(&header, ring_data(&consumer->ring), sizeof header);
	stream_take(consumer, sizeof header, 1);
	if (header.number != report->n_records || header.kind < STREAM_SMALL || header.kind > STREAM_LAST) {
		report->n_wrong_headers++;
		return false;
	}
	report->n_records++;
	report->n_bytes += header.n_bytes;
	if (header.kind == STREAM_LARGE)
		return stream_gather(consumer, header.n_bytes);
	if (consumer->n_seen < header.n_bytes) {
		report->n_torn++;
		return false;
	}
	if (header.kind == STREAM_LAST) {
		memcpy(&report->hash_sent, ring_data(&consumer->ring), sizeof report->hash_sent);
		report->is_at_end = true;
	} else {
		report->hash = stream_hash(report->hash, ring_data(&consumer->ring), header.n_bytes);
	}
	stream_take(consumer, header.n_bytes, 0);
	return header.kind != STREAM_LAST;
}

__attribute__((unused)) static void stream_consume(const struct stream *stream, struct stream_report *report)
{
	struct stream_consumer consumer = {.stream = stream, .report = report, .random = ~stream->seed};
	struct stream_shm *shm = stream->shm;
	*report = (struct stream_report){0};
	ring_consumer_init(&consumer.ring, stream->bytes, STREAM_RING_BYTES, &shm->head, &shm->tail);
	consumer.ring.taken_bytes = STREAM_START;
	consumer.ring.taken_marks = STREAM_START_MARKS;
	while (stream_take_record(&consumer))
		;
	ring_release(&consumer.ring);
}

__attribute__((unused)) static void stream_test(const struct stream *stream, const struct stream_report *report)
{
	diag("seed %llu", (unsigned long long)stream->seed);
	ok(report->is_at_end, "the last record came (%u did, %llu bytes)", report->n_records,
	   (unsigned long long)report->n_bytes);
	ok(report->hash == report->hash_sent, "all bytes are as they were sent");
	ok(report->n_bytes >= stream->n_bytes_min, "at least %llu of them", (unsigned long long)stream->n_bytes_min);
	ok(report->n_large > 0, "%u records went in fragments", report->n_large);
	is_int(report->n_wrong_headers, 0, "each record is the one that comes next");
	is_int(report->n_unmarked, 0, "no bytes without a mark");
	is_int(report->n_torn, 0, "no mark without its bytes");
	ok(!report->is_broken, "no index was impossible");
	is_int(atomic_load(&stream->shm->tail) & RING_POSITION_MASK, atomic_load(&stream->shm->head) & RING_POSITION_MASK,
	       "all room was given back");
}

#endif
