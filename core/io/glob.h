/* SPDX-License-Identifier: Apache-2.0 */
/*
 * glob - a file name pattern, matched folder by folder while somebody walks a tree.
 *
 * *, ?, [a-z], [!x] and \ are those of fnmatch(3); {a,b} stands for either, inside one part of the path; a part that
 * is ** stands for any number of folders, zero too, and at the end for all that is below. A name that begins with a
 * dot is matched only by a part that begins with one.
 *
 * Where a walk stands is a set of parts, one of which the next name must match: that is how ** needs no second walk and
 * no file is found twice. Thread-safe once parsed.
 *
 *   glob_parse, glob_start, for each folder's names: glob_step, glob_fini
 */
#ifndef IO_GLOB_H
#define IO_GLOB_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLOB_PARTS 64

typedef uint64_t glob_set; /* bit i: parts[i] */

struct glob_part {
	char **patterns; /* any of them; one, without escapes, when is_literal */
	size_t n_patterns;
	bool is_literal;
	bool is_deep; /* ** */
};

struct glob {
	struct glob_part parts[GLOB_PARTS];
	size_t n_parts; /* at least 1; the last isn't deep */
	bool is_absolute;
};

/* What one name means at a place of the walk. */
struct glob_step {
	bool is_match;   /* the whole path matches */
	glob_set inside; /* what stands for names inside, if it is a folder; 0: nothing there can match */
	glob_set follow; /* the same, if it is a symbolic link to a folder: ** doesn't follow those */
};

/* err names the pattern. On failure nothing is to be freed. */
int glob_parse(struct glob *ret, const char *pattern, struct err *err);
void glob_fini(struct glob *glob);

/* Where a walk begins: in / or in the current folder. */
glob_set glob_start(const struct glob *glob);
struct glob_step glob_step(const struct glob *glob, glob_set here, const char *name);

/* The only name that can match here, so that the folder needn't be read; or NULL. */
const char *glob_only_name(const struct glob *glob, glob_set here);

#endif
