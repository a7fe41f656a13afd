/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line - how far a job is, as one line for people: "upper  1,204,000/5,000,000 24%  3 failed  2.1 M items/s  ETA 0:12".
 */
#ifndef RECORD_LINE_H
#define RECORD_LINE_H

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/record/pace.h"
#include "core/record/tally.h"

#include <stddef.h>

/* A job's name as it is shown: itself when it is short and plain, else quoted. */
struct line_name {
	char text[LOG_QUOTE_BYTES];
	size_t n_columns;
};

void line_name_set(struct line_name *name, const char *job_name);

/*
 * Appends the line, no newline, in at most n_columns columns: where they are few the rate goes first, then ETA,
 * percentage and failures, and the name gets no more than half of them. The name is filled up to n_name_columns, so
 * that lines stand in columns. Returns 0, or -1 when memory is short.
 */
int line_put(struct buf *out, const struct line_name *name, size_t n_name_columns, const struct tally *tally,
             const struct pace *pace, size_t n_columns);

#endif
