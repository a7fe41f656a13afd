/* SPDX-License-Identifier: Apache-2.0 */
/* job_phase: where each event leads, from WAITING, RUNNING, LEAVING and ENDED. */
#include "config.h"

#include "core/run/job_phase.h"

#include "tests/core/lives.h"
#include "tests/tap.h"

int main(void)
{
	static const struct {
		enum job_event event;
		const char *leads, *what;
	} cases[] = {
		{JOB_ON_START, "RUNNING - - -", "a job is started once"},
		{JOB_ON_BAR, "ENDED - - -", "what was started isn't barred any more"},
		{JOB_ON_FAILURE, "- - ENDED -", "what can't start is ended first"},
		{JOB_ON_DONE, "- LEAVING - -", "it is done once"},
		{JOB_ON_INTERRUPT, "ENDED LEAVING - -", "what waits ends at once"},
		{JOB_ON_END, "ENDED LEAVING LEAVING -", "who leaves may be ended"},
		{JOB_ON_KILL, "ENDED LEAVING LEAVING -", "and killed"},
		{JOB_ON_GONE, "- - ENDED -", "nobody who runs is gone"},
	};
	lives_check(&job_lifecycle);
	is_int((int)(sizeof cases / sizeof cases[0]), JOB_EVENTS, "each event is here");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		is_str(lives_of(&job_lifecycle, (int)cases[i].event), cases[i].leads, "%s", cases[i].what);
	return tap_done();
}
