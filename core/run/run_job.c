/* SPDX-License-Identifier: Apache-2.0 */
/* run_job - see run_job.h. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/dispatch/reap.h"
#include "core/run/job_open.h"
#include "core/run/run_job.h"

#include <inttypes.h>
#include <stdio.h>

#define LEAVE_NS CLOCK_NS_PER_SEC       /* for the plugin's close, when all is done */
#define KILL_NS (500 * CLOCK_NS_PER_MS) /* for the fork server to end its workers, before that is done without it */
/* How often a job looks for itself: at channels that may not ring for a while, and what it waits for no longer. */
#define LOOK_NS (5 * CLOCK_NS_PER_MS)

/* --- ends --------------------------------------------------------------------------------------------------------- */

/* Each change of the job's phase comes by here. */
static void step(struct run_job *job, enum job_event event)
{
	char who[80];
	snprintf(who, sizeof who, "job %s", job->plan->name);
	job->phase = (enum job_phase)lifecycle_go(&job_lifecycle, (int)job->phase, (int)event, who);
}

/* The job won't end well: said once. */
static void say_broken(struct run_job *job, const struct err *err)
{
	if (job->status < 2) {
		job->status = err->code == ERR_USAGE ? 2 : 3;
		log_error("%s%s%s", job->name ? job->name : "", job->name ? ": " : "", err->text);
	}
}

/* The job can't go on: what its workers are at is given up. */
static void end_with(struct run_job *job, const struct err *err)
{
	say_broken(job, err);
	run_job_end(job);
}

/* The crew has given up: that is the job's end. */
static void heed_crew(struct run_job *job)
{
	const struct err *why = crew_failure(&job->crew);
	if (!why || job->has_heeded_crew)
		return;
	job->has_heeded_crew = true;
	end_with(job, why);
}

static void leave(struct run_job *job)
{
	if (job->phase >= JOB_LEAVING)
		return;
	step(job, JOB_ON_DONE);
	job->leave_by_ns = clock_now_ns() + LEAVE_NS;
	crew_stop(&job->crew);
}

/* Nothing more is begun. false: it has ended. */
static bool cut(struct run_job *job, enum job_event event)
{
	if (job->phase != JOB_ENDED)
		step(job, event);
	if (job->phase == JOB_ENDED)
		return false;
	job->is_cut = true;
	dispatch_close(&job->dispatch);
	return true;
}

void run_job_end(struct run_job *job)
{
	if (!cut(job, JOB_ON_END) || job->crew.is_ended)
		return;
	job->leave_by_ns = clock_now_ns() + LEAVE_NS; /* in ending, too, it may be found that the job can't go on */
	job->leave_by_ns = clock_now_ns() + crew_end(&job->crew);
}

void run_job_kill(struct run_job *job)
{
	if (!cut(job, JOB_ON_KILL))
		return;
	job->leave_by_ns = clock_now_ns() + KILL_NS;
	crew_kill(&job->crew);
}

/* They have had their time. */
static void end_late(struct run_job *job)
{
	bool was_ended = job->crew.is_ended;
	job->leave_by_ns = job->crew.is_killed ? INT64_MAX : clock_now_ns() + KILL_NS;
	if (was_ended)
		crew_kill(&job->crew);
	else
		job->leave_by_ns = clock_now_ns() + crew_end(&job->crew);
}

void run_job_interrupt(struct run_job *job, int64_t grace_ns)
{
	if (job->phase >= JOB_LEAVING || !cut(job, JOB_ON_INTERRUPT))
		return;
	crew_take_back(&job->crew);
	crew_stop(&job->crew);
	job->leave_by_ns = grace_ns < 0 ? INT64_MAX : clock_now_ns() + grace_ns;
}

/* --- beginning ---------------------------------------------------------------------------------------------------- */

void run_job_init(struct run_job *job, const struct job *plan, const char *name, struct loop *loop,
                  const char *worker_program, struct server *spare)
{
	*job = (struct run_job){.plan = plan, .name = name, .loop = loop, .worker_program = worker_program, .spare = spare};
	job->size = (struct job_size){.plan = plan, .crew = &job->crew};
	job->source_watch.fd = job->sink_watch.fd = -1;
	tally_init(&job->tally);
	job->tally.is_waiting = true;
	report_init(&job->report, name);
	job->report.shape = recipe_shape(&plan->recipe);
}

void run_job_keep_journal(struct run_job *job, struct journal *journal, bool is_resuming, bool retries_failed)
{
	job->journal = journal;
	job->is_resuming = is_resuming;
	job->retries_failed = retries_failed;
}

