/* SPDX-License-Identifier: Apache-2.0 */
/* recipe - see recipe.h. */
#include "config.h"

#include "core/plan/recipe.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void list_fini(struct recipe_list *list)
{
	for (size_t i = 0; i < list->n_words; i++)
		free(list->words[i]);
	free(list->words);
	endpoint_fini(&list->endpoint);
}

void recipe_fini(struct recipe *recipe)
{
	for (size_t i = 0; i < recipe->n_lists; i++)
		list_fini(&recipe->lists[i]);
	free(recipe->lists);
	free(recipe->end_value);
	free(recipe->column_end);
	free(recipe->record_start.bytes);
	free(recipe->record_end.bytes);
	*recipe = (struct recipe){0};
}

bool recipe_makes_rows(const struct recipe *recipe)
{
	return recipe->n_lists > 1 || recipe->columns != COLUMNS_NONE || recipe->has_header || recipe->pack != PACK_NONE ||
	       recipe->cut != CUT_NONE;
}

bool recipe_is_plain(const struct recipe *recipe)
{
	return recipe->n_lists == 0 && !recipe_makes_rows(recipe) && recipe->trim == TRIM_NONE && !recipe->drops_empty &&
	       !recipe->end_value && !recipe->is_shuffled;
}

char recipe_delimiter(const struct recipe *recipe, const struct endpoint *input)
{
	if (recipe_makes_rows(recipe) || (recipe->n_lists > 0 && recipe->lists[0].words))
		return '\0';
	if (recipe->has_delimiter)
		return recipe->delimiter;
	return endpoint_delimiter(recipe->n_lists > 0 ? &recipe->lists[0].endpoint : input);
}

/* --- texts with escapes ------------------------------------------------------------------------------------------- */

static int digit_value(char digit)
{
	return isdigit((unsigned char)digit) ? digit - '0' : tolower((unsigned char)digit) - 'a' + 10;
}

/* What stands behind a backslash: how many bytes of it were read; 0: nothing that has a meaning. */
static size_t escape_read(const char *text, char *ret)
{
	static const char letters[] = "abfnrtv\\", meant[] = "\a\b\f\n\r\t\v\\";
	const char *letter = *text ? strchr(letters, *text) : NULL;
	int value = 0;
	size_t n = 0;
	if (letter) {
		*ret = meant[letter - letters];
		return 1;
	}
	if (*text == 'x') {
		while (n < 2 && isxdigit((unsigned char)text[n + 1]))
			value = 16 * value + digit_value(text[++n]);
		*ret = (char)value;
		return n > 0 ? n + 1 : 0;
	}
	while (n < 3 && text[n] >= '0' && text[n] <= '7')
		value = 8 * value + digit_value(text[n++]);
	*ret = (char)value;
	return value <= 0xff ? n : 0;
}

int recipe_read_text(struct recipe_text *ret, const char *text, struct err *err)
{
	char *bytes = malloc(strlen(text) + 1);
	size_t n_bytes = 0;
	if (!bytes)
		return err_set(err, ERR_RESOURCE, "out of memory");
	while (*text) {
		size_t n = *text == '\\' ? escape_read(text + 1, &bytes[n_bytes]) : 0;
		if (n == 0)
			bytes[n_bytes] = *text;
		text += n + 1;
		n_bytes++;
	}
	bytes[n_bytes] = '\0';
	free(ret->bytes);
	*ret = (struct recipe_text){.bytes = bytes, .n_bytes = n_bytes};
	return 0;
}

int recipe_read_delimiter(char *ret, const char *text, struct err *err)
{
	struct recipe_text parsed = {0};
	if (recipe_read_text(&parsed, text, err))
		return -1;
	size_t n_bytes = parsed.n_bytes;
	*ret = parsed.bytes[0];
	free(parsed.bytes);
	if (n_bytes == 1)
		return 0;
	return err_set(
		err, ERR_USAGE,
		"'%.100s' isn't one character: give one, or \\n, \\t, \\0, \\xHH; values between longer texts are split "
		"by --colsep",
		text);
}
