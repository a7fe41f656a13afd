/* SPDX-License-Identifier: Apache-2.0 */
/* patience - see patience.h. */
#include "config.h"

#include "core/base/clock.h"
#include "core/crew/patience.h"

#include <string.h>

#define BACK_OFF_FIRST_NS (10 * CLOCK_NS_PER_MS)
#define BACK_OFF_DOUBLINGS 7
#define DEATHS_NS (10 * CLOCK_NS_PER_SEC)
#define OUTSIDE_NS (30 * CLOCK_NS_PER_SEC)
#define FAILED_STARTS_MIN 5u
#define LOST_MAX 5u

void patience_back_off(struct crew *crew, unsigned n_failures)
{
	unsigned doublings = n_failures < BACK_OFF_DOUBLINGS ? n_failures : BACK_OFF_DOUBLINGS;
	crew->not_before_ns = clock_now_ns() + (BACK_OFF_FIRST_NS << doublings);
}

/* A death that could be charged to no item. Ten of them in ten seconds without an outcome end the run. */
void patience_note_uncharged(struct crew *crew, const char *how)
{
	int64_t now_ns = clock_now_ns();
	memmove(&crew->uncharged_ns[1], &crew->uncharged_ns[0], sizeof crew->uncharged_ns - sizeof crew->uncharged_ns[0]);
	crew->uncharged_ns[0] = now_ns;
	if (crew->n_uncharged < CREW_DEATHS_MAX)
		crew->n_uncharged++;
	if (crew->n_uncharged == CREW_DEATHS_MAX && now_ns - crew->uncharged_ns[CREW_DEATHS_MAX - 1] <= DEATHS_NS) {
		struct err err;
		err_set(&err, ERR_RUN,
		        "%s: %d workers died within ten seconds with no item to blame, and no item finished: giving up (the "
		        "last: %s)",
		        crew->brief.setup.file, CREW_DEATHS_MAX, how);
		worker_env_give_up(&crew->env, &err);
	}
}

/*
 * A death by a signal from outside is no verdict on the plugin: only when there are many, and nothing gets on for long,
 * it's over. The first are followed by others at once: in a storm of kills a pause is time in which nothing is done.
 */
void patience_note_outside(struct crew *crew, const char *how)
{
	int64_t now_ns = clock_now_ns();
	if (crew->n_outside++ == 0)
		crew->outside_since_ns = now_ns;
	if (crew->n_outside >= CREW_DEATHS_MAX)
		crew->not_before_ns = now_ns + BACK_OFF_FIRST_NS;
	if (crew->n_outside >= CREW_DEATHS_MAX && now_ns - crew->outside_since_ns >= OUTSIDE_NS) {
		struct err err;
		err_set(&err, ERR_RUN,
		        "processes of this run were killed from outside %u times in %lld seconds, and no item finished: giving "
		        "up (the last: %s)",
		        crew->n_outside, (long long)((now_ns - crew->outside_since_ns) / CLOCK_NS_PER_SEC), how);
		worker_env_give_up(&crew->env, &err);
	}
}

/* The fork server went by what runs in it, or doesn't answer. Before the first worker was ready it has one more try. */
void patience_note_lost(struct crew *crew, const char *how)
{
	unsigned most = crew->was_ready ? LOST_MAX : 2;
	if (++crew->n_lost >= most) {
		struct err err;
		err_set(&err, ERR_RUN, "the fork server was lost %u times, and no item finished: giving up (the last: %s)",
		        crew->n_lost, how);
		worker_env_give_up(&crew->env, &err);
	} else {
		patience_note_uncharged(crew, how);
	}
}

/* It died before it was ready. */
void patience_note_failed_start(struct crew *crew, const struct worker *worker, const char *how)
{
	unsigned most = crew->n_workers > FAILED_STARTS_MIN ? crew->n_workers : FAILED_STARTS_MIN;
	bool is_late = worker->ending == ENDING_START;
	patience_back_off(crew, crew->n_failed_starts++);
	if (crew->n_failed_starts >= most) {
		struct err err;
		err_set(&err, ERR_RUN,
		        "%s: %u workers in a row ended before they were ready: giving up (the last: %s; its own messages, if "
		        "any, are above)",
		        crew->brief.setup.file, crew->n_failed_starts,
		        is_late ? "its open took longer than --start-timeout" : how);
		worker_env_give_up(&crew->env, &err);
	}
}