void run_job_use_cgroup(struct run_job *job, const struct cgroup *cgroup, unsigned number)
{
	job->cgroup = cgroup;
	job->number = number;
}

void run_job_keep_joblog(struct run_job *job, struct joblog *joblog)
{
	job->report.joblog = joblog;
}

void run_job_fini(struct run_job *job)
{
	loop_remove(job->loop, &job->source_watch);
	loop_remove(job->loop, &job->sink_watch);
	job_close(job);
}

/* --- the two ends ------------------------------------------------------------------------------------------------- */

/*
 * A hang-up that nobody can do anything about yet must not keep the loop awake: the sink's watch is one-shot, the
 * source's is taken off before the loop sleeps when nothing is wanted of it.
 */
static void on_source(struct loop_watch *watch, uint32_t events)
{
	struct run_job *job = watch->arg;
	(void)events;
	dispatch_hear_source(&job->dispatch);
}

static void watch_source(struct run_job *job)
{
	struct err err;
	if (!dispatch_waits_for_source(&job->dispatch) || job->is_source_armed)
		return;
	int fd = source_head(job->source)->fd, result;
	bool is_always_ready = false;
	if (job->source_watch.fd < 0)
		result = loop_add(job->loop, &job->source_watch, fd, EPOLLIN, on_source, job, &is_always_ready, &err);
	else
		result = loop_modify(job->loop, &job->source_watch, EPOLLIN, &err);
	if (result != 0)
		end_with(job, &err);
	job->is_source_armed = !is_always_ready;
	if (is_always_ready)
		dispatch_hear_source(&job->dispatch);
}

static bool may_wait(const struct run_job *job)
{
	return job->phase == JOB_RUNNING || job->phase == JOB_LEAVING;
}

/* EPOLLHUP is told even when nothing is asked for: once only, so. A job that has ended wants nothing any more. */
static void unwatch_source(struct run_job *job)
{
	struct err err;
	bool is_wanted = may_wait(job) && dispatch_waits_for_source(&job->dispatch);
	if (!job->is_source_armed || is_wanted)
		return;
	if (loop_modify(job->loop, &job->source_watch, EPOLLONESHOT, &err) != 0)
		end_with(job, &err);
	job->is_source_armed = false;
}

static void reader_went(struct run_job *job)
{
	job->is_sink_dead = true;
	job->is_reader_gone = true;
	run_job_end(job);
}

static void on_sink(struct loop_watch *watch, uint32_t events)
{
	struct run_job *job = watch->arg;
	job->is_sink_armed = false;
	if ((events & (EPOLLERR | EPOLLHUP)) && sink_look(job->sink) == SINK_GONE)
		reader_went(job);
}

/* Even while nothing is queued: that the reader went away must show. A regular file needs no watch. */
static int watch_sink(struct run_job *job, struct err *err)
{
	bool is_always_ready = true;
	int out_fd = sink_fd(job->sink);
	if (out_fd >= 0 &&
	    loop_add(job->loop, &job->sink_watch, out_fd, EPOLLONESHOT, on_sink, job, &is_always_ready, err) != 0)
		return -1;
	job->is_sink_watched = !is_always_ready;
	return 0;
}

int run_job_start(struct run_job *job)
{
	struct err err;
	step(job, JOB_ON_START);
	if (job_open(job, &err) != 0 || watch_sink(job, &err) != 0) {
		if (err.code != ERR_USAGE)
			err.code = ERR_RUN;
		end_with(job, &err);
		step(job, JOB_ON_FAILURE);
		return -1;
	}
	job->tally.total_items = source_head(job->source)->total_items;
	job->tally.is_waiting = false;
	job->tally.start_ns = clock_now_ns();
	crew_open(&job->crew);
	heed_crew(job);
	return 0;
}

static void arm_sink(struct run_job *job)
{
	struct err err;
	if (!job->is_sink_watched || job->is_sink_armed)
		return;
	if (loop_modify(job->loop, &job->sink_watch, EPOLLOUT | EPOLLONESHOT, &err) != 0)
		end_with(job, &err);
	job->is_sink_armed = true;
}

/* all: nothing more is coming soon, so nothing may wait for a fuller block. */
static void flush(struct run_job *job, bool all)
{
	struct err err;
	switch (sink_flush(job->sink, all, &err)) {
	case SINK_OK:
		break;
	case SINK_WAIT:
		arm_sink(job);
		break;
	case SINK_GONE:
		if (!job->is_reader_gone)
			reader_went(job);
		break;
	case SINK_FAILED:
		job->is_sink_dead = true;
		end_with(job, &err);
		break;
	}
}

/* --- the turn ----------------------------------------------------------------------------------------------------- */

