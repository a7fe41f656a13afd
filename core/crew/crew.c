/* SPDX-License-Identifier: Apache-2.0 */
/* crew - see crew.h. Who is to blame for a death is in blame.c. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/crew/crew.h"
#include "core/crew/patience.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* As long as a plugin may need to see that it was cancelled, and 200 ms for its own TERM and KILL. */
#define THREAD_PAUSE_NS (500 * CLOCK_NS_PER_MS)
#define OPENS_MAX 5 /* attempts at a backend that isn't to be had, before another way is taken */

/* --- life and death of the crew ----------------------------------------------------------------------------------- */

/*
 * The task ring holds the batches of BATCH_BYTES that a worker may have in hand; the result ring one's results twice,
 * so that it can go on while they are taken. Many workers share what one alone may have.
 */
static struct channel_sizes channel_sizes(int64_t n_workers)
{
	size_t shift = n_workers <= 16 ? 0 : n_workers <= 64 ? 1 : 2;
	return (struct channel_sizes){.task_bytes = (1024u << 10) >> shift,
	                              .result_bytes = (512u << 10) >> shift,
	                              .event_bytes = 16u << 10};
}

int crew_init(struct crew *crew, const struct job *plan, const struct crew_handed *handed, struct err *err)
{
	assert(plan->n_workers >= 1 && plan->info && handed->loop && handed->window);
	*crew = (struct crew){.plan = plan,
	                      .env = {.loop = handed->loop,
	                              .window = handed->window,
	                              .job_name = handed->job_name,
	                              .ops = plan->backend == BACKEND_THREAD ? &backend_thread : &backend_process,
	                              .sizes = channel_sizes(plan->n_workers)},
	                      .worker_program = handed->worker_program,
	                      .spare = handed->spare,
	                      .cgroup = plan->memory_bytes > 0 ? handed->cgroup : NULL,
	                      .job_number = handed->job_number,
	                      .n_workers = (unsigned)plan->n_workers};
	if (handed->ops)
		crew->env.ops = handed->ops;
	if (handed->sizes)
		crew->env.sizes = *handed->sizes;
	if (brief_init(&crew->brief, plan, handed->tells_times, err) != 0)
		return -1;
	crew->n_places = crew->brief.setup.n_places;
	crew->workers = calloc(crew->n_places, sizeof *crew->workers);
	if (!crew->workers)
		return err_set(err, ERR_RESOURCE, "out of memory for %u workers", crew->n_places);
	for (unsigned i = 0; i < crew->n_places; i++) {
		crew->workers[i].env = &crew->env;
		crew->workers[i].number = i + 1;
		crew->workers[i].bell.fd = -1;
		crew->workers[i].words = WORDS_NONE;
		flight_init(&crew->workers[i].flight, crew->env.window);
	}
	return 0;
}

/* Each change of a worker's phase comes by here, and is counted. */
static void step(struct crew *crew, struct worker *worker, enum worker_event event)
{
	enum worker_phase before = worker->phase;
	worker_step(worker, event);
	crew->n_live += (worker->phase != WORKER_NONE) - (before != WORKER_NONE);
	crew->n_ready += (worker->phase == WORKER_IS_READY) - (before == WORKER_IS_READY);
}

/* Its place is free. */
static void clear(struct crew *crew, struct worker *worker, enum worker_event event)
{
	uint64_t ready_ns, busy_ns;
	worker_count_time(worker, &ready_ns, &busy_ns);
	crew->ready_ns += ready_ns;
	crew->busy_ns += busy_ns;
	step(crew, worker, event);
	if (worker->has_cgroup)
		cgroup_remove(crew->cgroup, crew->job_number, worker->number);
	worker_clear(worker);
	while (crew->n_top > 0 && crew->workers[crew->n_top - 1].phase == WORKER_NONE)
		crew->n_top--;
}

void crew_fini(struct crew *crew)
{
	if (crew->env.backend)
		crew->has_left_threads = !crew->env.backend->ops->close(&crew->env.backend);
	for (unsigned i = 0; crew->workers && i < crew->n_places; i++) {
		struct worker *worker = &crew->workers[i];
		if (worker->phase != WORKER_NONE && !crew->has_left_threads)
			clear(crew, worker, WORKER_ON_CLOSE);
		else if (worker->phase != WORKER_NONE)
			worker_unwatch(worker); /* a thread goes on with the channel: it stays, unheard */
	}
	free(crew->workers);
	crew->workers = crew->first_dead = NULL;
	brief_fini(&crew->brief);
}

