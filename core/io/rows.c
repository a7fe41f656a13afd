/* SPDX-License-Identifier: Apache-2.0 */
/* rows - see rows.h. */
#include "config.h"

#include "core/io/rows.h"

#include <rota/rows.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LANE_BYTES 16
#define STRIDE_LANES 8 /* looked at together */

_Static_assert(ROWS_ROW == ROTA_ROWS_ROW && ROWS_FIELD == ROTA_ROWS_FIELD, "the marks are those of the format");

static bool is_special(char byte)
{
	return byte == '\0' || byte == ROTA_ROWS_ESCAPE || byte == ROTA_ROWS_ROW || byte == ROTA_ROWS_FIELD;
}

/* Has any of STRIDE_LANES lanes a byte that must be escaped? */
static bool has_special(const char *bytes)
{
	typedef unsigned char lane __attribute__((vector_size(LANE_BYTES)));
	typedef uint64_t words __attribute__((vector_size(LANE_BYTES)));
	lane found = {0}, here;
	words result;

	for (size_t i = 0; i < STRIDE_LANES; i++) {
		memcpy(&here, bytes + i * LANE_BYTES, LANE_BYTES);
		found |= (lane)(here == 0) | (lane)(here == ROTA_ROWS_ESCAPE) | (lane)(here == ROTA_ROWS_ROW) |
		         (lane)(here == ROTA_ROWS_FIELD);
	}
	memcpy(&result, &found, sizeof(result));
	return (result[0] | result[1]) != 0;
}

size_t rows_plain_bytes(const char *bytes, size_t n_bytes)
{
	size_t n = 0;

	while (n_bytes - n >= STRIDE_LANES * LANE_BYTES && !has_special(bytes + n))
		n += STRIDE_LANES * LANE_BYTES;
	while (n < n_bytes && !is_special(bytes[n]))
		n++;
	return n;
}

size_t rows_copy(char *dest, size_t room_bytes, const char *bytes, size_t n_bytes, size_t *ret_used)
{
	size_t n_put = 0, n_used = 0;

	while (n_used < n_bytes && n_put < room_bytes) {
		size_t n_most = n_bytes - n_used < room_bytes - n_put ? n_bytes - n_used : room_bytes - n_put;
		size_t n = rows_plain_bytes(bytes + n_used, n_most);

		if (n > 0)
			memcpy(dest + n_put, bytes + n_used, n);
		n_put += n;
		n_used += n;
		if (n == n_most)
			continue;
		if (room_bytes - n_put < 2)
			break;
		dest[n_put++] = ROTA_ROWS_ESCAPE;
		dest[n_put++] = (char)(bytes[n_used++] ^ ROTA_ROWS_FLIP);
	}
	*ret_used = n_used;
	return n_put;
}

int rows_put_field(struct buf *buf, char before, const char *bytes, size_t n_bytes)
{
	size_t len = buf->len;
	bool is_put = before == ROWS_FIRST || buf_append(buf, &before, 1) == 0;

	while (is_put && n_bytes > 0) {
		size_t n = rows_plain_bytes(bytes, n_bytes);

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
