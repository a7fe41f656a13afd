/* SPDX-License-Identifier: Apache-2.0 */
/* watchdog - see watchdog.h. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/base/procfs.h"
#include "core/crew/watchdog.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MIN_NS CLOCK_NS_PER_MS
#define LOOK_MAX_NS (50 * CLOCK_NS_PER_MS)
#define LOOK_MEMORY_NS (20 * CLOCK_NS_PER_MS)
#define LOOK_IDLE_NS (250 * CLOCK_NS_PER_MS)
#define LOOKS_A_TIMEOUT 16
#define GAP_NS (200 * CLOCK_NS_PER_MS) /* beyond the wanted pause: the loop itself was held up */
#define STUCK_NS CLOCK_NS_PER_SEC
#define STUCK_LONG_NS (30 * CLOCK_NS_PER_SEC) /* for one that may only wait for a processor, or can't be replaced */
#define STUCK_LOOKS 3
#define DYING_NS (3 * CLOCK_NS_PER_SEC) /* last words are bounded: worker/crash */

void watchdog_init(struct watchdog *watchdog, const struct job *plan, struct crew *crew)
{
	*watchdog = (struct watchdog){.crew = crew, .plan = plan};
}

/* How often it wants to look. */
static int64_t pause_ns(const struct watchdog *watchdog)
{
	int64_t pause = watchdog->plan->start_timeout_ns / LOOKS_A_TIMEOUT;
	pause = pause < LOOK_MIN_NS ? LOOK_MIN_NS : pause > LOOK_IDLE_NS ? LOOK_IDLE_NS : pause;
	if (watchdog->plan->memory_bytes > 0 && LOOK_MEMORY_NS < pause)
		pause = LOOK_MEMORY_NS;
	if (watchdog->plan->timeout_ns > 0) {
		int64_t part = watchdog->plan->timeout_ns / LOOKS_A_TIMEOUT;
		part = part < LOOK_MIN_NS ? LOOK_MIN_NS : part > LOOK_MAX_NS ? LOOK_MAX_NS : part;
		pause = part < pause ? part : pause;
	}
	return pause;
}

static int64_t field_bytes(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	return at ? strtoll(at + strlen(name), NULL, 10) * 1024 : 0;
}

/*
 * The rings count twice, as they are mapped, but only so much of them as it has touched: of its shared memory no more
 * than all of them is taken off, and nothing of what isn't shared.
 */
int64_t watchdog_rss_bytes(const struct worker *worker)
{
	char path[64], text[4096];
	if (worker->pid <= 0)
		return 0;
	snprintf(path, sizeof path, "/proc/%ld/status", (long)worker->pid);
	if (procfs_read(path, text, sizeof text) == 0)
		return 0;
	int64_t shared = field_bytes(text, "\nRssShmem:"), rings = (int64_t)worker->channel->map.mapped_bytes;
	return field_bytes(text, "\nVmRSS:") - (shared < rings ? shared : rings);
}

/* --- the item's clock --------------------------------------------------------------------------------------------- */

static void end_late(struct watchdog *watchdog, struct worker *worker, uint32_t item)
{
	worker_end(worker, ENDING_TIMED_OUT, item);
	if (!watchdog->crew->env.ops->has_processes)
		log_warning(
			"worker %u: its item takes longer than the timeout; a thread can't be ended, so it was asked to give up",
			worker->number);
}

/* A time-out's TERM wasn't enough: it may have ended the item all the same, but the worker isn't what it was. */
static void kill_if_due(struct worker *worker, int64_t now_ns)
{
	if (worker->ending == ENDING_NONE || now_ns < worker->kill_ns)
		return;
	worker->kill_ns = INT64_MAX;
	worker_kill(worker, SIGKILL);
}

