/* SPDX-License-Identifier: Apache-2.0 */
/* blame - see blame.h. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/sched/blame.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define DEATHS_NS (10 * CLOCK_NS_PER_SEC)
#define FAILED_STARTS_MIN 5u

/* A death that could be charged to no item. Ten of them in ten seconds without an outcome end the run. */
static void note_uncharged(struct crew *crew, const char *how)
{
	int64_t now_ns = clock_now_ns();
	memmove(&crew->uncharged_ns[1], &crew->uncharged_ns[0], sizeof crew->uncharged_ns - sizeof crew->uncharged_ns[0]);
	crew->uncharged_ns[0] = now_ns;
	if (crew->n_uncharged < CREW_DEATHS_MAX)
		crew->n_uncharged++;
	if (crew->n_uncharged == CREW_DEATHS_MAX && now_ns - crew->uncharged_ns[CREW_DEATHS_MAX - 1] <= DEATHS_NS) {
		struct err err;
		err_set(&err, ERR_RUN,
		        "%d workers died in ten seconds, at no item in particular, and no item was finished: giving "
		        "up (the last: %s)",
		        CREW_DEATHS_MAX, how);
		crew_give_up(crew, &err);
	}
}

/* It died before it was ready. */
static void note_failed_start(struct crew *crew, const char *how)
{
	unsigned most = crew->n_workers > FAILED_STARTS_MIN ? crew->n_workers : FAILED_STARTS_MIN;
	crew_back_off(crew, crew->n_failed_starts++);
	if (crew->n_failed_starts >= most) {
		struct err err;
		err_set(&err, ERR_RUN,
		        "%u workers in a row died before they were ready: giving up (the last: %s; its own words, if "
		        "any, stand above)",
		        crew->n_failed_starts, how);
		crew_give_up(crew, &err);
	}
}

/* All that it published before it died counts. */
static void collect_rest(struct crew *crew, struct worker *worker)
{
	int more = 1;
	while (!worker->is_broken && more > 0)
		more = crew->events.collect(crew->events.arg, worker);
	if (more < 0)
		worker->is_broken = true;
}

/* Charges what is to be charged, puts the rest back. true: somebody was charged. */
static bool settle(struct crew *crew, struct worker *worker, const char *how, bool was_lost)
{
	int begun = worker->is_broken ? CHANNEL_BROKEN : channel_begun(worker->channel);
	bool is_unknown = begun < 0 || (begun > 0 && was_lost);
	bool is_suspect = worker->owed && worker->owed->is_suspect;
	bool is_charged = worker->owed && ((begun > 0 && !was_lost) || (is_unknown && is_suspect));
	if (is_charged) {
		char cause[PROC_DEATH_BYTES + 64];
		snprintf(cause, sizeof cause, "%s in worker %u", how, worker->number);
		crew->events.charge(crew->events.arg, worker, cause);
	}
	crew_put_back(crew, worker, is_unknown && !is_charged);
	return is_charged;
}

void blame_death(struct crew *crew, struct worker *worker, int wait_status, bool was_lost)
{
	char how[PROC_DEATH_BYTES];
	proc_death(how, wait_status);
	crew_read_words(crew, worker, true);
	collect_rest(crew, worker);
	enum worker_phase phase = worker->phase;
	bool is_orderly = phase == WORKER_IS_LEAVING && worker->n_owed_items == 0 &&
	                  (crew->has_given_up || (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0));
	/* it may have become ready, worked and died since it was last looked at */
	if (phase == WORKER_IS_STARTING && channel_state(worker->channel) == WORKER_READY)
		phase = WORKER_IS_READY;
	log_debug("worker %u: died: %s, owing %u items", worker->number, how, worker->n_owed_items);
	if (worker->refusal[0]) {
		struct err err;
		err_set(&err, ERR_RUN, "%s", worker->refusal);
		crew_give_up(crew, &err);
	} else if (!is_orderly && !crew->is_stopping) {
		crew->n_deaths++;
		bool is_charged = settle(crew, worker, how, was_lost);
		if (phase == WORKER_IS_STARTING && !was_lost)
			note_failed_start(crew, how);
		else if (!is_charged)
			note_uncharged(crew, how);
		if (!is_charged && !was_lost && phase != WORKER_IS_STARTING)
			log_warning("worker %u died between items (%s): it is replaced", worker->number, how);
	}
	crew_put_back(crew, worker, false);
	crew_clear(crew, worker);
}

void blame_loss(struct crew *crew, const char *how)
{
	if (crew->is_stopping)
		return;
	if (!crew->is_loaded) {
		struct err err;
		err_set(&err, ERR_RUN, "%s: the plugin ended its process while it was being loaded: %s", crew->setup->file,
		        how);
		crew_give_up(crew, &err);
		return;
	}
	log_warning("the fork server died (%s): it is started again", how);
	note_uncharged(crew, how);
}
