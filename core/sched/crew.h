/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crew - a job's workers: started when there is work for them, watched, blamed, replaced, sent home.
 *
 *   crew_init, crew_open, crew_want (start one more) ... crew_stop, crew_is_gone, crew_fini
 *   between: crew_flush_wakes at each turn, crew_tick now and then
 *
 * A worker's phases, and what leads from one to the next:
 *   NONE -> STARTING (crew_want) -> READY (its open went well) -> LEAVING (crew_stop) -> NONE
 *   any -> NONE when it died: what it had published is collected, the item that it had begun is charged, the rest goes
 *   back to the window; a worker that began nothing is nobody's fault.
 *
 * Giving up (lack of progress, not count): max(5, workers) starts in a row that didn't become READY, or ten deaths in
 * ten seconds that could be charged to no item, while no item got an outcome. One thread.
 */
#ifndef SCHED_CREW_H
#define SCHED_CREW_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/loop.h"
#include "core/record/tally.h"
#include "core/sched/backend.h"
#include "core/sched/window.h"
#include "shm/channel.h"

#include <stdbool.h>
#include <stdint.h>

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
	bool needs_wake;         /* something was sent or released since the last crew_flush_wakes */
	size_t wanted_bytes;     /* of room in its task ring, that a batch waits for; 0: none does */
	bool is_broken;          /* its channel holds what can't be true: it is being killed */
	/* what it owes: batches in the order sent */
	struct batch *owed, **owed_end;
	uint32_t n_owed_batches;
	uint32_t n_owed_items; /* without outcome */
	bool is_cut_short;     /* items were taken back: nothing is sent until it owes nothing */
	bool is_in_part;       /* the result of the item behind those answered comes in parts */
	/* figures for the size of batches */
	uint64_t busy_ns, n_answered, busy_ns_seen, n_answered_seen;
	int64_t progress_ns; /* when something was last sent to it while idle, or came from it */
	/* its standard output and error */
	struct loop_watch bell, words;
	struct buf line;  /* the words that no newline has ended yet */
	bool is_retiring; /* told to leave when it owes nothing: a fresh one takes its place */
	uint64_t n_sent_items;
	enum worker_ending ending;
	uint32_t ending_item; /* which item that is about: as the worker counts */
	int64_t kill_ns;      /* ending: when KILL follows */
	/* the item's clock: it runs while the worker is heard and the supervisor's loop turns (watchdog) */
	uint32_t clock_item;    /* begun, as the worker counts: of which item */
	int64_t clock_ns;       /* how long it has run */
	int64_t rss_bytes;      /* as last seen */
	char refusal[1000];     /* why its open said no, or "" */
	unsigned n_stuck_looks; /* seen in a row with work that it doesn't begin */
	int64_t stuck_ns;       /* since then */
};

/* What the crew tells its owner. */
struct crew_events {
	/* Collects what a worker has published: collect() of collect.h. */
	int (*collect)(void *arg, struct worker *worker);
	/* The item behind those answered was lost with its worker: it is charged, or attempted once more. */
	void (*charge)(void *arg, struct worker *worker, enum outcome outcome, const char *cause);
	/* The job can't go on. */
	void (*give_up)(void *arg, const struct err *err);
	void *arg;
};

#define CREW_DEATHS_MAX 10

