/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option - one record says all about an option: name, type, default, help, range, unit. The command line,
 * the conf file, a plugin's options, the help texts and `rota plugins NAME` all come from such tables.
 *
 *   table: static const struct option_spec specs[] = {{"jobs", OPTION_INT, NULL, "workers", "1..", NULL, 0}, ..., {0}};
 *   option_check_table (a plugin's, which may be wrong), option_find, option_parse, option_value_fini
 *
 * The types are those of rota/plugin.h, with the same numbers (worker/host asserts it).
 */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPTION_STRING = 1,
	OPTION_INT,      /* for numbers see core/base/notation.h */
	OPTION_BOOL,     /* yes no true false on off 1 0, any case */
	OPTION_SIZE,     /* bytes */
	OPTION_DURATION, /* ns */
	OPTION_CHOICE,   /* one of the words in range */
	OPTION_LIST      /* comma-separated, "\," is a comma and "\\" a backslash; "" is the empty list */
};

struct option_spec {
	const char *name;
	enum option_type type;
	const char *fallback; /* the default, as text; NULL: required (a plugin's) or unset (rota's own) */
	const char *help;     /* one line */
	const char *range;    /* numbers: "1..64", "0..", "..10s", both ends included; CHOICE: "a,b,c"; else NULL */
	const char *unit;     /* what the number counts ("ms", "workers"), or what the help shows for the value; or NULL */
};

struct option_value {
	char *text;      /* as given; CHOICE: the word; LIST: NULL */
	int64_t number;  /* INT, BOOL (0, 1), SIZE (bytes), DURATION (ns), CHOICE (which of its words, from 0) */
	char **elements; /* LIST: n_elements strings and a NULL */
	size_t n_elements;
};

/* The word for a type in messages: "a size such as 64K". And its name: "size". */
const char *option_type_example(enum option_type type);
const char *option_type_name(enum option_type type);
/* The type of that name; 0 when there is none. */
enum option_type option_type_of(const char *name);

/* The entry of that name in a table that ends with a NULL name; NULL when there is none. */
const struct option_spec *option_find(const struct option_spec *specs, const char *name);

/* The words of a choice, one after the other: the i-th, and its length; NULL: there are no more. */
const char *option_word(const struct option_spec *spec, size_t i, size_t *ret_n_bytes);

/*
 * Types and range-checks a text. On success *ret owns copies (option_value_fini). On failure *ret is
 * untouched and err says what was expected, without naming the option: "'12x' isn't a number ...".
 */
int option_parse(const struct option_spec *spec, const char *text, struct option_value *ret, struct err *err);

/* The same for a list whose elements come one by one (a YAML list, exec's command); other types take exactly one. */
int option_parse_elements(const struct option_spec *spec, const char *const *elements, size_t n_elements,
                          struct option_value *ret, struct err *err);

void option_value_fini(struct option_value *value);

/* What is wrong with a table: names, types, ranges, defaults that don't parse. 0 when nothing is. */
int option_check_table(const struct option_spec *specs, struct err *err);

#endif
