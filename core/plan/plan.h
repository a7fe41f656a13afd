/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan - the checked form of a conf file or a command line: what cmd_run runs. Nothing is changed in it once
 * plan_check has said yes.
 *
 *   plan_create, then from a conf file: plan_read (+ plan_set for each --set); or from a command line: plan_add_job,
 *   job_set for each option; then plan_check (all plugins described, all options typed, files and `after` looked at).
 *
 * Every function that finds errors in a user's text goes on and adds them all to the plan's list; it returns -1
 * when it added any. Owner: the plan owns all below it.
 */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "core/base/err.h"
#include "core/plan/catalog.h"
#include "core/plan/core_option.h"
#include "core/plan/cpus.h"
#include "core/plan/endpoint.h"
#include "core/plan/job.h"
#include "core/plan/memory.h"
#include "core/plan/place.h"

#include <stdbool.h>
#include <stddef.h>

#define PLAN_MAX_JOBS 1000

struct plan {
	char *file; /* the conf file, or NULL */
	struct job *jobs;
	size_t n_jobs;
	struct catalog *catalog; /* borrowed */
	struct err_list errors;
	bool trust_path;    /* --trust-path */
	char *journal_file; /* or NULL */
	struct place journal_place;
	char *joblog_file; /* or NULL */
	int joblog_fd;     /* the descriptor that its name means; -1: none */
	struct place joblog_place;
	bool joblog_appends; /* it was given with a + in front: what it has stays */
	bool is_resuming;    /* --resume */
	bool retries_failed; /* --retry-failed */
	bool accepts_change; /* --accept-change */
	char **set_texts;    /* of plan_set: places point to them */
	size_t n_set_texts;
};

int plan_create(struct plan **ret, struct catalog *catalog, struct err *err);
void plan_destroy(struct plan **plan);

/* A new job with the defaults of the core options; NULL: memory is short. The pointer is good until the next one. */
struct job *plan_add_job(struct plan *plan, const char *name, struct place place);

/* The job of that name, or NULL; and the name nearest to a misspelt one, or NULL. */
struct job *plan_find_job(const struct plan *plan, const char *name);
const char *plan_nearest_job(const struct plan *plan, const char *name);

/* Reads a conf file (YAML, rota.yaml(5)). Once a plan. */
int plan_read(struct plan *plan, const char *file);

/* JOB.KEY=VALUE, JOB.options.KEY=VALUE, run.KEY=VALUE: replaces what the file says. */
int plan_set(struct plan *plan, const char *text);

/*
 * All that can be known without running: plugins found, trusted and described; their options typed, required ones
 * there; inputs readable (unless another job of the plan writes them first); two writers of one file, a reader of what
 * another job writes without `after`, input and output the same file; circles in `after`; one job at most with
 * standard input, one with standard output; a journal that is none of these files, with outputs that it can be used
 * for.
 */
int plan_check(struct plan *plan);

/*
 * After plan_check: what a dry run of commands may write is their text, on standard output. No journal is kept, nor a
 * job log. -1: memory is short.
 */
int plan_divert(struct plan *plan, struct err *err);

/* What --dry-run prints: each job with its plugin file, source, sink, workers, options. To standard output. */
void plan_print(const struct plan *plan);

#endif
