/* SPDX-License-Identifier: Apache-2.0 */
/* job - see job.h. Each key is typed by its record in the core options' table and put into its field by one set_f. */
#include "config.h"

#include "core/plan/job.h"

#include "core/plan/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Puts a typed value into the job. The value's strings may be taken (set to NULL). */
typedef int set_f(struct job *job, struct option_value *value, struct place place, struct err *err);

static void strings_free(char **strings, size_t n_strings)
{
	for (size_t i = 0; i < n_strings; i++)
		free(strings[i]);
	free(strings);
}

static int set_backend(struct job *job, struct option_value *value, struct place place, struct err *err)
{
	(void)place, (void)err;
	job->backend = value->text[0] == 'p' ? BACKEND_PROCESS : value->text[0] == 't' ? BACKEND_THREAD : BACKEND_AUTO;
	return 0;
}

static int set_endpoint(struct endpoint *endpoint, const char *text, enum endpoint_role role, struct place place,
                        struct err *err)
{
	struct endpoint parsed = {.place = place};
	endpoint_fini(endpoint);
	endpoint->place = place;
	if (endpoint_parse(&parsed, text, role, err))
		return -1;
	*endpoint = parsed;
	return 0;
}

static int set_input(struct job *job, struct option_value *value, struct place place, struct err *err)
{
	return set_endpoint(&job->input, value->text, ENDPOINT_SOURCE, place, err);
}

static int set_output(struct job *job, struct option_value *value, struct place place, struct err *err)
{
	return set_endpoint(&job->output, value->text, ENDPOINT_SINK, place, err);
}

static int set_null(struct job *job, struct option_value *value, struct place place, struct err *err)
{
	(void)place, (void)err;
	job->has_null_items = value->number;
	return 0;
}

static int set_unordered(struct job *job, struct option_value *value, struct place place, struct err *err)
{
	(void)place, (void)err;
	job->is_ordered = !value->number;
	return 0;
}

static int set_pin(struct job *job, struct option_value *value, struct place place, struct err *err)
{
	(void)place, (void)err;
	job->pin = value->text[0] == 'c' ? PIN_CORE : value->text[0] == 'n' && value->text[1] == 'u' ? PIN_NUMA : PIN_NONE;
	return 0;
}

static int set_verify(struct job *job, struct option_value *value, struct place place, struct err *err)
{
	(void)place, (void)err;
	job->verify = value->text[0] == 'n'                            ? VERIFY_NEVER
	              : value->text[0] == 'a' && value->text[1] == 'l' ? VERIFY_ALWAYS
	                                                               : VERIFY_AUTO;
	return 0;
}

static int set_plugin(struct job *job, struct option_value *value, struct place place, struct err *err)
{
	if (!value->text[0])
		return err_set(err, ERR_USAGE, "the plugin's name is missing ('rota plugins' lists them)");
	free(job->plugin_name);
	job->plugin_name = value->text;
	job->plugin_place = place;
	value->text = NULL;
	return 0;
}

static int set_after(struct job *job, struct option_value *value, struct place place, struct err *err)
{
	if (value->n_elements > JOB_MAX_OPTIONS)
		return err_set(err, ERR_USAGE, "more than %d jobs stand here", JOB_MAX_OPTIONS);
	strings_free(job->after_names, job->n_after_names);
	job->after_names = value->elements;
	job->n_after_names = value->n_elements;
	job->after_place = place;
	value->elements = NULL;
	value->n_elements = 0;
	return 0;
}

/* A number of failures, or a percentage. */
static int set_max_failures(struct job *job, struct option_value *value, struct place place, struct err *err)
{
	static const struct option_spec number = {.name = "max-failures", .type = OPTION_INT, .range = "0.."};
	static const struct option_spec percent = {.name = "max-failures", .type = OPTION_INT, .range = "0..100"};
	struct option_value parsed;
	size_t n = strlen(value->text);
	(void)place;
	bool is_percent = n > 0 && value->text[n - 1] == '%';
	if (is_percent)
		value->text[n - 1] = '\0';
	if (option_parse(is_percent ? &percent : &number, value->text, &parsed, err))
		return -1;
	job->max_failures = is_percent ? -1 : parsed.number;
	job->max_failures_percent = is_percent ? parsed.number : -1;
	option_value_fini(&parsed);
	return 0;
}

