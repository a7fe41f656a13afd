/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err - see err.h. Every setter ends in set(), which writes the struct last: the arguments of a setter may point
 * into the very text that is being replaced.
 */
#include "config.h"

#include "core/base/err.h"

#include "core/base/log.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Ends a text that was cut in "...", at a place that isn't inside a character. */
static void mark_cut(char text[ERR_TEXT_BYTES])
{
	size_t at = ERR_TEXT_BYTES - sizeof("...");
	while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	memcpy(text + at, "...", sizeof("..."));
}

static int set(struct err *err, enum err_code code, const char *head, const char *tail, const char *format,
               va_list args)
{
	char body[ERR_TEXT_BYTES] = "";
	char text[ERR_TEXT_BYTES] = "";
	int n_body = vsnprintf(body, sizeof(body), format, args);
	int n_text = snprintf(text, sizeof(text), "%s%s%s", head, body, tail);
	if (n_body >= (int)sizeof(body) || n_text >= (int)sizeof(text))
		mark_cut(text);
	err->code = code;
	err->errnum = 0;
	memcpy(err->text, text, sizeof(text));
	return -1;
}

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	set(err, code, "", "", format, args);
	va_end(args);
	return -1;
}

int err_set_errno(struct err *err, enum err_code code, int errnum, const char *format, ...)
{
	char room[128];
	char tail[sizeof(room) + 2];
	va_list args;
	snprintf(tail, sizeof(tail), ": %s", strerror_r(errnum, room, sizeof(room)));
	va_start(args, format);
	set(err, code, "", tail, format, args);
	va_end(args);
	err->errnum = errnum;
	return -1;
}

int err_set_at(struct err *err, enum err_code code, const char *file, size_t line, size_t column, const char *format,
               ...)
{
	char head[ERR_TEXT_BYTES];
	int n;
	va_list args;
	if (line == 0)
		n = snprintf(head, sizeof(head), "%s: ", file);
	else if (column == 0)
		n = snprintf(head, sizeof(head), "%s:%zu: ", file, line);
	else
		n = snprintf(head, sizeof(head), "%s:%zu:%zu: ", file, line, column);
	if (n >= (int)sizeof(head))
		mark_cut(head);
	va_start(args, format);
	set(err, code, head, "", format, args);
	va_end(args);
	return -1;
}

int err_prefix(struct err *err, const char *format, ...)
{
	char tail[ERR_TEXT_BYTES + 2];
	va_list args;
	snprintf(tail, sizeof(tail), ": %s", err->text);
	va_start(args, format);
	set(err, err->code, "", tail, format, args);
	va_end(args);
	return -1;
}

void err_list_add(struct err_list *list, const struct err *err)
{
	if (list->n_errs == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 4;
		struct err *errs = reallocarray(list->errs, cap, sizeof(*errs));
		if (!errs) {
			log_error("%s", err->text);
			log_error("no memory for more errors than these");
			_exit(3);
		}
		list->errs = errs;
		list->cap = cap;
	}
	list->errs[list->n_errs++] = *err;
}

void err_list_fini(struct err_list *list)
{
	free(list->errs);
	*list = (struct err_list){0};
}
