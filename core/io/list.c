/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list - see list.h. What the source gives stands in text:
 *
 *     0 ......... start ......... searched ......... len
 *       given            no end              not looked at
 *
 * Invariant: a value of which max_bytes and one are there is kept, and the rest of it is passed over (is_skipping).
 */
#include "config.h"

#include "core/io/list.h"

#include "core/base/buf.h"
#include "core/base/pattern.h"
#include "core/io/csv.h"
#include "core/io/rows.h"
#include "core/io/source.h"
#include "core/io/trim.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define READ_BYTES (64 * 1024)

struct list {
	const struct recipe *recipe;
	struct source *source; /* NULL: words */
	char *const *words;    /* the next one; behind the last is NULL */
	struct csv *csv;
	struct pattern *columns;
	struct buf text, piece, joined;
	size_t start, searched, max_bytes;
	char delimiter;
	bool is_skipping;
	bool has_joined; /* the beginning of a value that goes on is in joined */
	bool has_ended;  /* nothing more comes from the source */
	bool is_over;    /* the value that ends the list was there */
};

static int no_memory(const struct list *list, struct err *err)
{
	return err_set(err, ERR_RESOURCE, "out of memory for the values of %s",
	               list->source != NULL ? source_head(list->source)->name : "a list");
}

int list_open(struct list **ret, const struct recipe *recipe, const struct endpoint *endpoint, char *const *words,
              int64_t max_item_bytes, struct err *err)
{
	struct list *list = calloc(1, sizeof(*list));
	const char *name = "a list";
	int result = 0;

	if (list == NULL)
		return err_set(err, ERR_RESOURCE, "no memory for a list");
	list->recipe = recipe;
	list->words = words;
	list->max_bytes = max_item_bytes < PTRDIFF_MAX / 4 ? (size_t)max_item_bytes : PTRDIFF_MAX / 4;
	if (words == NULL) {
		result = source_open(&list->source, endpoint, err);
		list->delimiter = recipe->has_delimiter ? recipe->delimiter : endpoint_delimiter(endpoint);
		name = endpoint->argument;
	}
	if (result == 0 && recipe->columns == COLUMNS_CSV)
		result = csv_create(&list->csv, recipe->column_end != NULL ? recipe->column_end[0] : ',', recipe->trim,
		                    list->max_bytes, name, err);
	else if (result == 0 && recipe->columns == COLUMNS_SEPARATED)
		result = pattern_create(&list->columns, recipe->column_end, err);
	if (result < 0) {
		list_close(&list);
		return -1;
	}
	*ret = list;
	return 0;
}

void list_close(struct list **list)
{
	if (*list == NULL)
		return;
	source_close(&(*list)->source);
	csv_destroy(&(*list)->csv);
	pattern_destroy(&(*list)->columns);
	buf_fini(&(*list)->text);
	buf_fini(&(*list)->piece);
	buf_fini(&(*list)->joined);
	free(*list);
	*list = NULL;
}

int list_fd(const struct list *list)
{
	return list->source != NULL ? source_head(list->source)->fd : -1;
}

int64_t list_read_bytes(const struct list *list)
{
	return list->source != NULL ? source_head(list->source)->read_bytes : 0;
}

/* Bytes behind text's end: 1, LIST_END, LIST_WAIT or -1. */
static int list_read(struct list *list, struct err *err)
{
	ssize_t n_bytes;

	if (list->has_ended)
		return LIST_END;
	if (list->start > 0) {
		memmove(list->text.bytes, list->text.bytes + list->start, list->text.len - list->start);
		list->text.len -= list->start;
		list->searched -= list->start;
		list->start = 0;
	}
	if (buf_reserve(&list->text, READ_BYTES) < 0)
		return no_memory(list, err);
	n_bytes = source_read(list->source, list->text.bytes + list->text.len, READ_BYTES, err);
	if (n_bytes > 0)
		list->text.len += (size_t)n_bytes;
	list->has_ended = n_bytes == SOURCE_END;
	return n_bytes > 0 ? 1 : (int)n_bytes;
}

/* Of a value that is too long so much is kept that it stays so. */
static void list_cut(struct list *list, size_t end)
{
	size_t n_most = list->max_bytes + 1;

	if (end - list->start <= n_most)
		return;
	memmove(list->text.bytes + list->start + n_most, list->text.bytes + end, list->text.len - end);
	list->text.len -= end - list->start - n_most;
	list->searched = list->start + n_most;
}

/* The next value as it stands in text: 1, LIST_END, LIST_WAIT or -1. */
static int list_find(struct list *list, const char **ret_value, size_t *ret_bytes, struct err *err)
{
	const char *found;
	int result = 1;

	for (;;) {
		size_t n_new = list->text.len - list->searched;
		size_t n_ahead = 1;

		found = n_new > 0 ? memchr(list->text.bytes + list->searched, list->delimiter, n_new) : NULL;
		list->searched = found != NULL ? (size_t)(found - list->text.bytes) : list->text.len;
		list_cut(list, list->searched);
		if (found == NULL) {
			result = list_read(list, err);
			if (result > 0)
				continue;
			if (result != LIST_END || list->start == list->text.len)
				return result;
			n_ahead = 0;
		}
		*ret_value = list->text.bytes + list->start;
		*ret_bytes = list->searched - list->start;
		list->start = list->searched = list->searched + n_ahead;
		return 1;
	}
}

