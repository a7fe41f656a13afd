/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_check - plan_check of plan.h: each job by itself, then the jobs among each other (plan_order.h, plan_files.h).
 * All checks are made, whatever the ones before found.
 */
#include "config.h"

#include "core/base/log.h"
#include "core/base/nearest.h"
#include "core/base/notation.h"
#include "core/plan/plan.h"
#include "core/plan/plan_command.h"
#include "core/plan/plan_files.h"
#include "core/plan/plan_items.h"
#include "core/plan/plan_order.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "option 'ms' of plugin 'sleep'", with the job before it in a conf file. */
#define OPTION_WHO_BYTES (JOB_PREFIX_BYTES + 400)
static const char *option_who(const struct job *job, const struct job_option *option, char text[OPTION_WHO_BYTES])
{
	char prefix[JOB_PREFIX_BYTES];
	snprintf(text, OPTION_WHO_BYTES, "%soption '%.100s' of plugin '%.100s'", job_prefix(job, option->place, prefix),
	         option->name, job->info->name);
	return text;
}

static void add_unknown_option(struct plan *plan, const struct job *job, const struct job_option *option)
{
	const struct plugin_info *info = job->info;
	const char *nearest = NULL;
	char prefix[JOB_PREFIX_BYTES];
	const char **names = calloc(info->n_options + 1, sizeof(*names));
	for (size_t i = 0; names && i < info->n_options; i++)
		names[i] = info->options[i].name;
	if (names)
		nearest = nearest_find(option->name, names, info->n_options);
	free(names);
	job_prefix(job, option->place, prefix);
	if (nearest)
		place_error(&plan->errors, option->place, ERR_USAGE, "%splugin '%s' has no option '%s', did you mean '%s'?",
		            prefix, info->name, option->name, nearest);
	else if (info->n_options == 0)
		place_error(&plan->errors, option->place, ERR_USAGE, "%splugin '%s' has no options, so '%s' can't be set",
		            prefix, info->name, option->name);
	else
		place_error(&plan->errors, option->place, ERR_USAGE,
		            "%splugin '%s' has no option '%s'; 'rota plugins %s' lists them", prefix, info->name, option->name,
		            job->plugin_name);
}

/* Puts a list's elements in the place of the one text that was given for it. */
static void elements_take(struct job_option *option, struct option_value *value)
{
	for (size_t i = 0; i < option->n_elements; i++)
		free(option->elements[i]);
	free(option->elements);
	option->elements = value->elements;
	option->n_elements = value->n_elements;
	option->is_list = true;
	value->elements = NULL;
	value->n_elements = 0;
}

static void check_option(struct plan *plan, const struct job *job, struct job_option *option)
{
	const struct option_spec *spec = option_find(job->info->options, option->name);
	if (!spec) {
		add_unknown_option(plan, job, option);
		return;
	}
	struct option_value value;
	struct err err;
	char who[OPTION_WHO_BYTES];
	const char *const *elements = (const char *const *)option->elements;
	if (option->is_list && spec->type != OPTION_LIST) {
		place_error(&plan->errors, option->place, ERR_USAGE, "%s: found a list, expected %s",
		            option_who(job, option, who), option_type_example(spec->type));
		return;
	}
	int rc = option->is_list ? option_parse_elements(spec, elements, option->n_elements, &value, &err)
	                         : option_parse(spec, elements[0], &value, &err);
	if (rc) {
		place_error(&plan->errors, option->place, err.code, "%s: %s", option_who(job, option, who), err.text);
		return;
	}
	if (spec->type == OPTION_LIST)
		elements_take(option, &value);
	option_value_fini(&value);
}

static bool is_option_given(const struct job *job, const char *name)
{
	for (size_t i = 0; i < job->n_options; i++)
		if (strcmp(job->options[i].name, name) == 0)
			return true;
	return false;
}

static void check_options(struct plan *plan, struct job *job)
{
	const struct plugin_info *info = job->info;
	char prefix[JOB_PREFIX_BYTES];
	for (size_t i = 0; i < job->n_options && !place_is_full(&plan->errors); i++) {
		const size_t n_errs = plan->errors.n_errs;
		check_option(plan, job, &job->options[i]);
		if (job->runs_commands && plan->errors.n_errs == n_errs && strcmp(job->options[i].name, "command") == 0)
			plan_command_check(plan, job, &job->options[i]);
	}
	for (size_t i = 0; i < info->n_options; i++) {
		const struct option_spec *spec = &info->options[i];
		if (spec->fallback || job->has_wrong_option || is_option_given(job, spec->name))
			continue;
		bool is_in_file = place_is_in_file(job->place);
		place_error(&plan->errors, job->plugin_place, ERR_USAGE, "%splugin '%s' (%s) needs its option '%s' (%s): %s",
		            job_prefix(job, job->plugin_place, prefix), info->name, info->file, spec->name, spec->help,
		            is_in_file ? "write it under `options:`" : "write KEY=VALUE after the plugin's name");
	}
}

