/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run - see run.h. The loop is one page: wait, reap (in the watches' call-backs), then each job's turn: collect, emit,
 * dispatch. It sleeps only when a whole turn of every job has found nothing to do.
 */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/loop.h"
#include "core/base/spin.h"
#include "core/io/sink_file.h"
#include "core/record/identity.h"
#include "core/record/journal.h"
#include "core/record/journal_compare.h"
#include "core/run/run.h"
#include "core/run/run_job.h"
#include "shm/segment.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POLL_NS 50000  /* descriptors wait so long for a run that has other things to do */
#define LOOKS_A_POLL 8 /* spinning: looks at the rings, to one at the descriptors */

struct run {
	const struct plan *plan;
	struct run_settings settings;
	struct loop *loop;
	struct run_job *jobs;
	struct progress *progress;
	struct journal *journal; /* or NULL */
	bool is_resuming;        /* the journal was there */
	struct joblog *joblog;   /* or NULL */
	bool spins;              /* a job wants it */
	int ended_by;            /* the signal that ends the run, or 0 */
};

/* --- what is wanted of it from outside ---------------------------------------------------------------------------- */

struct loop *run_loop(const struct run *run)
{
	return run->loop;
}

void run_interrupt(struct run *run, int signum)
{
	bool is_first = run->ended_by == 0;
	run->ended_by = signum;
	if (is_first)
		log_notice("%s: reading no more items and finishing those that have started; send it again to end at once",
		           signum == SIGINT ? "interrupted" : "asked to end");
	for (size_t i = 0; i < run->plan->n_jobs; i++) {
		if (is_first)
			run_job_interrupt(&run->jobs[i], signum == SIGINT ? -1 : run->plan->jobs[i].grace_ns);
		else
			run_job_kill(&run->jobs[i]);
	}
}

void run_print(const struct run *run)
{
	for (size_t i = 0; i < run->plan->n_jobs; i++)
		run_job_print(&run->jobs[i]);
}

void run_resize(struct run *run, int more)
{
	for (size_t i = 0; i < run->plan->n_jobs; i++)
		run_job_resize(&run->jobs[i], more);
}

void run_signal(struct run *run, int signum)
{
	for (size_t i = 0; i < run->plan->n_jobs; i++)
		run_job_signal(&run->jobs[i], signum);
}

/* --- jobs --------------------------------------------------------------------------------------------------------- */

/* A job that others wait for: they begin when it has ended, and don't when it couldn't finish. */
static bool start_those_that_may(struct run *run)
{
	bool has_started = false;
	for (size_t i = 0; i < run->plan->n_jobs; i++) {
		struct run_job *job = &run->jobs[i];
		bool may_start = job->phase == JOB_WAITING, is_barred = false;
		for (size_t k = 0; k < job->plan->n_after; k++) {
			const struct run_job *other = &run->jobs[job->plan->after[k]];
			may_start = may_start && other->phase == JOB_ENDED;
			is_barred = is_barred || (other->phase == JOB_ENDED && other->status >= 2);
		}
		if (job->phase == JOB_WAITING && is_barred) {
			run_job_bar(job);
			has_started = true;
		} else if (may_start && run->ended_by == 0) {
			run_job_start(job);
			has_started = true;
		}
	}
	return has_started;
}

/* How each job went, once it has ended and the live line is out of the way. */
static void report_ended(struct run *run)
{
	for (size_t i = 0; i < run->plan->n_jobs; i++) {
		struct run_job *job = &run->jobs[i];
		if (job->phase != JOB_ENDED || job->is_reported)
			continue;
		job->is_reported = true;
		if (job->tally.start_ns != 0 && !job->is_reader_gone)
			report_job(&job->report, &job->tally);
	}
}

static bool is_over(struct run *run)
{
	bool is_reader_gone = false, are_all_ended = true;
	for (size_t i = 0; i < run->plan->n_jobs; i++) {
		is_reader_gone = is_reader_gone || run->jobs[i].is_reader_gone;
		are_all_ended = are_all_ended && run->jobs[i].phase == JOB_ENDED;
	}
	if (is_reader_gone && run->ended_by == 0) {
		run->ended_by = SIGPIPE;
		for (size_t i = 0; i < run->plan->n_jobs; i++)
			run_job_end(&run->jobs[i]);
	}
	return are_all_ended;
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

static int64_t sleep_ns(const struct run *run)
{
	int64_t due_ns = progress_due_ns(run->progress);
	for (size_t i = 0; i < run->plan->n_jobs; i++) {
		int64_t job_due_ns = run_job_due_ns(&run->jobs[i]);
		if (job_due_ns >= 0 && (due_ns < 0 || job_due_ns < due_ns))
			due_ns = job_due_ns;
	}
	if (due_ns < 0)
		return -1;
	int64_t left_ns = due_ns - clock_now_ns();
	return left_ns > 0 ? left_ns : 0;
}

static bool has_news(const struct run *run)
{
	for (size_t i = 0; i < run->plan->n_jobs; i++)
		if (run_job_has_news(&run->jobs[i]))
			return true;
	return false;
}

/* Looks for a while. 1: something has happened; 0: not yet; -1. */
static int spin_for_news(struct run *run, struct err *err)
{
	struct spin spin;
	int n_ready = 0;
	spin_begin(&spin);
	do {
		if (has_news(run))
			return 1;
		if (spin.n_looks % LOOKS_A_POLL == 0)
			n_ready = loop_wait(run->loop, 0, err);
	} while (n_ready == 0 && spin_goes_on(&spin));
	return n_ready > 0 ? 1 : n_ready;
}

/* Sleeps until something happens, unless something has while it was being said that we'd sleep. */
static int sleep_for_news(struct run *run, struct err *err)
{
	bool has_any = false;
	for (size_t i = 0; i < run->plan->n_jobs; i++)
		has_any = run_job_sleep_begin(&run->jobs[i]) || has_any;
	int result = loop_wait(run->loop, has_any ? 0 : sleep_ns(run), err);
	for (size_t i = 0; i < run->plan->n_jobs; i++)
		run_job_sleep_end(&run->jobs[i]);
	return result;
}

static int wait_for_news(struct run *run, struct err *err)
{
	joblog_flush(run->joblog);
	for (size_t i = 0; i < run->plan->n_jobs; i++)
		run_job_wait_begin(&run->jobs[i]);
	int result = run->spins ? spin_for_news(run, err) : 0;
	if (result == 0)
		result = sleep_for_news(run, err);
	for (size_t i = 0; i < run->plan->n_jobs; i++)
		run_job_wait_end(&run->jobs[i]);
	return result;
}

int run_go(struct run *run, struct err *err)
{
	int64_t polled_ns = 0;
	while (!is_over(run)) {
		report_ended(run);
		bool has_done = start_those_that_may(run);
		for (size_t i = 0; i < run->plan->n_jobs; i++)
			has_done = run_job_turn(&run->jobs[i]) || has_done;
		int64_t now_ns = clock_now_ns();
		progress_draw(run->progress, now_ns);
		if (has_done && now_ns - polled_ns < POLL_NS)
			continue;
		if ((has_done ? loop_wait(run->loop, 0, err) : wait_for_news(run, err)) < 0)
			return -1;
		polled_ns = clock_now_ns();
	}
	return 0;
}

/* --- beginning and end -------------------------------------------------------------------------------------------- */

static int open_old_journal(struct run *run, const struct identity_keys *identity, struct err *err)
{
	if (journal_open(&run->journal, run->plan->journal_file, err) != 0)
		return -1;
	run->is_resuming = run->journal != NULL;
	int changed = run->journal ? journal_compare(run->journal, identity->keys, identity->n_keys, err) : 0;
	if (changed < 0 || (changed > 0 && !run->plan->accepts_change))
		return -1;
	if (run->plan->retries_failed && !(run->journal && journal_is_finished(run->journal)))
		return err_set(err, ERR_USAGE,
		               "journal %s: the run hasn't finished: use --resume alone first, then with --retry-failed",
		               run->plan->journal_file);
	if (changed > 0) {
		log_notice("journal %s: the change is accepted and recorded; existing results stay as they are",
		           run->plan->journal_file);
		return journal_accept(run->journal, identity->keys, identity->n_keys, err);
	}
	return 0;
}

static bool is_of_the_disk(int errnum)
{
	return errnum == EIO || errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG;
}

/* What keeps a run from being gone on from is the user's to decide: nothing was run. Not so a disk that fails. */
static int open_journal(struct run *run, struct err *err)
{
	struct identity_keys identity;
	int result = 0;
	if (!run->plan->journal_file)
		return 0;
	if (identity_create(&identity, run->plan, err) != 0)
		return -1;
	if (run->plan->is_resuming)
		result = open_old_journal(run, &identity, err);
	if (result == 0 && !run->journal)
		result = journal_create(&run->journal, run->plan->journal_file, identity.keys, identity.n_keys, err);
	if (result != 0 && !is_of_the_disk(err->errnum))
		err->code = ERR_USAGE;
	identity_destroy(&identity);
	return result;
}

static int open_jobs(struct run *run, struct err *err)
{
	const struct run_settings *settings = &run->settings;
	size_t n_jobs = run->plan->n_jobs;
	/* A digest's state in it stands at multiples of 64 bytes: calloc promises 16. */
	run->jobs = aligned_alloc(_Alignof(struct run_job), n_jobs * sizeof *run->jobs);
	if (!run->jobs)
		return err_set(err, ERR_RESOURCE, "out of memory");
	memset(run->jobs, 0, n_jobs * sizeof *run->jobs);
	if (loop_create(&run->loop, err) != 0 || progress_create(&run->progress, settings->progress, err) != 0)
		return -1;
	for (size_t i = 0; i < n_jobs; i++) {
		const struct job *job = &run->plan->jobs[i];
		run->spins = run->spins || job->duty.spins != 0;
		run_job_init(&run->jobs[i], job, n_jobs > 1 ? job->name : NULL, run->loop, settings->worker_program,
		             settings->spare);
		if (run->journal)
			run_job_keep_journal(&run->jobs[i], run->journal, run->is_resuming, run->plan->retries_failed);
		run_job_keep_joblog(&run->jobs[i], run->joblog);
		run_job_use_cgroup(&run->jobs[i], settings->cgroup, (unsigned)i);
		if (progress_add(run->progress, job->name, &run->jobs[i].tally, err) != 0)
			return -1;
	}
	return 0;
}

int run_create(struct run **ret, const struct plan *plan, const struct run_settings *settings, struct err *err)
{
	const char *joblog_file = plan->joblog_file;
	int joblog_fd = plan->joblog_fd == STDOUT_FILENO ? sink_file_stdout() : plan->joblog_fd;
	struct run *run = *ret = calloc(1, sizeof *run);
	if (!run)
		return err_set(err, ERR_RESOURCE, "out of memory");
	run->plan = plan;
	run->settings = *settings;
	if (open_journal(run, err) != 0 || (joblog_file && joblog_open(&run->joblog, joblog_file, joblog_fd,
	                                                               run->is_resuming || plan->joblog_appends, err) != 0))
		return -1;
	segment_sweep();
	return open_jobs(run, err);
}

/* What wasn't finished can be: with which words. */
static void say_how_to_go_on(const struct run *run, int status)
{
	const char *command = run->settings.resume_command;
	bool reads_standard_input = false;
	bool is_cut_short = (run->ended_by != 0 && run->ended_by != SIGPIPE) || status == 3;
	if (!run->journal || !command || !is_cut_short || (journal_is_finished(run->journal) && !run->plan->retries_failed))
		return;
	for (size_t i = 0; i < run->plan->n_jobs; i++)
		reads_standard_input = reads_standard_input || job_reads_standard_input(&run->plan->jobs[i]);
	log_notice("to resume this run%s: %s", reads_standard_input ? ", with the same standard input" : "", command);
}

static void close_jobs(struct run *run, struct run_end *end)
{
	if (!run->jobs)
		return;
	report_ended(run);
	for (size_t i = 0; i < run->plan->n_jobs; i++) {
		struct run_job *job = &run->jobs[i];
		if (job->status > end->status)
			end->status = job->status;
		run_job_fini(job);
		end->has_left_threads = end->has_left_threads || job->crew.has_left_threads;
	}
}

/* What can't be written to its end makes a run one that couldn't finish. */
static void close_records(struct run *run, struct run_end *end)
{
	struct err err;
	/* what has failed before was told */
	if (run->journal && end->status < 3 && journal_finish(run->journal, &err) != 0) {
		log_error("%s", err.text);
		end->status = 3;
	}
	say_how_to_go_on(run, end->status);
	journal_close(&run->journal);
	if (joblog_close(&run->joblog, &err) != 0) {
		log_error("%s", err.text);
		end->status = end->status > 3 ? end->status : 3;
	}
}

void run_destroy(struct run **run_at, struct run_end *end)
{
	struct run *run = *run_at;
	if (!run)
		return;
	if (run->progress)
		progress_finish(run->progress, clock_now_ns());
	close_jobs(run, end);
	progress_destroy(&run->progress);
	free(run->jobs);
	close_records(run, end);
	loop_destroy(&run->loop);
	end->ended_by = run->ended_by;
	free(run);
	*run_at = NULL;
}