/* Why threads may not take over from processes, though the backend is auto; NULL: they may. */
static const char *fall_back_bar(const struct job *plan)
{
	if (plan->duty.has_pid_namespace)
		return "they would not have a PID namespace of their own (--pid-namespace)";
	if (plan->memory_bytes > 0)
		return "their memory can't be measured separately (--memory)";
	return plan->timeout_ns > 0 ? "they can't be ended when an item times out (--timeout)" : NULL;
}

/* Processes aren't to be had: threads, if that may be. */
static void fall_back(struct crew *crew, const struct err *why)
{
	bool is_of_descriptors = why->errnum == EMFILE || why->errnum == ENFILE;
	const char *bar = fall_back_bar(crew->plan);
	if (!crew->env.ops->has_processes || crew->plan->backend != BACKEND_AUTO || bar || is_of_descriptors) {
		struct err err = *why;
		if (is_of_descriptors)
			err_set(&err, ERR_RUN, "%s: raise the limit of open files (ulimit -n) or use fewer workers (-j)",
			        why->text);
		else if (bar)
			err_set(&err, ERR_RUN, "%s; threads can't take over: %s", why->text, bar);
		worker_env_give_up(&crew->env, &err);
		return;
	}
	if (crew->env.backend)
		crew->env.backend->ops->close(&crew->env.backend);
	unsigned n_workers = crew->plan->info->is_thread_safe ? crew->n_workers : 1;
	log_notice("cannot create processes (%s): continuing with %u thread%s in this process; a crash of the plugin would "
	           "end the run",
	           why->text, n_workers, n_workers == 1 ? "" : "s");
	crew->env.ops = &backend_thread;
	crew->n_workers = crew->brief.setup.n_workers = n_workers;
	crew->is_loaded = false;
	crew->not_before_ns = 0;
	crew->n_no_starts = 0;
}

static struct worker *find(struct crew *crew, unsigned number, uint64_t generation)
{
	if (number == 0 || number > crew->n_places)
		return NULL;
	struct worker *worker = &crew->workers[number - 1];
	return worker_lives(worker) && worker->generation == generation ? worker : NULL;
}

/* --- what the backend tells --------------------------------------------------------------------------------------- */

static void on_loaded(void *arg, unsigned n_threads)
{
	struct crew *crew = arg;
	struct err err;
	if (!filestamp_is_current(&crew->plan->info->stamp, crew->brief.setup.file)) {
		err_set(&err, ERR_RUN,
		        "%s has changed since this run inspected it, and must be loaded again: the run would mix results of "
		        "two versions; start it again",
		        crew->brief.setup.file);
		worker_env_give_up(&crew->env, &err);
		return;
	}
	crew->is_loaded = crew->was_loaded = true;
	if (n_threads > 0 && !crew->has_said_threads)
		log_warning("%s: load left %u thread%s running: threads don't survive the fork", crew->brief.setup.file,
		            n_threads, n_threads == 1 ? "" : "s");
	crew->has_said_threads = crew->has_said_threads || n_threads > 0;
	log_debug("plugin loaded, workers may start");
}

static void on_refused(void *arg, const struct err *err)
{
	struct crew *crew = arg;
	worker_env_give_up(&crew->env, err);
}

static void on_started(void *arg, unsigned number, uint64_t generation, pid_t pid)
{
	struct crew *crew = arg;
	struct worker *worker = find(crew, number, generation);
	crew->n_no_starts = 0;
	if (worker) {
		worker->pid = pid;
		if (crew->cgroup && pid > 0)
			worker->has_cgroup = cgroup_add(crew->cgroup, crew->job_number, number, pid, crew->plan->memory_bytes);
		channel_close_fd(worker->channel);
	}
}

static void on_not_started(void *arg, unsigned number, uint64_t generation, const struct err *err)
{
	struct crew *crew = arg;
	struct worker *worker = find(crew, number, generation);
	/* one that is there was started, whatever a fork server says */
	if (!worker || worker->phase == WORKER_IS_READY || worker->n_sent_items > 0)
		return;
	clear(crew, worker, WORKER_ON_NO_START);
	/* those that are starting may meet the same end: then it is said when they have */
	if (crew->n_live > 0 && crew->n_ready == crew->n_live && !crew->has_said_fewer) {
		log_notice("only %u of %u workers could be started: %s", crew->n_live, crew->n_workers, err->text);
		crew->has_said_fewer = true;
	}
	patience_back_off(crew, ++crew->n_no_starts);
	if (crew->n_live == 0 && crew->n_no_starts >= OPENS_MAX)
		fall_back(crew, err);
}

