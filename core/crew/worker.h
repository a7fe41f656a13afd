/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker - one worker as the supervisor keeps it: its channel, what it owes, its words, why it is being ended. What is
 * done with one worker is here; what is decided for all is crew. It knows nothing of its crew but worker_env.
 *
 *   worker_start, worker_send, worker_take_back, worker_retire, worker_end, worker_break, worker_put_back, worker_clear
 *
 * Invariant: a worker that isn't NONE has a channel.
 * One thread.
 */
#ifndef CREW_WORKER_H
#define CREW_WORKER_H

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/err.h"
#include "core/base/loop.h"
#include "core/base/proc.h"
#include "core/crew/backend.h"
#include "core/crew/brief.h"
#include "core/crew/cgroup.h"
#include "core/crew/words.h"
#include "core/crew/worker_phase.h"
#include "core/record/joblog.h"
#include "core/record/tally.h"
#include "core/window/flight.h"
#include "shm/channel.h"

#include <stdbool.h>
#include <stdint.h>

#define WORKER_KILL_PAUSE_NS (200 * CLOCK_NS_PER_MS) /* between TERM and KILL */

/* Why a worker is being ended, or is told to end its item. */
enum worker_ending {
	ENDING_NONE = 0,
	ENDING_TIMED_OUT, /* its item: TERM, then KILL */
	ENDING_OVER_MEMORY,
	ENDING_START, /* it wasn't ready in time */
};

/* What the workers of a crew have in common, as far as they need it: the crew's. */
struct worker_env {
	struct loop *loop;             /* borrowed */
	struct window *window;         /* borrowed */
	const char *job_name;          /* for messages, or NULL; borrowed */
	const struct backend_ops *ops; /* how they live */
	struct backend *backend;       /* NULL: not open */
	struct channel_sizes sizes;
	bool is_summing;   /* batches are sent with sums now (dispatch) */
	bool is_stopping;  /* nobody is replaced */
	bool has_given_up; /* and why: */
	struct err failure;
	bool has_said_memfd;
};

struct worker {
	struct worker_env *env;
	unsigned number; /* from 1 */
	uint64_t generation;
	pid_t pid; /* 0: not known, or a thread */
	enum worker_phase phase;
	struct channel *channel; /* owned; NULL in NONE */
	bool needs_wake;         /* something was sent, or released that it may wait for, since the last crew_flush_wakes */
	size_t wanted_bytes;     /* of room in its task ring, that a batch waits for; 0: none does */
	bool is_broken;          /* its channel holds what can't be true: it is being killed */
	struct flight flight;    /* what it owes */
	struct digest_state *sum; /* of what was taken of the batch sum_number - 1 with sums; owned; NULL: none yet */
	uint64_t sum_number;      /* 0: of none */
	/* figures for the size of batches */
	uint64_t n_answered, busy_ns_seen, n_answered_seen;
	int64_t ready_since_ns; /* 0: it isn't yet */
	int64_t progress_ns;    /* when it last answered, made room for more of a batch, or had something sent while idle */
	struct loop_watch bell;
	struct words words; /* its standard output and error; the next worker in its place goes on with their quota */
	bool is_retiring;   /* told to leave when it owes nothing: a fresh one takes its place */
	uint64_t n_sent_items;
	enum worker_ending ending;
	uint32_t ending_item; /* which item that is about: as the worker counts */
	int64_t kill_ns;      /* ending: when KILL follows */
	/* the item's clock: it runs while the worker is heard and the supervisor's loop turns (watchdog) */
	uint32_t clock_item;   /* begun, as the worker counts: of which item */
	int64_t clock_ns;      /* how long it has run */
	int64_t dying_ns;      /* how long it has been saying its last words, as the watchdog counts */
	int64_t rss_bytes;     /* as last seen */
	bool has_cgroup;       /* of its own */
	struct item_time time; /* of the item that it has told of last: time_seq; 0: none */
	uint64_t time_seq;
	char refusal[1000];     /* why its open said no, or "" */
	unsigned n_stuck_looks; /* seen in a row with work that it doesn't begin */
	int64_t stuck_ns;       /* since then */
	/* DEAD: what is to be known of that */
	enum worker_phase died_in;
	int wait_status; /* as of waitpid */
	bool was_lost;   /* it died with its fork server */
	struct worker *next_dead;
};

