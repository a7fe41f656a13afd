/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows - items that are made of several values: the columns of --colsep and --csv, a value from each of several lists
 * (::: a b ::: c d), or the pack that -n, -L and -X put together. Such an item is one or more rows of one or more
 * fields each. This header reads them; it works in C and in C++.
 *
 *	struct rota_rows rows;
 *	struct rota_field field;
 *	for (rota_rows_begin(&rows, item, n_bytes, room); rota_rows_next(&rows, &field);)
 *		use(field.bytes, field.n_bytes, field.row, field.column);
 *
 * The format: rows are separated by the byte 0x1e, the fields of a row by 0x1f (ASCII's record and unit separators).
 * In a field, the bytes 0x00, 0x10, 0x1e and 0x1f are written as 0x10 and the byte with 0x40 flipped (byte stuffing, as
 * RFC 1662 does it for HDLC). So an item of one field without such bytes is written as it is, and no item has a NUL.
 * Any bytes can be read: an escape at an item's end stands for itself.
 */
#ifndef ROTA_ROWS_H
#define ROTA_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ROTA_ROWS_ROW '\x1e'
#define ROTA_ROWS_FIELD '\x1f'
#define ROTA_ROWS_ESCAPE '\x10'
#define ROTA_ROWS_FLIP 0x40

/* The reader's; no field of it is for others. */
struct rota_rows {
	const char *at, *end; /* what wasn't read yet; at is NULL behind the last field */
	char *room;
	size_t row, column; /* of the next field */
};

struct rota_field {
	const char *bytes; /* n_bytes, no NUL behind them; in the item or in the room */
	size_t n_bytes;
	size_t row, column; /* from 0 */
};

/*
 * Begins at an item's first field. room: n_bytes of the caller's, where fields with escapes are written out. The fields
 * stay good as long as item and room do.
 */
static inline void rota_rows_begin(struct rota_rows *rows, const char *item, size_t n_bytes, char *room)
{
	rows->at = item;
	rows->end = item + n_bytes;
	rows->room = room;
	rows->row = rows->column = 0;
}

/* The next field, of which an item has at least one, perhaps empty. false: there is none. */
static inline bool rota_rows_next(struct rota_rows *rows, struct rota_field *ret)
{
	const char *at = rows->at;
	bool has_escape = false;
	char *out;

	if (!at)
		return false;
	while (at < rows->end && *at != ROTA_ROWS_ROW && *at != ROTA_ROWS_FIELD)
		has_escape |= *at++ == ROTA_ROWS_ESCAPE;
	ret->bytes = rows->at;
	ret->n_bytes = (size_t)(at - rows->at);
	ret->row = rows->row;
	ret->column = rows->column++;
	if (has_escape) {
		ret->bytes = out = rows->room;
		for (const char *in = rows->at; in < at; in++) {
			if (*in == ROTA_ROWS_ESCAPE && in + 1 < at)
				*out++ = (char)(*++in ^ ROTA_ROWS_FLIP);
			else
				*out++ = *in;
		}
		ret->n_bytes = (size_t)(out - rows->room);
		rows->room = out;
	}
	if (at < rows->end && *at == ROTA_ROWS_ROW) {
		rows->row++;
		rows->column = 0;
	}
	rows->at = at < rows->end ? at + 1 : NULL;
	return true;
}

#ifdef __cplusplus
}
#endif

#endif
