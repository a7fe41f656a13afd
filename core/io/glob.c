/* SPDX-License-Identifier: Apache-2.0 */
/*
 * glob - a file name pattern, matched folder by folder while somebody walks a tree.
 *
 *   glob_parse, glob_start, glob_step ..., glob_fini
 *
 * The pattern is cut at slashes into parts; braces within a part become several patterns. A ** at the end has a * put
 * behind it, and two ** behind each other are read as one, so that a deep part always has a successor that isn't deep.
 */
#include "config.h"

#include "core/io/glob.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PATTERNS 1024 /* that braces in one part may make */

/* One group of braces with a comma: text up to open, the alternatives between open and close. */
struct brace {
	const char *open, *close;
};

/* The next character, an escaped one skipped as a whole. */
static const char *next_char(const char *at)
{
	return at[0] == '\\' && at[1] != '\0' ? at + 2 : at + 1;
}

/* The } that belongs to a {, or NULL; and whether a comma stands directly between them. */
static const char *brace_close(const char *open, bool *ret_has_comma)
{
	size_t depth = 0;

	*ret_has_comma = false;
	for (const char *at = open; *at != '\0'; at = next_char(at)) {
		if (*at == '{')
			depth++;
		else if (*at == ',' && depth == 1)
			*ret_has_comma = true;
		else if (*at == '}' && --depth == 0)
			return at;
	}
	return NULL;
}

static bool brace_find(const char *text, struct brace *ret)
{
	for (const char *at = text; *at != '\0'; at = next_char(at)) {
		bool has_comma = false;
		const char *close = *at == '{' ? brace_close(at, &has_comma) : NULL;

		if (close != NULL && has_comma) {
			*ret = (struct brace){at, close};
			return true;
		}
	}
	return false;
}

static int part_add(struct glob_part *part, char *pattern)
{
	char **patterns = reallocarray(part->patterns, part->n_patterns + 1, sizeof(*patterns));

	if (patterns == NULL)
		return -1;
	part->patterns = patterns;
	part->patterns[part->n_patterns++] = pattern;
	return 0;
}

static int part_expand(struct glob_part *part, const char *text);

/* text with the alternative [from, to) in place of the braces. */
static int part_expand_one(struct glob_part *part, const char *text, struct brace brace, const char *from,
                           const char *to)
{
	size_t n_head = (size_t)(brace.open - text), n_middle = (size_t)(to - from);
	char *one = malloc(n_head + n_middle + strlen(brace.close + 1) + 1);
	int result = -1;

	if (one == NULL)
		return -1;
	memcpy(one, text, n_head);
	memcpy(one + n_head, from, n_middle);
	strcpy(one + n_head + n_middle, brace.close + 1);
	result = part_expand(part, one);
	free(one);
	return result;
}

/* Adds what text stands for, braces written out. -1: memory is short, or more than PATTERNS. */
static int part_expand(struct glob_part *part, const char *text)
{
	struct brace brace;
	const char *from;
	size_t depth = 0;
	char *copy;

	if (part->n_patterns >= PATTERNS)
		return -1;
	if (!brace_find(text, &brace)) {
		copy = strdup(text);
		if (copy == NULL || part_add(part, copy) < 0) {
			free(copy);
			return -1;
		}
		return 0;
	}
	from = brace.open + 1;
	for (const char *at = from; at <= brace.close; at = next_char(at)) {
		bool ends = at == brace.close || (*at == ',' && depth == 0);

		if (ends && part_expand_one(part, text, brace, from, at) < 0)
			return -1;
		if (ends)
			from = at + 1;
		depth += *at == '{';
		depth -= *at == '}' && depth > 0;
	}
	return 0;
}

static bool has_wildcard(const char *pattern)
{
	for (; *pattern != '\0'; pattern = next_char(pattern)) {
		if (strchr("*?[", *pattern) != NULL)
			return true;
	}
	return false;
}

static void unescape(char *text)
{
	char *to = text;

	while (*text != '\0') {
		if (text[0] == '\\' && text[1] != '\0')
			text++;
		*to++ = *text++;
	}
	*to = '\0';
}

static void part_fini(struct glob_part *part)
{
	for (size_t i = 0; i < part->n_patterns; i++)
		free(part->patterns[i]);
	free(part->patterns);
	*part = (struct glob_part){0};
}