/* Over budget only the worker with the oldest batch is heard: what it brings can leave. */
static const struct worker *only_heard(const struct run_job *job)
{
	const struct window *window = &job->window;
	if (!window->is_ordered || dispatch_held_bytes(&job->dispatch) < (uint64_t)job->plan->window_bytes)
		return NULL;
	for (unsigned i = 0; i < job->crew.n_top; i++)
		if (flight_has_oldest(&job->crew.workers[i].flight))
			return &job->crew.workers[i];
	return NULL;
}

static bool is_heard(const struct run_job *job)
{
	return !sink_is_full(job->sink);
}

/* What the crew was told since the last turn: who has died, and whether it can go on. */
static void reap(struct run_job *job)
{
	uint64_t charged;
	while (reap_next(&job->collector, &charged))
		heed_crew(job);
	heed_crew(job);
}

static bool collect_all(struct run_job *job)
{
	bool has_news = false;
	for (unsigned i = 0; i < job->crew.n_top && is_heard(job); i++) {
		struct worker *worker = &job->crew.workers[i];
		const struct worker *only = only_heard(job);
		if (!worker->channel || worker->is_broken || (only && only != worker))
			continue;
		int result = collect(&job->collector, worker);
		if (collect_failure(&job->collector)) {
			end_with(job, collect_failure(&job->collector));
			return true;
		}
		if (result < 0)
			worker_break(worker);
		heed_crew(job);
		has_news = has_news || result > 0;
	}
	return has_news;
}

static bool has_all_outcomes(const struct run_job *job)
{
	return dispatch_is_at_end(&job->dispatch) && job->window.n_batches == 0;
}

/* What can be gone on from: not where the output is behind, or isn't known to be that of the journal. */
static int save(struct run_job *job, struct err *err)
{
	bool is_finished = !job->is_cut && !dispatch_has_failed(&job->dispatch) && has_all_outcomes(job);
	if (job->is_sink_dead || job->is_uncut || job->is_unsaved)
		return 0;
	if (retry_is_on(&job->retry))
		return is_finished ? retry_finish(&job->retry, &job->window, err) : 0;
	return checkpoint_finish(&job->checkpoint, is_finished, err);
}

/* The end: everything is with the sink and the workers are gone. */
static bool end_if_over(struct run_job *job)
{
	struct err err;
	if (!crew_is_gone(&job->crew) || (!job->is_sink_dead && sink_queued_bytes(job->sink) > 0))
		return false;
	if (save(job, &err) != 0)
		say_broken(job, &err);
	if (!job->is_sink_dead && sink_finish(job->sink, &err) != 0)
		say_broken(job, &err);
	crew_fini(&job->crew);
	job->tally.end_ns = clock_now_ns();
	job->tally.n_workers = job->tally.n_busy = 0;
	if (job->status == 0 && !job->has_succeeded && tally_not_ok(&job->tally) > 0)
		job->status = 1;
	step(job, JOB_ON_GONE);
	return true;
}

/* While an earlier run's items are gone over, and when the file has grown since it was measured, nobody knows. */
static void update_source_tally(struct run_job *job)
{
	const struct source_head *head = source_head(job->source);
	int64_t open_bytes = (int64_t)job->window.open_bytes;
	bool is_known = !resume_is_on(&job->resume) && head->read_bytes <= head->total_bytes;
	job->tally.total_bytes = is_known ? head->total_bytes : -1;
	job->tally.finished_bytes = is_known ? feed_taken_bytes(job->feed) - open_bytes : 0;
	job->tally.is_all_read = feed_is_at_end(job->feed);
	job->tally.is_cut = job->is_cut;
}

static void update_tally(struct run_job *job)
{
	update_source_tally(job);
	job->tally.result_bytes = job->window.emitted_bytes;
	job->tally.n_deaths = job->crew.n_deaths;
	job->tally.n_workers = job->crew.n_live;
	job->tally.busy_ns = job->crew.busy_ns;
	job->tally.ready_ns = job->crew.ready_ns;
	job->tally.n_busy = 0;
	for (unsigned i = 0; i < job->crew.n_top; i++)
		job->tally.n_busy += !flight_is_empty(&job->crew.workers[i].flight);
}

/* The output is to be what was written to it. */
static void check_output(struct run_job *job)
{
	struct err err;
	bool retries = retry_is_on(&job->retry);
	int result = prefix_check(&job->prefix,
	                          retries ? job->retry.position.output_digest : job->resume.position.output_digest, &err);
	job->is_unchecked = result == 0;
	if (result > 0)
		checkpoint_take_output(&job->checkpoint, &job->prefix.digest);
	if (result < 0)
		end_with(job, &err);
}

