/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record - where records end in bytes: behind what ends one, if what begins one follows (--recend, --recstart). Where
 * neither is given, they are lines. Thread-safe once made.
 *
 *   record_init, record_find ..., record_fini
 */
#ifndef IO_RECORD_H
#define IO_RECORD_H

#include "core/plan/recipe.h"

#include <stddef.h>

/* The end and the beginning stand one behind the other; both empty: a record ends anywhere. */
struct record {
	char *mark; /* owned */
	size_t n_end, n_start;
};

/* -1: memory is short. */
int record_init(struct record *ret, const struct recipe *recipe);
void record_fini(struct record *record);

/*
 * The first end at `from` or behind it, whose mark is within [begin, n_bytes). n_bytes + 1: there is none; those behind
 * n_bytes - n_start are only known when more bytes are there.
 */
size_t record_find(const struct record *record, const char *bytes, size_t n_bytes, size_t begin, size_t from);

#endif
