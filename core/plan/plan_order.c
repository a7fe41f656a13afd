/* SPDX-License-Identifier: Apache-2.0 */
/* plan_order - see plan_order.h. Depth-first, at most PLAN_MAX_JOBS deep. */
#include "config.h"

#include "core/plan/plan_order.h"

#include "core/base/buf.h"

#include <stdlib.h>
#include <string.h>

enum mark { MARK_NEW, MARK_OPEN, MARK_DONE };

struct walk {
	struct plan *plan;
	enum mark marks[PLAN_MAX_JOBS];
	size_t path[PLAN_MAX_JOBS]; /* the jobs that are open, in the order in which they were entered */
	size_t n_path;
};

static bool has_after(const struct job *job, size_t i)
{
	for (size_t k = 0; k < job->n_after; k++)
		if (job->after[k] == i)
			return true;
	return false;
}

static void add_unknown_job(struct plan *plan, const struct job *job, const char *name)
{
	char prefix[JOB_PREFIX_BYTES];
	const char *nearest = plan_nearest_job(plan, name);
	job_prefix(job, job->after_place, prefix);
	if (nearest)
		place_error(&plan->errors, job->after_place, ERR_USAGE, "%safter: there is no job '%s', did you mean '%s'?",
		            prefix, name, nearest);
	else
		place_error(&plan->errors, job->after_place, ERR_USAGE, "%safter: there is no job '%s'", prefix, name);
}

static void names_resolve(struct plan *plan, size_t i)
{
	struct job *job = &plan->jobs[i];
	char prefix[JOB_PREFIX_BYTES];
	if (job->n_after_names == 0)
		return;
	free(job->after);
	job->n_after = 0;
	job->after = calloc(job->n_after_names, sizeof(*job->after));
	if (!job->after) {
		place_error(&plan->errors, job->after_place, ERR_RESOURCE, "out of memory");
		return;
	}
	for (size_t k = 0; k < job->n_after_names && !place_is_full(&plan->errors); k++) {
		const struct job *other = plan_find_job(plan, job->after_names[k]);
		size_t j = other ? (size_t)(other - plan->jobs) : 0;
		if (!other)
			add_unknown_job(plan, job, job->after_names[k]);
		else if (other == job)
			place_error(&plan->errors, job->after_place, ERR_USAGE, "%safter: a job can't wait for itself",
			            job_prefix(job, job->after_place, prefix));
		else if (!has_after(job, j))
			job->after[job->n_after++] = j;
	}
}

/* From the job that closes the circle along the path back to it: a -> b -> a. */
static void add_circle(struct walk *walk, size_t closing)
{
	struct plan *plan = walk->plan;
	const struct job *job = &plan->jobs[closing];
	size_t start = walk->n_path;
	while (start > 0 && walk->path[start - 1] != closing)
		start--;
	struct buf text = {0};
	int rc = buf_append_str(&text, job->name);
	for (size_t k = start; rc == 0 && k < walk->n_path; k++)
		rc = buf_printf(&text, " -> %s", plan->jobs[walk->path[k]].name);
	if (rc == 0)
		rc = buf_printf(&text, " -> %s", job->name);
	place_error(&plan->errors, job->after_place, ERR_USAGE, "after: these jobs wait for each other in a circle: %.*s",
	            rc ? 0 : (int)text.len, rc ? "" : text.bytes);
	buf_fini(&text);
}

static void circles_find(struct walk *walk, size_t i)
{
	const struct job *job = &walk->plan->jobs[i];
	walk->marks[i] = MARK_OPEN;
	walk->path[walk->n_path++] = i;
	for (size_t k = 0; k < job->n_after && !place_is_full(&walk->plan->errors); k++) {
		size_t next = job->after[k];
		if (walk->marks[next] == MARK_OPEN)
			add_circle(walk, next);
		else if (walk->marks[next] == MARK_NEW)
			circles_find(walk, next);
	}
	walk->n_path--;
	walk->marks[i] = MARK_DONE;
}

void plan_order_check(struct plan *plan)
{
	struct walk walk = {.plan = plan};
	for (size_t i = 0; i < plan->n_jobs; i++)
		names_resolve(plan, i);
	for (size_t i = 0; i < plan->n_jobs && !place_is_full(&plan->errors); i++)
		if (walk.marks[i] == MARK_NEW)
			circles_find(&walk, i);
}

static bool is_reached(const struct plan *plan, size_t from, size_t to, bool *is_seen)
{
	const struct job *job = &plan->jobs[from];
	is_seen[from] = true;
	for (size_t k = 0; k < job->n_after; k++)
		if (job->after[k] == to || (!is_seen[job->after[k]] && is_reached(plan, job->after[k], to, is_seen)))
			return true;
	return false;
}

bool plan_order_is_after(const struct plan *plan, size_t later, size_t earlier)
{
	bool is_seen[PLAN_MAX_JOBS] = {false};
	return is_reached(plan, later, earlier, is_seen);
}
