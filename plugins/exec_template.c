/* SPDX-License-Identifier: Apache-2.0 */
/* exec_template - see exec_template.h. */
#define _GNU_SOURCE 1
#include "plugins/exec_template.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- compiling ---------------------------------------------------------------------------------------------------- */

static int add_segment(struct template *template, const struct segment *segment)
{
	struct template_word *word = &template->words[template->n_words - 1];
	if (segment->kind == SEGMENT_TEXT && segment->n_text == 0)
		return 0;
	if (template->n_segments == template->cap_segments) {
		size_t cap = template->cap_segments ? 2 * template->cap_segments : 8;
		struct segment *segments = reallocarray(template->segments, cap, sizeof(*segments));
		if (!segments)
			return -1;
		template->segments = segments;
		template->cap_segments = cap;
	}
	template->segments[template->n_segments++] = *segment;
	word->n++;
	word->has_all |= segment->kind == SEGMENT_ALL;
	template->has_values |= segment->kind != SEGMENT_TEXT;
	return 0;
}

static int add_text(struct template *template, const char *text, size_t n_text)
{
	return add_segment(template, &(struct segment){.kind = SEGMENT_TEXT, .text = text, .n_text = n_text});
}

/* The longest of these that it ends with. Returns how much is left in front of it. */
static size_t parse_cut(const char *text, size_t n_text, struct cut *ret)
{
	static const struct {
		const char *text;
		struct cut cut;
	} cuts[] = {
		{"/..", {.n_extensions = 2, .is_base = true}},
		{"/.", {.n_extensions = 1, .is_base = true}},
		{"//", {.is_folder = true}},
		{"..", {.n_extensions = 2}},
		{"/", {.is_base = true}},
		{".", {.n_extensions = 1}},
	};
	for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		size_t n = strlen(cuts[i].text);
		if (n_text >= n && memcmp(text + n_text - n, cuts[i].text, n) == 0) {
			*ret = cuts[i].cut;
			return n_text - n;
		}
	}
	*ret = (struct cut){0};
	return n_text;
}

/* A number without blanks or a leading zero; 0: it is none. */
static long parse_position(const char *text, size_t n_text)
{
	const size_t n_digits_max = 9;
	size_t n_sign = n_text > 0 && *text == '-';
	long position = 0;
	if (n_text == n_sign || n_text - n_sign > n_digits_max || text[n_sign] == '0')
		return 0;
	for (size_t i = n_sign; i < n_text; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		position = 10 * position + (text[i] - '0');
	}
	return n_sign ? -position : position;
}

/* text begins with a brace, which inner, n_inner bytes, follows. false: it is no replacement string. */
static bool parse_inner(const struct template_options *options, const char *inner, size_t n_inner, struct segment *ret)
{
	*ret = (struct segment){.text = inner - 1, .n_text = n_inner + 2};
	if (n_inner == 1 && (*inner == '#' || *inner == '%')) {
		ret->kind = *inner == '#' ? SEGMENT_SEQ : SEGMENT_SLOT;
		return true;
	}
	size_t n_left = parse_cut(inner, n_inner, &ret->cut);
	ret->position = parse_position(inner, n_left);
	if (n_left == 0 && n_inner > 0) {
		ret->kind = SEGMENT_ALL;
		return true;
	}
	if (ret->position != 0) {
		/* no item could have it, so it means something else: x{2} */
		bool may_be = options->has_rows || ret->position == 1 || ret->position == -1;
		ret->kind = SEGMENT_POSITION;
		return may_be;
	}
	ret->kind = SEGMENT_NAME;
	ret->n_name = n_left;
	return options->has_header && n_left > 0;
}

/* A replacement string at `at`. Returns its length; 0: there is none. */
static size_t parse_segment(const struct template_options *options, const char *at, struct segment *ret)
{
	size_t n_replace = strlen(options->replace);
	bool has_braces = strcmp(options->replace, "{}") == 0;
	if (has_braces && strncmp(at, "{{}}", 4) == 0) {
		*ret = (struct segment){.kind = SEGMENT_TEXT, .text = at + 1, .n_text = 2};
		return 4;
	}
	if (n_replace > 0 && strncmp(at, options->replace, n_replace) == 0) {
		*ret = (struct segment){.kind = SEGMENT_ALL, .text = at, .n_text = n_replace};
		return n_replace;
	}
	if (*at != '{')
		return 0;
	size_t n_inner = strcspn(at + 1, "{}");
	return at[1 + n_inner] == '}' && parse_inner(options, at + 1, n_inner, ret) ? n_inner + 2 : 0;
}

/* The next word, up to a blank when it is a script whose words are repeated. Returns where it ends; NULL: no memory. */
static const char *add_word(struct template *template, const char *text, char before, bool joins)
{
	const struct template_options *options = &template->options;
	bool ends_at_blank = options->kind == TEMPLATE_SCRIPT && options->repeats_words;
	const char *at = text;
	template->words[template->n_words++] =
		(struct template_word){.first = template->n_segments, .before = before, .joins = joins};
	while (*at && !(ends_at_blank && strchr(" \t\n", *at))) {
		struct segment segment;
		size_t n = parse_segment(options, at, &segment);
		if (n == 0) {
			at++;
			continue;
		}
		if (add_text(template, text, (size_t)(at - text)) != 0 || add_segment(template, &segment) != 0)
			return NULL;
		text = at += n;
	}
	return add_text(template, text, (size_t)(at - text)) == 0 ? at : NULL;
}

/* No word is shorter than one byte and the blank behind it. */
static size_t count_words(const char *const *words, size_t n_words)
{
	size_t n = 1;
	for (size_t i = 0; i < n_words; i++)
		n += strlen(words[i]) + 1;
	return n;
}

