/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields - the text in which small structures cross between rota and rota-worker: records are lines,
 * fields are separated by tabs; tab, newline and backslash inside a field are \t \n \\. Fields are strings: no NUL.
 * People can read it (rota-worker --describe), and a reader that meets nonsense says so and stops.
 *
 *   writing: fields_put(&buf, "option", name, type, NULL)
 *   reading: struct fields f; fields_init(&f, text, n); while ((n = fields_next(&f)) > 0) use f.field[0..n-1]
 */
#ifndef BASE_FIELDS_H
#define BASE_FIELDS_H

#include "core/base/buf.h"

#include <stddef.h>

struct fields {
	char *at; /* the text is changed while reading: fields are ended by NUL in place */
	char *end;
	char **field; /* of the record read last; owned, valid until the next call */
	size_t n_fields;
	size_t cap;
};

/*
 * One record of the strings up to a NULL; of an array. No strings: no record.
 * Return 0, or -1 when memory is short (the buffer is then as it was).
 */
int fields_put(struct buf *buf, const char *first, ...) __attribute__((sentinel));
int fields_put_array(struct buf *buf, const char *const *strings, size_t n_strings);

/* text is the caller's, is written to, and must live as long as the fields are used. */
void fields_init(struct fields *fields, char *text, size_t n_bytes);

/* The next record's number of fields (at least 1), 0 at the end; -1, from then on, when a line isn't well-formed or
 * memory is short. */
int fields_next(struct fields *fields);
void fields_fini(struct fields *fields);

#endif
