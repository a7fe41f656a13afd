/* SPDX-License-Identifier: Apache-2.0 */
/* recipe - see recipe.h. */
#include "config.h"

#include "core/plan/recipe.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (INT64_C(1) << 20) /* where none are given */

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

static struct recipe_list *list_add(struct recipe *recipe)
{
	struct recipe_list *grown = reallocarray(recipe->lists, recipe->n_lists + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	recipe->lists = grown;
	grown[recipe->n_lists] = (struct recipe_list){0};
	return &grown[recipe->n_lists++];
}

static int no_memory(struct err *err)
{
	return err_set(err, ERR_RESOURCE, "out of memory");
}

int recipe_add_words(struct recipe *recipe, const char *const *words, size_t n_words, bool is_linked, struct err *err)
{
	struct recipe_list *list = list_add(recipe);
	if (!list)
		return no_memory(err);
	list->is_linked = is_linked;
	list->words = calloc(n_words + 1, sizeof(*list->words));
	for (; list->words && list->n_words < n_words; list->n_words++)
		if (!(list->words[list->n_words] = strdup(words[list->n_words])))
			return no_memory(err);
	return list->words ? 0 : no_memory(err);
}

int recipe_add_source(struct recipe *recipe, const char *text, bool is_linked, struct place place, struct err *err)
{
	struct endpoint endpoint = {.place = place};
	if (endpoint_parse(&endpoint, text, ENDPOINT_SOURCE, err))
		return -1;
	struct recipe_list *list = list_add(recipe);
	if (!list) {
		endpoint_fini(&endpoint);
		return no_memory(err);
	}
	*list = (struct recipe_list){.endpoint = endpoint, .is_linked = is_linked};
	return 0;
}

bool recipe_makes_rows(const struct recipe *recipe)
{
	return recipe->n_lists > 1 || recipe->columns != COLUMNS_NONE || recipe->has_header || recipe->pack != PACK_NONE ||
	       recipe->cut != CUT_NONE;
}

enum item_shape recipe_shape(const struct recipe *recipe)
{
	if (!recipe_makes_rows(recipe))
		return ITEM_VALUE;
	return recipe->has_header && recipe->cut == CUT_NONE ? ITEM_NAMED_ROWS : ITEM_ROWS;
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

int64_t recipe_block_bytes(const struct recipe *recipe)
{
	if (recipe->block_bytes > 0)
		return recipe->block_bytes;
	return recipe->given.max_replace_args > 0 || recipe->block_records > 0 ? 0 : BLOCK_BYTES;
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
		return no_memory(err);
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

/* --- for people, and to be compared ------------------------------------------------------------------------------- */

static int put_quoted(struct buf *buf, const char *bytes, size_t n_bytes)
{
	int bad = buf_append(buf, "'", 1);
	for (size_t i = 0; i < n_bytes && !bad; i++) {
		unsigned char byte = (unsigned char)bytes[i];
		if (byte < ' ' || byte == 0x7f || byte == '\\' || byte == '\'')
			bad = buf_printf(buf, "\\x%02x", byte);
		else
			bad = buf_append(buf, &bytes[i], 1);
	}
	return bad || buf_append(buf, "'", 1) ? -1 : 0;
}

static int put_lists(const struct recipe *recipe, struct buf *buf)
{
	int bad = 0;
	for (size_t i = 0; i < recipe->n_lists && !bad; i++) {
		const struct recipe_list *list = &recipe->lists[i];
		bad = buf_printf(buf, " %s%s", list->words ? ":::" : "::::", list->is_linked ? "+" : "");
		if (!list->words)
			bad = bad || buf_append_str(buf, " ") || endpoint_describe(&list->endpoint, buf);
		for (size_t k = 0; k < list->n_words && !bad; k++)
			bad = buf_append_str(buf, " ") || put_quoted(buf, list->words[k], strlen(list->words[k]));
	}
	return bad ? -1 : 0;
}

static int put_text(struct buf *buf, const char *name, const char *bytes, size_t n_bytes)
{
	return !bytes ? 0 : buf_printf(buf, " --%s=", name) || put_quoted(buf, bytes, n_bytes) ? -1 : 0;
}

static int put_number(struct buf *buf, const char *name, int64_t number)
{
	return number == 0 ? 0 : buf_printf(buf, " --%s=%" PRId64, name, number);
}

static int put_flag(struct buf *buf, const char *name, bool is_set)
{
	return is_set ? buf_printf(buf, " --%s", name) : 0;
}

int recipe_describe(const struct recipe *recipe, struct buf *buf)
{
	static const char *const trims[] = {"n", "l", "r", "lr"};
	const struct recipe_given *given = &recipe->given;
	const char *end = recipe->end_value, *column = recipe->column_end;
	size_t begin = buf->len;
	/* -X, -m and parts of a size of their own come out otherwise for another number of workers */
	bool has_shares = recipe->is_shared || (recipe->cut == CUT_PARTS && recipe->block_bytes == 0);
	if (put_flag(buf, "link", recipe->links_all) ||
	    put_text(buf, "delimiter", recipe->has_delimiter ? &recipe->delimiter : NULL, 1) ||
	    (recipe->trim != TRIM_NONE && buf_printf(buf, " --trim=%s", trims[recipe->trim])) ||
	    put_flag(buf, "no-run-if-empty", recipe->drops_empty) || put_text(buf, "eof", end, end ? strlen(end) : 0) ||
	    put_flag(buf, "csv", given->is_csv) || put_text(buf, "colsep", column, column ? strlen(column) : 0) ||
	    put_flag(buf, "header", recipe->has_header) || put_number(buf, "max-args", given->max_args) ||
	    put_number(buf, "max-replace-args", given->max_replace_args) ||
	    put_number(buf, "max-lines", given->max_lines) || put_flag(buf, "xargs", given->fills) ||
	    put_flag(buf, "context-replace", given->fills_words) || put_flag(buf, "multiple-args", given->fills_one) ||
	    put_number(buf, "max-chars", recipe->pack_bytes) || put_flag(buf, "pipe", given->pipes) ||
	    put_flag(buf, "pipepart", given->pipes_parts) || put_number(buf, "block", recipe->block_bytes) ||
	    put_text(buf, "recstart", recipe->record_start.bytes, recipe->record_start.n_bytes) ||
	    put_text(buf, "recend", recipe->record_end.bytes, recipe->record_end.n_bytes) ||
	    (recipe->is_shuffled && buf_printf(buf, " --shuf=%" PRIu64, recipe->seed)) ||
	    put_number(buf, "jobs", has_shares ? recipe->n_shares : 0) || put_lists(recipe, buf))
		return -1;
	/* without the first blank */
	if (buf->len > begin)
		memmove(buf->bytes + begin, buf->bytes + begin + 1, --buf->len - begin);
	return 0;
}