/* The job can't go on: the first reason stands, until somebody looks (crew_failure). */
void worker_env_give_up(struct worker_env *env, const struct err *err);

/* Is there somebody? Not where nobody was started, nor one that has died and isn't taken yet. */
static inline bool worker_lives(const struct worker *worker)
{
	return worker->phase != WORKER_NONE && worker->phase != WORKER_IS_DEAD;
}

/*
 * Has the backend start it. The worker is STARTING, whatever comes of it. ERR_RESOURCE: not to be had now. nodes: the
 * NUMA nodes (bit n: node n) that its place is near to; 0: not known.
 */
int worker_start(struct worker *worker, uint64_t nodes, struct err *err);

/* It isn't listened to any more. */
void worker_unwatch(struct worker *worker);

/* How long it was able to work, and did. */
void worker_count_time(const struct worker *worker, uint64_t *ret_ready_ns, uint64_t *ret_busy_ns);

/* Sends it a signal. false: it is a thread, which can't be sent one. */
bool worker_kill(struct worker *worker, int signum);

/* Its next phase (worker_phase); the crew counts by it. */
void worker_step(struct worker *worker, enum worker_event event);

/* As it was before anybody was there: channel, pipe and watches go. */
void worker_clear(struct worker *worker);

/* Puts a batch into a ready worker's hands. The batch is the first that is pending, and the channel has room for it. */
void worker_send(struct worker *worker, struct batch *batch);

/* The rest of a batch that is larger than the ring, as far as there is room. */
void worker_send_more(struct worker *worker);

/* Takes back what it hasn't begun; true: something is pending again. */
bool worker_take_back(struct worker *worker);

/* What it owes goes back to the window. */
void worker_put_back(struct worker *worker, enum flight_blame blame);

/* How it died, in words. Returns text. */
const char *worker_death(char text[PROC_DEATH_BYTES], const struct worker *worker);

/* It leaves when it has done what it owes. */
void worker_retire(struct worker *worker);

/* Ends it because of the item it is in (or, ENDING_START, isn't): TERM and a pause later KILL, or KILL at once. */
void worker_end(struct worker *worker, enum worker_ending ending, uint32_t item);

/* Has its task ring room for so many bytes? Else it is waited for. One whose indices can't be true is given up. */
bool worker_has_room(struct worker *worker, size_t n_bytes);

/* What it was busy, and answered, since it was measured last. false: nothing new is known. */
bool worker_measure(struct worker *worker, uint64_t *ret_busy_ns, uint64_t *ret_n_items);

/* What collect has of it. */
static inline void worker_note_answered(struct worker *worker, uint32_t n_items)
{
	worker->n_answered += n_items;
}

static inline void worker_note_progress(struct worker *worker)
{
	worker->progress_ns = clock_now_ns();
}

/* There is room in its rings again: does it wait for that? */
static inline void worker_note_room(struct worker *worker, bool may_wait)
{
	worker->needs_wake = worker->needs_wake || may_wait;
}

/* Of its next item. */
static inline void worker_note_time(struct worker *worker, struct item_time time)
{
	worker->time_seq = flight_seq(&worker->flight, 0);
	worker->time = time;
}

/* Its sum is that of this batch, which has one. */
static inline void worker_sum_batch(struct worker *worker, const struct batch *batch)
{
	if (worker->sum_number == (uint64_t)batch->number + 1)
		return;
	digest_init(worker->sum);
	worker->sum_number = (uint64_t)batch->number + 1;
}

/* Why its open said no. */
void worker_note_refusal(struct worker *worker, const char *text);

/* Nothing more of what it has written is heard. */
static inline void worker_mute(struct worker *worker)
{
	worker->is_broken = true;
}

/* It is killed, and why is said ("has done this"): another takes its place. */
void worker_give_up(struct worker *worker, const char *why);

/* Its channel can't be believed any more: the same. */
void worker_break(struct worker *worker);

#endif
