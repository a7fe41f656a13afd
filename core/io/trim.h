/* SPDX-License-Identifier: Apache-2.0 */
/* trim - blanks at the ends of a value (--trim). Thread-safe. */
#ifndef IO_TRIM_H
#define IO_TRIM_H

#include "core/plan/recipe.h"

#include <stdbool.h>
#include <stddef.h>

static inline bool trim_is_blank(char byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static inline void trim(enum recipe_trim ends, const char **bytes, size_t *n_bytes)
{
	while ((ends & TRIM_LEFT) && *n_bytes > 0 && trim_is_blank(**bytes)) {
		(*bytes)++;
		(*n_bytes)--;
	}
	while ((ends & TRIM_RIGHT) && *n_bytes > 0 && trim_is_blank((*bytes)[*n_bytes - 1]))
		(*n_bytes)--;
}

#endif
