/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_results - the output of each command in files of its own, beside the result.
 *
 *   results_init once a worker; for each command results_open, results_write, results_close; results_fini
 *
 * In a folder as GNU parallel lays it out: DIR/1/A/2/B/ for an item of the values A and B (with a header, its names
 * instead of 1 and 2), and in it the files stdout, stderr and seq. A value is escaped so that it is one name: \_ for a
 * slash, \\ for a backslash, \t for a tab, \. and \.. for what means another folder, \0 for nothing at all. A text with
 * replacement strings is the name of the file for standard output; NAME.err and NAME.seq stand beside it.
 *
 * A later attempt writes the files anew.
 */
#ifndef EXEC_RESULTS_H
#define EXEC_RESULTS_H

#include "plugins/exec_template.h"

#include <rota/plugin.h>

#include <stdbool.h>

enum results_stream { RESULTS_STDOUT, RESULTS_STDERR, RESULTS_STREAMS };

struct results {
	const char *folder; /* or NULL: the template's */
	struct template template;
	struct words path;
	int fds[RESULTS_STREAMS]; /* -1: none is open */
	bool is_on;
};

/* text: the option's. A rota_status. */
int results_init(struct results *results, struct rota_worker *worker, const char *text,
                 const struct template_options *options);

/* All of these: a rota_status. */
int results_open(struct results *results, struct rota_task *task, const struct values *values);
int results_write(const struct results *results, struct rota_task *task, enum results_stream stream, const char *bytes,
                  size_t n_bytes);

void results_close(struct results *results);
void results_fini(struct results *results);

#endif
