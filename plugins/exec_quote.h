/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_quote - bytes as one word of a shell: a command gets from sh(1) just what was quoted. Words of letters, digits
 * and the like stay as they are, others stand in single quotes.
 *
 * Room for quote_bytes is the caller's. No NUL is written, and none may be in the bytes.
 */
#ifndef EXEC_QUOTE_H
#define EXEC_QUOTE_H

#include <stddef.h>

/* How many bytes the word takes. */
size_t quote_bytes(const char *bytes, size_t n_bytes);

/* Writes the word; returns its end. */
char *quote_put(char *out, const char *bytes, size_t n_bytes);

#endif
