/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_conf - plan_read and plan_set of plan.h: what the nodes of a conf file and the texts of --set mean.
 * Nodes that were refused already (CONF_WRONG) are passed over, and so is what only their lack would make wrong.
 */
#include "config.h"

#include "core/base/nearest.h"
#include "core/plan/conf.h"
#include "core/plan/conf_hint.h"
#include "core/plan/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 64

/* `run:` with nothing behind it is an empty map. */
static bool is_empty(const struct conf_node *node)
{
	return node->kind == CONF_TEXT && node->text[0] == '\0';
}

static int add_memory_error(struct plan *plan, struct place place)
{
	return place_error(&plan->errors, place, ERR_RESOURCE, "out of memory");
}

static int run_key_set(struct plan *plan, const char *key, const char *text, struct place key_place, struct place place)
{
	const struct core_option *option = core_option_find(key, CORE_RUN_KEY);
	if (!option) {
		const char *nearest = core_option_nearest(key, CORE_RUN_KEY);
		if (nearest)
			return place_error(&plan->errors, key_place, ERR_USAGE, "run: unknown key '%s', did you mean '%s'?", key,
			                   nearest);
		return place_error(&plan->errors, key_place, ERR_USAGE,
		                   "run: unknown key '%s'; a job's keys go below `jobs:` and the job's name", key);
	}
	struct err err;
	if (core_option_put(option, plan, &text, 1, place, &err))
		return place_error(&plan->errors, place, err.code, "run: %s: %s", key, err.text);
	return 0;
}

/* A text where keys are expected: is it one whose colon, or the space behind it, is missing? That is said. */
static bool is_key_without_colon(struct plan *plan, const struct conf_node *node)
{
	struct conf_hint hint;
	struct place place = node->place;
	if (node->kind != CONF_TEXT || !conf_hint_find_key(node->text, &hint))
		return false;
	place.column += hint.column - 1;
	place_error(&plan->errors, place, ERR_USAGE, "%s", hint.text);
	return true;
}

static void run_read(struct plan *plan, const struct conf_node *run)
{
	if (run->kind == CONF_WRONG || is_empty(run) || is_key_without_colon(plan, run))
		return;
	if (run->kind != CONF_MAP) {
		place_error(&plan->errors, run->place, ERR_USAGE, "run: found %s, expected keys with values",
		            conf_kind_name(run->kind));
		return;
	}
	for (size_t i = 0; i < run->n_children && !place_is_full(&plan->errors); i++) {
		const struct conf_node *child = &run->children[i];
		if (!child->key || child->kind == CONF_WRONG)
			continue;
		/* Of an unknown key it is no matter what stands behind it. */
		if (child->kind == CONF_TEXT || !core_option_find(child->key, CORE_RUN_KEY))
			run_key_set(plan, child->key, child->text ? child->text : "", child->key_place, child->place);
		else
			place_error(&plan->errors, child->place, ERR_USAGE, "run: %s: found %s, expected one value", child->key,
			            conf_kind_name(child->kind));
	}
}

/* exec's {}, most likely. */
static const char *empty_map_hint(const struct conf_node *node)
{
	return node->kind == CONF_MAP && node->n_children == 0 ? ": {} is an empty map in YAML, write '{}'" : "";
}

/*
 * The texts of a value, one or a list's: *ret borrows the nodes' texts, the array is the caller's.
 * -1: an error was added, or the value was refused already.
 */
static int value_texts(struct plan *plan, const struct job *job, const struct conf_node *node, const char ***ret,
                       size_t *ret_n)
{
	char prefix[JOB_PREFIX_BYTES];
	job_prefix(job, node->place, prefix);
	if (node->kind == CONF_MAP)
		return place_error(&plan->errors, node->place, ERR_USAGE, "%s%s: found a map, expected a value%s", prefix,
		                   node->key, empty_map_hint(node));
	size_t n_texts = node->kind == CONF_LIST ? node->n_children : 1;
	const struct conf_node *first = node->kind == CONF_LIST ? node->children : node;
	const char **texts = calloc(n_texts + 1, sizeof(*texts));
	if (!texts)
		return add_memory_error(plan, node->place);
	int rc = 0;
	for (size_t i = 0; i < n_texts; i++) {
		texts[i] = first[i].text;
		if (first[i].kind == CONF_TEXT)
			continue;
		rc = -1;
		if (first[i].kind != CONF_WRONG)
			place_error(&plan->errors, first[i].place, ERR_USAGE, "%s%s: found %s in the list, expected a value%s",
			            prefix, node->key, conf_kind_name(first[i].kind), empty_map_hint(&first[i]));
	}
	if (rc) {
		free(texts);
		return -1;
	}
	*ret = texts;
	*ret_n = n_texts;
	return 0;
}

