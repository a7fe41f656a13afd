/* SPDX-License-Identifier: Apache-2.0 */
/* exec_quote - see exec_quote.h. */
#define _GNU_SOURCE 1
#include "plugins/exec_quote.h"

#include <stdbool.h>
#include <string.h>

/* What means nothing to any shell, wherever in a word it stands. */
static bool is_plain(const char *bytes, size_t n_bytes)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+:,./-";
	for (size_t i = 0; i < n_bytes; i++)
		if (!memchr(plain, bytes[i], sizeof(plain) - 1))
			return false;
	return n_bytes > 0;
}

static const char quote[] = "'\\''"; /* a quote: the word is left for it */

size_t quote_bytes(const char *bytes, size_t n_bytes)
{
	size_t n = n_bytes;
	if (is_plain(bytes, n_bytes))
		return n;
	for (size_t i = 0; i < n_bytes; i++)
		n += bytes[i] == '\'' ? sizeof(quote) - 2 : 0;
	return n + 2;
}

char *quote_put(char *out, const char *bytes, size_t n_bytes)
{
	if (is_plain(bytes, n_bytes))
		return mempcpy(out, bytes, n_bytes);
	*out++ = '\'';
	for (size_t i = 0; i < n_bytes; i++) {
		if (bytes[i] == '\'')
			out = mempcpy(out, quote, sizeof(quote) - 1);
		else
			*out++ = bytes[i];
	}
	*out++ = '\'';
	return out;
}