static void check_plugin(struct plan *plan, struct job *job)
{
	struct err err;
	char prefix[JOB_PREFIX_BYTES];
	if (!job->plugin_name) {
		if (!job_is_given(job, "plugin") && !job->has_misspelt_plugin)
			place_error(&plan->errors, job->place, ERR_USAGE,
			            "job '%s' has no plugin: add `plugin: NAME` ('rota plugins' lists them)", job->name);
		return;
	}
	job_prefix(job, job->plugin_place, prefix);
	/* A job that wants processes must not have its plugin loaded in this one. */
	catalog_allow_here(plan->catalog, job->backend != BACKEND_PROCESS);
	catalog_allow_time(plan->catalog, job->start_timeout_ns);
	if (catalog_describe(plan->catalog, job->plugin_name, &job->info, &err)) {
		place_error(&plan->errors, job->plugin_place, err.code, "%s%s", prefix, err.text);
		return;
	}
	/* However the job came to it, a command's output ends in a newline of its own. */
	job->runs_commands = strcmp(job->info->name, "exec") == 0;
	if (job->info->has_flush)
		place_error(&plan->errors, job->plugin_place, ERR_USAGE,
		            "%splugin '%s' accumulates (flush), which this version of rota does not support yet", prefix,
		            job->info->name);
	check_options(plan, job);
}

/* What threads can't give is refused, or said. */
static void check_threads(struct plan *plan, const struct job *job)
{
	char prefix[JOB_PREFIX_BYTES];
	if (job->backend != BACKEND_THREAD)
		return;
	if (job->memory_bytes > 0)
		place_error(&plan->errors, job->place, ERR_USAGE,
		            "%smemory: threads share their memory, so none can have a limit: use backend process, or omit it",
		            job_prefix(job, job->place, prefix));
	if (job->duty.has_pid_namespace)
		place_error(&plan->errors, job->place, ERR_USAGE,
		            "%spid-namespace: threads live in the supervisor's namespace: use backend process, or omit it",
		            job_prefix(job, job->place, prefix));
	if (job->timeout_ns > 0)
		log_notice("job '%s': a thread can't be ended: an item that times out is only asked to give up", job->name);
}

/* Who spins takes a CPU, and the supervisor is one of them. */
static void check_spin(struct job *job, bool is_default, int64_t n_cpus)
{
	if (is_default && n_cpus > 1)
		job->n_workers = n_cpus - 1;
	if (job->n_workers >= n_cpus)
		log_notice("job '%s': spin needs a CPU for each of %" PRId64
		           " worker%s and one for rota, but there are only %" PRId64
		           ": this makes the run slower; use fewer --jobs, or omit --spin",
		           job->name, job->n_workers, job->n_workers == 1 ? "" : "s", n_cpus);
}

static void check_workers(struct plan *plan, struct job *job)
{
	char prefix[JOB_PREFIX_BYTES];
	const char *why;
	enum worker_count_kind kind = job->worker_count.kind;
	bool is_default = kind == WORKERS_BY_CPUS,
		 needs_cpus = is_default || kind == WORKERS_PERCENT || kind == WORKERS_MORE;
	int64_t n_cpus = needs_cpus || job->duty.spins ? plan_usable_cpus(&why) : 0;
	job->n_workers = worker_count_resolve(&job->worker_count, n_cpus);
	if (kind == WORKERS_ALL && !job->runs_commands)
		place_error(&plan->errors, job->worker_count_place, ERR_USAGE,
		            "%s%s'0' is out of range: expected 1..%d (0, as many as there are items, is for commands)",
		            job_prefix(job, job->worker_count_place, prefix),
		            job->worker_count_place.file ? "jobs: " : "--jobs: ", WORKERS_MAX);
	if (job->duty.spins)
		check_spin(job, is_default, n_cpus);
	if (is_default)
		log_detail("job '%s': %" PRId64 " worker%s, by %s", job->name, job->n_workers, job->n_workers == 1 ? "" : "s",
		           why);
	if (job->backend == BACKEND_THREAD && job->info && !job->info->is_thread_safe && job->n_workers > 1) {
		log_notice("job '%s': plugin '%s' isn't thread-safe, so it gets one thread", job->name, job->info->name);
		job->n_workers = 1;
	}
}

static void check_window(struct job *job, size_t n_jobs)
{
	if (job->window_bytes > 0)
		return;
	const char *why;
	char size[NOTATION_SIZE_BYTES];
	job->window_bytes = memory_window(plan_usable_memory(&why), (int64_t)n_jobs);
	log_detail("job '%s': a window of %s, by %s", job->name, notation_write_size(size, job->window_bytes), why);
}

int plan_check(struct plan *plan)
{
	size_t n_errs_before = plan->errors.n_errs;
	if (plan->trust_path)
		catalog_trust_path(plan->catalog);
	for (size_t i = 0; i < plan->n_jobs && !place_is_full(&plan->errors); i++) {
		struct job *job = &plan->jobs[i];
		if (job->has_null_items && job->input.kind == ENDPOINT_LINES)
			job->input.kind = ENDPOINT_NUL;
		check_plugin(plan, job);
		check_workers(plan, job);
		plan_items_check(plan, job);
		job->has_raw_results = job->has_raw_results || (job->runs_commands && job->recipe.cut != CUT_NONE);
		check_window(job, plan->n_jobs);
		check_threads(plan, job);
	}
	plan_order_check(plan);
	plan_files_check(plan);
	return plan->errors.n_errs > n_errs_before ? -1 : 0;
}
