/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_output - what a command writes, on its way: its standard output into the item's result, each line with a tag in
 * front if that is asked for; its standard error into the log, line by line.
 *
 *   output_begin for each command, output_write, output_log, output_end
 *
 * Invariants: memory is bounded. Of standard error the first and the last LOG_HALF_BYTES are logged, and how much was
 * left out between them.
 */
#ifndef EXEC_OUTPUT_H
#define EXEC_OUTPUT_H

#include "plugins/exec_results.h"

#include <rota/plugin.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_HALF_BYTES ((size_t)32 * 1024)

/* A worker's. */
struct output {
	struct results results; /* files that get all of it, too */
	const char *tag;        /* of this item, n_tag bytes; NULL: none */
	size_t n_tag;
	bool is_in_line;          /* of the result */
	char line[ROTA_TEXT_MAX]; /* of standard error, not yet logged */
	size_t n_line;
	uint64_t n_err_bytes;      /* so far */
	char tail[LOG_HALF_BYTES]; /* of those behind the first, the last: a ring */
};

void output_begin(struct output *output, const char *tag, size_t n_tag);

/* A rota_status. */
int output_write(struct output *output, struct rota_task *task, const char *bytes, size_t n_bytes);

/* A rota_status. */
int output_log(struct output *output, struct rota_task *task, const char *bytes, size_t n_bytes);

/* The last words. */
void output_end(struct output *output, struct rota_task *task);

#endif
