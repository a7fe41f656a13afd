/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - what is said of an item that failed, and of a job at its end. On standard error, by log. One thread.
 *
 *   report_init once a job, report_failure for each item that failed, report_ok for the others where there is a job
 *   log, report_job at the job's end
 *
 * A million failures are no million lines: after REPORT_FAILURES_MAX of them a job's failures are counted only, unless
 * -v asks for all; one line says so.
 */
#ifndef RECORD_REPORT_H
#define RECORD_REPORT_H

#include "core/plan/item_text.h"
#include "core/record/joblog.h"
#include "core/record/tally.h"

#include <stddef.h>
#include <stdint.h>

#define REPORT_FAILURES_MAX 100

/* One job's: what it is called, and how much was said of it. */
struct report {
	const char *job_name, *separator; /* what its lines begin with: "upper" and ": ", or "" and "" */
	uint64_t n_failures, n_retries;   /* that report_failure and report_retry were told */
	enum item_shape shape;            /* of its items */
	struct joblog *joblog;            /* gets a line an item; borrowed, or NULL */
};

/* One item's failure, as it is named to the user. */
struct failure {
	uint64_t seq;
	const char *item;
	size_t item_bytes;
	uint32_t attempts;
	struct cause cause;
	uint64_t output_bytes; /* of a result that it has all the same */
	struct item_time time;
};

/* job_name is borrowed; NULL: the only job, which needs no name. */
void report_init(struct report *report, const char *job_name);

/* "rota: upper: item 7 "foo": crashed after 3 attempts: SIGSEGV (...)". Said with -q, too. */
void report_failure(struct report *report, const struct failure *failure);

/* For the job log only. */
void report_ok(struct report *report, uint64_t seq, const char *item, size_t item_bytes, const struct item_time *time);

/* The same for an attempt that isn't the last: a warning, "...: trying again, attempt 2 of 3". */
void report_retry(struct report *report, const struct failure *failure, uint32_t attempts_max);

/*
 * The one-line summary of a job: items, ok, failed by outcome, items that were read and have no outcome (the run was
 * cut short), seconds, items/s, restarts. Said when standard error is a terminal, or with -v, or when not all went
 * well; never with -q. And, with -v, a second line for the counters, and one for what the job's time went to.
 */
void report_job(const struct report *report, const struct tally *tally);

#endif
