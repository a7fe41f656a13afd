/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port - the worker's end of a channel.
 *
 *   port_attach, port_set_state(READY)
 *   port_next_batch; for each item: port_claim, [port_part ...], port_answer or port_fail + port_answer; port_end_batch
 *   port_set_state(LEFT), port_detach
 *
 * What the supervisor writes is trusted here: it owns the run. Sleeping, for work or for room, is one semaphore.
 * Result bytes are put into the ring at port_out before they are answered; nothing of them counts until then.
 *
 * A bell that is gone (a plugin closes what isn't its own) costs no item: the item in hand goes on and counts, the rest
 * of its batch too, and then there is no other. Only where an item must wait for the supervisor, which perhaps sleeps,
 * does the process end in the midst of it: as WORKER_MUTE, for an earlier item may have done it.
 *
 * Owner: the worker. Threads: one (the one that runs the items).
 */
#ifndef SHM_PORT_H
#define SHM_PORT_H

#include "core/base/err.h"
#include "shm/fence.h"
#include "shm/layout.h"
#include "shm/ring.h"
#include "shm/segment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORT_ROOM_BYTES 4096u /* with less than this known to be free, the supervisor's index is looked at */

struct port;
/* Called instead of sleeping, when the worker and the supervisor's end are one thread (rota-worker --try). */
typedef void port_wait_f(struct port *port, void *arg);

struct port {
	struct segment_map map;
	bool owns_map; /* process: mapped by port_attach; thread: borrowed */
	int bell_fd;   /* owned */
	unsigned worker_number;
	struct down_shm *down;
	struct up_shm *up;
	struct sums_shm *sums;
	void *sem_page;
	struct ring_consumer task;
	struct ring_producer result, event;
	port_wait_f *wait;
	void *wait_arg;
	uint32_t begun;       /* items, mod 2^24 */
	uint64_t claim_epoch; /* the claim word of the batch in hand, without a count */
	bool spins;           /* the user's: looks for a while before it sleeps */
	bool has_light_fence; /* the supervisor's is one for both */
	uint64_t rung_bytes;  /* published when the bell was last rung */
	bool is_in_part;      /* the item that is being run has published bytes */
	bool is_mute;         /* the bell couldn't be rung: it is gone */
	/* the batch in hand */
	struct batch_shm batch;
	char *large; /* its bytes, when they are more than the ring holds; owned */
};

/* A batch's items: n_items of them, each followed by the delimiter. Good until port_end_batch. */
struct port_batch {
	const char *bytes;
	size_t n_bytes;
	uint64_t seq;
	uint32_t n_items;
	uint32_t attempt;
	bool is_summed; /* port_put_sum for each item, before it is answered */
};

/* Maps the segment and closes fd; takes bell_fd. */
int port_attach(struct port *port, int take_fd, int take_bell_fd, struct err *err);
/* The same for a thread of the supervisor's process, over its mapping; bell_fd stays the channel's. */
int port_attach_map(struct port *port, const struct segment_map *map, int bell_fd, struct err *err);
void port_detach(struct port *port);

/* Waits for a batch: 1; 0: stop, or the bell is gone; -1: out of memory for a large one (err). */
int port_next_batch(struct port *port, struct port_batch *ret, struct err *err);

/* Rings the bell, if the supervisor has said that it sleeps. */
void port_ring(struct port *port);

/* Of port_claim, when the epoch isn't the batch's. */
bool port_claim_late(struct port *port, uint32_t count);

/* Begins the next item of the batch in hand. false: it was taken back, and with it the rest of the batch. */
static inline bool port_claim(struct port *port)
{
	uint32_t count = (port->begun + 1) & RING_MARK_MASK;
	atomic_store_explicit(&port->up->claim, port->claim_epoch | count, memory_order_relaxed);
	fence_light(port->has_light_fence);
	uint64_t word = atomic_load_explicit(&port->down->take_back, memory_order_acquire);
	if (__builtin_expect(claim_epoch(word) != port->batch.epoch, 0) && !port_claim_late(port, count))
		return false;
	port->begun = count;
	port->is_in_part = false;
	return true;
}

/* Has the supervisor given up the item that is being run? */
bool port_is_cancelled(const struct port *port);

/* Where the result goes, and how many bytes are free there (without waiting). */
static inline char *port_out(const struct port *port)
{
	return (char *)ring_at(&port->result);
}
static inline size_t port_room(struct port *port)
{
	uint64_t known = ring_known_room(&port->result);
	if (__builtin_expect(known >= PORT_ROOM_BYTES, 1))
		return known;
	int64_t room = ring_room(&port->result, PORT_ROOM_BYTES);
	return room > 0 ? (size_t)room : 0;
}

/* Waits until so many bytes (at most port_ring_bytes) are free at port_out. */
void port_wait_room(struct port *port, size_t n_bytes);

/* The size of the result ring. */
static inline size_t port_ring_bytes(const struct port *port)
{
	return port->result.size_bytes;
}

/*
 * Publishes n_bytes at port_out as a part of the item's result, without answering it; waits until there is room
 * again.
 */
void port_part(struct port *port, size_t n_bytes);

/* Answers the item: n_bytes at port_out end its result. is_last: it is the batch's last. */
static inline void port_answer(struct port *port, size_t n_bytes, bool is_last)
{
	ring_put(&port->result, n_bytes);
	if (is_last)
		atomic_store_explicit(&port->up->cuts[port->batch.number % CHANNEL_BATCHES_MAX],
		                      port->result.put_bytes & RING_POSITION_MASK, memory_order_relaxed);
	ring_publish(&port->result, 1);
	if (__builtin_expect(port->result.put_bytes - port->rung_bytes > port->result.size_bytes / 2, 0))
		port_ring(port);
}

/* The digest of all that was published of the batch, with what is about to be answered. */
static inline void port_put_sum(struct port *port, uint64_t sum)
{
	atomic_store_explicit(&port->sums->sums[(port->begun - 1) % CHANNEL_SUMS], sum, memory_order_relaxed);
}

/*
 * The item's outcome isn't ok: parts that were published are void, unless keeps_result, for which all of the result is
 * published as parts. wait_status: of its command, or 0. port_answer with 0 bytes must follow.
 */
void port_fail(struct port *port, enum event_failure failure, int wait_status, bool keeps_result, const char *text,
               size_t n_bytes);

/* The item in hand; 0: none is. From a signal's handler, too. */
uint64_t port_current_seq(const struct port *port);

/* EVENT_LOG, EVENT_COUNT (value), EVENT_REFUSED. Text over EVENT_TEXT_MAX is cut. */
void port_say(struct port *port, enum event_kind kind, int64_t value, const char *text, size_t n_bytes);

/* The item that was claimed last is begun; it has ended, and isn't answered yet. For set-ups that ask for times. */
void port_begun(struct port *port, int64_t start_ns);
void port_ended(struct port *port, const struct time_shm *time);

/* Gives the batch's room back. busy_ns: what it took. */
void port_end_batch(struct port *port, uint64_t busy_ns);

void port_set_state(struct port *port, enum worker_state state);

#endif