/* It is put aside, with what is to be known of its end: crew_next_dead. */
static void on_died(void *arg, unsigned number, uint64_t generation, int wait_status, bool was_lost)
{
	struct crew *crew = arg;
	struct worker *worker = find(crew, number, generation);
	if (!worker)
		return;
	words_read(&worker->words, true);
	worker->died_in = worker->phase;
	step(crew, worker, WORKER_ON_DEATH);
	worker->wait_status = wait_status;
	worker->was_lost = was_lost;
	if (!crew->first_dead)
		crew->end_dead = &crew->first_dead;
	*crew->end_dead = worker;
	crew->end_dead = &worker->next_dead;
}

/* Those that it took along have been told of before: its own end is accounted for when they are (crew_note_loss). */
static void on_lost(void *arg, const char *how, bool is_outside)
{
	struct crew *crew = arg;
	crew->has_loss = true;
	crew->is_loss_outside = is_outside;
	snprintf(crew->loss, sizeof crew->loss, "%s", how);
	crew->env.backend->ops->close(&crew->env.backend);
	crew->is_loaded = false;
}

/* --- the dead ----------------------------------------------------------------------------------------------------- */

struct worker *crew_next_dead(struct crew *crew)
{
	struct worker *worker = crew->first_dead;
	if (worker)
		crew->first_dead = worker->next_dead;
	return worker;
}

void crew_bury(struct crew *crew, struct worker *worker, enum verdict verdict)
{
	char how[PROC_DEATH_BYTES];
	struct err err;
	assert(worker->phase == WORKER_IS_DEAD && flight_is_empty(&worker->flight));
	worker_death(how, worker);
	bool is_outside = proc_was_killed(worker->wait_status) && worker->ending == ENDING_NONE && !worker->is_broken;
	switch (verdict) {
	case VERDICT_ACCOUNTED:
		break;
	case VERDICT_REFUSED:
		err_set(&err, ERR_RUN, "%s", worker->refusal);
		worker_env_give_up(&crew->env, &err);
		break;
	case VERDICT_NOT_READY:
		if (is_outside)
			patience_note_outside(crew, how);
		else
			patience_note_failed_start(crew, worker, how);
		break;
	case VERDICT_UNCHARGED:
		if (is_outside)
			patience_note_outside(crew, how);
		else
			patience_note_uncharged(crew, how);
		break;
	}
	clear(crew, worker, WORKER_ON_BURIAL);
}

void crew_note_loss(struct crew *crew)
{
	struct err err;
	bool is_loss = crew->has_loss && !crew->env.is_stopping;
	crew->has_loss = false;
	if (!is_loss)
		return;
	if (!crew->was_loaded && !crew->is_loss_outside) {
		err_set(&err, ERR_RUN, "%s: the plugin ended its process while it was being loaded: %s", crew->brief.setup.file,
		        crew->loss);
		worker_env_give_up(&crew->env, &err);
		return;
	}
	log_warning("the fork server died (%s): it is started again", crew->loss);
	if (crew->is_loss_outside)
		patience_note_outside(crew, crew->loss);
	else
		patience_note_lost(crew, crew->loss);
}

/* --- the backend -------------------------------------------------------------------------------------------------- */

void crew_open(struct crew *crew)
{
	const struct backend_events events = {.loaded = on_loaded,
	                                      .refused = on_refused,
	                                      .started = on_started,
	                                      .not_started = on_not_started,
	                                      .died = on_died,
	                                      .lost = on_lost,
	                                      .job_name = crew->env.job_name,
	                                      .load_quota = &crew->load_quota,
	                                      .arg = crew};
	struct err err;
	if (crew->env.backend || crew->env.has_given_up || clock_now_ns() < crew->not_before_ns)
		return;
	/* what the constructors took in the spare one is part of the start, if that is the one */
	int64_t spare_ns = crew->spare && crew->spare->pid > 0 ? crew->spare->load_ns : 0;
	if (crew->env.ops->open(&crew->env.backend, crew->env.loop, &crew->brief.setup, crew->worker_program, crew->spare,
	                        &events, &err) == 0) {
		crew->n_failed_opens = 0;
		crew->load_ns = spare_ns > 0 && crew->spare->pid == 0 ? spare_ns : 0;
		return;
	}
	if (err.code != ERR_RESOURCE) {
		worker_env_give_up(&crew->env, &err);
		return;
	}
	patience_back_off(crew, ++crew->n_failed_opens);
	if (crew->n_failed_opens >= OPENS_MAX)
		fall_back(crew, &err);
}

