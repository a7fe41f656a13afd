/* SPDX-License-Identifier: Apache-2.0 */
/* nearest - see nearest.h. */
#include "config.h"

#include "core/base/nearest.h"

#include <string.h>
#include <strings.h>

#define DISTANCE_MAX_BYTES 64 /* longer words are compared by their beginnings only */

/* Whatever the locale. */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Restricted Damerau-Levenshtein, without regard to case, of words up to DISTANCE_MAX_BYTES long. */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	size_t rows[3][DISTANCE_MAX_BYTES + 1];
	size_t *before_last = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= n_b; j++)
		last[j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			size_t is_other = lower(a[i - 1]) != lower(b[j - 1]);
			row[j] = least(last[j - 1] + is_other, least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
				row[j] = least(row[j], before_last[j - 2] + 1);
		}
		size_t *oldest = before_last;
		before_last = last;
		last = row;
		row = oldest;
	}
	return last[n_b];
}

static const char *name_begun(const char *word, size_t n_word, const char *const *names, size_t n_names)
{
	const char *found = NULL;
	for (size_t i = 0; i < n_names && n_word >= 3; i++) {
		if (strncasecmp(names[i], word, n_word) != 0)
			continue;
		if (found)
			return NULL;
		found = names[i];
	}
	return found;
}

const char *nearest_find(const char *word, const char *const *names, size_t n_names)
{
	size_t n_word = strlen(word);
	size_t best = n_word / 3;
	const char *nearest = NULL;
	for (size_t i = 0; i < n_names && n_word <= DISTANCE_MAX_BYTES; i++) {
		size_t n_name = strlen(names[i]);
		if (n_name > DISTANCE_MAX_BYTES)
			continue;
		size_t off = distance(word, n_word, names[i], n_name);
		if (off < best || (off == best && !nearest)) {
			best = off;
			nearest = names[i];
		}
	}
	return nearest ? nearest : name_begun(word, n_word, names, n_names);
}