static void options_read(struct plan *plan, struct job *job, const struct conf_node *options)
{
	char prefix[JOB_PREFIX_BYTES];
	if (is_empty(options) || is_key_without_colon(plan, options))
		return;
	if (options->kind != CONF_MAP) {
		place_error(&plan->errors, options->place, ERR_USAGE,
		            "%soptions: found %s, expected the plugin's options, each with a value",
		            job_prefix(job, options->place, prefix), conf_kind_name(options->kind));
		return;
	}
	for (size_t i = 0; i < options->n_children && !place_is_full(&plan->errors); i++) {
		const struct conf_node *child = &options->children[i];
		const char **texts;
		size_t n_texts;
		if (!child->key || child->kind == CONF_WRONG || value_texts(plan, job, child, &texts, &n_texts)) {
			job->has_wrong_option = true;
			continue;
		}
		job_set_option(plan, job, child->key, texts, n_texts, child->kind == CONF_LIST, child->place, false);
		free(texts);
	}
}

/* Each element of the list is given by itself; of `values`, each is a list. */
static void elements_read(struct plan *plan, struct job *job, const struct conf_node *list)
{
	for (size_t i = 0; i < list->n_children && !place_is_full(&plan->errors); i++) {
		struct conf_node element = list->children[i];
		const char **texts;
		size_t n_texts;
		job_mark_given(job, list->key);
		element.key = list->key;
		if (element.kind == CONF_WRONG || value_texts(plan, job, &element, &texts, &n_texts))
			continue;
		job_set(plan, job, list->key, texts, n_texts, element.place);
		free(texts);
	}
}

static void key_read(struct plan *plan, struct job *job, const struct conf_node *child)
{
	char prefix[JOB_PREFIX_BYTES];
	const struct core_option *option = core_option_find(child->key, CORE_JOB | CORE_CONF);
	if (!option) {
		job_set(plan, job, child->key, NULL, 0, child->key_place);
		return;
	}
	if (child->kind == CONF_WRONG) {
		job_mark_given(job, child->key);
		return;
	}
	if (strcmp(child->key, "options") == 0) {
		options_read(plan, job, child);
		return;
	}
	if (child->kind == CONF_LIST && option->adds && child->n_children > 0 &&
	    (option->spec.type != OPTION_LIST || child->children[0].kind == CONF_LIST)) {
		elements_read(plan, job, child);
		return;
	}
	if (child->kind == CONF_LIST && option->spec.type != OPTION_LIST) {
		job_mark_given(job, child->key);
		place_error(&plan->errors, child->place, ERR_USAGE, "%s%s: found a list, expected %s",
		            job_prefix(job, child->place, prefix), child->key, option_type_example(option->spec.type));
		return;
	}
	const char **texts;
	size_t n_texts;
	if (value_texts(plan, job, child, &texts, &n_texts)) {
		job_mark_given(job, child->key);
		return;
	}
	job_set(plan, job, child->key, texts, n_texts, child->place);
	free(texts);
}

static bool is_job_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	return name[0] && name[0] != '-' && name[strspn(name, allowed)] == '\0' && strlen(name) <= NAME_MAX_BYTES &&
	       strcmp(name, "run") != 0;
}

static void job_read(struct plan *plan, const struct conf_node *node)
{
	if (!node->key || node->kind == CONF_WRONG)
		return;
	if (!is_job_name(node->key)) {
		place_error(&plan->errors, node->key_place, ERR_USAGE,
		            "'%s' isn't a valid job name: expected letters, digits, - and _, at most %d, and not 'run'",
		            node->key, NAME_MAX_BYTES);
		return;
	}
	if (is_key_without_colon(plan, node))
		return;
	if (node->kind != CONF_MAP) {
		place_error(&plan->errors, node->place, ERR_USAGE, "job '%s': found %s, expected keys such as `plugin: NAME`",
		            node->key, is_empty(node) ? "nothing" : conf_kind_name(node->kind));
		return;
	}
	struct job *job = plan_add_job(plan, node->key, node->key_place);
	for (size_t i = 0; job && i < node->n_children && !place_is_full(&plan->errors); i++)
		if (node->children[i].key)
			key_read(plan, job, &node->children[i]);
}

static void jobs_read(struct plan *plan, const struct conf_node *jobs)
{
	if (jobs->kind == CONF_WRONG)
		return;
	if (jobs->kind != CONF_MAP || jobs->n_children == 0) {
		place_error(&plan->errors, jobs->place, ERR_USAGE,
		            "jobs: found %s, expected at least one job: a name, and below it `plugin: NAME`",
		            is_empty(jobs) || jobs->kind == CONF_MAP ? "nothing" : conf_kind_name(jobs->kind));
		return;
	}
	for (size_t i = 0; i < jobs->n_children && !place_is_full(&plan->errors); i++) {
		if (plan->n_jobs == PLAN_MAX_JOBS) {
			place_error(&plan->errors, jobs->children[i].key_place, ERR_USAGE, "more than %d jobs", PLAN_MAX_JOBS);
			return;
		}
		job_read(plan, &jobs->children[i]);
	}
}

