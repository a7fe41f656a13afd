/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job - a plugin with its options, source, sink, limits and number of workers, as the user described it.
 *
 *   job_init (plan_add_job), job_set and job_set_option for each thing given, job_fini; plan_check completes it
 *
 * What is wrong goes to the plan's list of errors, with the place where it stands.
 */
#ifndef PLAN_JOB_H
#define PLAN_JOB_H

#include "core/base/duty.h"
#include "core/plan/core_option.h"
#include "core/plan/endpoint.h"
#include "core/plan/halt.h"
#include "core/plan/place.h"
#include "core/plan/plugin_info.h"
#include "core/plan/recipe.h"
#include "core/plan/retry_on.h"
#include "core/plan/worker_count.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plan;

#define JOB_MAX_OPTIONS 1000 /* and elements of `after`: a hostile file can't make the checks slow */

/* In the order of the options' words. */
enum backend_kind { BACKEND_PROCESS, BACKEND_THREAD, BACKEND_AUTO };
enum pin_kind { PIN_NONE, PIN_CORE, PIN_NUMA };

/* Whether results are compared with what they were when they were made. */
enum verify_kind { VERIFY_AUTO, VERIFY_ALWAYS, VERIFY_NEVER };

/* A plugin option as given, and its values as text: one, or a list's elements. */
struct job_option {
	char *name;
	char **elements; /* n_elements and a NULL */
	size_t n_elements;
	bool is_list; /* elements of a list that came one by one; else one text, which plan_check splits for a list */
	struct place place;
};

struct job {
	char *name; /* "map" and "exec" for those commands */
	struct place place;
	char *plugin_name; /* as the user wrote it */
	struct place plugin_place;
	const struct plugin_info *info; /* plan_check; owned by the plan's catalog */
	struct job_option *options;     /* the plugin's, checked by plan_check; only those that were given */
	size_t n_options;
	struct endpoint input, output;
	bool has_null_items;  /* --null: plan_check makes a lines: input a nul: one */
	struct recipe recipe; /* how items are made; plan_items_check completes it */
	struct worker_count worker_count;
	struct place worker_count_place;
	int64_t n_workers; /* at least 1 after plan_check, which makes it of worker_count */
	enum backend_kind backend;
	bool is_ordered;
	bool has_raw_results; /* nothing is put behind each; plan_check: also where the items of commands are blocks */
	int64_t max_item_bytes, max_result_bytes;
	int64_t window_bytes; /* at least 4K after plan_check */
	int64_t timeout_ns;   /* of one item; 0: none */
	int64_t n_retries, backoff_ns;
	struct retry_on retry_on;
	int64_t memory_bytes;   /* of one worker; 0: no limit */
	struct halt halt;       /* when it ends before its end */
	int64_t delay_ns;       /* between the begin of one item and that of the next; 0: none */
	int64_t rate_pause_ns;  /* the same, as --rate has it */
	int64_t max_load_milli; /* no item begins while the machine's load is larger, in thousandths; 0: any */
	int64_t min_free_bytes; /* nor while less memory is available; 0: any */
	int64_t grace_ns, start_timeout_ns;
	int64_t recycle_items;   /* a worker leaves after so many; 0: never */
	struct duty duty;        /* what its workers are told as it is */
	enum pin_kind pin;       /* what each worker is kept on */
	enum verify_kind verify; /* results */
	char **after_names;      /* as given: n_after_names and a NULL */
	size_t n_after_names;
	struct place after_place;
	size_t *after; /* indices into plan.jobs, n_after of them; plan_check */
	size_t n_after;
	/* plugin exec: an item is a process, and a result with bytes that lacks a newline gets one; plan_check */
	bool runs_commands;
	bool is_given[CORE_OPTIONS_MAX]; /* which keys were given: core_option_index */
	bool has_wrong_option;           /* one of the plugin's was refused: that one is missing needs no second error */
	bool has_misspelt_plugin;        /* an unknown key was taken for `plugin`: its lack needs no second error */
};

/* With the defaults of the core options. */
int job_init(struct job *ret, const char *name, struct place place, struct err *err);
void job_fini(struct job *job);

/*
 * One core option of a job (a long option's name, `plugin`, `after`): n_elements texts. On the command line the last of
 * several holds, and it replaces what a file says; in a file a setting that is given twice is an error.
 */
int job_set(struct plan *plan, struct job *job, const char *key, const char *const *elements, size_t n_elements,
            struct place place);

/*
 * One option of the job's plugin. It is typed by plan_check. is_list: the elements of a list (a YAML list, exec's
 * command); else one text. Given twice is an error, unless it replaces (--set).
 */
int job_set_option(struct plan *plan, struct job *job, const char *name, const char *const *elements, size_t n_elements,
                   bool is_list, struct place place, bool replace);

/* The byte behind each of its items; and does it read standard input? */
char job_delimiter(const struct job *job);
bool job_reads_standard_input(const struct job *job);

/* Was that key given? (Or something in its place that was wrong.) */
bool job_is_given(const struct job *job, const char *key);
void job_mark_given(struct job *job, const char *key);

/* For messages: "job 'upper': " in a conf file, nothing on the command line, where there is one. Returns text. */
#define JOB_PREFIX_BYTES 200
const char *job_prefix(const struct job *job, struct place place, char text[JOB_PREFIX_BYTES]);

#endif
