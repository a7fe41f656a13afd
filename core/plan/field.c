/* SPDX-License-Identifier: Apache-2.0 */
/* field - see field.h. */
#include "config.h"

#include "core/plan/field.h"

#include "core/base/notation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int list_add(struct text_list *list, char **text, struct err *err)
{
	char **grown = reallocarray(list->texts, list->n_texts + 1, sizeof(*grown));
	if (!grown)
		return err_set(err, ERR_RESOURCE, "out of memory");
	list->texts = grown;
	grown[list->n_texts++] = *text;
	*text = NULL;
	return 0;
}

int field_put(const struct field *field, void *owner, struct option_value *value, struct err *err)
{
	void *at = (char *)owner + field->offset;
	switch (field->kind) {
	case FIELD_NUMBER:
		*(int64_t *)at = value->number;
		return 0;
	case FIELD_FLAG:
		*(bool *)at = value->number != 0;
		return 0;
	case FIELD_CHOICE:
		*(unsigned *)at = (unsigned)value->number;
		return 0;
	case FIELD_LIST:
		return list_add(at, &value->text, err);
	case FIELD_NONE:
		break;
	}
	return err_set(err, ERR_USAGE, "can't be set here");
}

static const char *number_describe(int64_t number, enum option_type type, char text[FIELD_TEXT_BYTES])
{
	const double ns_per_s = 1e9;
	_Static_assert(NOTATION_SIZE_BYTES <= FIELD_TEXT_BYTES, "a size has room");
	if (type == OPTION_BOOL)
		return number ? "yes" : "no";
	if (type == OPTION_SIZE)
		return notation_write_size(text, number);
	if (type == OPTION_DURATION)
		snprintf(text, FIELD_TEXT_BYTES, "%g s", (double)number / ns_per_s);
	else
		snprintf(text, FIELD_TEXT_BYTES, "%" PRId64, number);
	return text;
}

const char *field_describe(const struct field *field, const void *owner, const struct option_spec *spec,
                           char text[FIELD_TEXT_BYTES])
{
	const void *at = (const char *)owner + field->offset;
	const char *word;
	size_t n_bytes;
	text[0] = '\0';
	switch (field->kind) {
	case FIELD_NUMBER:
		return number_describe(*(const int64_t *)at, spec->type, text);
	case FIELD_FLAG:
		return number_describe(*(const bool *)at, OPTION_BOOL, text);
	case FIELD_CHOICE:
		word = option_word(spec, *(const unsigned *)at, &n_bytes);
		if (word)
			snprintf(text, FIELD_TEXT_BYTES, "%.*s", (int)n_bytes, word);
		break;
	case FIELD_LIST:
	case FIELD_NONE:
		break;
	}
	return text;
}

void text_list_fini(struct text_list *list)
{
	for (size_t i = 0; i < list->n_texts; i++)
		free(list->texts[i]);
	free(list->texts);
	*list = (struct text_list){0};
}
