/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf - a growing byte buffer. Zero-initialise, append, fini. The owner is who declared it.
 * Growing doubles, so n appends cost O(n). Appending returns 0, or -1 when memory is short
 * (the buffer is then as it was).
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

struct buf {
	char *bytes;
	size_t len;
	size_t cap;
};

int buf_reserve(struct buf *buf, size_t more_bytes); /* room for so many behind len */
int buf_append(struct buf *buf, const void *bytes, size_t n_bytes);
int buf_append_str(struct buf *buf, const char *text); /* without its NUL */
__attribute__((format(printf, 2, 3))) int buf_printf(struct buf *buf, const char *format, ...);
void buf_clear(struct buf *buf); /* len 0, memory kept */
void buf_fini(struct buf *buf);

#endif
