/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_hint - the commonest mistakes of a conf file, which libyaml tells in words of its own and often one line late: a
 * colon or the space behind it that is missing, a value that must be quoted.
 */
#ifndef PLAN_CONF_HINT_H
#define PLAN_CONF_HINT_H

#include <stdbool.h>
#include <stddef.h>

#define CONF_HINT_BYTES 300

struct conf_hint {
	size_t line, column; /* from 1 */
	char text[CONF_HINT_BYTES];
};

/*
 * What is wrong where libyaml found its problem, or in the line above: line and column (from 0, in characters) of what
 * it was reading then. false: that isn't known.
 */
bool conf_hint_find(const char *text, size_t n_bytes, const char *problem, size_t line, size_t column,
                    struct conf_hint *ret);

/*
 * A text where keys and values are expected: KEY VALUE or KEY:VALUE is most likely one of them. The column is counted
 * from the text's beginning, the line is 1. false: it looks like neither.
 */
bool conf_hint_find_key(const char *text, struct conf_hint *ret);

#endif
