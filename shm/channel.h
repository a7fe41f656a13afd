/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel - the supervisor's end of what it shares with one worker: task ring, result ring, event ring, claim and
 * take-back word, semaphore, and an eventfd as the bell. The worker's end is port.h; the memory is layout.h.
 *
 *   channel_create, hand channel_fd and channel_bell_fd to the worker, channel_close_fd
 *   channel_send (channel_send_more while channel_is_sending), channel_wake
 *   channel_look, channel_event + channel_event_done ..., channel_data, channel_take, channel_release, channel_wake
 *   channel_sleep_begin before the supervisor sleeps, channel_sleep_end
 *   channel_take_back, channel_stop, channel_destroy
 *
 * Everything read from the shared memory is hostile: it is copied once, the copy is checked, only the copy is used. A
 * function that finds what can't be true returns CHANNEL_BROKEN: the worker is to be killed and the channel thrown
 * away; what was collected before stays good. A channel is used for one worker's life and never repaired.
 *
 * Owner: whoever created it. Threads: one (the supervisor's).
 */
#ifndef SHM_CHANNEL_H
#define SHM_CHANNEL_H

#include "core/base/err.h"
#include "shm/layout.h"
#include "shm/ring.h"
#include "shm/segment.h"
#include "shm/wake.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANNEL_BROKEN (-1)

struct channel_sizes {
	size_t task_bytes, result_bytes, event_bytes; /* powers of two; less than a page of the kernel's becomes a page */
	uint64_t task_nodes; /* NUMA nodes, a bit each, that the task ring had better be on; 0: near to the supervisor */
};

/* A batch to send: bytes are n_items items, each with its delimiter; borrowed until they are sent. */
struct channel_batch {
	uint64_t seq;
	uint32_t n_items;
	uint32_t attempt;
	const char *bytes;
	size_t n_bytes;
	bool is_summed; /* the worker notes a sum an item; with these no more than CHANNEL_SUMS items may be owed */
};

struct channel_event {
	enum event_kind kind;
	uint32_t item;     /* as the worker counts, mod 2^24 */
	uint64_t position; /* 40 bits; EVENT_COUNT: the value */
	uint32_t detail;
	int wait_status;   /* EVENT_FAILED: of the item's command, whatever the worker says that it was */
	bool keeps_result; /* EVENT_FAILED */
	uint32_t n_bytes;
	char text[EVENT_TEXT_MAX + 1];
};

struct channel {
	int fd, bell_fd;
	struct segment_map map;
	struct down_shm *down;
	struct up_shm *up;
	struct sums_shm *sums;
	struct wake wake;
	struct ring_producer task;
	struct ring_consumer result, event;
	bool has_heavy_fence;
	uint32_t granted;   /* items, mod 2^24 */
	uint32_t begun;     /* the same, as last seen: it never goes back */
	uint32_t answered;  /* items that were taken from the result ring */
	uint32_t epoch;     /* even, as in the take-back word */
	uint32_t cut;       /* how many items had begun when something was taken back last */
	uint32_t n_batches; /* sent so far */
	bool is_cancelling; /* the cancel word is set */
	uint32_t cancelled; /* how many items had begun with the one that it is about */
	const char *unsent; /* the rest of a batch that is larger than the room there was */
	size_t unsent_bytes;
};

/* *ret_why_memfd as segment_create has it. */
int channel_create(struct channel **ret, unsigned worker_number, const struct channel_sizes *sizes,
                   const char **ret_why_memfd, struct err *err);
void channel_destroy(struct channel **channel);

/* Once the worker has it: nobody can truncate what nobody has open. */
void channel_close_fd(struct channel *channel);

/* Grants and sends a batch; not while channel_is_sending. What doesn't fit goes later. 0 or CHANNEL_BROKEN. */
int channel_send(struct channel *channel, const struct channel_batch *batch);
int channel_send_more(struct channel *channel);
bool channel_is_sending(const struct channel *channel);
bool channel_may_send_more(struct channel *channel); /* is sending, and there is room again */

/*
 * May a batch of so many bytes go without waiting for room? 1, 0 or CHANNEL_BROKEN. One that is larger than the ring
 * may when the ring is empty.
 */
int channel_has_room(struct channel *channel, size_t n_bytes);

/* Has the worker taken all that was sent? */
bool channel_is_drained(struct channel *channel);

/* Wakes the worker if it has said that it sleeps. 0 or CHANNEL_BROKEN. */
int channel_wake(struct channel *channel);

/*
 * What the worker has published and wasn't taken: bytes of results, and how many more items are answered. Checked:
 * no more items than were granted, the claim word as it must be. After it, the events of these items are there.
 */
int channel_look(struct channel *channel, uint64_t *ret_bytes, uint32_t *ret_items);

/* A copy of the next event: 1, none: 0, or CHANNEL_BROKEN. It stays the next one until channel_event_done. */
int channel_event(struct channel *channel, struct channel_event *ret);

/* How many events may be there now, at most: no look at them is longer, whatever the worker goes on to say. */
uint32_t channel_events(const struct channel *channel);
void channel_event_done(struct channel *channel, const struct channel_event *event);

/* Result bytes [0, n of channel_look), and taking some of them off, with the items that they complete. */
const unsigned char *channel_data(const struct channel *channel);
void channel_take(struct channel *channel, uint64_t n_bytes, uint32_t n_items);
uint64_t channel_position(const struct channel *channel); /* of channel_data, mod 2^40 */
void channel_release(struct channel *channel);

/*
 * Bytes from channel_data to the end of a batch whose items are all answered; not checked: compare with
 * channel_look's.
 */
uint64_t channel_bytes_to_cut(const struct channel *channel, uint32_t batch_number);

/* The sum of the n-th item (from 1) that isn't taken yet, of a batch with sums. */
uint64_t channel_sum(const struct channel *channel, uint32_t n);

/* How many items the worker has begun and not answered, as seen now: 0 or 1; CHANNEL_BROKEN when it can't be true. */
int channel_begun(struct channel *channel);

/* The same, with the count of the item that it is in. */
int channel_current_item(struct channel *channel, uint32_t *ret_item);

/*
 * Takes back all items that haven't begun; how many is in *ret_items. 0 or CHANNEL_BROKEN. Not while
 * channel_is_sending. Until every item that had begun is answered, nothing more may be sent: the end of a batch that
 * was cut short is where the worker's bytes end then.
 */
int channel_take_back(struct channel *channel, uint32_t *ret_items);

/* The item that is being run, if any, should give up when it asks (rota_cancelled). */
void channel_cancel(struct channel *channel);

/* The worker is to leave when nothing is granted to it; wakes it. */
int channel_stop(struct channel *channel);

enum worker_state channel_state(const struct channel *channel);
/* It says so itself: a fault ends it, once it has said its last words. */
bool channel_is_dying(const struct channel *channel);
uint64_t channel_busy_ns(const struct channel *channel);

/* Before sleeping: from now on the worker rings when it has published. Then look once more. */
void channel_sleep_begin(struct channel *channel);
/* Is there anything that wasn't taken, or an answer? Cheap; hostile content just says yes. */
bool channel_has_news(const struct channel *channel);
bool channel_has_answers(const struct channel *channel);
/*
 * Is there what the worker would have rung for: n_items answered (the rest of a batch), half a ring of results, an
 * event? Less than that is left to the next look.
 */
bool channel_has_rung(const struct channel *channel, uint32_t n_items);
void channel_sleep_end(struct channel *channel);

#endif
