/* SPDX-License-Identifier: Apache-2.0 */
/*
 * joblog - --joblog: a line an item in the format of GNU parallel's --joblog (its manual, "--joblog logfile"), for the
 * tools that read that:
 *
 *   Seq Host Starttime JobRuntime Send Receive Exitval Signal Command, tab-separated, a newline at the end
 *
 * Seq is the item's number, Host is ":", times are seconds with milliseconds, Receive is the size of the result,
 * Command the item, with newlines as NUL bytes; behind the job's name when there are several. Exitval: 0; what a
 * command exited with; -1 when it timed out; else 1, or 0 beside a signal. Signal: that which ended the worker or the
 * command, or 0. Lines come as items get their outcome; of several of one item the last one counts. An item of
 * which nobody knows when it began has the time of its outcome. Durations are those of CLOCK_MONOTONIC, and so are
 * times of day, which were looked up once: they don't move when somebody sets the clock.
 *
 *   joblog_open, joblog_add ..., joblog_flush, joblog_close
 *
 * Thread: one.
 */
#ifndef RECORD_JOBLOG_H
#define RECORD_JOBLOG_H

#include "core/base/cause.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct joblog;

/* When an item was run, as its worker says. */
struct item_time {
	int64_t start_ns;      /* of CLOCK_MONOTONIC; 0: not known */
	int64_t runtime_ns;    /* -1: it hasn't ended, or nobody could say so */
	uint64_t result_bytes; /* without what frames it */
};

struct joblog_entry {
	uint64_t seq;
	const char *item;
	size_t item_bytes;
	struct cause cause; /* NONE: it is ok */
	struct item_time time;
};

/* Appends to a file that is there (a run that is resumed), or begins it anew. fd: a descriptor that the name means. */
int joblog_open(struct joblog **ret, const char *file, int fd, bool is_resuming, struct err *err);

/* job_name: "" for the only one. A failure to write shows in joblog_close. */
void joblog_add(struct joblog *joblog, const char *job_name, const struct joblog_entry *entry);

/* So that others can read what was added. Also NULL. */
void joblog_flush(struct joblog *joblog);

/* Also NULL. -1: something couldn't be written. */
int joblog_close(struct joblog **joblog, struct err *err);

#endif
