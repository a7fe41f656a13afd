/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields - see fields.h. What is written holds no raw NUL, and every record ends in a newline; a text without
 * one at its end was cut on its way and is refused.
 */
#include "config.h"

#include "core/base/fields.h"

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int put_escaped(struct buf *buf, const char *string)
{
	for (;;) {
		size_t n_plain = strcspn(string, "\t\n\\");
		if (buf_append(buf, string, n_plain) < 0)
			return -1;
		string += n_plain;
		if (*string == '\0')
			return 0;
		const char *escape = *string == '\t' ? "\\t" : *string == '\n' ? "\\n" : "\\\\";
		if (buf_append(buf, escape, 2) < 0)
			return -1;
		string++;
	}
}

int fields_put(struct buf *buf, const char *first, ...)
{
	size_t len_before = buf->len;
	va_list args;
	int result = 0;
	va_start(args, first);
	for (const char *string = first; string && result == 0; string = va_arg(args, const char *)) {
		if (string != first)
			result = buf_append(buf, "\t", 1);
		if (result == 0)
			result = put_escaped(buf, string);
	}
	va_end(args);
	if (result == 0 && first)
		result = buf_append(buf, "\n", 1);
	if (result < 0)
		buf->len = len_before;
	return result;
}

int fields_put_array(struct buf *buf, const char *const *strings, size_t n_strings)
{
	size_t len_before = buf->len;
	int result = 0;
	for (size_t i = 0; i < n_strings && result == 0; i++) {
		if (i > 0)
			result = buf_append(buf, "\t", 1);
		if (result == 0)
			result = put_escaped(buf, strings[i]);
	}
	if (result == 0 && n_strings > 0)
		result = buf_append(buf, "\n", 1);
	if (result < 0)
		buf->len = len_before;
	return result;
}

void fields_init(struct fields *fields, char *text, size_t n_bytes)
{
	*fields = (struct fields){.at = text, .end = n_bytes ? text + n_bytes : text};
}

static int add_field(struct fields *fields, char *field)
{
	if (fields->n_fields == fields->cap) {
		size_t cap = fields->cap ? 2 * fields->cap : 16;
		char **grown = reallocarray(fields->field, cap, sizeof(*grown));
		if (!grown)
			return -1;
		fields->field = grown;
		fields->cap = cap;
	}
	fields->field[fields->n_fields++] = field;
	return 0;
}

/* Undoes the escapes of one field in place and ends it. */
static int unescape(char *field, const char *end)
{
	char *out = field;
	for (const char *in = field; in < end; in++) {
		if (*in == '\0')
			return -1;
		if (*in != '\\') {
			*out++ = *in;
			continue;
		}
		if (++in == end)
			return -1;
		switch (*in) {
		case 't':
			*out++ = '\t';
			break;
		case 'n':
			*out++ = '\n';
			break;
		case '\\':
			*out++ = '\\';
			break;
		default:
			return -1;
		}
	}
	*out = '\0';
	return 0;
}

static int read_record(struct fields *fields)
{
	char *line_end = memchr(fields->at, '\n', (size_t)(fields->end - fields->at));
	if (!line_end)
		return -1;
	for (char *field = fields->at;;) {
		char *tab = memchr(field, '\t', (size_t)(line_end - field));
		char *end = tab ? tab : line_end;
		if (unescape(field, end) < 0 || add_field(fields, field) < 0 || fields->n_fields > INT_MAX)
			return -1;
		if (!tab)
			break;
		field = tab + 1;
	}
	fields->at = line_end + 1;
	return (int)fields->n_fields;
}

int fields_next(struct fields *fields)
{
	fields->n_fields = 0;
	if (fields->at == fields->end)
		return 0;
	int n_fields = fields->at ? read_record(fields) : -1;
	if (n_fields < 0) {
		fields->n_fields = 0;
		fields->at = NULL; /* and every later call fails, too: the text is half decoded */
	}
	return n_fields;
}

void fields_fini(struct fields *fields)
{
	free(fields->field);
	*fields = (struct fields){0};
}
