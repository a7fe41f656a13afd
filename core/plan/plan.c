/* SPDX-License-Identifier: Apache-2.0 */
/* plan - see plan.h: making, finding and printing. Reading is plan_conf.c, checking plan_check.c. */
#include "config.h"

#include "core/plan/plan.h"

#include "core/base/fileid.h"
#include "core/base/log.h"
#include "core/base/nearest.h"
#include "core/base/notation.h"
#include "core/base/out.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int plan_create(struct plan **ret, struct catalog *catalog, struct err *err)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	if (!plan)
		return err_set(err, ERR_RESOURCE, "out of memory");
	plan->catalog = catalog;
	plan->joblog_fd = -1;
	*ret = plan;
	return 0;
}

void plan_destroy(struct plan **plan)
{
	if (!*plan)
		return;
	int saved = errno;
	for (size_t i = 0; i < (*plan)->n_jobs; i++)
		job_fini(&(*plan)->jobs[i]);
	free((*plan)->jobs);
	for (size_t i = 0; i < (*plan)->n_set_texts; i++)
		free((*plan)->set_texts[i]);
	free((*plan)->set_texts);
	err_list_fini(&(*plan)->errors);
	free((*plan)->file);
	free((*plan)->journal_file);
	free((*plan)->joblog_file);
	free(*plan);
	*plan = NULL;
	errno = saved;
}

struct job *plan_add_job(struct plan *plan, const char *name, struct place place)
{
	struct job *grown = reallocarray(plan->jobs, plan->n_jobs + 1, sizeof(*grown));
	struct err err = {.code = ERR_RESOURCE, .text = "out of memory"};
	if (grown)
		plan->jobs = grown;
	if (!grown || job_init(&grown[plan->n_jobs], name, place, &err)) {
		place_error(&plan->errors, place, err.code, "job '%s': %s", name, err.text);
		return NULL;
	}
	return &plan->jobs[plan->n_jobs++];
}

struct job *plan_find_job(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_jobs; i++)
		if (strcmp(plan->jobs[i].name, name) == 0)
			return &plan->jobs[i];
	return NULL;
}

const char *plan_nearest_job(const struct plan *plan, const char *name)
{
	const char *names[PLAN_MAX_JOBS];
	size_t n_names = plan->n_jobs < PLAN_MAX_JOBS ? plan->n_jobs : PLAN_MAX_JOBS;
	for (size_t i = 0; i < n_names; i++)
		names[i] = plan->jobs[i].name;
	return nearest_find(name, names, n_names);
}

static void forget(char **file)
{
	free(*file);
	*file = NULL;
}

int plan_divert(struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n_jobs; i++) {
		struct job *job = &plan->jobs[i];
		endpoint_fini(&job->output);
		if (endpoint_parse(&job->output, "lines:-", ENDPOINT_SINK, err))
			return -1;
		job->has_raw_results = false;
	}
	forget(&plan->journal_file);
	forget(&plan->joblog_file);
	plan->is_resuming = plan->retries_failed = false;
	return 0;
}

static void print_row(const char *key, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print_row(const char *key, const char *format, ...)
{
	va_list args;
	out_printf("  %-8s ", key);
	va_start(args, format);
	out_vprintf(format, args);
	va_end(args);
	out_printf("\n");
}

static void print_endpoint(const char *key, const struct endpoint *endpoint)
{
	struct buf buf = {0};
	if (endpoint_describe(endpoint, &buf) == 0)
		print_row(key, "%.*s%s", (int)buf.len, buf.bytes,
		          !endpoint_is_standard(endpoint) ? ""
		          : strcmp(key, "input") == 0     ? " (standard input)"
		                                          : " (standard output)");
	buf_fini(&buf);
}

/* How items are made, where they aren't those of the input. */
static void print_recipe(const struct recipe *recipe)
{
	struct buf buf = {0};
	if (recipe_describe(recipe, &buf) == 0 && buf.len > 0)
		print_row("items", "%.*s", (int)buf.len, buf.bytes);
	buf_fini(&buf);
}

/* name=a b c: each element in quotes, so that what is in it can be told from what is between them. */
static void print_option(const struct job_option *option, bool is_first)
{
	char quoted[LOG_QUOTE_BYTES];
	out_printf("  %-9s%s =", is_first ? "options" : "", option->name);
	for (size_t i = 0; i < option->n_elements; i++)
		out_printf(" %s", log_quote(quoted, option->elements[i], strlen(option->elements[i])));
	out_printf("\n");
}

/* Only what was asked for, and has no row of its own. */
static void print_given(const struct job *job)
{
	char text[FIELD_TEXT_BYTES], prose[HALT_PROSE_BYTES];
	size_t n_options;
	const struct core_option *options = core_options(&n_options);
	if (job->halt.when != HALT_NEVER)
		print_row("stop", "%s when %s", job->halt.when == HALT_NOW ? "at once" : "reading",
		          halt_prose(prose, &job->halt));
	for (size_t i = 0; i < n_options; i++)
		if (options[i].owner == OWNER_JOB && !options[i].has_row && job->is_given[i])
			print_row(options[i].spec.name, "%s%s%s", field_describe(&options[i].field, job, &options[i].spec, text),
			          options[i].per ? " " : "", options[i].per ? options[i].per : "");
}

static void print_job(const struct job *job)
{
	static const char *const backends[] = {[BACKEND_PROCESS] = "process",
	                                       [BACKEND_THREAD] = "thread",
	                                       [BACKEND_AUTO] = "process, or thread if no process can be created"};
	char item[NOTATION_SIZE_BYTES], result[NOTATION_SIZE_BYTES], window[NOTATION_SIZE_BYTES];
	out_printf("job %s\n", job->name);
	print_row("plugin", "%s %s, %s", job->info->name, job->info->version, job->info->file);
	print_endpoint("input", &job->input);
	print_recipe(&job->recipe);
	print_endpoint("output", &job->output);
	print_row("workers", "%" PRId64 ", each a %s", job->n_workers, backends[job->backend]);
	print_row("results", "%s", job->is_ordered ? "in input order" : "as they come");
	print_row("limits", "item %s, result %s, window %s", notation_write_size(item, job->max_item_bytes),
	          notation_write_size(result, job->max_result_bytes), notation_write_size(window, job->window_bytes));
	print_given(job);
	for (size_t i = 0; i < job->n_after_names; i++)
		print_row(i == 0 ? "after" : "", "%s", job->after_names[i]);
	for (size_t i = 0; i < job->n_options; i++)
		print_option(&job->options[i], i == 0);
}

void plan_print(const struct plan *plan)
{
	if (plan->journal_file)
		out_printf("journal %s\n", plan->journal_file);
	if (plan->joblog_file)
		out_printf("job log %s\n", plan->joblog_file);
	for (size_t i = 0; i < plan->n_jobs; i++)
		print_job(&plan->jobs[i]);
}
