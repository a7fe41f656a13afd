/* SPDX-License-Identifier: Apache-2.0 */
/* blame - see blame.h. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/sched/blame.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define DEATHS_NS (10 * CLOCK_NS_PER_SEC)
#define FAILED_STARTS_MIN 5u
#define CAUSE_BYTES (PROC_DEATH_BYTES + 120)

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
		err_set(
			&err, ERR_RUN,
			"%d workers died in ten seconds, at no item in particular, and no item was finished: giving up (the last: "
			"%s)",
			CREW_DEATHS_MAX, how);
		crew_give_up(crew, &err);
	}
}

/* It died before it was ready. */
static void note_failed_start(struct crew *crew, const struct worker *worker, const char *how)
{
	unsigned most = crew->n_workers > FAILED_STARTS_MIN ? crew->n_workers : FAILED_STARTS_MIN;
	bool is_late = worker->ending == ENDING_START;
	crew_back_off(crew, crew->n_failed_starts++);
	if (crew->n_failed_starts >= most) {
		struct err err;
		err_set(
			&err, ERR_RUN,
			"%u workers in a row ended before they were ready: giving up (the last: %s; its own words, if any, stand "
			"above)",
			crew->n_failed_starts, is_late ? "its open took longer than --start-timeout" : how);
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

/*
 * Was it the kernel that ended it for its memory? It doesn't say so itself: a kill that nobody of us sent, near the
 * limit.
 */
static bool is_oom(const struct crew *crew, const struct worker *worker, int wait_status)
{
	return worker->ending == ENDING_NONE && crew->memory_bytes > 0 && WIFSIGNALED(wait_status) &&
	       WTERMSIG(wait_status) == SIGKILL && worker->rss_bytes > crew->memory_bytes / 4 * 3;
}

/* What became of the item that it was in, and why. */
static enum outcome judge(const struct crew *crew, const struct worker *worker, int wait_status,
                          char cause[CAUSE_BYTES])
{
	char how[PROC_DEATH_BYTES];
	if (worker->ending == ENDING_TIMED_OUT) {
		snprintf(cause, CAUSE_BYTES, "no answer within %g s in worker %u",
		         (double)crew->timeout_ns / (double)CLOCK_NS_PER_SEC, worker->number);
		return OUTCOME_TIMED_OUT;
	}
	if (worker->ending == ENDING_OVER_MEMORY || is_oom(crew, worker, wait_status)) {
		snprintf(cause, CAUSE_BYTES, "over memory limit: worker %u took %lld of %lld bytes", worker->number,
		         (long long)worker->rss_bytes, (long long)crew->memory_bytes);
		return OUTCOME_OVER_LIMIT;
	}
	if (worker->is_broken)
		snprintf(cause, CAUSE_BYTES, "worker %u wrote nonsense over its channel", worker->number);
	else
		snprintf(cause, CAUSE_BYTES, "%s in worker %u", proc_death(how, wait_status), worker->number);
	return OUTCOME_CRASHED;
}

/* Charges what is to be charged, puts the rest back. true: the death is accounted for, by an item or by us. */
static bool settle(struct crew *crew, struct worker *worker, int wait_status, bool was_lost)
{
	char cause[CAUSE_BYTES];
	int begun = worker->is_broken ? CHANNEL_BROKEN : channel_begun(worker->channel);
	bool is_unknown = begun < 0 || (begun > 0 && was_lost);
	bool is_suspect = worker->owed && worker->owed->is_suspect;
	/* ended for an item that it then answered all the same: the one that it is in now has done nothing */
	bool is_other = (worker->ending == ENDING_TIMED_OUT || worker->ending == ENDING_OVER_MEMORY) && !is_unknown &&
	                (begun == 0 || worker->ending_item != worker->channel->answered);
	bool is_charged = worker->owed && !is_other && ((begun > 0 && !was_lost) || (is_unknown && is_suspect));
	if (is_charged) {
		enum outcome outcome = judge(crew, worker, wait_status, cause);
		crew->events.charge(crew->events.arg, worker, outcome, cause);
	}
	crew_put_back(crew, worker, is_unknown && !is_charged);
	return is_charged || is_other;
}

/* It left its loop by itself or was sent home: in order, and what it didn't begin goes to others. */
static bool has_left(const struct worker *worker, int wait_status)
{
	bool has_said_so = !worker->is_broken && channel_state(worker->channel) == WORKER_LEFT;
	bool was_told = worker->phase == WORKER_IS_LEAVING && worker->n_owed_items == 0;
	return (has_said_so || was_told) && (worker->is_broken || channel_begun(worker->channel) == 0) &&
	       WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
}

static void settle_death(struct crew *crew, struct worker *worker, int wait_status, bool was_lost, const char *how)
{
	enum worker_phase phase = worker->phase;
	/* it may have become ready, worked and died since it was last looked at */
	if (phase == WORKER_IS_STARTING && channel_state(worker->channel) != WORKER_STARTING)
		phase = WORKER_IS_READY;
	crew->n_deaths++;
	bool is_settled = settle(crew, worker, wait_status, was_lost);
	if (is_settled || was_lost || crew->is_stopping)
		return;
	if (phase == WORKER_IS_STARTING) {
		note_failed_start(crew, worker, how);
	} else {
		note_uncharged(crew, how);
		if (!worker->is_broken)
			log_warning("worker %u died between items (%s): it is replaced", worker->number, how);
	}
}

void blame_death(struct crew *crew, struct worker *worker, int wait_status, bool was_lost)
{
	char how[PROC_DEATH_BYTES];
	proc_death(how, wait_status);
	crew_read_words(crew, worker, true);
	collect_rest(crew, worker);
	log_debug("worker %u: ended: %s, owing %u items", worker->number, how, worker->n_owed_items);
	if (worker->refusal[0]) {
		struct err err;
		err_set(&err, ERR_RUN, "%s", worker->refusal);
		crew_give_up(crew, &err);
	} else if (!crew->is_killed && !has_left(worker, wait_status)) {
		settle_death(crew, worker, wait_status, was_lost, how);
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
