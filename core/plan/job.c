/* SPDX-License-Identifier: Apache-2.0 */
/* job - see job.h. */
#include "config.h"

#include "core/plan/job.h"

#include "core/plan/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void strings_free(char **strings, size_t n_strings)
{
	for (size_t i = 0; i < n_strings; i++)
		free(strings[i]);
	free(strings);
}

int job_init(struct job *ret, const char *name, struct place place, struct err *err)
{
	struct job job = {.place = place};
	job.name = strdup(name);
	if (!job.name)
		return err_set(err, ERR_RESOURCE, "out of memory");
	if (core_options_reset(OWNER_JOB, &job, place, err)) {
		job_fini(&job);
		return -1;
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
	recipe_fini(&job->recipe);
	worker_count_fini(&job->worker_count);
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

char job_delimiter(const struct job *job)
{
	return recipe_delimiter(&job->recipe, &job->input);
}

bool job_reads_standard_input(const struct job *job)
{
	for (size_t i = 0; i < job->recipe.n_lists; i++)
		if (endpoint_is_standard(&job->recipe.lists[i].endpoint))
			return true;
	return endpoint_is_standard(&job->input);
}

bool job_is_given(const struct job *job, const char *key)
{
	const struct core_option *option = core_option_find(key, CORE_JOB | CORE_CONF);
	return option && job->is_given[core_option_index(option)];
}

void job_mark_given(struct job *job, const char *key)
{
	const struct core_option *option = core_option_find(key, CORE_JOB | CORE_CONF);
	if (option)
		job->is_given[core_option_index(option)] = true;
}

/* The first option that was given of this one's setting; NULL: none. */
static const struct core_option *given_of_setting(const struct job *job, const struct core_option *option)
{
	size_t n_options;
	const struct core_option *options = core_options(&n_options);
	for (size_t i = 0; i < n_options; i++)
		if (job->is_given[i] && core_option_is_same(&options[i], option))
			return &options[i];
	return NULL;
}

static int add_given_twice(struct plan *plan, const struct job *job, const struct core_option *before,
                           const struct core_option *option, const char *key, struct place place)
{
	char prefix[JOB_PREFIX_BYTES];
	bool is_first = before < option;
	job_prefix(job, place, prefix);
	if (before != option)
		return place_error(&plan->errors, place, ERR_USAGE,
		                   "%s'%s' and '%s' are the same setting: use only one of them", prefix,
		                   (is_first ? before : option)->spec.name, (is_first ? option : before)->spec.name);
	return place_error(&plan->errors, place, ERR_USAGE, "%s'%s' is '%s', which is already given: remove one of them",
	                   prefix, key, option->spec.name);
}

static int add_unknown_key(struct plan *plan, struct job *job, const char *key, struct place place)
{
	char prefix[JOB_PREFIX_BYTES];
	job_prefix(job, place, prefix);
	const char *nearest = core_option_nearest(key, CORE_JOB | CORE_CONF);
	if (core_option_find(key, ~(unsigned)(CORE_JOB | CORE_CONF)))
		return place_error(&plan->errors, place, ERR_USAGE,
		                   "%s'%s' isn't a key of a job, but a key of `run:` or a command-line option", prefix, key);
	if (!nearest)
		return place_error(&plan->errors, place, ERR_USAGE,
		                   "%sunknown key '%s'; the plugin's own options go under `options:`", prefix, key);
	job->has_misspelt_plugin |= strcmp(nearest, "plugin") == 0;
	return place_error(&plan->errors, place, ERR_USAGE, "%sunknown key '%s', did you mean '%s'?", prefix, key, nearest);
}

int job_set(struct plan *plan, struct job *job, const char *key, const char *const *elements, size_t n_elements,
            struct place place)
{
	const struct core_option *option = core_option_find(key, CORE_JOB | CORE_CONF);
	char prefix[JOB_PREFIX_BYTES];
	job_prefix(job, place, prefix);
	bool is_key = place.file || (option && option->flags & CORE_CONF && !(option->flags & CORE_ITEMS));
	const char *dashes = is_key ? "" : "--";
	if (!option)
		return add_unknown_key(plan, job, key, place);
	const struct core_option *before = given_of_setting(job, option);
	if (place_is_in_file(place) && before && !option->adds)
		return add_given_twice(plan, job, before, option, key, place);
	job->is_given[core_option_index(option)] = true;
	struct err err;
	if (core_option_put(option, job, elements, n_elements, place, &err))
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
		return place_error(&plan->errors, place, ERR_RESOURCE, "out of memory");
	}
	if (option->elements && !replace) {
		char prefix[JOB_PREFIX_BYTES];
		strings_free(copy, n_elements);
		return place_error(&plan->errors, place, ERR_USAGE, "%soption '%s' is given twice: remove one of them",
		                   job_prefix(job, place, prefix), name);
	}
	strings_free(option->elements, option->n_elements);
	option->elements = copy;
	option->n_elements = n_elements;
	option->is_list = is_list;
	option->place = place;
	return 0;
}
