/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout - the memory that supervisor and worker share: a channel's segment, word by word. Both ends are built from
 * this file and check CHANNEL_VERSION.
 *
 * A channel's segment, in the order of the file. A page is what the kernel calls one: 4, 16 or 64 KiB.
 *   page 0   struct fixed_shm    written once by the supervisor before the worker exists
 *   page 1   struct down_shm     words the supervisor writes
 *   page 2   struct up_shm       words the worker writes
 *   page 3   the semaphore       nothing else: it is compared with a pristine copy
 *   then     struct sums_shm     words the worker writes: a sum of what it has published, an item
 *   then     task ring, result ring, event ring; each is mapped twice, one behind the other, so that whatever is in it
 *            is contiguous
 *
 * Rings. The producer publishes one word: bytes put so far (mod 2^40) in the low 40 bits and marks (mod 2^24) in the
 * high 24, by one release store. The consumer publishes the bytes that it is done with (64 bits, free-running). What a
 * mark is: task ring, a batch; result ring, an item answered; event ring, an event.
 *
 * Task ring: struct batch_shm, then its n_bytes of items, each followed by the job's delimiter. A batch larger than
 * the ring goes through it in fragments. Result ring: the results of the items in the order in which they were given,
 * framed as the sink wants them, nothing in between. Bytes published without a mark belong to the item that is being
 * run and count for nothing until its mark. Event ring: struct event_shm, then its n_bytes of text. An event about an
 * item is published before that item's mark.
 *
 * Counting. Items of a channel are counted from 0, mod 2^24, in the order given: those granted (in batches) by the
 * supervisor, those begun by the worker (claim word), those answered (the result ring's marks). At every instant
 * answered <= begun <= answered + 1 and begun <= granted, as differences, and none of them ever goes back. Dead worker:
 * items below answered have their outcome; the one between answered and begun is charged; the others go back.
 */
#ifndef SHM_LAYOUT_H
#define SHM_LAYOUT_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define CHANNEL_MAGIC UINT64_C(0x31656c6261746f72) /* "rotable1" */
#define CHANNEL_VERSION 7u

#define CHANNEL_SUMS 4096u /* items: a power of two; so many of batches with sums may be owed at a time */
#define CHANNEL_LINE_BYTES 64

#define RING_POSITION_BITS 40
#define RING_POSITION_MASK ((UINT64_C(1) << RING_POSITION_BITS) - 1)
#define RING_MARK_MASK ((UINT32_C(1) << 24) - 1)

/* Batches that a channel may hold at a time: cuts[] has a place for each. */
#define CHANNEL_BATCHES_MAX 16u

/* Page 0. Written by the supervisor at creation, read by the worker when it attaches; the supervisor never reads it. */
struct fixed_shm {
	uint64_t magic;
	uint32_t version;
	uint32_t worker_number;
	uint64_t task_bytes, result_bytes, event_bytes; /* powers of two, whole pages */
	uint32_t has_heavy_fence;                       /* the supervisor's fence is one for both (shm/fence.h) */
	uint32_t page_bytes; /* segment_page_bytes() of the supervisor: the worker's must be the same */
};

/*
 * Beginning and taking back. The worker alone writes the claim word, the supervisor alone the take-back word; both have
 * a count of items in bits 0..23 and an epoch in 24..39. Each batch has the epoch in which it was sent.
 *
 * The worker begins item n of a batch by storing the claim (n + 1, the batch's epoch); then it loads the take-back
 * word. If that has the batch's epoch, the item has begun. Otherwise something was taken back, or is being: it waits
 * while the epoch is odd; then the item has begun if the cut is n + 1, and was taken back, with the rest of the batch,
 * if it isn't.
 *
 * The supervisor takes back what hasn't begun by storing an odd epoch (the old one + 1); then it loads the claim word,
 * and stores the cut, which is how many items have begun, with the next even epoch. What still stands in the task ring
 * is stale by that. A claim of an epoch that has passed counts as the cut: its worker hasn't begun anything since,
 * though it may be about to find out.
 *
 * Each side stores, then loads what the other stores (Dekker): between the two there is a fence, which one side does
 * once an item and the other hardly ever; see shm/fence.h. Nobody can be first twice: either the supervisor sees the
 * claim and the cut includes it, or the worker sees that the epoch has changed.
 *
 * The epoch wraps after 32,767 take-backs: more stale batches than any task ring holds, so none is taken for a fresh
 * one. It is never 0: over zeros, which an item gone astray writes most, nothing is begun.
 */
#define CLAIM_EPOCH_FIRST 2u
#define CLAIM_EPOCH_SHIFT 24
#define CLAIM_EPOCH_MASK 0xffffu

static inline uint64_t claim_word(uint32_t count, uint32_t epoch)
{
	return (uint64_t)(count & RING_MARK_MASK) | (uint64_t)(epoch & CLAIM_EPOCH_MASK) << CLAIM_EPOCH_SHIFT;
}

static inline uint32_t claim_count(uint64_t word)
{
	return (uint32_t)word & RING_MARK_MASK;
}

static inline uint32_t claim_epoch(uint64_t word)
{
	return (uint32_t)(word >> CLAIM_EPOCH_SHIFT) & CLAIM_EPOCH_MASK;
}

/* Page 1. */
struct down_shm {
	/* written by the supervisor, read by the worker */
	_Alignas(CHANNEL_LINE_BYTES) _Atomic uint64_t task_head;   /* release; publishes the batch and its grant */
	_Alignas(CHANNEL_LINE_BYTES) _Atomic uint64_t result_tail; /* release, after the bytes were copied out */
	_Atomic uint64_t event_tail;
	_Atomic uint32_t is_stopping; /* set once: leave the loop when nothing is granted; then post */
	_Atomic uint32_t cancel;      /* 1 + (begun mod 2^24) of the item that is given up, until it's taken; 0: none */
	/*
	 * set by the supervisor before it sleeps (seq_cst fence, then it looks once more); cleared by the worker who
	 * rings
	 */
	_Alignas(CHANNEL_LINE_BYTES) _Atomic uint32_t wants_bell;
	/* above; a line of its own, which the worker reads for each item and is hardly ever written */
	_Alignas(CHANNEL_LINE_BYTES) _Atomic uint64_t take_back;
};

enum worker_state {
	WORKER_STARTING = 0,
	WORKER_READY = 1,   /* open went well */
	WORKER_REFUSED = 2, /* load or open said no: an EVENT_REFUSED says why */
	WORKER_LEFT = 3,    /* it left its loop in order, close was called */
	WORKER_MUTE = 4     /* its bell is gone, whoever did it, and its item has to wait for the supervisor: it ends */
};

/* Page 2. Written by the worker, read (copied once, checked) by the supervisor. */
struct up_shm {
	_Alignas(CHANNEL_LINE_BYTES) _Atomic uint64_t result_head; /* release; one store an item */
	_Atomic uint64_t claim;                                    /* above; one store an item */
	_Alignas(CHANNEL_LINE_BYTES) _Atomic uint64_t event_head;
	_Atomic uint64_t task_tail;
	_Atomic uint64_t busy_ns;  /* time spent in batches so far; a hint for the size of batches, nothing else */
	_Atomic uint32_t state;    /* enum worker_state */
	_Atomic uint32_t is_dying; /* set once, to 1: a fault ends the process, which says its last words first */
	/* set to 1 by the worker before it sleeps (seq_cst fence, then it looks once more); cleared by whoever posts */
	_Alignas(CHANNEL_LINE_BYTES) _Atomic uint32_t is_sleeping;
	/*
	 * Position in the result ring (mod 2^40) behind the batch of number n at [n % CHANNEL_BATCHES_MAX]; stored before
	 * the mark of the batch's last item.
	 */
	_Alignas(CHANNEL_LINE_BYTES) _Atomic uint64_t cuts[CHANNEL_BATCHES_MAX];
};

/*
 * Written by the worker, read (each word once) by the supervisor. Of a batch with is_summed, [count % CHANNEL_SUMS] is
 * the digest (base/digest, the low 64 bits) of all bytes of the batch that were published up to the end of this item,
 * parts of failed ones too; stored before the item's mark. The supervisor compares it with the digest of what it has
 * copied: a result that was changed while it waited in the ring isn't believed.
 */
struct sums_shm {
	_Atomic uint64_t sums[CHANNEL_SUMS];
};

/* Where each part begins, by the bytes of a page. What stands before the rings is the control part. */
static inline size_t channel_down_at(size_t page_bytes)
{
	return page_bytes;
}

static inline size_t channel_up_at(size_t page_bytes)
{
	return 2 * page_bytes;
}

static inline size_t channel_sem_at(size_t page_bytes)
{
	return 3 * page_bytes;
}

static inline size_t channel_sums_at(size_t page_bytes)
{
	return 4 * page_bytes;
}

static inline size_t channel_control_bytes(size_t page_bytes)
{
	size_t end = channel_sums_at(page_bytes) + sizeof(struct sums_shm);
	return (end + page_bytes - 1) / page_bytes * page_bytes;
}

#define CHANNEL_PAGE_BYTES_MIN 4096 /* no Linux has smaller ones */
static_assert(sizeof(struct fixed_shm) <= CHANNEL_PAGE_BYTES_MIN, "a page each");
static_assert(sizeof(struct down_shm) <= CHANNEL_PAGE_BYTES_MIN, "a page each");
static_assert(sizeof(struct up_shm) <= CHANNEL_PAGE_BYTES_MIN, "a page each");
static_assert(offsetof(struct down_shm, take_back) % CHANNEL_LINE_BYTES == 0, "a line of its own");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "shared words must be lock-free");

