/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern - a regular expression that separates the fields of a line: one of PCRE2 (https://www.pcre.org) where rota
 * was built with it. A single character that has no other meaning, also as \t or \|, is looked for without it.
 *
 *   pattern_create, pattern_find ..., pattern_destroy
 *
 * A pattern belongs to one thread.
 */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include "core/base/err.h"

#include <stddef.h>

struct pattern;

/* ERR_USAGE: what is wrong with it, and where. */
int pattern_create(struct pattern **ret, const char *text, struct err *err);
void pattern_destroy(struct pattern **pattern);

/*
 * The first match from `from` on: where it begins and ends. An empty one at `from` or at the end is none. 1, 0 when
 * there is none, or -1 (the search takes too long).
 */
int pattern_find(struct pattern *pattern, const char *bytes, size_t n_bytes, size_t from, size_t *ret_begin,
                 size_t *ret_end, struct err *err);

#endif