static void look_at_item(struct watchdog *watchdog, struct worker *worker, int64_t passed_ns)
{
	uint32_t item;
	int is_in_item = channel_current_item(worker->channel, &item);
	if (is_in_item == CHANNEL_BROKEN) {
		worker_break(worker);
		return;
	}
	if (is_in_item == 0 || item != worker->clock_item || worker->clock_ns == 0) {
		worker->clock_item = is_in_item > 0 ? item : RING_MARK_MASK + 1;
		worker->clock_ns = is_in_item > 0;
		/* a thread that gave up its item is as good as before */
		if (!watchdog->crew->env.ops->has_processes && worker->ending != ENDING_NONE) {
			worker->ending = ENDING_NONE;
			watchdog->has_freed = true;
		}
		return;
	}
	worker->clock_ns += passed_ns;
	if (watchdog->plan->timeout_ns > 0 && worker->clock_ns >= watchdog->plan->timeout_ns &&
	    worker->ending == ENDING_NONE)
		end_late(watchdog, worker, item);
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static void look_at_memory(struct watchdog *watchdog, struct worker *worker)
{
	uint32_t item;
	int64_t rss_bytes = watchdog_rss_bytes(worker);
	/* one that has ended, or is about to, has none: what it had is what will be asked for */
	if (rss_bytes <= 0 || worker->ending != ENDING_NONE)
		return;
	worker->rss_bytes = rss_bytes;
	if (worker->rss_bytes <= watchdog->plan->memory_bytes)
		return;
	if (channel_current_item(worker->channel, &item) > 0)
		worker_end(worker, ENDING_OVER_MEMORY, item);
	else if (worker->phase == WORKER_IS_READY && !worker->is_retiring)
		worker_retire(worker); /* nobody's fault in particular: a fresh one goes on */
}

/*
 * It has work, or its ring isn't empty though it has none, and it answers nothing and is in no item: a lost wake-up, or
 * a scribble over one. Words are no answers. One that isn't heard may wait for room to say something.
 */
static void look_if_stuck(struct worker *worker, int64_t now_ns, bool is_heard)
{
	struct channel *channel = worker->channel;
	bool is_leaving = worker->phase == WORKER_IS_LEAVING;
	bool has_work = !flight_is_empty(&worker->flight) || (!is_leaving && !channel_is_drained(channel));
	bool is_there = worker->phase == WORKER_IS_READY || is_leaving;
	bool is_stuck = is_there && !worker->is_broken && worker->ending == ENDING_NONE && is_heard && has_work &&
	                now_ns - worker->progress_ns >= STUCK_NS && !channel_has_answers(channel) &&
	                channel_begun(channel) <= 0;
	if (!is_stuck) {
		worker->n_stuck_looks = 0;
		return;
	}
	if (worker->n_stuck_looks++ == 0)
		worker->stuck_ns = now_ns;
	if (worker->n_stuck_looks <= STUCK_LOOKS || now_ns - worker->stuck_ns < STUCK_NS)
		return;
	bool is_sleeping = worker->pid > 0 && proc_state(worker->pid) != 'R';
	if (is_sleeping || now_ns - worker->stuck_ns >= STUCK_LONG_NS)
		worker_give_up(worker, "doesn't start the items that it was sent");
}

static void give_up_late(struct watchdog *watchdog, const char *what)
{
	struct err err;
	err_set(&err, ERR_RUN, "the plugin's %s took longer than %g s: allow more with --start-timeout", what,
	        (double)watchdog->plan->start_timeout_ns / (double)CLOCK_NS_PER_SEC);
	worker_env_give_up(&watchdog->crew->env, &err);
}

/*
 * Its open, and for the first one the time of load counts, too. Where none ever got ready none will, unless it was
 * stopped, or its fork server doesn't fork: then there is another attempt.
 */
static void look_at_start(struct watchdog *watchdog, struct worker *worker)
{
	struct crew *crew = watchdog->crew;
	int64_t start_ns = worker->clock_ns + (crew->was_ready ? 0 : crew->load_ns);
	if (start_ns < watchdog->plan->start_timeout_ns || worker->ending != ENDING_NONE)
		return;
	bool is_open = !crew->env.ops->has_processes || (worker->pid > 0 && proc_state(worker->pid) != 'T');
	if (is_open && !crew->was_ready)
		give_up_late(watchdog, "open");
	else
		worker_end(worker, ENDING_START, 0);
}

/*
 * A crash is a crash, whatever is found of the worker while it says where: its item isn't late, its memory not the
 * item's, and it isn't stuck. Anything may write that word: it is believed for as long as last words can take, once.
 */
static bool is_dying(struct worker *worker, int64_t passed_ns)
{
	if (worker->ending != ENDING_NONE || worker->dying_ns >= DYING_NS || !channel_is_dying(worker->channel))
		return false;
	worker->dying_ns += passed_ns;
	return true;
}

static void look_at(struct watchdog *watchdog, struct worker *worker, int64_t passed_ns, int64_t now_ns, bool is_heard)
{
	if (is_dying(worker, passed_ns))
		return;
	if (worker->phase == WORKER_IS_STARTING) {
		worker->clock_ns += passed_ns;
		look_at_start(watchdog, worker);
		return;
	}
	look_at_item(watchdog, worker, is_heard ? passed_ns : 0);
	kill_if_due(worker, now_ns);
	if (watchdog->plan->memory_bytes > 0)
		look_at_memory(watchdog, worker);
	look_if_stuck(worker, now_ns, is_heard);
}

/* The plugin's load. */
static void look_at_load(struct watchdog *watchdog, int64_t passed_ns)
{
	struct crew *crew = watchdog->crew;
	if (!crew->env.backend || crew->is_loaded || crew->env.is_stopping)
		return;
	crew->load_ns += passed_ns;
	if (crew->load_ns >= watchdog->plan->start_timeout_ns)
		give_up_late(watchdog, "load");
}

bool watchdog_look(struct watchdog *watchdog, int64_t now_ns, bool is_heard, const struct worker *only)
{
	struct crew *crew = watchdog->crew;
	int64_t pause = pause_ns(watchdog), passed_ns = now_ns - watchdog->look_ns;
	if (watchdog->look_ns != 0 && passed_ns < pause)
		return false;
	if (watchdog->look_ns == 0)
		passed_ns = 0;
	else if (passed_ns > pause + GAP_NS)
		passed_ns = pause;
	watchdog->has_freed = false;
	watchdog->look_ns = now_ns;
	look_at_load(watchdog, passed_ns);
	if (crew->env.backend)
		crew->env.backend->ops->look(crew->env.backend, passed_ns);
	for (unsigned i = 0; i < crew->n_top && !crew->env.has_given_up; i++) {
		struct worker *worker = &crew->workers[i];
		if (worker_lives(worker) && !worker->is_broken)
			look_at(watchdog, worker, passed_ns, now_ns, is_heard && (!only || only == worker));
	}
	return watchdog->has_freed;
}

int64_t watchdog_due_ns(const struct watchdog *watchdog)
{
	const struct crew *crew = watchdog->crew;
	bool has_work = crew->env.backend && !crew->is_loaded;
	for (unsigned i = 0; i < crew->n_top && !has_work; i++) {
		const struct worker *worker = &crew->workers[i];
		has_work = worker->phase == WORKER_IS_STARTING || worker->phase == WORKER_IS_LEAVING || worker->is_broken ||
		           !flight_is_empty(&worker->flight) || worker->ending != ENDING_NONE;
	}
	return has_work ? watchdog->look_ns + pause_ns(watchdog) : -1;
}