/* In the task ring, written by the supervisor. */
struct batch_shm {
	uint64_t seq;     /* number of the first item in the input; the others follow */
	uint64_t n_bytes; /* behind this header */
	uint32_t n_items;
	uint32_t attempt; /* of each of them, from 1 */
	uint32_t start;   /* count of the first item in the channel, mod 2^24 */
	uint32_t epoch;   /* 16 bits, even */
	uint32_t number;  /* of the batch in the channel, from 0 */
	uint32_t is_summed;
};
static_assert(sizeof(struct batch_shm) == 40, "no hidden padding");

enum event_kind {
	EVENT_FAILED = 1,  /* the item's outcome isn't ok; detail: enum event_failure; text: why */
	EVENT_PART = 2,    /* bytes without a mark are about to be published; position: where they begin */
	EVENT_LOG = 3,     /* text: a line for the user; position: EVENT_LOG_PLAIN, or 0 */
	EVENT_COUNT = 4,   /* text: a counter's name; position: what to add (two's complement) */
	EVENT_REFUSED = 5, /* text: why open can't go on */
	EVENT_BEGUN = 6,   /* position: as for PART; text: struct time_shm, its first field */
	EVENT_ENDED = 7    /* of the item that was begun last, before its answer; text: struct time_shm */
};

