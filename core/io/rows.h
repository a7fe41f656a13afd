/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows - writes items of several fields, in the format that rota/rows.h describes and reads.
 *
 *   for each item: rows_put_field for its first field (nothing in front of it), then rows_put_field behind
 *   ROTA_ROWS_FIELD or ROTA_ROWS_ROW
 *   rows_put_text: what a person, or another run, is shown of such an item
 */
#ifndef IO_ROWS_H
#define IO_ROWS_H

#include "core/base/buf.h"

#include <stddef.h>

/* What stands in front of a field: ROTA_ROWS_FIELD, ROTA_ROWS_ROW, or this for an item's first. */
#define ROWS_FIRST '\0'

/* 0, or -1 when memory is short: the buffer is then as it was. */
int rows_put_field(struct buf *buf, char before, const char *bytes, size_t n_bytes);

/* The item with its rows separated by row_end and its fields by field_end, nothing escaped. -1 as above. */
int rows_put_text(struct buf *buf, const char *item, size_t n_bytes, char row_end, char field_end);

#endif