int template_compile(struct template *ret, const struct template_options *options, const char *const *words,
                     size_t n_words)
{
	*ret = (struct template){.options = *options};
	bool is_text = options->kind != TEMPLATE_WORDS;
	bool is_split = options->kind == TEMPLATE_SCRIPT && options->repeats_words;
	ret->words = calloc(is_split ? count_words(words, n_words) : n_words + 1, sizeof(*ret->words));
	if (!ret->words)
		return -1;
	for (size_t i = 0; i < n_words; i++) {
		const char *at = add_word(ret, words[i], is_text && i > 0 ? ' ' : '\0', is_text);
		while (at && *at)
			at = add_word(ret, at + 1, *at, is_text);
		if (!at)
			return -1;
	}
	if (options->appends && !ret->has_values) {
		ret->words[ret->n_words++] = (struct template_word){.first = ret->n_segments,
		                                                    .before = is_text && n_words > 0 ? ' ' : '\0',
		                                                    .joins = is_text};
		return add_segment(ret, &(struct segment){.kind = SEGMENT_ALL, .text = "{}", .n_text = 2});
	}
	return 0;
}

void template_fini(struct template *template)
{
	free(template->words);
	free(template->segments);
	*template = (struct template){0};
}

/* --- filling ------------------------------------------------------------------------------------------------------ */

static size_t without_slashes(const char *bytes, size_t n_bytes)
{
	while (n_bytes > 1 && bytes[n_bytes - 1] == '/')
		n_bytes--;
	return n_bytes;
}

/* As dirname(1). */
static struct rota_field folder_of(const struct rota_field *value)
{
	size_t n = without_slashes(value->bytes, value->n_bytes);
	const char *slash = n > 0 ? memrchr(value->bytes, '/', n) : NULL;
	if (!slash)
		return (struct rota_field){.bytes = ".", .n_bytes = 1};
	n = (size_t)(slash - value->bytes);
	return (struct rota_field){.bytes = value->bytes, .n_bytes = n > 0 ? without_slashes(value->bytes, n) : 1};
}

static struct rota_field cut_value(const struct rota_field *value, const struct cut *cut)
{
	struct rota_field rest = *value;
	if (cut->is_folder)
		return folder_of(value);
	const char *slash = rest.n_bytes > 0 ? memrchr(rest.bytes, '/', rest.n_bytes) : NULL;
	size_t n_folder = slash ? (size_t)(slash - rest.bytes) + 1 : 0;
	for (unsigned i = 0; i < cut->n_extensions; i++) {
		const char *dot = rest.n_bytes > n_folder ? memrchr(rest.bytes + n_folder, '.', rest.n_bytes - n_folder) : NULL;
		if (dot)
			rest.n_bytes = (size_t)(dot - rest.bytes);
	}
	if (cut->is_base) {
		rest.bytes += n_folder;
		rest.n_bytes -= n_folder;
	}
	return rest;
}

static void put_value(const struct template *template, const struct segment *segment, const struct rota_field *value,
                      struct words *words)
{
	struct rota_field rest = cut_value(value, &segment->cut);
	if (template->options.kind == TEMPLATE_SCRIPT)
		words_quote(words, rest.bytes, rest.n_bytes);
	else
		words_put(words, rest.bytes, rest.n_bytes);
}

static void put_number(uint64_t number, struct words *words)
{
	char text[24];
	words_put(words, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, number));
}

/* All values, or the one of this repetition. */
static void put_all(const struct template *template, const struct segment *segment, const struct values *values,
                    const struct rota_field *one, struct words *words)
{
	if (one)
		put_value(template, segment, one, words);
	for (size_t i = 0; !one && i < values->n; i++) {
		if (i > 0)
			words_put(words, " ", 1);
		put_value(template, segment, &values->fields[i], words);
	}
}

static void put_segment(const struct template *template, const struct segment *segment, const struct values *values,
                        const struct rota_field *one, struct words *words)
{
	const struct rota_field *value = NULL;
	switch (segment->kind) {
	case SEGMENT_TEXT:
		words_put(words, segment->text, segment->n_text);
		return;
	case SEGMENT_ALL:
		put_all(template, segment, values, one, words);
		return;
	case SEGMENT_SEQ:
		put_number(values->seq, words);
		return;
	case SEGMENT_SLOT:
		put_number(values->slot, words);
		return;
	case SEGMENT_POSITION:
		value = values_at(values, segment->position);
		break;
	case SEGMENT_NAME:
		if (!values_find(values, segment->text + 1, segment->n_name, &value)) {
			words_put(words, segment->text, segment->n_text);
			return;
		}
		break;
	}
	if (value)
		put_value(template, segment, value, words);
}

static void put_word(const struct template *template, const struct template_word *word, char before,
                     const struct values *values, const struct rota_field *one, struct words *words)
{
	if (!word->joins)
		words_next(words);
	else if (before)
		words_put(words, &before, 1);
	for (size_t i = 0; i < word->n; i++)
		put_segment(template, &template->segments[word->first + i], values, one, words);
}

void template_fill(const struct template *template, const struct values *values, struct words *words)
{
	for (size_t i = 0; i < template->n_words; i++) {
		const struct template_word *word = &template->words[i];
		bool is_repeated = word->has_all && (template->options.repeats_words || (word->n == 1 && !word->joins));
		if (!is_repeated || values->n == 1) {
			put_word(template, word, word->before, values, NULL, words);
			continue;
		}
		for (size_t k = 0; k < values->n; k++)
			put_word(template, word, k > 0 ? ' ' : word->before, values, &values->fields[k], words);
	}
}
