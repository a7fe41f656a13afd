/* SPDX-License-Identifier: Apache-2.0 */
/* identity - see identity.h. */
#include "config.h"

#include "core/record/identity.h"

#include "core/base/buf.h"
#include "core/base/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Takes value, which malloc gave; NULL: memory is short. */
static int add(struct identity_keys *identity, const struct job *job, const char *key, char *take_value,
               struct err *err)
{
	char *own_key = strdup(key);
	struct journal_key *grown =
		take_value && own_key ? reallocarray(identity->keys, identity->n_keys + 1, sizeof *identity->keys) : NULL;
	if (!grown) {
		free(own_key);
		free(take_value);
		return err_set(err, ERR_RESOURCE, "out of memory");
	}
	identity->keys = grown;
	grown[identity->n_keys++] = (struct journal_key){.job = job->name, .key = own_key, .value = take_value};
	return 0;
}

static int add_number(struct identity_keys *identity, const struct job *job, const char *key, int64_t number,
                      struct err *err)
{
	char *value = NULL;
	if (asprintf(&value, "%" PRId64, number) < 0)
		value = NULL;
	return add(identity, job, key, value, err);
}

static int add_endpoint(struct identity_keys *identity, const struct job *job, const char *key,
                        const struct endpoint *endpoint, struct err *err)
{
	struct buf text = {0};
	char *value = endpoint_describe(endpoint, &text) == 0 ? strndup(text.bytes, text.len) : NULL;
	buf_fini(&text);
	return add(identity, job, key, value, err);
}

/* What keeps results can be gone back to: a device or a pipe in its place, by a link perhaps, is something else. */
static int add_kind(struct identity_keys *identity, const struct job *job, struct err *err)
{
	struct stat status;
	if (!endpoint_is_file(&job->output))
		return 0;
	bool is_file = stat(job->output.argument, &status) != 0 || S_ISREG(status.st_mode);
	return add(identity, job, "kind of output", strdup(is_file ? "a file" : "a device or a pipe"), err);
}

static int add_plugin(struct identity_keys *identity, const struct job *job, struct err *err)
{
	struct digest digest;
	char text[DIGEST_TEXT_BYTES];
	if (digest_of_file(job->info->file, &digest, err) != 0)
		return -1;
	return add(identity, job, "plugin", strdup(job->info->name), err) != 0
	           ? -1
	           : add(identity, job, "plugin file", strdup(digest_text(digest, text)), err);
}

static int put_quoted(struct buf *out, const char *text)
{
	int bad = buf_append(out, "\"", 1);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			bad |= buf_append(out, "\\", 1);
		bad |= buf_append(out, text, 1);
	}
	return bad | buf_append(out, "\"", 1);
}

/* "option NAME": its elements, each in double quotes when there are several: told apart, and fit for a message. */
static int add_option(struct identity_keys *identity, const struct job *job, const struct job_option *option,
                      struct err *err)
{
	struct buf value = {0};
	int result = 0;
	for (size_t i = 0; result == 0 && i < option->n_elements; i++) {
		if (option->n_elements > 1)
			result = buf_append_str(&value, i > 0 ? " " : "") | put_quoted(&value, option->elements[i]);
		else
			result = buf_append_str(&value, option->elements[i]);
	}
	char key[128];
	snprintf(key, sizeof key, "option %s", option->name);
	char *text = result == 0 ? strndup(value.len > 0 ? value.bytes : "", value.len) : NULL;
	buf_fini(&value);
	return add(identity, job, key, text, err);
}

/* How its items are made. Of the file that is only cut up by places, whether it is the same is told by its stamp. */
static int add_recipe(struct identity_keys *identity, const struct job *job, struct err *err)
{
	const struct recipe *recipe = &job->recipe;
	const struct endpoint *input = recipe->n_lists > 0 ? &recipe->lists[0].endpoint : &job->input;
	struct buf text = {0};
	struct stat status;
	int result = recipe_describe(recipe, &text);
	if (result == 0 && text.len == 0)
		return 0;
	result = result == 0 ? add(identity, job, "items", strndup(text.bytes, text.len), err)
	                     : add(identity, job, "items", NULL, err);
	buf_fini(&text);
	if (result == 0)
		result = add(identity, job, JOURNAL_KEY_SHAPE, strdup(item_shape_name(recipe_shape(recipe))), err);
	if (result != 0 || recipe->cut != CUT_PARTS || stat(input->argument, &status) != 0)
		return result;
	char *stamp;
	if (asprintf(&stamp, "%lld bytes, changed at %lld.%09ld", (long long)status.st_size,
	             (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec) < 0)
		stamp = NULL;
	return add(identity, job, "input file", stamp, err);
}

static int add_job(struct identity_keys *identity, const struct job *job, struct err *err)
{
	if (add_plugin(identity, job, err) != 0 || add_endpoint(identity, job, "input", &job->input, err) != 0 ||
	    add_endpoint(identity, job, "output", &job->output, err) != 0 || add_kind(identity, job, err) != 0 ||
	    add(identity, job, "order", strdup(job->is_ordered ? "kept" : "unordered"), err) != 0 ||
	    add_number(identity, job, "max-item", job->max_item_bytes, err) != 0 ||
	    add_number(identity, job, "max-result", job->max_result_bytes, err) != 0)
		return -1;
	if (add_recipe(identity, job, err) != 0 ||
	    (job->has_raw_results && add(identity, job, "results", strdup("raw"), err) != 0))
		return -1;
	for (size_t i = 0; i < job->n_options; i++)
		if (add_option(identity, job, &job->options[i], err) != 0)
			return -1;
	return 0;
}

int identity_create(struct identity_keys *ret, const struct plan *plan, struct err *err)
{
	*ret = (struct identity_keys){0};
	for (size_t i = 0; i < plan->n_jobs; i++)
		if (add_job(ret, &plan->jobs[i], err) != 0) {
			identity_destroy(ret);
			return -1;
		}
	return 0;
}

void identity_destroy(struct identity_keys *identity)
{
	for (size_t i = 0; i < identity->n_keys; i++) {
		free((void *)(uintptr_t)identity->keys[i].key);
		free((void *)(uintptr_t)identity->keys[i].value);
	}
	free(identity->keys);
	*identity = (struct identity_keys){0};
}
