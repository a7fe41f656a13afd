/* SPDX-License-Identifier: Apache-2.0 */
/* buf - see buf.h. Invariant: len <= cap, and bytes has room for cap (NULL when cap is 0). */
#include "config.h"

#include "core/base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAP_FIRST 256

int buf_reserve(struct buf *buf, size_t more_bytes)
{
	if (more_bytes <= buf->cap - buf->len)
		return 0;
	if (more_bytes > (size_t)PTRDIFF_MAX - buf->len)
		return -1;
	size_t need = buf->len + more_bytes;
	size_t cap = buf->cap > CAP_FIRST ? buf->cap : CAP_FIRST;
	while (cap < need)
		cap *= 2; /* ends: need is at most half of what a size_t holds */
	char *bytes = realloc(buf->bytes, cap);
	if (!bytes)
		return -1;
	buf->bytes = bytes;
	buf->cap = cap;
	return 0;
}

int buf_append(struct buf *buf, const void *bytes, size_t n_bytes)
{
	if (n_bytes == 0)
		return 0;
	if (buf_reserve(buf, n_bytes) < 0)
		return -1;
	memcpy(buf->bytes + buf->len, bytes, n_bytes);
	buf->len += n_bytes;
	return 0;
}

int buf_append_str(struct buf *buf, const char *text)
{
	return buf_append(buf, text, strlen(text));
}

int buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0 || buf_reserve(buf, (size_t)n + 1) < 0)
		return -1;
	va_start(args, format);
	int n_written = vsnprintf(buf->bytes + buf->len, (size_t)n + 1, format, args);
	va_end(args);
	if (n_written != n)
		return -1;
	buf->len += (size_t)n;
	return 0;
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
}

void buf_fini(struct buf *buf)
{
	free(buf->bytes);
	*buf = (struct buf){0};
}
