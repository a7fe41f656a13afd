/* SPDX-License-Identifier: Apache-2.0 */
/* item_text - see item_text.h. */
#include "config.h"

#include "core/plan/item_text.h"

#include <rota/rows.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BETWEEN_ENDS " ... "

static const char *const shape_names[] = {"values", "rows", "rows with names"};

const char *item_shape_name(enum item_shape shape)
{
	return shape_names[shape];
}

enum item_shape item_shape_of_name(const char *name)
{
	for (int i = ITEM_ROWS; i <= ITEM_NAMED_ROWS; i++)
		if (strcmp(shape_names[i], name) == 0)
			return (enum item_shape)i;
	return ITEM_VALUE;
}

/* The number of the last row. */
static size_t last_row(const char *item, size_t n_bytes)
{
	size_t n = 0;
	for (size_t i = 0; i < n_bytes; i++)
		n += item[i] == ROTA_ROWS_ROW;
	return n;
}

/* What is written stands in `to`, which has room for it; the fields' own room is behind that. */
static size_t write_rows(char *to, char *room, size_t first, enum item_text_form form, const char *item, size_t n_bytes)
{
	size_t last = last_row(item, n_bytes), n = 0;
	const char *row_end = form == ITEM_TEXT_LINES                      ? "\n"
	                      : form == ITEM_TEXT_ENDS && last > first + 1 ? BETWEEN_ENDS
	                                                                   : " ";
	struct rota_rows rows;
	struct rota_field field;
	for (rota_rows_begin(&rows, item, n_bytes, room); rota_rows_next(&rows, &field);) {
		if (field.row < first || (form == ITEM_TEXT_ENDS && field.row > first && field.row < last))
			continue;
		if (field.column > 0)
			to[n++] = form == ITEM_TEXT_LINES ? '\t' : ' ';
		else if (field.row > first) {
			memcpy(to + n, row_end, strlen(row_end));
			n += strlen(row_end);
		}
		memcpy(to + n, field.bytes, field.n_bytes);
		n += field.n_bytes;
	}
	return n;
}

void item_text_init(struct item_text *ret, enum item_shape shape, enum item_text_form form, const char *item,
                    size_t n_bytes)
{
	size_t n_room = n_bytes + sizeof(BETWEEN_ENDS);
	*ret = (struct item_text){.bytes = item, .n_bytes = n_bytes};
	if (shape == ITEM_VALUE || n_bytes == 0 || !(ret->owned = malloc(2 * n_room)))
		return;
	ret->bytes = ret->owned;
	ret->n_bytes = write_rows(ret->owned, ret->owned + n_room, shape == ITEM_NAMED_ROWS, form, item, n_bytes);
}

void item_text_fini(struct item_text *text)
{
	free(text->owned);
	*text = (struct item_text){0};
}
