/* SPDX-License-Identifier: Apache-2.0 */
/* worker_phase - see worker_phase.h. */
#include "config.h"

#include "core/crew/worker_phase.h"

static const char *const states[WORKER_PHASES] = {[WORKER_NONE] = "NONE",
                                                  [WORKER_IS_STARTING] = "STARTING",
                                                  [WORKER_IS_READY] = "READY",
                                                  [WORKER_IS_LEAVING] = "LEAVING",
                                                  [WORKER_IS_DEAD] = "DEAD"};

static const char *const events[WORKER_EVENTS] = {
	[WORKER_ON_START] = "start", [WORKER_ON_NO_START] = "not started", [WORKER_ON_READY] = "ready",
	[WORKER_ON_STOP] = "stop",   [WORKER_ON_DEATH] = "died",           [WORKER_ON_BURIAL] = "buried",
	[WORKER_ON_CLOSE] = "close"};

static const struct lifecycle_step steps[] = {
	{WORKER_NONE, WORKER_ON_START, WORKER_IS_STARTING},
	{WORKER_IS_STARTING, WORKER_ON_NO_START, WORKER_NONE},
	{WORKER_IS_STARTING, WORKER_ON_READY, WORKER_IS_READY},
	{WORKER_IS_STARTING, WORKER_ON_STOP, WORKER_IS_LEAVING},
	{WORKER_IS_STARTING, WORKER_ON_DEATH, WORKER_IS_DEAD},
	{WORKER_IS_STARTING, WORKER_ON_CLOSE, WORKER_NONE},
	{WORKER_IS_READY, WORKER_ON_STOP, WORKER_IS_LEAVING},
	{WORKER_IS_READY, WORKER_ON_DEATH, WORKER_IS_DEAD},
	{WORKER_IS_READY, WORKER_ON_CLOSE, WORKER_NONE},
	/* the job may end while a start is under way */
	{WORKER_IS_LEAVING, WORKER_ON_NO_START, WORKER_NONE},
	{WORKER_IS_LEAVING, WORKER_ON_DEATH, WORKER_IS_DEAD},
	{WORKER_IS_LEAVING, WORKER_ON_CLOSE, WORKER_NONE},
	{WORKER_IS_DEAD, WORKER_ON_BURIAL, WORKER_NONE},
	{WORKER_IS_DEAD, WORKER_ON_CLOSE, WORKER_NONE},
};

const struct lifecycle worker_lifecycle = {.states = states,
                                           .events = events,
                                           .steps = steps,
                                           .n_states = WORKER_PHASES,
                                           .n_events = WORKER_EVENTS,
                                           .n_steps = sizeof steps / sizeof steps[0]};
