/* SPDX-License-Identifier: Apache-2.0 */
/* place - see place.h. */
#include "config.h"

#include "core/plan/place.h"

#include <stdarg.h>
#include <stdio.h>

bool place_is_in_file(struct place place)
{
	return place.line > 0;
}

bool place_is_full(const struct err_list *errors)
{
	return errors->n_errs > PLACE_MAX_ERRORS;
}

int place_error(struct err_list *errors, struct place place, enum err_code code, const char *format, ...)
{
	if (place_is_full(errors))
		return -1;
	struct err err;
	if (errors->n_errs == PLACE_MAX_ERRORS) {
		err_set_at(&err, code, place.file, 0, 0, "more than %d errors: the others aren't shown", PLACE_MAX_ERRORS);
		err_list_add(errors, &err);
		return -1;
	}
	char text[ERR_TEXT_BYTES];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		text[0] = '\0';
	if (place.file)
		err_set_at(&err, code, place.file, place.line, place.column, "%s", text);
	else
		err_set(&err, code, "%s", text);
	err_list_add(errors, &err);
	return -1;
}
