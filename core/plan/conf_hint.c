/* SPDX-License-Identifier: Apache-2.0 */
/* conf_hint - see conf_hint.h. */
#include "config.h"

#include "core/plan/conf_hint.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SHOWN 60 /* bytes of a line that a message shows */

/* A line without its indentation and what stands behind it. */
struct words {
	const char *at;
	size_t n;
	size_t column; /* from 1 */
};

/* Line `line` (from 0) of the text; n 0: empty, a comment, or not there. */
static struct words line_find(const char *text, size_t n_bytes, size_t line)
{
	const char *at = text, *end = text + n_bytes;
	for (; line > 0 && at; line--) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return (struct words){0};
	const char *stop = memchr(at, '\n', (size_t)(end - at)), *begin = at;
	stop = stop ? stop : end;
	while (at < stop && *at == ' ')
		at++;
	while (stop > at && (stop[-1] == ' ' || stop[-1] == '\r'))
		stop--;
	size_t n = at < stop && *at == '#' ? 0 : (size_t)(stop - at);
	return (struct words){.at = at, .n = n, .column = (size_t)(at - begin) + 1};
}

/* How many bytes a key has at the beginning of a line; 0: none stands there. */
static size_t key_bytes(const struct words *words)
{
	size_t n = 0;
	while (n < words->n && (isalnum((unsigned char)words->at[n]) || words->at[n] == '-' || words->at[n] == '_'))
		n++;
	return n > 0 && words->at[0] != '-' ? n : 0;
}

/* What stands at that column (from 0, in characters): up to a comment or the line's end, in a flow list its element. */
static struct words value_find(const struct words *words, size_t column)
{
	size_t at = 0;
	for (size_t i = words->column - 1; at < words->n && i < column; i++)
		for (at++; at < words->n && ((unsigned char)words->at[at] & 0xc0) == 0x80;)
			at++;
	bool is_flow = memchr(words->at, '[', at) || memchr(words->at, '{', at);
	size_t end = at;
	while (end < words->n && !(words->at[end] == '#' && words->at[end - 1] == ' ') &&
	       !(is_flow && strchr(",]}", words->at[end])))
		end++;
	while (end > at && words->at[end - 1] == ' ')
		end--;
	return (struct words){.at = words->at + at, .n = end - at, .column = column + 1};
}

/* A value that begins with what means something else in YAML. */
static bool find_unquoted(const struct words *value, struct conf_hint *ret)
{
	if (value->n == 0 || (!strchr("*&!%@`", value->at[0]) && !(value->at[0] == '-' && value->n == 1)))
		return false;
	ret->column = value->column;
	if (value->n > SHOWN || memchr(value->at, '\'', value->n))
		snprintf(ret->text, sizeof(ret->text), "a value that begins with %c must be quoted", value->at[0]);
	else
		snprintf(ret->text, sizeof(ret->text), "a value that begins with %c must be quoted: write '%.*s'", value->at[0],
		         (int)value->n, value->at);
	return true;
}

/* KEY VALUE or KEY:VALUE. */
static bool find_colon(const struct words *words, struct conf_hint *ret)
{
	size_t n_key = key_bytes(words);
	if (n_key == 0)
		return false;
	int n_shown = (int)(n_key < SHOWN ? n_key : SHOWN);
	ret->column = words->column + n_key;
	if (n_key < words->n && words->at[n_key] == ':') {
		if (n_key + 1 == words->n || words->at[n_key + 1] == ' ')
			return false;
		size_t n_value = words->n - n_key - 1;
		snprintf(ret->text, sizeof(ret->text), "a space is missing after the colon: write %.*s: %.*s", n_shown,
		         words->at, (int)(n_value < SHOWN ? n_value : SHOWN), words->at + n_key + 1);
		return true;
	}
	if (n_key < words->n && words->at[n_key] != ' ')
		return false;
	snprintf(ret->text, sizeof(ret->text), "a colon is missing after '%.*s': write %.*s: VALUE", n_shown, words->at,
	         n_shown, words->at);
	return true;
}

static bool is_one_of(const char *problem, const char *const *problems)
{
	for (; *problems; problems++)
		if (strcmp(problem, *problems) == 0)
			return true;
	return false;
}

bool conf_hint_find(const char *text, size_t n_bytes, const char *problem, size_t line, size_t column,
                    struct conf_hint *ret)
{
	/* Any other is about quotes, brackets or indentation: there a colon would be guessed. */
	static const char *const of_colon[] = {"could not find expected ':'",
	                                       "mapping values are not allowed in this context", NULL};
	static const char *const of_value[] = {"did not find expected alphabetic or numeric character",
	                                       "found character that cannot start any token",
	                                       "block sequence entries are not allowed in this context", NULL};
	struct words words = line_find(text, n_bytes, line);
	ret->line = line + 1;
	if (is_one_of(problem, of_value) && words.n > 0) {
		struct words value = value_find(&words, column);
		return find_unquoted(&value, ret);
	}
	if (!is_one_of(problem, of_colon))
		return false;
	if (find_colon(&words, ret))
		return true;
	do {
		if (line == 0)
			return false;
		words = line_find(text, n_bytes, --line);
	} while (words.n == 0);
	ret->line = line + 1;
	return find_colon(&words, ret);
}

bool conf_hint_find_key(const char *text, struct conf_hint *ret)
{
	struct words words = {.at = text, .n = strlen(text), .column = 1};
	ret->line = 1;
	return key_bytes(&words) < words.n && find_colon(&words, ret);
}