/* Of an item; only when the set-up asks for it. In an event's text, so it may be anywhere. */
struct time_shm {
	int64_t start_ns; /* CLOCK_MONOTONIC */
	int64_t runtime_ns;
	uint64_t result_bytes;
};

enum event_failure {
	FAILURE_FAILED = 0,    /* rota_fail, or run returned an error */
	FAILURE_AGAIN = 1,     /* rota_retry */
	FAILURE_MAX_RESULT = 2 /* the result is larger than allowed */
};

/* What `rota-worker --try` tells `rota try`: written by it as it goes, read when it has ended. */
struct trial_shm {
	_Atomic uint64_t seq;          /* the item that it is in; 0: none */
	_Atomic uint32_t n_item_bytes; /* of item */
	_Atomic uint32_t is_done;      /* it has said all itself, and its exit status holds */
	char item[80];                 /* how it begins */
};

/* In the event ring, written by the worker. */
struct event_shm {
	uint32_t kind;
	uint32_t item;     /* the item's count in the channel, mod 2^24 */
	uint64_t position; /* FAILED: in the result ring, behind whatever the item had published; else see above */
	uint32_t detail;
	uint32_t n_bytes;
	int32_t wait_status;   /* FAILED: how the item's command ended, as of waitpid; else 0 */
	uint32_t keeps_result; /* FAILED: what the item had published stays its result, if it is attempted no more */
};
static_assert(sizeof(struct event_shm) == 32, "no hidden padding");
#define EVENT_TEXT_MAX 4000u
#define EVENT_LOG_PLAIN 1 /* without the item's number */

#endif
