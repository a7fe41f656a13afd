/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_template - words with replacement strings, compiled once and filled for each item.
 *
 *   template_compile, template_fill for each item, template_fini
 *
 *   {}                 all values; another string for it: replace. A word that is nothing else is one argument a value,
 *                      in a longer word blanks stand between them
 *   {1} {2} {-1}       the value at that position; from the end; nothing where there are fewer
 *   {name}             the value in that column, with a header; what is no column's name stays as it is
 *   {#} {%}            the item's number; the worker's
 *   {{}}               a literal {}
 *
 * Before the closing brace of a value's: `.` without its extension, `..` without two, `/` without its folder, `//` its
 * folder, `/.` and `/..` both. Dots in a folder's name are no extensions. Where no word has any of these the values are
 * appended.
 *
 * A text is put into one argument, whatever stands in it; in a script its values are quoted for the shell. What is
 * given to template_compile must stay as long as the template.
 */
#ifndef EXEC_TEMPLATE_H
#define EXEC_TEMPLATE_H

#include "plugins/exec_values.h"
#include "plugins/exec_words.h"

#include <stdbool.h>
#include <stddef.h>

enum template_kind { TEMPLATE_WORDS, TEMPLATE_TEXT, TEMPLATE_SCRIPT };

struct template_options {
	enum template_kind kind;
	const char *replace;       /* what stands for all values: "{}" */
	bool has_rows, has_header; /* so there may be several values, and names */
	bool repeats_words;        /* a word with all values in it is repeated for each, instead of having them all */
	bool appends;              /* the values, where no word has a replacement string */
};

enum segment_kind { SEGMENT_TEXT, SEGMENT_ALL, SEGMENT_POSITION, SEGMENT_NAME, SEGMENT_SEQ, SEGMENT_SLOT };

/* What is left out of a value. */
struct cut {
	unsigned n_extensions;
	bool is_base, is_folder;
};

struct segment {
	enum segment_kind kind;
	struct cut cut;
	long position;
	const char *text; /* as it is written; with braces, where it has some */
	size_t n_text;
	size_t n_name; /* of a name, behind the brace */
};

struct template_word {
	size_t first, n; /* of the template's segments */
	bool has_all;    /* one of them stands for all values */
	char before;     /* what stands before it in its argument; '\0': it begins one */
	bool joins;      /* no argument begins with it, or with its repetitions */
};

struct template
{
	struct template_options options;
	struct template_word *words;
	size_t n_words;
	struct segment *segments;
	size_t n_segments, cap_segments;
	bool has_values; /* or a number: nothing is appended */
};

/* -1: no memory; template_fini is to be called all the same. */
int template_compile(struct template *ret, const struct template_options *options, const char *const *words,
                     size_t n_words);

/* Adds the arguments to `words`; a text goes into the one that was begun. */
void template_fill(const struct template *template, const struct values *values, struct words *words);

void template_fini(struct template *template);

#endif
