/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_job - one job of a run: source, feed, window, crew and sink put together, and turned.
 *
 *   run_job_init, run_job_start when its turn has come, run_job_turn at each turn of the loop, until it has ended;
 *   run_job_fini
 *
 * Phases: WAITING -> RUNNING -> LEAVING -> ENDED (job_phase has the table). A job that can't go on ends its workers,
 * and has status 3. One thread.
 */
#ifndef RUN_RUN_JOB_H
#define RUN_RUN_JOB_H

#include "core/base/loop.h"
#include "core/crew/crew.h"
#include "core/crew/watchdog.h"
#include "core/dispatch/collect.h"
#include "core/dispatch/dispatch.h"
#include "core/io/feed.h"
#include "core/io/prefix.h"
#include "core/io/sink.h"
#include "core/io/source.h"
#include "core/plan/catalog.h"
#include "core/plan/plan.h"
#include "core/record/report.h"
#include "core/record/tally.h"
#include "core/resume/checkpoint.h"
#include "core/resume/resume.h"
#include "core/resume/retry.h"
#include "core/run/job_phase.h"
#include "core/run/job_size.h"
#include "core/window/window.h"

#include <stdbool.h>

struct run_job {
	const struct job *plan;
	const char *name; /* in messages: NULL when it is the only one */
	const char *worker_program;
	struct server *spare; /* borrowed, or NULL */
	struct loop *loop;
	enum job_phase phase;
	int status;           /* exit status: 0, 1, 2, 3 */
	bool is_sink_dead;    /* nothing more can be written */
	bool is_reader_gone;  /* standard output's reader went away: the run ends by SIGPIPE */
	bool is_cut;          /* ended before all items had their outcome */
	bool has_heeded_crew; /* that it has given up */
	bool has_succeeded;   /* it was stopped when as many items were ok as the user wanted */
	bool is_reported;     /* run.c has said how it went */
	int64_t leave_by_ns;  /* LEAVING: then they are ended; where they are being ended, killed */
	int64_t waits_since_ns;
	enum tally_wait waits_for;
	struct source *source;
	struct feed *feed;
	struct sink *sink;
	struct loop_watch source_watch, sink_watch;
	bool is_source_armed, is_sink_armed, is_sink_watched;
	struct window window;
	struct crew crew;
	struct job_size size;
	struct dispatch dispatch;
	struct collector collector;
	struct watchdog watchdog;
	const struct cgroup *cgroup; /* borrowed, or NULL */
	unsigned number;             /* of the run's jobs, from 0 */
	struct journal *journal;     /* the run's, or NULL; borrowed */
	bool is_resuming;            /* the journal knows of an earlier run */
	bool retries_failed;         /* of a finished one, what has failed is run once more */
	bool is_unsaved;             /* it can't be written any more */
	bool was_finished;           /* the journal says so */
	bool is_unchecked;           /* nobody knows yet whether the output is what was written */
	struct prefix prefix;        /* of the output, while that is looked at */
	bool is_uncut;               /* the output still has what the earlier run wrote behind its last checkpoint */
	struct checkpoint checkpoint;
	struct resume resume;
	struct retry retry;
	struct tally tally;
	struct report report;
};

void run_job_init(struct run_job *job, const struct job *plan, const char *name, struct loop *loop,
                  const char *worker_program, struct server *spare);
/*
 * It keeps a journal; is_resuming: it goes on from what stands there; retries_failed: what has failed is run once more
 * (the job has finished). Before run_job_start.
 */
void run_job_keep_journal(struct run_job *job, struct journal *journal, bool is_resuming, bool retries_failed);
/* Workers with a memory limit have it there, too; borrowed. number: of the job, from 0. Before run_job_start. */
void run_job_use_cgroup(struct run_job *job, const struct cgroup *cgroup, unsigned number);
/* A line an item goes there; borrowed. Before run_job_start. */
void run_job_keep_joblog(struct run_job *job, struct joblog *joblog);
void run_job_fini(struct run_job *job);

/* Opens source and sink (truncates), begins to load the plugin. -1: status and message are there, the job has ended. */
int run_job_start(struct run_job *job);

/* A job that it comes after couldn't finish: it isn't started, and can't finish either. */
void run_job_bar(struct run_job *job);

/* One turn: reap, collect, emit, dispatch. true: something was done, turn again before sleeping. */
bool run_job_turn(struct run_job *job);

/* There is nothing to do: what is finished is put out; the time until the end counts as waiting. */
void run_job_wait_begin(struct run_job *job);
void run_job_wait_end(struct run_job *job);

/* Has a worker something to say? Cheap: to be asked again and again while waiting. */
bool run_job_has_news(const struct run_job *job);

/* Before the loop sleeps: have the workers ring. true: there is something already. */
bool run_job_sleep_begin(struct run_job *job);
void run_job_sleep_end(struct run_job *job);

/* When it wants another turn at the latest (monotonic), -1: when something happens. */
int64_t run_job_due_ns(const struct run_job *job);

/*
 * The run is being ended: nothing more is read, what hasn't begun is taken back; what has may go on for grace_ns (-1:
 * as long as it likes).
 */
void run_job_interrupt(struct run_job *job, int64_t grace_ns);

/* What has begun is given up: its workers get TERM, and a moment later KILL. */
void run_job_end(struct run_job *job);

/* At once. */
void run_job_kill(struct run_job *job);

/* Says what each worker is doing (SIGQUIT). */
void run_job_print(const struct run_job *job);

/* A worker more or fewer (SIGUSR1, SIGUSR2). */
void run_job_resize(struct run_job *job, int more);

/* Stops or continues the workers (SIGTSTP, SIGCONT). */
void run_job_signal(struct run_job *job, int signum);

#endif
