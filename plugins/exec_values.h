/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_values - what an item is made of: one value, or with rows all fields of its rows, one after another. With a
 * header its first row is their names.
 *
 *   values_take for each item; values_find; values_fini
 */
#ifndef EXEC_VALUES_H
#define EXEC_VALUES_H

#include "plugins/exec_words.h"

#include <rota/rows.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero at first, but for what the options say. What a field points to is the item's, or in room. */
struct values {
	bool has_rows, has_header; /* options */
	unsigned slot;             /* the worker's number, from 1 */
	uint64_t seq;
	struct rota_field *fields; /* the values */
	size_t n;
	const struct rota_field *names; /* n_names: of the columns */
	size_t n_names;
	struct rota_field one, *all; /* all: the names, then the values; owned */
	size_t cap;
	char *room; /* owned */
	size_t room_bytes;
};

/* -1: no memory. */
int values_take(struct values *values, const char *item, size_t n_bytes);

/* Is a NUL byte in one of them? */
bool values_have_nul(const struct values *values);

/* The value at a position: from 1, or from the end with -1. NULL: there is none. */
const struct rota_field *values_at(const struct values *values, long position);

/* The first row's value in the column of that name. false: there is no such column. A row may be shorter: NULL. */
bool values_find(const struct values *values, const char *name, size_t n_name, const struct rota_field **ret);

/* All as text: a TAB between fields, a newline between rows. */
void values_put(const struct values *values, struct words *words);

void values_fini(struct values *values);

#endif
