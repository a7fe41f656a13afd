/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker - one worker as the supervisor keeps it: its channel, what it owes, its words, why it is being ended; and
 * the crew that it belongs to, as a struct. What is done with one worker is here; what is decided for all is crew.
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

enum worker_phase { WORKER_NONE = 0, WORKER_IS_STARTING, WORKER_IS_READY, WORKER_IS_LEAVING };

struct crew;

struct worker {
	struct crew *crew;
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
};

/* What the crew tells its owner. */
struct crew_events {
	/* Collects what a worker has published: collect() of collect.h. */
	int (*collect)(void *arg, struct worker *worker);
	/* The item behind those answered was lost with its worker: it is charged, or attempted once more. */
	void (*charge)(void *arg, struct worker *worker, const struct cause *cause);
	/* The job can't go on. */
	void (*give_up)(void *arg, const struct err *err);
	void *arg;
};

#define CREW_DEATHS_MAX 10

struct crew {
	const struct job *plan; /* borrowed, as all that crew_init was given */
	struct loop *loop;
	const struct backend_ops *ops;
	struct backend *backend; /* NULL: not open */
	bool has_left_threads;   /* that go on running: the process must end without tidying up below them */
	bool is_loaded, is_stopping, is_killed, has_given_up, has_said_memfd;
	bool is_ended;                 /* what had begun is given up, and nobody's fault */
	const char *job_name;          /* for messages, or NULL */
	struct words_quota load_quota; /* of what its fork servers say, one after another */
	struct brief brief;
	const char *worker_program;
	struct server *spare; /* the run's, for who is first; or NULL; borrowed */
	struct window *window;
	struct crew_events events;
	struct worker *workers;
	unsigned n_places;                 /* of the array */
	unsigned n_top;                    /* behind the last that isn't NONE: what each turn looks through */
	unsigned n_workers;                /* wanted */
	const struct cgroup *cgroup;       /* borrowed; NULL: workers have none */
	unsigned job_number;               /* in its names, from 0 */
	bool is_summing;                   /* batches are sent with sums now (dispatch) */
	uint64_t given_items, given_bytes; /* with outcome, and their results: how large one is */
	uint64_t busy_ns, ready_ns;        /* of workers that are gone: with items, and able to be */
	int64_t load_ns;                   /* how long the plugin takes to load so far, by the watchdog's clock */
	unsigned n_live;                   /* not NONE */
	unsigned n_ready;
	uint64_t n_deaths;          /* unexpected ones */
	unsigned n_failed_opens;    /* in a row: the backend wasn't to be had */
	unsigned n_failed_starts;   /* in a row: workers that died before they were ready */
	bool was_loaded, was_ready; /* the plugin, once; a worker, once */
	unsigned n_outside;         /* deaths by signals from outside, since something got its outcome */
	int64_t outside_since_ns;   /* the first of them */
	unsigned n_lost;            /* fork servers that went otherwise, since then */
	unsigned n_no_starts;       /* in a row: workers that weren't to be had */
	bool has_said_fewer, has_said_threads;
	int64_t uncharged_ns[CREW_DEATHS_MAX]; /* when the last deaths were that could be charged to nothing */
	size_t n_uncharged;
	int64_t not_before_ns; /* back-off: no start before */
	struct channel_sizes sizes;
};

/* The job can't go on: told once. */
void crew_give_up(struct crew *crew, const struct err *err);

/* Something of this job got its outcome: deaths until now were progress. */
static inline void crew_note_progress(struct crew *crew)
{
	crew->n_uncharged = 0;
	crew->n_outside = crew->n_lost = 0;
}

/* Has the backend start it. The worker is STARTING, whatever comes of it. ERR_RESOURCE: not to be had now. */
int worker_start(struct worker *worker, struct err *err);

/* It isn't listened to any more. */
void worker_unwatch(struct worker *worker);

/* It is NONE again: channel, pipe and watches go. */
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
const char *worker_death(char text[PROC_DEATH_BYTES], const struct worker *worker, int wait_status);

/* It leaves when it has done what it owes. */
void worker_retire(struct worker *worker);

/* Ends it because of the item it is in (or, ENDING_START, isn't): TERM and a pause later KILL, or KILL at once. */
void worker_end(struct worker *worker, enum worker_ending ending, uint32_t item);

/* It is killed, and why is said ("has done this"): another takes its place. */
void worker_give_up(struct worker *worker, const char *why);

/* Its channel can't be believed any more: the same. */
void worker_break(struct worker *worker);

#endif
