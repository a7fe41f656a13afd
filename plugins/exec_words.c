/* SPDX-License-Identifier: Apache-2.0 */
/* exec_words - see exec_words.h. */
#define _GNU_SOURCE 1
#include "plugins/exec_words.h"

#include "plugins/exec_quote.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 256
#define FIRST_WORDS 16

static bool make_room(struct words *words, size_t n_bytes)
{
	if (words->errnum)
		return false;
	if (n_bytes > COMMAND_BYTES_MAX - words->n_bytes) {
		words->errnum = E2BIG;
		return false;
	}
	size_t wanted = words->n_bytes + n_bytes;
	if (wanted <= words->cap_bytes)
		return true;
	size_t cap = 2 * wanted > FIRST_BYTES ? 2 * wanted : FIRST_BYTES;
	char *bytes = realloc(words->bytes, cap);
	if (!bytes) {
		words->errnum = ENOMEM;
		return false;
	}
	words->bytes = bytes;
	words->cap_bytes = cap;
	return true;
}

/* Room for one more, and for the NULL behind it. */
static bool make_place(struct words *words)
{
	if (words->n + 1 < words->cap)
		return true;
	size_t cap = words->cap ? 2 * words->cap : FIRST_WORDS;
	char **argv = reallocarray(words->argv, cap, sizeof(*argv));
	if (!argv) {
		words->errnum = ENOMEM;
		return false;
	}
	words->argv = argv;
	words->cap = cap;
	return true;
}

static void end_word(struct words *words)
{
	if (words->n > 0 && make_room(words, 1))
		words->bytes[words->n_bytes++] = '\0';
}

void words_begin(struct words *words)
{
	words->n_bytes = words->n = 0;
	words->errnum = 0;
}

void words_next(struct words *words)
{
	end_word(words);
	if (!words->errnum && make_place(words))
		words->argv[words->n++] = (char *)(uintptr_t)words->n_bytes;
}

void words_put(struct words *words, const char *bytes, size_t n_bytes)
{
	if (!make_room(words, n_bytes) || n_bytes == 0)
		return;
	memcpy(words->bytes + words->n_bytes, bytes, n_bytes);
	words->n_bytes += n_bytes;
}

void words_quote(struct words *words, const char *bytes, size_t n_bytes)
{
	size_t n_quoted = quote_bytes(bytes, n_bytes);
	if (!make_room(words, n_quoted))
		return;
	quote_put(words->bytes + words->n_bytes, bytes, n_bytes);
	words->n_bytes += n_quoted;
}

int words_end(struct words *words)
{
	end_word(words);
	if (!words->errnum && make_place(words)) {
		for (size_t i = 0; i < words->n; i++)
			words->argv[i] = words->bytes + (uintptr_t)words->argv[i];
		words->argv[words->n] = NULL;
	}
	return words->errnum;
}

void words_fini(struct words *words)
{
	free(words->bytes);
	free(words->argv);
	*words = (struct words){0};
}
