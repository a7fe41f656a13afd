/* SPDX-License-Identifier: Apache-2.0 */
/* worker_phase - a worker's life as the supervisor sees it: the table is worker_lifecycle. */
#ifndef CREW_WORKER_PHASE_H
#define CREW_WORKER_PHASE_H

#include "core/base/lifecycle.h"

enum worker_phase {
	WORKER_NONE = 0, /* nobody: its place is free */
	WORKER_IS_STARTING,
	WORKER_IS_READY, /* its open went well: it may have items */
	WORKER_IS_LEAVING,
	WORKER_IS_DEAD, /* what it held isn't taken yet (dispatch/reap) */
	WORKER_PHASES
};

enum worker_event {
	WORKER_ON_START,    /* the backend was asked for one */
	WORKER_ON_NO_START, /* it has none */
	WORKER_ON_READY,
	WORKER_ON_STOP, /* the job has no more work */
	WORKER_ON_DEATH,
	WORKER_ON_BURIAL,
	WORKER_ON_CLOSE, /* the crew ends, and everybody with it */
	WORKER_EVENTS
};

extern const struct lifecycle worker_lifecycle;

#endif
