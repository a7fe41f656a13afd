/* SPDX-License-Identifier: Apache-2.0 */
/* job_phase - a job's life in a run: the table is job_lifecycle. */
#ifndef RUN_JOB_PHASE_H
#define RUN_JOB_PHASE_H

#include "core/base/lifecycle.h"

enum job_phase {
	JOB_WAITING = 0, /* for other jobs */
	JOB_RUNNING,
	JOB_LEAVING, /* everything has its outcome, or the job is being ended: its workers leave */
	JOB_ENDED,
	JOB_PHASES
};

enum job_event {
	JOB_ON_START,
	JOB_ON_BAR,     /* a job that it comes after couldn't finish */
	JOB_ON_FAILURE, /* its source, its sink or its rooms can't be had */
	JOB_ON_DONE,    /* everything has its outcome */
	JOB_ON_INTERRUPT,
	JOB_ON_END,
	JOB_ON_KILL,
	JOB_ON_GONE, /* its workers have left, and its results are written */
	JOB_EVENTS
};

extern const struct lifecycle job_lifecycle;

#endif
