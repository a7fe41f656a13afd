/* SPDX-License-Identifier: Apache-2.0 */
/* blame - see blame.h. */
#include "config.h"

#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/crew/blame.h"

#include <assert.h>
#include <signal.h>
#include <sys/wait.h>

/* Was it the kernel that ended it for its memory? Its cgroup tells. */
static bool was_oom_in_cgroup(const struct crew *crew, const struct worker *worker)
{
	return worker->ending == ENDING_NONE && WIFSIGNALED(worker->wait_status) &&
	       WTERMSIG(worker->wait_status) == SIGKILL && worker->has_cgroup &&
	       cgroup_was_oom(crew->cgroup, crew->job_number, worker->number);
}

/* Without one nobody says so: a kill that nobody of us sent, near the limit. */
static bool is_oom(const struct crew *crew, const struct worker *worker)
{
	return worker->ending == ENDING_NONE && crew->plan->memory_bytes > 0 && WIFSIGNALED(worker->wait_status) &&
	       WTERMSIG(worker->wait_status) == SIGKILL && worker->rss_bytes > crew->plan->memory_bytes / 4 * 3;
}

/* What became of the item that it was in. */
static struct cause cause_of_death(const struct crew *crew, const struct worker *worker)
{
	struct cause cause = {.kind = CAUSE_DIED, .worker = worker->number, .wait_status = worker->wait_status};
	if (worker->ending == ENDING_TIMED_OUT) {
		cause = (struct cause){.kind = CAUSE_TIMED_OUT, .worker = worker->number, .limit_ns = crew->plan->timeout_ns};
	} else if (was_oom_in_cgroup(crew, worker)) {
		cause =
			(struct cause){.kind = CAUSE_OOM_KILLED, .worker = worker->number, .limit_bytes = crew->plan->memory_bytes};
	} else if (worker->ending == ENDING_OVER_MEMORY || is_oom(crew, worker)) {
		cause = (struct cause){.kind = CAUSE_OVER_MEMORY,
		                       .worker = worker->number,
		                       .limit_bytes = crew->plan->memory_bytes,
		                       .used_bytes = worker->rss_bytes};
	} else if (worker->is_broken) {
		cause = (struct cause){.kind = CAUSE_BROKEN_CHANNEL, .worker = worker->number};
	} else if (!crew->env.ops->has_processes) {
		cause.kind = CAUSE_THREAD_ENDED;
	}
	return cause;
}

/*
 * How often what was run alone may be the other's doing: the fork server may have been taken down by what was run alone
 * before, who says that it had begun nothing may have been killed from outside, and who left may have done so for the
 * item before.
 */
static uint32_t pardons(bool was_lost, bool is_undone, bool has_left)
{
	return has_left ? 2 : was_lost || is_undone;
}

static void say_between(const struct worker *worker)
{
	char how[PROC_DEATH_BYTES];
	log_warning("worker %u died between items (%s): it is replaced", worker->number, worker_death(how, worker));
}

/* Who is charged, and how the rest goes back. true: the end is accounted for, by an item or by us. */
static bool settle(const struct crew *crew, const struct worker *worker, bool has_left, struct judgement *judgement)
{
	bool was_lost = worker->was_lost;
	int begun = worker->is_broken ? CHANNEL_BROKEN : channel_begun(worker->channel);
	/* an earlier item of the batch may have closed its bell */
	bool is_mute = channel_state(worker->channel) == WORKER_MUTE;
	/* that we wanted it to end we know, whatever took its fork server */
	if (worker->ending == ENDING_TIMED_OUT || worker->ending == ENDING_OVER_MEMORY)
		was_lost = is_mute = false;
	bool is_unknown = begun < 0 || (begun > 0 && (was_lost || is_mute));
	/* ended for an item that it then answered all the same: the one that it is in now has done nothing */
	bool is_other = (worker->ending == ENDING_TIMED_OUT || worker->ending == ENDING_OVER_MEMORY) && !is_unknown &&
	                (begun == 0 || worker->ending_item != worker->channel->answered);
	bool owes = !flight_is_empty(&worker->flight), is_undone = owes && begun == 0 && !is_other;
	bool is_known = flight_suspicions(&worker->flight) > pardons(was_lost, is_undone, has_left);
	bool is_charged = owes && !is_other && ((begun > 0 && !is_unknown) || ((is_unknown || is_undone) && is_known));
	judgement->is_charged = is_charged;
	if (is_charged)
		judgement->cause = cause_of_death(crew, worker);
	if (is_undone && !is_charged && !was_lost && !has_left)
		say_between(worker);
	enum flight_blame blame = is_unknown ? BLAME_ALL : is_undone ? BLAME_FIRST : BLAME_NOBODY;
	judgement->blame = is_charged ? BLAME_NOBODY : blame;
	return is_charged || is_other || is_undone;
}

/* It left its loop by itself or was sent home: in order, and what it didn't begin goes to others. */
static bool has_left(const struct worker *worker)
{
	bool has_said_so = !worker->is_broken && channel_state(worker->channel) == WORKER_LEFT;
	bool was_told = worker->died_in == WORKER_IS_LEAVING && flight_is_empty(&worker->flight);
	return (has_said_so || was_told) && (worker->is_broken || channel_begun(worker->channel) == 0) &&
	       WIFEXITED(worker->wait_status) && WEXITSTATUS(worker->wait_status) == 0;
}

/* What the crew is to make of a death that wasn't in order. */
static enum verdict settle_death(struct crew *crew, const struct worker *worker, struct judgement *judgement)
{
	enum worker_phase phase = worker->died_in;
	enum worker_state state = channel_state(worker->channel);
	/* it may have become ready and died since it was last looked at */
	if (phase == WORKER_IS_STARTING && state != WORKER_STARTING && state != WORKER_REFUSED)
		phase = WORKER_IS_READY;
	crew->n_deaths++;
	bool is_settled = settle(crew, worker, false, judgement);
	if (is_settled || worker->was_lost || crew->env.is_stopping)
		return VERDICT_ACCOUNTED;
	if (phase == WORKER_IS_STARTING)
		return VERDICT_NOT_READY;
	if (state == WORKER_MUTE)
		log_warning("worker %u: an item closed the worker's own descriptors: it is replaced", worker->number);
	else if (!worker->is_broken)
		say_between(worker);
	return VERDICT_UNCHARGED;
}

/* Its open said no. Nobody else's word ends the run: not one who was ready, or had an item in hand. */
static bool has_refused(const struct worker *worker)
{
	return worker->refusal[0] && !worker->is_broken && worker->died_in == WORKER_IS_STARTING &&
	       worker->n_sent_items == 0 && channel_state(worker->channel) == WORKER_REFUSED;
}

struct judgement blame_death(struct crew *crew, const struct worker *worker)
{
	char how[PROC_DEATH_BYTES];
	struct judgement judgement = {.verdict = VERDICT_ACCOUNTED, .blame = BLAME_NOBODY};
	assert(worker->phase == WORKER_IS_DEAD);
	worker_death(how, worker);
	log_debug("worker %u: ended: %s, owing %u items", worker->number, how, worker->flight.n_items);
	if (has_refused(worker))
		judgement.verdict = VERDICT_REFUSED;
	else if (!crew->is_ended && !has_left(worker))
		judgement.verdict = settle_death(crew, worker, &judgement);
	else if (!crew->is_ended)
		settle(crew, worker, true, &judgement);
	return judgement;
}