/* --- starting and clearing ---------------------------------------------------------------------------------------- */

bool crew_may_start(const struct crew *crew)
{
	return crew->is_loaded && !crew->env.is_stopping && !crew->env.has_given_up && crew->n_live < crew->n_workers &&
	       crew->n_live - crew->n_ready < CREW_STARTS_MAX &&
	       (crew->not_before_ns == 0 || clock_now_ns() >= crew->not_before_ns);
}

bool crew_want(struct crew *crew)
{
	if (!crew_may_start(crew))
		return false;
	struct worker *worker = crew->workers;
	while (worker < crew->workers + crew->n_places && worker->phase != WORKER_NONE)
		worker++;
	if (worker == crew->workers + crew->n_places)
		return false;
	struct err err;
	step(crew, worker, WORKER_ON_START);
	worker->generation++;
	if (crew->n_top < worker->number)
		crew->n_top = worker->number;
	const uint64_t *nodes = crew->brief.pin.nodes;
	if (worker_start(worker, nodes ? nodes[worker->number - 1] : 0, &err) == 0)
		return true;
	if (err.code == ERR_RESOURCE) {
		on_not_started(crew, worker->number, worker->generation, &err);
		return false;
	}
	/* it has nothing that could be looked at while the others are ended */
	clear(crew, worker, WORKER_ON_NO_START);
	worker_env_give_up(&crew->env, &err);
	return false;
}

void crew_poll(struct crew *crew)
{
	for (unsigned i = 0; crew->n_ready < crew->n_live && i < crew->n_top; i++) {
		struct worker *worker = &crew->workers[i];
		if (worker->phase != WORKER_IS_STARTING || channel_state(worker->channel) != WORKER_READY)
			continue;
		step(crew, worker, WORKER_ON_READY);
		worker->ready_since_ns = clock_now_ns();
		crew->was_ready = true;
		crew->n_failed_starts = 0;
	}
}

/* --- work --------------------------------------------------------------------------------------------------------- */

void crew_flush_wakes(struct crew *crew)
{
	for (unsigned i = 0; i < crew->n_top; i++) {
		struct worker *worker = &crew->workers[i];
		if (!worker_lives(worker) || worker->is_broken)
			continue;
		if (channel_is_sending(worker->channel))
			worker_send_more(worker);
		if (worker->needs_wake && channel_wake(worker->channel) != 0)
			worker_break(worker);
		worker->needs_wake = false;
	}
}

void crew_resize(struct crew *crew, int more)
{
	bool is_one_thread = !crew->env.ops->has_processes && !crew->plan->info->is_thread_safe;
	if (more > 0 && crew->n_workers < crew->n_places && !is_one_thread)
		crew->n_workers++;
	if (more < 0 && crew->n_workers > 1) {
		crew->n_workers--;
		for (unsigned i = crew->n_top; i > 0 && crew->n_live > crew->n_workers; i--) {
			struct worker *worker = &crew->workers[i - 1];
			if (worker->phase == WORKER_IS_READY && !worker->is_retiring) {
				worker_retire(worker);
				break;
			}
		}
	}
}