static int list_take(struct list *list, const char **ret_value, size_t *ret_bytes, struct err *err)
{
	if (list->source != NULL)
		return list_find(list, ret_value, ret_bytes, err);
	if (*list->words == NULL)
		return LIST_END;
	*ret_value = *list->words++;
	*ret_bytes = strlen(*ret_value);
	return 1;
}

/* A line that ends in a blank goes on in the next. */
static int list_join(struct list *list, const char **ret_value, size_t *ret_bytes, struct err *err)
{
	for (;;) {
		int result = list_take(list, ret_value, ret_bytes, err);
		bool goes_on;

		if (result != 1 && !(result == LIST_END && list->has_joined))
			return result;
		if (result == LIST_END)
			*ret_bytes = 0;
		goes_on = *ret_bytes > 0 && ((*ret_value)[*ret_bytes - 1] == ' ' || (*ret_value)[*ret_bytes - 1] == '\t');
		if (!goes_on && !list->has_joined)
			return 1;
		if (!list->has_joined)
			buf_clear(&list->joined);
		list->has_joined = true;
		if (list->joined.len <= list->max_bytes && *ret_bytes > 0 &&
		    buf_append(&list->joined, *ret_value, *ret_bytes) < 0)
			return no_memory(list, err);
		if (goes_on)
			continue;
		list->has_joined = false;
		*ret_value = list->joined.bytes;
		*ret_bytes = list->joined.len;
		return 1;
	}
}

static int list_put_field(struct list *list, char before, const char *field, size_t n_bytes, struct err *err)
{
	trim(list->recipe->trim, &field, &n_bytes);
	if (rows_put_field(&list->piece, before, field, n_bytes) < 0)
		return no_memory(list, err);
	return 0;
}

static int list_split(struct list *list, const char *value, size_t n_bytes, struct err *err)
{
	char before = ROWS_FIRST;
	size_t at = 0, begin, end;
	int result;

	while ((result = pattern_find(list->columns, value, n_bytes, at, &begin, &end, err)) > 0) {
		if (list_put_field(list, before, value + at, begin - at, err) < 0)
			return -1;
		before = ROWS_FIELD;
		at = end;
	}
	return result < 0 ? -1 : list_put_field(list, before, value + at, n_bytes - at, err);
}

/* The fields of a value. Of one that isn't to be in rows nothing is made. */
static int list_shape(struct list *list, const char *value, size_t n_bytes, const char **ret_piece, size_t *ret_bytes,
                      struct err *err)
{
	int result;

	if (!recipe_makes_rows(list->recipe)) {
		trim(list->recipe->trim, &value, &n_bytes);
		*ret_piece = value;
		*ret_bytes = n_bytes;
		return 1;
	}
	buf_clear(&list->piece);
	result = list->columns != NULL ? list_split(list, value, n_bytes, err)
	                               : list_put_field(list, ROWS_FIRST, value, n_bytes, err);
	*ret_piece = list->piece.len > 0 ? list->piece.bytes : "";
	*ret_bytes = list->piece.len;
	return result < 0 ? -1 : 1;
}

/* More bytes, or a word, for the rows of comma-separated values: 1, LIST_END, LIST_WAIT or -1. */
static int list_feed_csv(struct list *list, struct err *err)
{
	int result;

	if (list->is_over)
		return LIST_END;
	if (list->source == NULL) {
		const char *word = *list->words;

		list->is_over = word == NULL;
		if (word == NULL)
			return LIST_END;
		list->words++;
		return csv_add(list->csv, word, strlen(word), err) < 0 || csv_add(list->csv, "\n", 1, err) < 0 ? -1 : 1;
	}
	result = list_read(list, err);
	if (result == LIST_END) {
		list->is_over = true;
		return csv_end(list->csv, err) < 0 ? -1 : 1;
	}
	if (result < 0)
		return result;
	list->start = list->searched = list->text.len;
	return csv_add(list->csv, list->text.bytes, list->text.len, err) < 0 ? -1 : 1;
}

static int list_next_row(struct list *list, const char **ret_piece, size_t *ret_bytes, struct err *err)
{
	int result = 1;

	while (result > 0 && !csv_take(list->csv, ret_piece, ret_bytes))
		result = list_feed_csv(list, err);
	return result;
}

static bool is_end_value(const struct recipe *recipe, const char *value, size_t n_bytes)
{
	return recipe->end_value != NULL && strlen(recipe->end_value) == n_bytes &&
	       memcmp(recipe->end_value, value, n_bytes) == 0;
}

int list_next(struct list *list, const char **ret_piece, size_t *ret_bytes, struct err *err)
{
	const struct recipe *recipe = list->recipe;

	if (list->csv != NULL)
		return list_next_row(list, ret_piece, ret_bytes, err);
	for (;;) {
		const char *value;
		size_t n_bytes;
		int result;

		if (list->is_over)
			return LIST_END;
		result = recipe->pack == PACK_LINES ? list_join(list, &value, &n_bytes, err)
		                                    : list_take(list, &value, &n_bytes, err);
		if (result != 1)
			return result;
		if (is_end_value(recipe, value, n_bytes))
			list->is_over = true;
		else if (n_bytes > 0 || !recipe->drops_empty)
			return list_shape(list, value, n_bytes, ret_piece, ret_bytes, err);
	}
}
