/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint - where items come from or results go, as the user writes it: KIND:ARGUMENT, or a bare file name.
 *
 *   endpoint_parse, endpoint_describe, endpoint_fini
 *
 * Whatever name means a descriptor (/dev/stdout, /dev/fd/3, a link to one) means that descriptor, as it is open.
 * A text whose head isn't a kind is a file name, colons and all; but a head that looks like a misspelt kind is an
 * error, unless there is such a file.
 */
#ifndef PLAN_ENDPOINT_H
#define PLAN_ENDPOINT_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/plan/place.h"

#include <stdbool.h>
#include <stdint.h>

enum endpoint_kind {
	ENDPOINT_WRONG = 0, /* what was given was refused; only in a plan that has errors */
	ENDPOINT_LINES,     /* source, sink; argument a file name, "-" standard input or output */
	ENDPOINT_NUL,       /* source, sink */
	ENDPOINT_FILES,     /* source; argument a glob */
	ENDPOINT_RANGE,     /* source; first, last, step */
	ENDPOINT_NONE,      /* sink */
	ENDPOINT_LISTS      /* source: the lists of the job's recipe; has no text that is parsed */
};

struct endpoint {
	enum endpoint_kind kind;
	char *argument;     /* owned; what stands behind KIND:, or "" */
	bool is_descriptor; /* the argument means descriptor fd; the standard one of its role is "-" instead */
	int fd;
	int64_t first, last, step; /* ENDPOINT_RANGE; step isn't 0; counts down when it is negative; may be empty */
	struct place place;
};

enum endpoint_role { ENDPOINT_SOURCE, ENDPOINT_SINK };

/* ret->place is left alone. */
int endpoint_parse(struct endpoint *ret, const char *text, enum endpoint_role role, struct err *err);
void endpoint_fini(struct endpoint *endpoint);

/* The byte behind each item of a source or each result of a sink: '\n' for lines and range, '\0' for nul and files. */
char endpoint_delimiter(const struct endpoint *endpoint);
bool endpoint_is_standard(const struct endpoint *endpoint); /* "-" */
bool endpoint_is_file(const struct endpoint *endpoint);     /* lines or nul of a file that has a name */

/* The descriptor that it means, where "-" is standard_fd; -1: none. */
int endpoint_descriptor(const struct endpoint *endpoint, int standard_fd);

/* KIND:ARGUMENT, as endpoint_parse reads it. 0, or -1 when memory is short. */
int endpoint_describe(const struct endpoint *endpoint, struct buf *buf);

#endif
