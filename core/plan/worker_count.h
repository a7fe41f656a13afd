/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_count - how many workers a job has, as --jobs says it: a number, 0 (as many as there are items, up to the most
 * there may be), 200% or +2 or -1 of the usable CPUs, or a file that says one of these.
 *
 *   worker_count_parse, worker_count_resolve when the CPUs are known; worker_count_fini
 */
#ifndef PLAN_WORKER_COUNT_H
#define PLAN_WORKER_COUNT_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define WORKERS_MAX 4096

enum worker_count_kind {
	WORKERS_BY_CPUS = 0, /* one a CPU: nothing was said */
	WORKERS_NUMBER,
	WORKERS_ALL,
	WORKERS_PERCENT, /* of the CPUs */
	WORKERS_MORE     /* than CPUs; negative: fewer */
};

struct worker_count {
	enum worker_count_kind kind;
	int64_t number;
	char *file; /* that it was read from, and is read again from while the job runs; owned; or NULL */
};

/* A text that is no count is a file's name if there is such a file. err names no option. */
int worker_count_parse(struct worker_count *ret, const char *text, struct err *err);

/* From its file. -1: it can't be read, or says something else; count is then as it was. */
int worker_count_read(struct worker_count *count, struct err *err);

/* From 1 to WORKERS_MAX. */
int64_t worker_count_resolve(const struct worker_count *count, int64_t n_cpus);

void worker_count_fini(struct worker_count *count);

#endif
