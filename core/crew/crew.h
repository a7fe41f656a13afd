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
 * ten seconds that could be charged to no item, while no item got an outcome; two fork servers lost before any worker
 * was READY, five later. Deaths by signals from outside are no verdict: ten of them, and thirty seconds without an
 * outcome. One thread.
 */
#ifndef CREW_CREW_H
#define CREW_CREW_H

#include "core/crew/worker.h"

#include <stdbool.h>
#include <stdint.h>

/* What a crew is handed besides its plan; borrowed. */
struct crew_handed {
	struct loop *loop;
	struct window *window;
	struct crew_events events;
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
	crew->is_summing = is_summing;
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
