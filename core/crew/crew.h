/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crew - a job's workers: started when there is work for them, watched, blamed, replaced, sent home.
 *
 *   crew_init, crew_open, crew_want (start one more) ... crew_stop, crew_is_gone, crew_fini
 *   between: crew_flush_wakes at each turn, crew_tick now and then
 *
 * A worker's phases (worker_phase has the table):
 *   NONE -> STARTING (crew_want) -> READY (its open went well) -> LEAVING (crew_stop)
 *   any -> DEAD when it died, until dispatch/reap has taken it (crew_next_dead): what it had published is collected,
 *   the item that it had begun is charged, the rest goes back to the window; a worker that began nothing is nobody's
 *   fault. Then -> NONE (crew_bury).
 *
 * Giving up is a state, with its reason, at which the job looks (crew_failure). What leads to it is lack of progress,
 * not count: max(5, workers) starts in a row that didn't become READY, or ten deaths in ten seconds that could be
 * charged to no item, while no item got an outcome; two fork servers lost before any worker was READY, five later.
 * Deaths by signals from outside are no verdict: ten of them, and thirty seconds without an outcome. One thread.
 */
#ifndef CREW_CREW_H
#define CREW_CREW_H

#include "core/crew/brief.h"
#include "core/crew/worker.h"

#include <stdbool.h>
#include <stdint.h>

#define CREW_DEATHS_MAX 10

/*
 * Workers that start at a time. The fork server takes one request after the other, and answers each: a thousand that it
 * hasn't read would fill its socket, and its answers ours.
 */
#define CREW_STARTS_MAX 64

struct crew {
	const struct job *plan; /* borrowed, as all that crew_init was given */
	struct worker_env env;
	bool has_left_threads; /* that go on running: the process must end without tidying up below them */
	bool is_loaded, is_killed;
	bool is_ended;                 /* what had begun is given up, and nobody's fault */
	struct words_quota load_quota; /* of what its fork servers say, one after another */
	struct brief brief;
	const char *worker_program;
	struct server *spare; /* the run's, for who is first; or NULL; borrowed */
	struct worker *workers;
	struct worker *first_dead, **end_dead; /* those that died and aren't taken yet, in that order */
	bool has_loss;                         /* the fork server went, which isn't accounted for yet: */
	bool is_loss_outside;                  /* by a signal that isn't the plugin's doing, as far as can be told */
	char loss[PROC_DEATH_BYTES];           /* how */
	unsigned n_places;                     /* of the array */
	unsigned n_top;                        /* behind the last that isn't NONE: what each turn looks through */
	unsigned n_workers;                    /* wanted */
	const struct cgroup *cgroup;           /* borrowed; NULL: workers have none */
	unsigned job_number;                   /* in its names, from 0 */
	uint64_t given_items, given_bytes;     /* with outcome, and their results: how large one is */
	uint64_t busy_ns, ready_ns;            /* of workers that are gone: with items, and able to be */
	int64_t load_ns;                       /* how long the plugin takes to load so far, by the watchdog's clock */
	unsigned n_live;                       /* not NONE */
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
};

/* What a crew is handed besides its plan; borrowed. */
struct crew_handed {
	struct loop *loop;
	struct window *window;
	const char *job_name;              /* for messages, or NULL */
	const char *worker_program;        /* the path of rota-worker */
	struct server *spare;              /* the run's, for who is first; or NULL */
	const struct cgroup *cgroup;       /* where workers with a memory limit have one below; or NULL */
	unsigned job_number;               /* in its names, from 0 */
	bool tells_times;                  /* there is a job log */
	const struct backend_ops *ops;     /* NULL: the plan's backend */
	const struct channel_sizes *sizes; /* NULL: by the number of workers */
};

/* The plan is borrowed. crew_fini is due also after an error. */
int crew_init(struct crew *crew, const struct job *plan, const struct crew_handed *handed, struct err *err);
void crew_fini(struct crew *crew);

