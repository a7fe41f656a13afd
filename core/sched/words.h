/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words - what a worker says: on its standard output and error, and with rota_log. It goes to our standard error, line
 * by line, with a tag that says whose it is.
 *
 *   words_open when it is started, words_read while it lives and when it has died, words_say for what comes another
 *   way; words_close
 *
 * A worker that says more than WORDS_BYTES_PER_S, after the first WORDS_BURST_BYTES, is heard in part: what is left out
 * is counted, and a line says how much. With -v all is said. Its successors go on with what it has left of that. Its
 * pipe is read in any case: nobody waits because of what he says. One thread.
 */
#ifndef SCHED_WORDS_H
#define SCHED_WORDS_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDS_BURST_BYTES (256 * 1024)
#define WORDS_BYTES_PER_S (64 * 1024)

struct worker;

/* How much may still be said, and what wasn't. */
struct words_quota {
	int64_t said_until_ns; /* what was said filled the time until then, at WORDS_BYTES_PER_S */
	uint64_t n_lines_lost, n_bytes_lost; /* since that was last told */
};

/* *ret_error_fd, the worker's end, is the caller's. */
int words_open(struct worker *worker, int *ret_error_fd, struct err *err);

/* Takes what is there. is_last: nothing comes any more; the line without an end is said, and what was left out. */
void words_read(struct worker *worker, bool is_last);

/* Isn't listened to any more. */
void words_close(struct worker *worker);

/* A line of the worker's. What: "worker 3", "item 7". */
void words_say(struct worker *worker, const char *what, const char *bytes, size_t n_bytes);

#endif
