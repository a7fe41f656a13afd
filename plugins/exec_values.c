/* SPDX-License-Identifier: Apache-2.0 */
/* exec_values - see exec_values.h. */
#define _GNU_SOURCE 1
#include "plugins/exec_values.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_FIELDS 16

static int add(struct values *values, size_t n, const struct rota_field *field)
{
	if (n == values->cap) {
		size_t cap = values->cap ? 2 * values->cap : FIRST_FIELDS;
		struct rota_field *all = reallocarray(values->all, cap, sizeof(*all));
		if (!all)
			return -1;
		values->all = all;
		values->cap = cap;
	}
	values->all[n] = *field;
	return 0;
}

static int take_rows(struct values *values, const char *item, size_t n_bytes)
{
	struct rota_rows rows;
	struct rota_field field;
	size_t n = 0, n_names = 0;
	if (n_bytes > values->room_bytes) {
		char *room = realloc(values->room, n_bytes);
		if (!room)
			return -1;
		values->room = room;
		values->room_bytes = n_bytes;
	}
	for (rota_rows_begin(&rows, item, n_bytes, values->room); rota_rows_next(&rows, &field); n++) {
		if (add(values, n, &field) != 0)
			return -1;
		n_names += values->has_header && field.row == 0;
	}
	values->names = values->all;
	values->n_names = n_names;
	values->fields = values->all + n_names;
	values->n = n - n_names;
	return 0;
}

int values_take(struct values *values, const char *item, size_t n_bytes)
{
	if (values->has_rows)
		return take_rows(values, item, n_bytes);
	values->one = (struct rota_field){.bytes = item, .n_bytes = n_bytes};
	values->fields = &values->one;
	values->n = 1;
	return 0;
}

bool values_have_nul(const struct values *values)
{
	for (size_t i = 0; i < values->n; i++)
		if (memchr(values->fields[i].bytes, '\0', values->fields[i].n_bytes))
			return true;
	return false;
}

const struct rota_field *values_at(const struct values *values, long position)
{
	size_t n = values->n;
	if (position > 0 && (size_t)position <= n)
		return &values->fields[position - 1];
	if (position < 0 && position >= -(long)n)
		return &values->fields[n - (size_t)-position];
	return NULL;
}

bool values_find(const struct values *values, const char *name, size_t n_name, const struct rota_field **ret)
{
	for (size_t i = 0; i < values->n_names; i++) {
		if (values->names[i].n_bytes == n_name && memcmp(values->names[i].bytes, name, n_name) == 0) {
			bool is_there = i < values->n && values->fields[i].row == values->fields[0].row;
			*ret = is_there ? &values->fields[i] : NULL;
			return true;
		}
	}
	return false;
}

void values_put(const struct values *values, struct words *words)
{
	for (size_t i = 0; i < values->n; i++) {
		const struct rota_field *field = &values->fields[i];
		if (i > 0)
			words_put(words, field->row != field[-1].row ? "\n" : "\t", 1);
		words_put(words, field->bytes, field->n_bytes);
	}
}

void values_fini(struct values *values)
{
	free(values->all);
	free(values->room);
	*values = (struct values){0};
}