/* A key is set by a function of its own, or it is a number or a flag that goes into a field. */
static const struct key {
	const char *name;
	set_f *set;
	size_t offset; /* set NULL: of an int64_t in struct job, */
	bool is_flag;  /* or of a bool */
} keys[] = {
	{"jobs", .offset = offsetof(struct job, n_workers)},
	{"backend", .set = set_backend},
	{"input", .set = set_input},
	{"output", .set = set_output},
	{"null", .set = set_null},
	{"keep-order", .offset = offsetof(struct job, is_ordered), .is_flag = true},
	{"unordered", .set = set_unordered},
	{"max-item", .offset = offsetof(struct job, max_item_bytes)},
	{"max-result", .offset = offsetof(struct job, max_result_bytes)},
	{"window", .offset = offsetof(struct job, window_bytes)},
	{"timeout", .offset = offsetof(struct job, timeout_ns)},
	{"retries", .offset = offsetof(struct job, n_retries)},
	{"backoff", .offset = offsetof(struct job, backoff_ns)},
	{"memory", .offset = offsetof(struct job, memory_bytes)},
	{"max-failures", .set = set_max_failures},
	{"grace", .offset = offsetof(struct job, grace_ns)},
	{"start-timeout", .offset = offsetof(struct job, start_timeout_ns)},
	{"recycle", .offset = offsetof(struct job, recycle_items)},
	{"pid-namespace", .offset = offsetof(struct job, has_pid_namespace), .is_flag = true},
	{"spin", .offset = offsetof(struct job, spins), .is_flag = true},
	{"pin", .set = set_pin},
	{"verify-results", .set = set_verify},
	{"plugin", .set = set_plugin},
	{"after", .set = set_after},
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

/* A text becomes a value of its type; -1 with err. */
static int key_apply(struct job *job, const struct core_option *option, const char *const *elements, size_t n_elements,
                     struct place place, struct err *err)
{
	struct option_value value;
	/* One text for a list ("after: a,b") is split at its commas. */
	int rc = n_elements == 1 ? option_parse(&option->spec, elements[0], &value, err)
	                         : option_parse_elements(&option->spec, elements, n_elements, &value, err);
	if (rc)
		return -1;
	rc = err_set(err, ERR_USAGE, "can't be set here");
	for (size_t i = 0; i < N_KEYS; i++) {
		if (strcmp(keys[i].name, option->spec.name))
			continue;
		void *field = (char *)job + keys[i].offset;
		rc = keys[i].set ? keys[i].set(job, &value, place, err) : 0;
		if (!keys[i].set && keys[i].is_flag)
			*(bool *)field = value.number != 0;
		else if (!keys[i].set)
			*(int64_t *)field = value.number;
	}
	option_value_fini(&value);
	return rc;
}

int job_init(struct job *ret, const char *name, struct place place, struct err *err)
{
	struct job job = {.place = place, .max_failures = -1, .max_failures_percent = -1};
	job.name = strdup(name);
	if (!job.name)
		return err_set(err, ERR_RESOURCE, "memory is short");
	for (size_t i = 0; i < N_KEYS; i++) {
		const struct core_option *option = core_option_find(keys[i].name, CORE_JOB | CORE_CONF);
		/* keep-order and unordered are one setting: its default is keep-order's. */
		if (!option->spec.fallback || keys[i].set == set_unordered)
			continue;
		if (key_apply(&job, option, &option->spec.fallback, 1, place, err)) {
			job_fini(&job);
			return -1;
		}
	}
	*ret = job;
	return 0;
}

void job_fini(struct job *job)
{
	free(job->name);
	free(job->plugin_name);
	for (size_t i = 0; i < job->n_options; i++) {
		free(job->options[i].name);
		strings_free(job->options[i].elements, job->options[i].n_elements);
	}
	free(job->options);
	endpoint_fini(&job->input);
	endpoint_fini(&job->output);
	strings_free(job->after_names, job->n_after_names);
	free(job->after);
	*job = (struct job){0};
}

const char *job_prefix(const struct job *job, struct place place, char text[JOB_PREFIX_BYTES])
{
	text[0] = '\0';
	if (place.file)
		snprintf(text, JOB_PREFIX_BYTES, "job '%s': ", job->name);
	return text;
}

static uint64_t bit_of(const struct core_option *option)
{
	return UINT64_C(1) << core_option_index(option);
}

/* Two names of one setting share their bits. */
static uint64_t bits_of_setting(const struct core_option *option)
{
	const struct core_option *keep = core_option_find("keep-order", CORE_JOB);
	const struct core_option *drop = core_option_find("unordered", CORE_JOB);
	return option == keep || option == drop ? bit_of(keep) | bit_of(drop) : bit_of(option);
}

bool job_is_given(const struct job *job, const char *key)
{
	const struct core_option *option = core_option_find(key, CORE_JOB | CORE_CONF);
	return option && job->given & bit_of(option);
}

void job_mark_given(struct job *job, const char *key)
{
	const struct core_option *option = core_option_find(key, CORE_JOB | CORE_CONF);
	if (option)
		job->given |= bit_of(option);
}

static int add_given_twice(struct plan *plan, const struct job *job, const struct core_option *option, const char *key,
                           struct place place)
{
	char prefix[JOB_PREFIX_BYTES];
	job_prefix(job, place, prefix);
	if (bits_of_setting(option) != bit_of(option))
		return place_error(&plan->errors, place, ERR_USAGE,
		                   "%s'keep-order' and 'unordered' are one setting: give one of them", prefix);
	return place_error(&plan->errors, place, ERR_USAGE, "%s'%s' is '%s', which was given already: leave one out",
	                   prefix, key, option->spec.name);
}

static int add_unknown_key(struct plan *plan, struct job *job, const char *key, struct place place)
{
	char prefix[JOB_PREFIX_BYTES];
	job_prefix(job, place, prefix);
	const char *nearest = core_option_nearest(key, CORE_JOB | CORE_CONF);
	if (core_option_find(key, ~(unsigned)(CORE_JOB | CORE_CONF)))
		return place_error(&plan->errors, place, ERR_USAGE,
		                   "%s'%s' is no key of a job, but one of `run:` or an option of the command line", prefix,
		                   key);
	if (!nearest)
		return place_error(&plan->errors, place, ERR_USAGE,
		                   "%sunknown key '%s'; the plugin's own options stand under `options:`", prefix, key);
	job->has_misspelt_plugin |= strcmp(nearest, "plugin") == 0;
	return place_error(&plan->errors, place, ERR_USAGE, "%sunknown key '%s', did you mean '%s'?", prefix, key, nearest);
}

int job_set(struct plan *plan, struct job *job, const char *key, const char *const *elements, size_t n_elements,
            struct place place)
{
	const struct core_option *option = core_option_find(key, CORE_JOB | CORE_CONF);
	char prefix[JOB_PREFIX_BYTES];
	job_prefix(job, place, prefix);
	const char *dashes = place.file || (option && option->flags & CORE_CONF) ? "" : "--";
	if (!option)
		return add_unknown_key(plan, job, key, place);
	if (place_is_in_file(place) && job->given & bits_of_setting(option))
		return add_given_twice(plan, job, option, key, place);
	job->given |= bit_of(option);
	struct err err;
	if (key_apply(job, option, elements, n_elements, place, &err))
		return place_error(&plan->errors, place, err.code, "%s%s%s: %s", prefix, dashes, key, err.text);
	return 0;
}

static char **strings_copy(const char *const *strings, size_t n_strings)
{
	char **copy = calloc(n_strings + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < n_strings; i++) {
		copy[i] = strdup(strings[i]);
		if (!copy[i]) {
			strings_free(copy, i);
			return NULL;
		}
	}
	return copy;
}

/* The option of that name, or a new, empty one; NULL when memory is short. */
static struct job_option *option_place(struct job *job, const char *name)
{
	for (size_t i = 0; i < job->n_options; i++)
		if (strcmp(job->options[i].name, name) == 0)
			return &job->options[i];
	struct job_option *grown = reallocarray(job->options, job->n_options + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	job->options = grown;
	struct job_option *option = &grown[job->n_options];
	*option = (struct job_option){.name = strdup(name)};
	if (!option->name)
		return NULL;
	job->n_options++;
	return option;
}

int job_set_option(struct plan *plan, struct job *job, const char *name, const char *const *elements, size_t n_elements,
                   bool is_list, struct place place, bool replace)
{
	if (job->n_options >= JOB_MAX_OPTIONS)
		return place_error(&plan->errors, place, ERR_USAGE, "job '%s' has more than %d options", job->name,
		                   JOB_MAX_OPTIONS);
	char **copy = strings_copy(elements, n_elements);
	struct job_option *option = copy ? option_place(job, name) : NULL;
	if (!option) {
		if (copy)
			strings_free(copy, n_elements);
		return place_error(&plan->errors, place, ERR_RESOURCE, "memory is short");
	}
	if (option->elements && !replace) {
		char prefix[JOB_PREFIX_BYTES];
		strings_free(copy, n_elements);
		return place_error(&plan->errors, place, ERR_USAGE, "%soption '%s' is given twice: leave one out",
		                   job_prefix(job, place, prefix), name);
	}
	strings_free(option->elements, option->n_elements);
	option->elements = copy;
	option->n_elements = n_elements;
	option->is_list = is_list;
	option->place = place;
	return 0;
}
