/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run - one execution of a plan: the loop that waits, reaps, collects, dispatches.
 *
 *   run_create, run_go, run_destroy
 *   between two turns, from a watch of run_loop: run_interrupt, run_print, run_resize, run_signal
 *
 * What touches the whole process (signals, limits, its children, its end) isn't done here: core/cli/execute does it.
 * All messages about the run are said. One thread.
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "core/base/err.h"
#include "core/base/loop.h"
#include "core/crew/cgroup.h"
#include "core/crew/server.h"
#include "core/plan/plan.h"
#include "core/record/progress.h"

struct run;

/* All borrowed. */
struct run_settings {
	enum progress_mode progress;
	const char *resume_command;  /* with which a run that keeps a journal is gone on from; or NULL */
	const char *worker_program;  /* the path of rota-worker */
	struct server *spare;        /* a fork server without a job, which the first that wants one takes; or NULL */
	const struct cgroup *cgroup; /* where workers with a memory limit have one below; or NULL */
};

/* How it ended. */
struct run_end {
	int status;            /* 0: all ok; 1: items failed; 2: a plugin's own checks said no; 3: it couldn't finish */
	int ended_by;          /* INT, TERM, HUP; SIGPIPE: its reader went away; 0: by itself */
	bool has_left_threads; /* which go on, and with them all that they use */
};

/*
 * The plan, borrowed, has passed plan_check. Opens journal and job log; no job is begun. *ret is the caller's, also
 * when it fails (NULL then where memory is short).
 */
int run_create(struct run **ret, const struct plan *plan, const struct run_settings *settings, struct err *err);

struct loop *run_loop(const struct run *run);

/* Until all jobs have ended. -1: the loop itself failed. */
int run_go(struct run *run, struct err *err);

/* Ends what is left, says how each job went, finishes the journal. end->status is raised where it has to be. */
void run_destroy(struct run **run, struct run_end *end);

/*
 * signum wants it to end: the first time started items are finished (TERM, HUP: within the grace), the second time it
 * ends at once.
 */
void run_interrupt(struct run *run, int signum);

/* Says what each worker is doing. */
void run_print(const struct run *run);

/* Each job has a worker more or fewer. */
void run_resize(struct run *run, int more);

/* Stops or continues all workers. */
void run_signal(struct run *run, int signum);

#endif