/* Adds the part that text is; errors without the pattern's name. */
static int glob_add(struct glob *glob, const char *text, struct err *err)
{
	struct glob_part *part = &glob->parts[glob->n_parts];
	bool is_behind_deep = glob->n_parts > 0 && glob->parts[glob->n_parts - 1].is_deep;
	bool is_deep = strcmp(text, "**") == 0;

	if (is_deep && is_behind_deep)
		return 0;
	if (is_behind_deep && (strcmp(text, ".") == 0 || strcmp(text, "..") == 0))
		return err_set(err, ERR_USAGE, "%s can't follow **", text);
	if (glob->n_parts == GLOB_PARTS)
		return err_set(err, ERR_USAGE, "it has more than %d parts between its slashes", GLOB_PARTS);
	*part = (struct glob_part){.is_deep = is_deep};
	if (part_expand(part, text) < 0) {
		bool is_too_many = part->n_patterns >= PATTERNS;

		part_fini(part);
		if (is_too_many)
			return err_set(err, ERR_USAGE, "its braces stand for more than %d names", PATTERNS);
		return err_set(err, ERR_RESOURCE, "out of memory for it");
	}
	part->is_literal = part->n_patterns == 1 && !has_wildcard(part->patterns[0]);
	if (part->is_literal)
		unescape(part->patterns[0]);
	glob->n_parts++;
	return 0;
}

/* Cuts a copy of the pattern at its slashes. */
static int glob_cut(struct glob *glob, char *pattern, struct err *err)
{
	char *part = pattern;

	for (char *at = pattern;; at++) {
		bool is_end = *at == '\0';

		if (at[0] == '\\' && at[1] != '\0') {
			at++;
			continue;
		}
		if (!is_end && *at != '/')
			continue;
		*at = '\0';
		if (at > part && glob_add(glob, part, err) < 0)
			return -1;
		if (is_end)
			return 0;
		part = at + 1;
	}
}

/* A slash inside braces can't be cut at. */
static bool has_slash_in_braces(const char *pattern)
{
	struct brace brace;

	while (brace_find(pattern, &brace)) {
		if (memchr(brace.open, '/', (size_t)(brace.close - brace.open)) != NULL)
			return true;
		pattern = brace.close + 1;
	}
	return false;
}

int glob_parse(struct glob *ret, const char *pattern, struct err *err)
{
	size_t n_bytes = strlen(pattern);
	struct glob glob = {.is_absolute = pattern[0] == '/'};
	char *copy = NULL;

	if (n_bytes == 0)
		return err_set(err, ERR_USAGE, "a pattern is missing: give something like files:photos/*.jpg");
	if (pattern[n_bytes - 1] == '/')
		return err_set(err, ERR_USAGE,
		               "files:%s: it names a directory; append * for the files in it, or ** for all files below it",
		               pattern);
	if (n_bytes >= PATH_MAX)
		return err_set(err, ERR_USAGE, "a files: pattern of %zu bytes is too long, at most %d are allowed", n_bytes,
		               PATH_MAX - 1);
	if (has_slash_in_braces(pattern))
		return err_set(err, ERR_USAGE,
		               "files:%s: braces can't contain a slash: use a separate input for each directory", pattern);
	copy = strdup(pattern);
	if (copy == NULL) {
		err_set(err, ERR_RESOURCE, "out of memory for it");
		goto out;
	}
	if (glob_cut(&glob, copy, err) < 0)
		goto out;
	if (glob.parts[glob.n_parts - 1].is_deep && glob_add(&glob, "*", err) < 0)
		goto out;
	free(copy);
	*ret = glob;
	return 0;
out:
	free(copy);
	glob_fini(&glob);
	return err_prefix(err, "files:%s", pattern);
}

void glob_fini(struct glob *glob)
{
	while (glob->n_parts > 0)
		part_fini(&glob->parts[--glob->n_parts]);
}

/* Part i, and if it is deep the one behind it as well: no folder is one of any number. */
static glob_set set_of(const struct glob *glob, size_t i)
{
	glob_set set = (glob_set)1 << i;

	return glob->parts[i].is_deep ? set | set << 1 : set;
}

glob_set glob_start(const struct glob *glob)
{
	return set_of(glob, 0);
}

static bool part_matches(const struct glob_part *part, const char *name)
{
	if (part->is_literal)
		return strcmp(part->patterns[0], name) == 0;
	for (size_t i = 0; i < part->n_patterns; i++) {
		if (fnmatch(part->patterns[i], name, FNM_PERIOD | FNM_PATHNAME) == 0)
			return true;
	}
	return false;
}

struct glob_step glob_step(const struct glob *glob, glob_set here, const char *name)
{
	struct glob_step step = {0};

	for (size_t i = 0; i < glob->n_parts; i++) {
		const struct glob_part *part = &glob->parts[i];

		if ((here >> i & 1) == 0)
			continue;
		if (part->is_deep) {
			if (name[0] != '.')
				step.inside |= set_of(glob, i);
		} else if (part_matches(part, name)) {
			if (i == glob->n_parts - 1)
				step.is_match = true;
			else
				step.follow |= set_of(glob, i + 1);
		}
	}
	step.inside |= step.follow;
	return step;
}

const char *glob_only_name(const struct glob *glob, glob_set here)
{
	int i = __builtin_ctzll(here);

	return here == (glob_set)1 << i && glob->parts[i].is_literal ? glob->parts[i].patterns[0] : NULL;
}
