/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source - opens a source by its kind and counts what is read.
 *
 *   source_open, source_read ..., source_close; the kinds call source_head_init
 */
#include "config.h"

#include "core/io/source.h"

#include "core/io/source_blocks.h"
#include "core/io/source_files.h"
#include "core/io/source_lines.h"
#include "core/io/source_parts.h"
#include "core/io/source_range.h"
#include "core/io/source_rows.h"
#include "core/io/source_shuffle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct source_head *head_of(struct source *source)
{
	return (struct source_head *)source;
}

static char *name_of(const struct endpoint *endpoint)
{
	const char *prefix = "";
	const char *text = endpoint->argument;
	char *name;

	if (endpoint->kind == ENDPOINT_FILES)
		prefix = "files:";
	else if (endpoint->kind == ENDPOINT_RANGE)
		prefix = "range:";
	else if (endpoint_is_standard(endpoint))
		text = "standard input";
	else if (text == NULL)
		text = "the lists";
	return asprintf(&name, "%s%s", prefix, text) < 0 ? NULL : name;
}

int source_head_init(struct source_head *head, const struct source_ops *ops, const struct endpoint *endpoint,
                     struct err *err)
{
	char *name = name_of(endpoint);

	if (name == NULL)
		return err_set(err, ERR_RESOURCE, "out of memory for the name of a source");
	*head = (struct source_head){
		.ops = ops,
		.delimiter = endpoint_delimiter(endpoint),
		.fd = -1,
		.total_items = -1,
		.total_bytes = -1,
		.name = name,
	};
	return 0;
}

int source_open(struct source **ret, const struct endpoint *endpoint, struct err *err)
{
	switch (endpoint->kind) {
	case ENDPOINT_LINES:
	case ENDPOINT_NUL:
		return source_lines_open(ret, endpoint, err);
	case ENDPOINT_FILES:
		return source_files_open(ret, endpoint, err);
	case ENDPOINT_RANGE:
		return source_range_open(ret, endpoint, err);
	case ENDPOINT_NONE:
	case ENDPOINT_LISTS:
	case ENDPOINT_WRONG:
		break;
	}
	return err_set(err, ERR_USAGE,
	               "items can't be read from this: use lines:FILE, nul:FILE, files:GLOB or range:FIRST-LAST");
}

static int open_items(struct source **ret, const struct endpoint *input, const struct recipe *recipe,
                      int64_t max_item_bytes, struct err *err)
{
	if (recipe->cut == CUT_BLOCKS)
		return source_blocks_open(ret, recipe, input, max_item_bytes, err);
	if (recipe->cut == CUT_PARTS)
		return source_parts_open(ret, recipe, input, err);
	if (recipe->n_lists > 0 || recipe_makes_rows(recipe) || recipe->trim != TRIM_NONE || recipe->drops_empty ||
	    recipe->end_value != NULL)
		return source_rows_open(ret, recipe, input, max_item_bytes, err);
	if (source_open(ret, input, err) < 0)
		return -1;
	head_of(*ret)->delimiter = recipe_delimiter(recipe, input);
	return 0;
}

int source_open_items(struct source **ret, const struct endpoint *input, const struct recipe *recipe,
                      int64_t max_item_bytes, struct err *err)
{
	struct source *source;

	if (open_items(&source, input, recipe, max_item_bytes, err) < 0)
		return -1;
	if (recipe->is_shuffled && source_shuffle_open(&source, recipe->seed, err) < 0) {
		source_close(&source);
		return -1;
	}
	*ret = source;
	return 0;
}

ssize_t source_read(struct source *source, char *dest, size_t room_bytes, struct err *err)
{
	struct source_head *head = head_of(source);
	ssize_t n_bytes = head->ops->read(source, dest, room_bytes, err);

	if (n_bytes > 0)
		head->read_bytes += n_bytes;
	return n_bytes;
}

const struct source_head *source_head(const struct source *source)
{
	return (const struct source_head *)source;
}

void source_close(struct source **source)
{
	int saved_errno = errno;

	if (*source != NULL) {
		char *name = head_of(*source)->name;

		head_of(*source)->ops->close(*source);
		free(name);
		*source = NULL;
	}
	errno = saved_errno;
}