static void top_read(struct plan *plan, const struct conf_node *root)
{
	static const char *const sections[] = {"run", "jobs"};
	bool has_jobs = false;
	for (size_t i = 0; i < root->n_children && !place_is_full(&plan->errors); i++) {
		const struct conf_node *child = &root->children[i];
		if (!child->key)
			continue;
		const char *nearest = nearest_find(child->key, sections, 2);
		has_jobs |= nearest && strcmp(nearest, "jobs") == 0;
		if (strcmp(child->key, "jobs") == 0)
			jobs_read(plan, child);
		else if (strcmp(child->key, "run") == 0)
			run_read(plan, child);
		else if (nearest)
			place_error(&plan->errors, child->key_place, ERR_USAGE, "unknown key '%s', did you mean '%s'?", child->key,
			            nearest);
		else
			place_error(&plan->errors, child->key_place, ERR_USAGE,
			            "unknown key '%s': the top-level keys of a conf file are `run:` and `jobs:`", child->key);
	}
	if (!has_jobs)
		place_error(&plan->errors, root->place, ERR_USAGE,
		            "there is no `jobs:`: a conf file needs at least one job below `jobs:`, with its `plugin:`");
}

int plan_read(struct plan *plan, const char *file)
{
	size_t n_errs_before = plan->errors.n_errs;
	struct conf *conf;
	plan->file = strdup(file);
	if (!plan->file)
		return add_memory_error(plan, (struct place){.file = NULL});
	if (conf_read(&conf, plan->file, &plan->errors))
		return -1;
	const struct conf_node *root = conf_root(conf);
	struct place start = {.file = plan->file, .line = 1, .column = 1};
	if (!root || is_empty(root))
		place_error(
			&plan->errors, start, ERR_USAGE,
			"the file is empty: a conf file needs `jobs:`, below it a job's name, and below that `plugin: NAME`");
	else if (root->kind == CONF_MAP)
		top_read(plan, root);
	else if (root->kind != CONF_WRONG)
		place_error(&plan->errors, root->place, ERR_USAGE,
		            "found %s, expected a map: `jobs:`, below it a job's name, and below that `plugin: NAME`",
		            conf_kind_name(root->kind));
	conf_destroy(&conf);
	return plan->errors.n_errs > n_errs_before ? -1 : 0;
}

/* Keeps "--set TEXT" for the places that point to it. */
static const char *set_text_keep(struct plan *plan, const char *text)
{
	char **grown = reallocarray(plan->set_texts, plan->n_set_texts + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	plan->set_texts = grown;
	char *kept;
	if (asprintf(&kept, "--set %s", text) < 0)
		return NULL;
	return grown[plan->n_set_texts++] = kept;
}

/* OWNER.KEY and VALUE, cut apart. */
static int set_apply(struct plan *plan, const char *owner, const char *key, const char *value, struct place place)
{
	static const char options[] = "options.";
	if (strcmp(owner, "run") == 0)
		return run_key_set(plan, key, value, place, place);
	struct job *job = plan_find_job(plan, owner);
	if (!job) {
		const char *nearest = plan_nearest_job(plan, owner);
		return place_error(&plan->errors, place, ERR_USAGE, "no job '%s' in %s%s%s%s", owner, plan->file,
		                   nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
	}
	if (strncmp(key, options, strlen(options)) == 0)
		return job_set_option(plan, job, key + strlen(options), &value, 1, false, place, true);
	if (strcmp(key, "options") == 0)
		return place_error(&plan->errors, place, ERR_USAGE, "the option is missing: expected %s.options.KEY=VALUE",
		                   owner);
	return job_set(plan, job, key, &value, 1, place);
}

int plan_set(struct plan *plan, const char *text)
{
	struct place place = {.file = set_text_keep(plan, text)};
	char *copy = place.file ? strdup(text) : NULL;
	if (!copy)
		return add_memory_error(plan, place);
	char *equals = strchr(copy, '=');
	char *dot = equals ? memchr(copy, '.', (size_t)(equals - copy)) : NULL;
	int rc;
	if (!dot || dot == copy || dot + 1 == equals) {
		rc = place_error(&plan->errors, place, ERR_USAGE,
		                 "expected JOB.KEY=VALUE, JOB.options.KEY=VALUE or run.KEY=VALUE");
	} else {
		*dot = *equals = '\0';
		rc = set_apply(plan, copy, dot + 1, equals + 1, place);
	}
	free(copy);
	return rc;
}
