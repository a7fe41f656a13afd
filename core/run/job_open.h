/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_open - a job's beginning: its place in the journal, its source and its sink are opened, and the rooms that it is
 * made of put together; and all of it closed again.
 *
 *   job_open when the job's turn has come, job_close in the end
 *
 * One thread.
 */
#ifndef RUN_JOB_OPEN_H
#define RUN_JOB_OPEN_H

#include "core/base/err.h"
#include "core/run/run_job.h"

/* -1: what was opened is closed by job_close. */
int job_open(struct run_job *job, struct err *err);
/* Nothing when it was never opened, or is closed. */
void job_close(struct run_job *job);

#endif
