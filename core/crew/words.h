/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words - what a process that runs plugin code says: a worker on its standard output and error and with rota_log, the
 * fork server while it loads the plugin. It goes to our standard error, line by line, with a tag that says whose it is.
 *
 *   words_open when it is started, words_watch for the loop to read them, words_read while it lives and when it has
 *   ended, words_say for what comes another way; words_close
 *
 * One that says more than WORDS_BYTES_PER_S, after the first WORDS_BURST_BYTES, is heard in part: what is left out is
 * counted, and a line says how much. With -v all is said. Its successors go on with what it has left of that. Its pipe
 * is read in any case: nobody waits because of what he says. One thread.
 */
#ifndef CREW_WORDS_H
#define CREW_WORDS_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDS_BURST_BYTES (256 * 1024)
#define WORDS_BYTES_PER_S (64 * 1024)

/* How much may still be said, and what wasn't. */
struct words_quota {
	int64_t said_until_ns;               /* what was said filled the time until then, at WORDS_BYTES_PER_S */
	uint64_t n_lines_lost, n_bytes_lost; /* since that was last told */
};

/* It may be moved in memory while no loop watches it. */
struct words {
	const char *job_name; /* for the tag, or NULL; borrowed */
	unsigned worker;      /* its number; 0: the fork server, which loads */
	int fd;               /* of the pipe; -1: none */
	struct loop *loop;    /* that watches; NULL: none */
	struct loop_watch watch;
	struct buf line; /* what no newline has ended yet */
	struct words_quota quota;
};

#define WORDS_NONE ((struct words){.fd = -1, .watch.fd = -1})

/* *ret_error_fd, the other's end, is the caller's. */
int words_open(struct words *words, int *ret_error_fd, struct err *err);

int words_watch(struct words *words, struct loop *loop, struct err *err);

/* Takes what is there. is_last: nothing comes any more; the line without an end is said, and what was left out. */
void words_read(struct words *words, bool is_last);

/* Isn't listened to any more. Its quota stays. */
void words_close(struct words *words);

/* A line of its. What: "worker 3", "item 7". */
void words_say(struct words *words, const char *what, const char *bytes, size_t n_bytes);

#endif
