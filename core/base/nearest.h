/* SPDX-License-Identifier: Apache-2.0 */
/* nearest - which of some names was meant by a misspelt one: for messages that suggest it. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/*
 * The name nearest to the word (restricted Damerau-Levenshtein without regard to case, at most a third of the word's
 * length off), else the only one that begins with it (3 letters or more), or NULL.
 */
const char *nearest_find(const char *word, const char *const *names, size_t n_names);

#endif