int64_t crew_due_ns(const struct crew *crew)
{
	int64_t now_ns = clock_now_ns();
	if (crew->env.has_given_up || crew->env.is_stopping)
		return -1;
	if (crew->not_before_ns > now_ns)
		return crew->not_before_ns;
	if (!crew->env.backend)
		return now_ns;
	return -1;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

void crew_stop(struct crew *crew)
{
	crew->env.is_stopping = true;
	for (unsigned i = 0; i < crew->n_top; i++) {
		struct worker *worker = &crew->workers[i];
		if (worker->phase != WORKER_IS_STARTING && worker->phase != WORKER_IS_READY)
			continue;
		step(crew, worker, WORKER_ON_STOP);
		if (channel_stop(worker->channel) != 0)
			worker_break(worker);
	}
}

/* Who has nothing in hand has nothing to tidy up. A thread goes on to its next item, unless that is taken back. */
static void end_worker(const struct crew *crew, struct worker *worker)
{
	bool is_at_work = !flight_is_empty(&worker->flight);
	if (!crew->env.ops->has_processes) {
		worker_take_back(worker);
		channel_cancel(worker->channel);
		channel_stop(worker->channel);
		return;
	}
	channel_cancel(worker->channel);
	worker_kill(worker, is_at_work ? SIGTERM : SIGKILL);
	/* one that was stopped hears TERM only when it goes on */
	if (is_at_work)
		worker_kill(worker, SIGCONT);
}

int64_t crew_end(struct crew *crew)
{
	crew->env.is_stopping = crew->is_ended = true;
	for (unsigned i = 0; i < crew->n_top; i++)
		if (worker_lives(&crew->workers[i]))
			end_worker(crew, &crew->workers[i]);
	return crew->env.ops && !crew->env.ops->has_processes ? THREAD_PAUSE_NS : WORKER_KILL_PAUSE_NS;
}

void crew_kill(struct crew *crew)
{
	bool is_first = !crew->is_killed;
	crew->env.is_stopping = crew->is_ended = crew->is_killed = true;
	if (!is_first && crew->env.backend) {
		crew->env.backend->ops->abandon(crew->env.backend, "it didn't end its workers");
		return;
	}
	for (unsigned i = 0; i < crew->n_top; i++)
		if (worker_lives(&crew->workers[i])) {
			channel_cancel(crew->workers[i].channel);
			worker_kill(&crew->workers[i], SIGKILL);
		}
}

/* A worker of commands stops them first, and then itself: it has to hear of it. */
void crew_signal(struct crew *crew, int signum)
{
	if (signum == SIGSTOP && crew_setup(crew)->runs_commands)
		signum = SIGTSTP;
	for (unsigned i = 0; i < crew->n_top; i++)
		if (worker_lives(&crew->workers[i]))
			worker_kill(&crew->workers[i], signum);
}

void crew_take_back(struct crew *crew)
{
	for (unsigned i = 0; i < crew->n_top; i++)
		if (worker_lives(&crew->workers[i]) && !flight_is_empty(&crew->workers[i].flight))
			worker_take_back(&crew->workers[i]);
}

bool crew_owes_nothing(const struct crew *crew)
{
	for (unsigned i = 0; i < crew->n_top; i++)
		if (!flight_is_empty(&crew->workers[i].flight))
			return false;
	return true;
}

bool crew_is_gone(const struct crew *crew)
{
	return crew->n_live == 0 || (crew->is_killed && !crew->env.ops->has_processes);
}

/*
 * What the worker would ring for and may have done since it was last looked at: it rings no bell for what it did before
 * it was asked to. Single results of a batch that goes on are no reason to stay awake.
 */
static bool has_news(const struct worker *worker)
{
	struct channel *channel = worker->channel;
	return channel_has_rung(channel, flight_left_of_first(&worker->flight)) || channel_may_send_more(channel) ||
	       (worker->wanted_bytes > 0 && channel_has_room(channel, worker->wanted_bytes) != 0) ||
	       (worker->phase == WORKER_IS_STARTING && channel_state(channel) == WORKER_READY);
}

bool crew_has_news(const struct crew *crew, const struct worker *only)
{
	for (unsigned i = 0; i < crew->n_top; i++) {
		const struct worker *worker = &crew->workers[i];
		if (worker->channel && !worker->is_broken && (!only || only == worker) && has_news(worker))
			return true;
	}
	return false;
}

bool crew_sleep_begin(struct crew *crew, const struct worker *only)
{
	for (unsigned i = 0; i < crew->n_top; i++)
		if (crew->workers[i].channel && (!only || only == &crew->workers[i]))
			channel_sleep_begin(crew->workers[i].channel);
	/* pairs with the worker's fence between publishing and looking whether the bell is wanted */
	atomic_thread_fence(memory_order_seq_cst);
	return crew_has_news(crew, only);
}

void crew_sleep_end(struct crew *crew)
{
	for (unsigned i = 0; i < crew->n_top; i++)
		if (crew->workers[i].channel)
			channel_sleep_end(crew->workers[i].channel);
}