/*
 * Input and output are what they were: what the earlier run wrote behind its last checkpoint goes. What had finished
 * and has more items now is unfinished again, before the first of their results can be there.
 */
static void cut_output(struct run_job *job)
{
	struct err err;
	if (!job->is_uncut || resume_is_on(&job->resume) || job->phase == JOB_ENDED)
		return;
	bool goes_on = job->was_finished && !has_all_outcomes(job);
	if ((goes_on && checkpoint_begin_anew(&job->checkpoint, &err) != 0) || sink_cut(job->sink, &err) != 0)
		end_with(job, &err);
	else
		job->is_uncut = false;
}

static void keep_journal(struct run_job *job, int64_t now_ns)
{
	struct err err;
	if (job->is_sink_dead || job->is_uncut || job->is_unsaved || retry_is_on(&job->retry))
		return;
	if (checkpoint_step(&job->checkpoint, now_ns, &err) == 0)
		return;
	job->is_unsaved = true;
	end_with(job, &err);
}

/* --halt and --max-failures. What ends by failures hasn't ended well; else that was what the user wanted. */
static bool halt_if_reached(struct run_job *job)
{
	const struct halt *halt = &job->plan->halt;
	char why[HALT_PROSE_BYTES];
	struct err err;
	if (job->phase != JOB_RUNNING ||
	    !halt_is_reached(halt, job->tally.n_outcomes[OUTCOME_OK], tally_not_ok(&job->tally)))
		return false;
	err_set(&err, ERR_RUN, "stopped: %s", halt_prose(why, halt));
	if (halt->what == HALT_FAIL)
		say_broken(job, &err);
	else
		log_notice("%s%s%s", job->name ? job->name : "", job->name ? ": " : "", err.text);
	job->has_succeeded = halt->what == HALT_SUCCESS;
	if (halt->when == HALT_NOW)
		run_job_end(job);
	else
		run_job_interrupt(job, -1);
	return true;
}

/* RUNNING: what the workers brought goes out, what the source has goes to them. */
static bool work(struct run_job *job)
{
	struct err err;
	if (job->is_unchecked) {
		check_output(job);
		return true;
	}
	bool is_busy = collect_all(job);
	flush(job, false);
	/* before the next is begun */
	halt_if_reached(job);
	if (job->phase != JOB_RUNNING)
		return true;
	crew_open(&job->crew);
	int result = is_heard(job) ? dispatch_step(&job->dispatch, is_busy, &err) : 0;
	heed_crew(job);
	if (result < 0 && dispatch_has_failed(&job->dispatch))
		say_broken(job, &err); /* what was read is finished */
	else if (result < 0)
		end_with(job, &err);
	else if (!halt_if_reached(job) && has_all_outcomes(job))
		leave(job);
	cut_output(job);
	return result != 0;
}

void run_job_bar(struct run_job *job)
{
	step(job, JOB_ON_BAR);
	log_error("%s: not started, because a job that it comes after could not finish", job->plan->name);
	job->status = 3;
}

bool run_job_turn(struct run_job *job)
{
	if (job->phase == JOB_WAITING || job->phase == JOB_ENDED)
		return false;
	reap(job);
	crew_poll(&job->crew);
	bool has_news = job->phase == JOB_RUNNING ? work(job) : collect_all(job);
	if (job->phase == JOB_RUNNING)
		watch_source(job);
	crew_flush_wakes(&job->crew);
	int64_t now_ns = clock_now_ns();
	has_news = watchdog_look(&job->watchdog, now_ns, is_heard(job), only_heard(job)) || has_news;
	heed_crew(job);
	if (collect_failure(&job->collector))
		end_with(job, collect_failure(&job->collector));
	keep_journal(job, now_ns);
	if (job->phase == JOB_RUNNING)
		job_size_look(&job->size, now_ns);
	update_tally(job);
	if (job->phase != JOB_LEAVING)
		return has_news;
	flush(job, true);
	/* items may take their time; who owes none has only the plugin's close to do */
	if (job->leave_by_ns == INT64_MAX && !job->crew.is_ended && crew_owes_nothing(&job->crew))
		job->leave_by_ns = now_ns + LEAVE_NS;
	if (now_ns >= job->leave_by_ns)
		end_late(job);
	return end_if_over(job) || has_news;
}

/* --- sleeping ----------------------------------------------------------------------------------------------------- */

static enum tally_wait waits_for(const struct run_job *job)
{
	if (!is_heard(job) || (job->phase == JOB_LEAVING && crew_is_gone(&job->crew)))
		return TALLY_OUTPUT;
	return dispatch_waits_for_source(&job->dispatch) && job->window.n_items == 0 ? TALLY_INPUT : TALLY_WORKERS;
}

