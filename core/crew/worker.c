/* SPDX-License-Identifier: Apache-2.0 */
/* worker - see worker.h. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/crew/worker.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void worker_env_give_up(struct worker_env *env, const struct err *err)
{
	if (env->has_given_up)
		return;
	env->has_given_up = true;
	env->failure = *err;
}

/* --- starting and clearing ---------------------------------------------------------------------------------------- */

static void on_bell(struct loop_watch *watch, uint32_t events)
{
	/* edge-triggered: that the loop woke is all; the turn looks at every channel */
	(void)watch;
	(void)events;
}

static int open_words(struct worker *worker, int *ret_error_fd, struct err *err)
{
	if (words_open(&worker->words, ret_error_fd, err) != 0)
		return -1;
	return words_watch(&worker->words, worker->env->loop, err);
}

int worker_start(struct worker *worker, uint64_t nodes, struct err *err)
{
	struct worker_env *env = worker->env;
	const char *why_memfd;
	int error_fd = -1, result = -1;
	worker->words.job_name = env->job_name;
	worker->words.worker = worker->number;
	struct channel_sizes sizes = env->sizes;
	sizes.task_nodes = nodes;
	if (channel_create(&worker->channel, worker->number, &sizes, &why_memfd, err) != 0)
		return -1;
	if (*why_memfd && !env->has_said_memfd) {
		log_notice("/dev/shm can't be used (%s): using anonymous memory (memfd) instead", why_memfd);
		env->has_said_memfd = true;
	}
	if (loop_add(env->loop, &worker->bell, worker->channel->bell_fd, EPOLLIN | EPOLLET, on_bell, worker, NULL, err) ==
	        0 &&
	    (!env->ops->has_processes || open_words(worker, &error_fd, err) == 0))
		result = env->ops->start(env->backend, worker->number, worker->generation, worker->channel, error_fd, err);
	if (error_fd >= 0)
		close(error_fd);
	return result;
}

void worker_step(struct worker *worker, enum worker_event event)
{
	char who[32];
	snprintf(who, sizeof who, "worker %u", worker->number);
	worker->phase = (enum worker_phase)lifecycle_go(&worker_lifecycle, (int)worker->phase, (int)event, who);
}

void worker_unwatch(struct worker *worker)
{
	loop_remove(worker->env->loop, &worker->bell);
	words_close(&worker->words);
}

/* The word is the worker's: it can't have been busy for longer than it was there. */
void worker_count_time(const struct worker *worker, uint64_t *ret_ready_ns, uint64_t *ret_busy_ns)
{
	*ret_ready_ns = *ret_busy_ns = 0;
	if (worker->ready_since_ns == 0)
		return;
	uint64_t ready_ns = (uint64_t)(clock_now_ns() - worker->ready_since_ns);
	uint64_t busy_ns = channel_busy_ns(worker->channel);
	*ret_ready_ns = ready_ns;
	*ret_busy_ns = busy_ns < ready_ns ? busy_ns : ready_ns;
}

void worker_clear(struct worker *worker)
{
	assert(worker->phase == WORKER_NONE);
	worker_unwatch(worker);
	channel_destroy(&worker->channel);
	free(worker->sum);
	*worker = (struct worker){.env = worker->env,
	                          .number = worker->number,
	                          .generation = worker->generation,
	                          .words = worker->words};
	worker->bell.fd = -1;
	flight_init(&worker->flight, worker->env->window);
}

/* --- work --------------------------------------------------------------------------------------------------------- */

/* Are sums to be noted of so many items more? What memory has no room for goes without. */
static bool sums(struct worker *worker, uint32_t n_items)
{
	if (!worker->env->is_summing || n_items > CHANNEL_SUMS || worker->flight.n_items > CHANNEL_SUMS - n_items)
		return false;
	if (!worker->sum)
		worker->sum = aligned_alloc(_Alignof(struct digest_state), sizeof *worker->sum);
	return worker->sum != NULL;
}

void worker_send(struct worker *worker, struct batch *batch)
{
	struct channel_batch sent = {.seq = batch->slice.seq,
	                             .n_items = batch->slice.n_items,
	                             .attempt = batch->attempt,
	                             .bytes = batch->slice.bytes,
	                             .n_bytes = batch->slice.n_bytes};
	assert(worker->phase == WORKER_IS_READY && !worker->flight.is_cut_short);
	batch->number = worker->channel->n_batches;
	sent.is_summed = batch->is_summed = sums(worker, batch->slice.n_items);
	if (flight_is_empty(&worker->flight))
		worker->progress_ns = clock_now_ns();
	flight_add(&worker->flight, batch);
	worker->n_sent_items += batch->slice.n_items;
	worker->needs_wake = true;
	if (channel_send(worker->channel, &sent) != 0)
		worker_break(worker);
}

