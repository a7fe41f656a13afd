/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv - rows of comma-separated values (RFC 4180), read by libcsv where rota was built with it. Bytes go in as they
 * come; each row comes out as a piece of an item: its fields with ROWS_FIELD between them.
 *
 *   csv_create, csv_add for each run of bytes, csv_end, csv_take for each row that is there, csv_destroy
 *
 * Memory: the rows of what was added, and one field of at most max_field_bytes. One thread.
 */
#ifndef IO_CSV_H
#define IO_CSV_H

#include "core/base/err.h"
#include "core/plan/recipe.h"

#include <stdbool.h>
#include <stddef.h>

struct csv;

/* separator: between fields. ERR_USAGE: rota was built without libcsv. name: of the source, in messages; borrowed. */
int csv_create(struct csv **ret, char separator, enum recipe_trim trim, size_t max_field_bytes, const char *name,
               struct err *err);
void csv_destroy(struct csv **csv);

int csv_add(struct csv *csv, const char *bytes, size_t n_bytes, struct err *err);

/* Nothing more comes: a last row may lack its end. */
int csv_end(struct csv *csv, struct err *err);

/* false: no row is there. The piece is good until the next csv_add or csv_end. */
bool csv_take(struct csv *csv, const char **ret_piece, size_t *ret_bytes);

#endif
