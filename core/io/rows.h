/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows - writes items of several fields, in the format that rota/rows.h describes and reads.
 *
 *   for each item: rows_put_field for its first field (nothing in front of it), then rows_put_field behind
 *   ROWS_FIELD or ROWS_ROW; rows_copy where the bytes come in pieces
 */
#ifndef IO_ROWS_H
#define IO_ROWS_H

#include "core/base/buf.h"

#include <stddef.h>

/* What stands in front of a field; ROWS_FIRST for an item's first. */
#define ROWS_FIRST '\0'
#define ROWS_ROW '\x1e'
#define ROWS_FIELD '\x1f'

/* 0, or -1 when memory is short: the buffer is then as it was. */
int rows_put_field(struct buf *buf, char before, const char *bytes, size_t n_bytes);

/* How many bytes there are before the first that must be escaped. */
size_t rows_plain_bytes(const char *bytes, size_t n_bytes);

/*
 * Into dest as much of a field as has room there; *ret_used: how many of its bytes that were. Returns how many bytes
 * were written. Room for two bytes is enough for one.
 */
size_t rows_copy(char *dest, size_t room_bytes, const char *bytes, size_t n_bytes, size_t *ret_used);

#endif
