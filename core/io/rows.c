/* SPDX-License-Identifier: Apache-2.0 */
/* rows - see rows.h. */
#include "config.h"

#include "core/io/rows.h"

#include <rota/rows.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_special(char byte)
{
	return byte == '\0' || byte == ROTA_ROWS_ESCAPE || byte == ROTA_ROWS_ROW || byte == ROTA_ROWS_FIELD;
}

/* How many bytes there are before the first that must be escaped. */
static size_t plain_bytes(const char *bytes, size_t n_bytes)
{
	size_t n = 0;

	while (n < n_bytes && !is_special(bytes[n]))
		n++;
	return n;
}

int rows_put_field(struct buf *buf, char before, const char *bytes, size_t n_bytes)
{
	size_t len = buf->len;
	bool is_put = before == ROWS_FIRST || buf_append(buf, &before, 1) == 0;

	while (is_put && n_bytes > 0) {
		size_t n = plain_bytes(bytes, n_bytes);

		is_put = n == 0 || buf_append(buf, bytes, n) == 0;
		if (is_put && n < n_bytes) {
			const char escaped[2] = {ROTA_ROWS_ESCAPE, (char)(bytes[n++] ^ ROTA_ROWS_FLIP)};

			is_put = buf_append(buf, escaped, sizeof(escaped)) == 0;
		}
		bytes += n;
		n_bytes -= n;
	}
	if (!is_put)
		buf->len = len;
	return is_put ? 0 : -1;
}

int rows_put_text(struct buf *buf, const char *item, size_t n_bytes, char row_end, char field_end)
{
	struct rota_rows rows;
	struct rota_field field;
	size_t len = buf->len;
	bool is_put = true;
	char *room = malloc(n_bytes + 1);

	if (!room)
		return -1;
	for (rota_rows_begin(&rows, item, n_bytes, room); is_put && rota_rows_next(&rows, &field);) {
		char before = field.column > 0 ? field_end : row_end;

		if (field.row > 0 || field.column > 0)
			is_put = buf_append(buf, &before, 1) == 0;
		is_put = is_put && (field.n_bytes == 0 || buf_append(buf, field.bytes, field.n_bytes) == 0);
	}
	free(room);
	if (!is_put)
		buf->len = len;
	return is_put ? 0 : -1;
}
