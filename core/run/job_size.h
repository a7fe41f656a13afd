/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_size - how many workers a job has while it runs: as many as were asked for, one more or fewer for each USR1 and
 * USR2, and what a file says that --jobs names, which is read again once a second.
 *
 *   job_size_add; where there is a file, job_size_look when job_size_due_ns has come
 *
 * A file that says nonsense, or has gone, is told of once and changes nothing. One thread.
 */
#ifndef RUN_JOB_SIZE_H
#define RUN_JOB_SIZE_H

#include "core/crew/crew.h"
#include "core/plan/job.h"

#include <stdbool.h>
#include <stdint.h>

struct job_size {
	const struct job *plan; /* borrowed */
	struct crew *crew;      /* borrowed */
	int64_t look_ns;        /* when the file is read again */
	bool has_complained;    /* of the file, since it was last right */
};

/* So many more workers, or fewer. */
void job_size_add(struct job_size *size, int more);

/* -1: there is no file. */
int64_t job_size_due_ns(const struct job_size *size);
void job_size_look(struct job_size *size, int64_t now_ns);

#endif
