/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err - see err.h. Every setter ends in set(), which writes the struct last: the arguments of a setter may point
 * into the very text that is being replaced.
 */
#include "config.h"

#include "core/base/err.h"

#include "core/base/log.h"
#include "core/base/utf8.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BEGINNING_BYTES 1200 /* of a text that is cut; the rest that fits is its end: there stands the reason */

/* Into text, cut in its middle, at places that aren't inside a character. */
static void put_cut(char text[ERR_TEXT_BYTES], const char *whole, size_t n_bytes)
{
	static const char mark[] = "...";
	size_t n_first = BEGINNING_BYTES, from = n_bytes - (ERR_TEXT_BYTES - sizeof(mark) - BEGINNING_BYTES);
	while (n_first > 0 && utf8_is_inside(whole[n_first]))
		n_first--;
	while (from < n_bytes && utf8_is_inside(whole[from]))
		from++;
	memcpy(text, whole, n_first);
	memcpy(text + n_first, mark, sizeof(mark) - 1);
	memcpy(text + n_first + sizeof(mark) - 1, whole + from, n_bytes - from + 1);
}

/* Without memory for a text that is too long, its beginning has to do. */
static int set(struct err *err, enum err_code code, const char *tail, const char *format, va_list args)
{
	char *body = NULL, *whole = NULL, text[ERR_TEXT_BYTES] = "";
	va_list again;
	va_copy(again, args);
	if (vasprintf(&body, format, args) < 0)
		body = NULL;
	int n = body ? asprintf(&whole, "%s%s", body, tail) : -1;
	if (n >= ERR_TEXT_BYTES)
		put_cut(text, whole, (size_t)n);
	else if (n >= 0)
		memcpy(text, whole, (size_t)n + 1);
	else
		vsnprintf(text, sizeof(text), format, again);
	va_end(again);
	if (n >= 0)
		free(whole);
	free(body);
	err->code = code;
	err->errnum = 0;
	memcpy(err->text, text, sizeof(text));
	return -1;
}

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	set(err, code, "", format, args);
	va_end(args);
	return -1;
}

/* What only says that the machine has no room has one code, whoever was told so. */
static enum err_code code_of(enum err_code code, int errnum)
{
	bool has_no_room = errnum == ENOMEM || errnum == EMFILE || errnum == ENFILE;
	return code == ERR_RUN && has_no_room ? ERR_RESOURCE : code;
}

int err_set_errno(struct err *err, enum err_code code, int errnum, const char *format, ...)
{
	char room[128];
	char tail[sizeof(room) + 2];
	va_list args;
	snprintf(tail, sizeof(tail), ": %s", strerror_r(errnum, room, sizeof(room)));
	va_start(args, format);
	set(err, code_of(code, errnum), tail, format, args);
	va_end(args);
	err->errnum = errnum;
	return -1;
}

int err_set_at(struct err *err, enum err_code code, const char *file, size_t line, size_t column, const char *format,
               ...)
{
	char where[64] = "";
	va_list args;
	if (line > 0 && column == 0)
		snprintf(where, sizeof(where), ":%zu", line);
	else if (line > 0)
		snprintf(where, sizeof(where), ":%zu:%zu", line, column);
	va_start(args, format);
	set(err, code, "", format, args);
	va_end(args);
	return err_prefix(err, "%s%s", file, where);
}

int err_prefix(struct err *err, const char *format, ...)
{
	char tail[ERR_TEXT_BYTES + 2];
	int errnum = err->errnum;
	va_list args;
	snprintf(tail, sizeof(tail), ": %s", err->text);
	va_start(args, format);
	set(err, err->code, tail, format, args);
	va_end(args);
	err->errnum = errnum;
	return -1;
}

void err_list_add(struct err_list *list, const struct err *err)
{
	if (list->n_errs == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 4;
		struct err *errs = reallocarray(list->errs, cap, sizeof(*errs));
		if (!errs) {
			log_error("%s", err->text);
			log_error("out of memory: more errors are not shown");
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