struct crew {
	struct loop *loop;
	const struct backend_ops *ops;
	struct backend *backend;   /* NULL: not open */
	bool may_fall_back;        /* backend auto: to threads, when processes are not to be had */
	const char *fall_back_bar; /* why it may not, though it is auto; or NULL */
	bool has_left_threads;     /* that go on running: the process must end without tidying up below them */
	bool is_loaded, is_stopping, is_killed, has_given_up, has_said_memfd;
	const char *job_name; /* for messages, or NULL */
	struct setup *setup;
	const char *worker_program;
	struct window *window;
	struct crew_events events;
	struct worker *workers;
	unsigned n_places;                /* of the array */
	unsigned n_workers;               /* wanted */
	int64_t timeout_ns, memory_bytes; /* the limits, for messages */
	int64_t recycle_items;            /* a worker leaves after so many; 0: never */
	int64_t load_ns;                  /* how long the plugin takes to load so far, by the watchdog's clock */
	unsigned n_live;                  /* not NONE */
	unsigned n_ready;
	uint64_t n_deaths;        /* unexpected ones */
	unsigned n_failed_opens;  /* in a row: the backend wasn't to be had */
	unsigned n_failed_starts; /* in a row: workers that died before they were ready */
	unsigned n_no_starts;     /* in a row: workers that weren't to be had */
	bool has_said_fewer;
	bool is_thread_safe;                   /* the plugin; else the thread backend has one worker */
	int64_t uncharged_ns[CREW_DEATHS_MAX]; /* when the last deaths were that could be charged to nothing */
	size_t n_uncharged;
	int64_t not_before_ns; /* back-off: no start before */
	struct channel_sizes sizes;
};

/* n_places: how many workers there may ever be at a time (crew_resize). */
int crew_init(struct crew *crew, struct loop *loop, unsigned n_workers, unsigned n_places, struct err *err);
void crew_fini(struct crew *crew);

/* Begins to load the plugin, unless it is. crew->ops, setup, window, events and the rest must be set. */
void crew_open(struct crew *crew);

/* Starts one more worker, if one may be started now. true: it did. */
bool crew_want(struct crew *crew);

/* Would it, now? */
bool crew_may_start(const struct crew *crew);

/* Workers that are ready now and weren't: at each turn. */
void crew_poll(struct crew *crew);

/* Puts a batch into a ready worker's hands. The batch is the first that is pending, and the channel has room for it. */
void crew_send(struct crew *crew, struct worker *worker, struct batch *batch);

/* Takes back what a worker hasn't begun; true: something is pending again. */
bool crew_take_back(struct crew *crew, struct worker *worker);

/* Something of this job got its outcome: deaths until now were progress. */
void crew_note_progress(struct crew *crew);

/* The channel can't be believed any more: its worker is killed. */
void crew_break(struct crew *crew, struct worker *worker);

/* Wakes the workers that something was sent to or taken from. */
void crew_flush_wakes(struct crew *crew);

/* A worker more or fewer: the one with the highest number retires. At least one stays. */
void crew_resize(struct crew *crew, int more);

/* The worker leaves when it has done what it owes. */
void crew_retire(struct crew *crew, struct worker *worker);

/* Ends a worker because of the item it is in (or, ENDING_START, isn't): TERM and KILL_PAUSE_NS later KILL, or KILL. */
void crew_end_worker(struct crew *crew, struct worker *worker, enum worker_ending ending, uint32_t item);

/* When crew_open or crew_want wants to be called at the latest; -1: needn't. */
int64_t crew_due_ns(const struct crew *crew);

/* Every worker leaves when it owes nothing. */
void crew_stop(struct crew *crew);
void crew_kill(struct crew *crew);          /* at once */
bool crew_is_gone(const struct crew *crew); /* no worker lives, or those that do are threads, which nobody can kill */

/*
 * Before the loop sleeps: have all workers ring. true: there is something already. only: just this one may be
 * listened to.
 */
bool crew_sleep_begin(struct crew *crew, const struct worker *only);
void crew_sleep_end(struct crew *crew);

/* The worker's batches in the order sent; for blame.c. */
void crew_put_back(struct crew *crew, struct worker *worker, bool is_suspect);
/* The worker is NONE again: channel, pipe and watches go. */
void crew_clear(struct crew *crew, struct worker *worker);
/* Reads what it wrote to its standard output and error. */
void crew_read_words(struct crew *crew, struct worker *worker, bool is_last);
void crew_give_up(struct crew *crew, const struct err *err);
/* No start before so long from now. */
void crew_back_off(struct crew *crew, unsigned n_failures);

#endif
