/* SPDX-License-Identifier: Apache-2.0 */
/* pattern - see pattern.h. */
#include "config.h"

#include "core/base/pattern.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#endif

struct pattern {
	bool is_character;
	char character;
#ifdef HAVE_PCRE2
	pcre2_code *code;
	pcre2_match_data *match;
#endif
};

/* Does the text stand for one character? */
static bool is_character(const char *text, char *ret)
{
	static const char letters[] = "abefnrtv", meant[] = "\a\b\033\f\n\r\t\v";
	const char *letter;

	if (text[0] == '\\' && text[1] != '\0' && text[2] == '\0') {
		/* \b is the end of a word, and more letters have meanings of their own */
		letter = text[1] == 'b' || text[1] == 'v' ? NULL : strchr(letters, text[1]);
		*ret = letter != NULL ? meant[letter - letters] : text[1];
		return letter != NULL || ispunct((unsigned char)text[1]);
	}
	*ret = text[0];
	return text[0] != '\0' && text[1] == '\0' && strchr("\\^$.|?*+()[]{}", text[0]) == NULL;
}

#ifdef HAVE_PCRE2

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

static int compile(struct pattern *pattern, const char *text, struct err *err)
{
	PCRE2_UCHAR why[120];
	PCRE2_SIZE at;
	int code;
	/* Of bytes, unless it names other characters. */
	uint32_t options = is_ascii(text) ? 0 : PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;

	pattern->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &code, &at, NULL);
	if (pattern->code == NULL) {
		pcre2_get_error_message(code, why, sizeof(why));
		return err_set(err, code == PCRE2_ERROR_NOMEMORY ? ERR_RESOURCE : ERR_USAGE,
		               "'%.200s' is no regular expression: %s, at character %zu; for the characters themselves write "
		               "\\ before each of ^$.|?*+()[]{}\\",
		               text, (const char *)why, at);
	}
	/* Where it can't be, matching is slower. */
	pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE);
	pattern->match = pcre2_match_data_create_from_pattern(pattern->code, NULL);
	return pattern->match != NULL ? 0 : err_set(err, ERR_RESOURCE, "out of memory");
}

static int find(struct pattern *pattern, const char *bytes, size_t n_bytes, size_t from, size_t *ret_begin,
                size_t *ret_end, struct err *err)
{
	PCRE2_UCHAR why[120];
	const PCRE2_SIZE *match;
	int result =
		pcre2_match(pattern->code, (PCRE2_SPTR)bytes, n_bytes, from, PCRE2_NOTEMPTY_ATSTART, pattern->match, NULL);

	if (result == PCRE2_ERROR_NOMATCH)
		return 0;
	if (result < 0) {
		pcre2_get_error_message(result, why, sizeof(why));
		return err_set(err, ERR_RUN, "the regular expression that separates fields can't be matched: %s",
		               (const char *)why);
	}
	match = pcre2_get_ovector_pointer(pattern->match);
	/* \K and its kin can turn the two round. */
	*ret_begin = match[0] < from ? from : match[0];
	*ret_end = match[1] < *ret_begin ? *ret_begin : match[1];
	return *ret_end > *ret_begin || (*ret_begin > from && *ret_begin < n_bytes) ? 1 : 0;
}

static void release(struct pattern *pattern)
{
	pcre2_match_data_free(pattern->match);
	pcre2_code_free(pattern->code);
}

#else

static int compile(struct pattern *pattern, const char *text, struct err *err)
{
	(void)pattern;
	return err_set(
		err, ERR_USAGE,
		"'%.200s' is a regular expression, and this rota was built without PCRE2: give a single character, or "
		"build rota again with it (Debian: apt-get install libpcre2-dev)",
		text);
}

static int find(struct pattern *pattern, const char *bytes, size_t n_bytes, size_t from, size_t *ret_begin,
                size_t *ret_end, struct err *err)
{
	(void)pattern, (void)bytes, (void)n_bytes, (void)from, (void)ret_begin, (void)ret_end, (void)err;
	return 0;
}

static void release(struct pattern *pattern)
{
	(void)pattern;
}

#endif

int pattern_create(struct pattern **ret, const char *text, struct err *err)
{
	struct pattern *pattern = calloc(1, sizeof(*pattern));

	if (pattern == NULL)
		return err_set(err, ERR_RESOURCE, "out of memory");
	pattern->is_character = is_character(text, &pattern->character);
	if (!pattern->is_character && compile(pattern, text, err) < 0) {
		pattern_destroy(&pattern);
		return -1;
	}
	*ret = pattern;
	return 0;
}

void pattern_destroy(struct pattern **pattern)
{
	if (*pattern == NULL)
		return;
	release(*pattern);
	free(*pattern);
	*pattern = NULL;
}

int pattern_find(struct pattern *pattern, const char *bytes, size_t n_bytes, size_t from, size_t *ret_begin,
                 size_t *ret_end, struct err *err)
{
	const char *found;

	if (!pattern->is_character)
		return find(pattern, bytes, n_bytes, from, ret_begin, ret_end, err);
	found = n_bytes > from ? memchr(bytes + from, pattern->character, n_bytes - from) : NULL;
	if (found == NULL)
		return 0;
	*ret_begin = (size_t)(found - bytes);
	*ret_end = *ret_begin + 1;
	return 1;
}