/* What its workers are told. */
static inline const struct setup *crew_setup(const struct crew *crew)
{
	return &crew->brief.setup;
}

/* Are the batches that are sent from now on to bear sums? */
static inline void crew_use_sums(struct crew *crew, bool is_summing)
{
	crew->env.is_summing = is_summing;
}

/* Something of this job got its outcome: deaths until now were progress. */
static inline void crew_note_progress(struct crew *crew)
{
	crew->n_uncharged = 0;
	crew->n_outside = crew->n_lost = 0;
}

/* n_items more have their outcome, n_bytes are their results. */
static inline void crew_note_given(struct crew *crew, uint32_t n_items, uint64_t n_bytes)
{
	crew->given_items += n_items;
	crew->given_bytes += n_bytes;
	crew_note_progress(crew);
}

/* How large the result of an item is, as a mean; 0: not known. */
static inline uint64_t crew_result_bytes(const struct crew *crew)
{
	return crew->given_items > 0 ? crew->given_bytes / crew->given_items : 0;
}

/* Begins to load the plugin, unless it is. */
void crew_open(struct crew *crew);

/* Starts one more worker, if one may be started now. true: it did. */
bool crew_want(struct crew *crew);

/* Would it, now? */
bool crew_may_start(const struct crew *crew);

/* What a worker's death is to the crew (blame). */
enum verdict {
	VERDICT_ACCOUNTED, /* it left in order, or it was noted of an item, or the death was our doing */
	VERDICT_REFUSED,   /* it was never ready, its open said no: worker->refusal */
	VERDICT_NOT_READY, /* it died before it was ready */
	VERDICT_UNCHARGED  /* it died owing nothing */
};

/*
 * The next worker that has died, in the order in which they did; NULL: there is none. What it had published is still in
 * its channel, and it holds what it owed; crew_bury, once that is collected and put back, and its place is free.
 */
struct worker *crew_next_dead(struct crew *crew);
void crew_bury(struct crew *crew, struct worker *worker, enum verdict verdict);

/* When all dead are buried: the fork server's own end, if it has ended, is accounted for. */
void crew_note_loss(struct crew *crew);

/* Why the job can't go on; NULL: it can. */
static inline const struct err *crew_failure(const struct crew *crew)
{
	return crew->env.has_given_up ? &crew->env.failure : NULL;
}

/* Workers that are ready now and weren't: at each turn. */
void crew_poll(struct crew *crew);

/* Wakes the workers that something was sent to or taken from. */
void crew_flush_wakes(struct crew *crew);

/* A worker more or fewer: the one with the highest number retires. At least one stays. */
void crew_resize(struct crew *crew, int more);

/* When crew_open or crew_want wants to be called at the latest; -1: needn't. */
int64_t crew_due_ns(const struct crew *crew);

/* Every worker leaves when it owes nothing. */
void crew_stop(struct crew *crew);
/*
 * What has begun is given up: it hears TERM, or is asked to (a thread). How long it may take over that; then crew_kill
 * is due.
 */
int64_t crew_end(struct crew *crew);
/* At once; called again, whatever the fork server does. */
void crew_kill(struct crew *crew);
/* All its workers are sent a signal. */
void crew_signal(struct crew *crew, int signum);
/* What no worker has begun is taken back from them. */
void crew_take_back(struct crew *crew);
bool crew_owes_nothing(const struct crew *crew); /* no worker owes an item */
bool crew_is_gone(const struct crew *crew); /* no worker lives, or those that do are threads, which nobody can kill */

/* Is there something of a worker's to be read? only: just of this one, unless NULL. */
bool crew_has_news(const struct crew *crew, const struct worker *only);

/*
 * Before the loop sleeps: have all workers ring. true: there is something already. only: just this one may be
 * listened to.
 */
bool crew_sleep_begin(struct crew *crew, const struct worker *only);
void crew_sleep_end(struct crew *crew);

#endif