bool worker_has_room(struct worker *worker, size_t n_bytes)
{
	int has = channel_has_room(worker->channel, n_bytes);
	if (has == CHANNEL_BROKEN)
		worker_break(worker);
	worker->wanted_bytes = has > 0 ? 0 : n_bytes;
	return has > 0;
}

bool worker_measure(struct worker *worker, uint64_t *ret_busy_ns, uint64_t *ret_n_items)
{
	if (worker->phase != WORKER_IS_READY || worker->n_answered == worker->n_answered_seen)
		return false;
	uint64_t busy_ns = channel_busy_ns(worker->channel);
	if (busy_ns <= worker->busy_ns_seen)
		return false;
	*ret_busy_ns = busy_ns - worker->busy_ns_seen;
	*ret_n_items = worker->n_answered - worker->n_answered_seen;
	worker->busy_ns_seen = busy_ns;
	worker->n_answered_seen = worker->n_answered;
	return true;
}

void worker_note_refusal(struct worker *worker, const char *text)
{
	snprintf(worker->refusal, sizeof worker->refusal, "%.*s", (int)sizeof worker->refusal - 1, text);
}

void worker_send_more(struct worker *worker)
{
	size_t unsent_bytes = worker->channel->unsent_bytes;
	if (channel_send_more(worker->channel) != 0)
		worker_break(worker);
	else if (worker->channel->unsent_bytes < unsent_bytes)
		worker->progress_ns = clock_now_ns();
	worker->needs_wake = true;
}

void worker_put_back(struct worker *worker, enum flight_blame blame)
{
	struct err err;
	if (flight_put_back(&worker->flight, blame, &err) != 0)
		worker_env_give_up(worker->env, &err);
}

bool worker_take_back(struct worker *worker)
{
	struct flight *flight = &worker->flight;
	struct err err;
	uint32_t n_items;
	if (channel_is_sending(worker->channel) || flight->is_cut_short)
		return false;
	if (channel_take_back(worker->channel, &n_items) != 0 || n_items > flight->n_items) {
		worker_break(worker);
		return false;
	}
	if (n_items == 0)
		return false;
	if (flight_keep(flight, flight->n_items - n_items, &err) == 0)
		return true;
	worker_env_give_up(worker->env, &err);
	return false;
}

const char *worker_death(char text[PROC_DEATH_BYTES], const struct worker *worker)
{
	if (worker->env->ops->has_processes)
		return proc_death(text, worker->wait_status);
	snprintf(text, PROC_DEATH_BYTES, "its thread ended");
	return text;
}

/* --- endings ------------------------------------------------------------------------------------------------------ */

void worker_retire(struct worker *worker)
{
	worker->is_retiring = true;
	if (channel_stop(worker->channel) != 0)
		worker_break(worker);
}

/* The dead hear nothing, and their number may be somebody else's. */
bool worker_kill(struct worker *worker, int signum)
{
	struct worker_env *env = worker->env;
	if (!worker_lives(worker) || !env->backend)
		return env->ops->has_processes;
	return env->backend->ops->kill(env->backend, worker->number, worker->generation, signum);
}

void worker_end(struct worker *worker, enum worker_ending ending, uint32_t item)
{
	bool is_gentle = ending == ENDING_TIMED_OUT;
	worker->ending = ending;
	worker->ending_item = item;
	worker->kill_ns = is_gentle ? clock_now_ns() + WORKER_KILL_PAUSE_NS : INT64_MAX;
	channel_cancel(worker->channel);
	worker_kill(worker, is_gentle ? SIGTERM : SIGKILL);
	/* one that was stopped hears TERM only when it goes on */
	if (is_gentle)
		worker_kill(worker, SIGCONT);
}

void worker_give_up(struct worker *worker, const char *why)
{
	if (worker->is_broken)
		return;
	worker->is_broken = true;
	if (worker_kill(worker, SIGKILL)) {
		log_warning("worker %u %s: it is %s", worker->number, why, worker->env->is_stopping ? "ended" : "replaced");
	} else {
		struct err err;
		err_set(&err, ERR_RUN, "thread %u %s, and a thread can't be replaced: use --backend process", worker->number,
		        why);
		worker_env_give_up(worker->env, &err);
	}
}

void worker_break(struct worker *worker)
{
	worker_give_up(worker, "has written invalid data to its channel");
}