void run_job_wait_begin(struct run_job *job)
{
	unwatch_source(job);
	if (!may_wait(job))
		return;
	job->waits_since_ns = clock_now_ns();
	job->waits_for = waits_for(job);
	flush(job, true);
}

void run_job_wait_end(struct run_job *job)
{
	if (job->waits_since_ns != 0)
		job->tally.waited_ns[job->waits_for] += clock_now_ns() - job->waits_since_ns;
	job->waits_since_ns = 0;
}

bool run_job_has_news(const struct run_job *job)
{
	return may_wait(job) && is_heard(job) && crew_has_news(&job->crew, only_heard(job));
}

bool run_job_sleep_begin(struct run_job *job)
{
	if (!may_wait(job))
		return false;
	if (job->phase == JOB_LEAVING && job->is_sink_dead)
		return crew_is_gone(&job->crew);
	return is_heard(job) && crew_sleep_begin(&job->crew, only_heard(job));
}

void run_job_sleep_end(struct run_job *job)
{
	if (may_wait(job))
		crew_sleep_end(&job->crew);
}

/* The sooner of two times, of which -1 means never. */
static int64_t sooner(int64_t one_ns, int64_t other_ns)
{
	return one_ns < 0 || (other_ns >= 0 && other_ns < one_ns) ? other_ns : one_ns;
}

int64_t run_job_due_ns(const struct run_job *job)
{
	if (job->phase == JOB_LEAVING)
		return sooner(job->leave_by_ns == INT64_MAX ? -1 : job->leave_by_ns, watchdog_due_ns(&job->watchdog));
	if (job->phase != JOB_RUNNING)
		return -1;
	bool is_held = job->window.n_batches > DISPATCH_AHEAD_MAX;
	for (unsigned i = 0; i < job->crew.n_top && is_heard(job); i++) {
		const struct flight *flight = &job->crew.workers[i].flight;
		if (flight_left_of_first(flight) > 1 || flight->n_batches > 2 || (is_held && !flight_is_empty(flight)))
			return clock_now_ns() + LOOK_NS;
	}
	int64_t due_ns = sooner(crew_due_ns(&job->crew), watchdog_due_ns(&job->watchdog));
	/* while nobody is heard nothing is begun, whatever time has come */
	if (is_heard(job))
		due_ns = sooner(due_ns, sooner(dispatch_due_ns(&job->dispatch), window_due_ns(&job->window)));
	return sooner(sooner(due_ns, job_size_due_ns(&job->size)), checkpoint_due_ns(&job->checkpoint));
}

/* --- signals ------------------------------------------------------------------------------------------------------ */

static void print_worker(const struct run_job *job, const struct worker *worker)
{
	static const char *const phases[] = {"none", "starting", "ready", "leaving", "dead"};
	char item[LOG_QUOTE_BYTES] = "";
	unsigned long long seq = flight_seq(&worker->flight, 0);
	if (seq) {
		size_t n_bytes;
		const char *bytes = flight_item(&worker->flight, &n_bytes);
		struct item_text text;
		item_text_init(&text, job->report.shape, ITEM_TEXT_ENDS, bytes, n_bytes);
		log_quote(item, text.bytes, text.n_bytes);
		item_text_fini(&text);
	}
	log_error("%s%sworker %u, process %ld: %s, owes %u items%s%.0llu%s%s", job->name ? job->name : "",
	          job->name ? ": " : "", worker->number, (long)worker->pid, phases[worker->phase], worker->flight.n_items,
	          seq ? ", is at or before item " : "", seq, seq ? " " : "", item);
}

void run_job_print(const struct run_job *job)
{
	if (job->phase != JOB_RUNNING && job->phase != JOB_LEAVING)
		return;
	log_error("%s: %llu items read, %llu finished, %zu batches in the window, %llu bytes held", job->plan->name,
	          (unsigned long long)job->tally.n_read, (unsigned long long)tally_finished(&job->tally),
	          job->window.n_batches, (unsigned long long)dispatch_held_bytes(&job->dispatch));
	for (unsigned i = 0; i < job->crew.n_top; i++)
		if (job->crew.workers[i].phase != WORKER_NONE)
			print_worker(job, &job->crew.workers[i]);
}

void run_job_resize(struct run_job *job, int more)
{
	if (job->phase != JOB_RUNNING)
		return;
	job_size_add(&job->size, more);
}

void run_job_signal(struct run_job *job, int signum)
{
	crew_signal(&job->crew, signum);
}
