/* SPDX-License-Identifier: Apache-2.0 */
/* job_phase - see job_phase.h. */
#include "config.h"

#include "core/run/job_phase.h"

static const char *const states[JOB_PHASES] = {
	[JOB_WAITING] = "WAITING", [JOB_RUNNING] = "RUNNING", [JOB_LEAVING] = "LEAVING", [JOB_ENDED] = "ENDED"};

static const char *const events[JOB_EVENTS] = {[JOB_ON_START] = "start",         [JOB_ON_BAR] = "barred",
                                               [JOB_ON_FAILURE] = "can't start", [JOB_ON_DONE] = "done",
                                               [JOB_ON_INTERRUPT] = "interrupt", [JOB_ON_END] = "end",
                                               [JOB_ON_KILL] = "kill",           [JOB_ON_GONE] = "gone"};

static const struct lifecycle_step steps[] = {
	{JOB_WAITING, JOB_ON_START, JOB_RUNNING},
	{JOB_WAITING, JOB_ON_BAR, JOB_ENDED},
	{JOB_WAITING, JOB_ON_INTERRUPT, JOB_ENDED},
	{JOB_WAITING, JOB_ON_END, JOB_ENDED},
	{JOB_WAITING, JOB_ON_KILL, JOB_ENDED},
	{JOB_RUNNING, JOB_ON_DONE, JOB_LEAVING},
	{JOB_RUNNING, JOB_ON_INTERRUPT, JOB_LEAVING},
	{JOB_RUNNING, JOB_ON_END, JOB_LEAVING},
	{JOB_RUNNING, JOB_ON_KILL, JOB_LEAVING},
	{JOB_LEAVING, JOB_ON_END, JOB_LEAVING},
	{JOB_LEAVING, JOB_ON_KILL, JOB_LEAVING},
	/* it was begun, and ended at once */
	{JOB_LEAVING, JOB_ON_FAILURE, JOB_ENDED},
	{JOB_LEAVING, JOB_ON_GONE, JOB_ENDED},
};

const struct lifecycle job_lifecycle = {.states = states,
                                        .events = events,
                                        .steps = steps,
                                        .n_states = JOB_PHASES,
                                        .n_events = JOB_EVENTS,
                                        .n_steps = sizeof steps / sizeof steps[0]};
