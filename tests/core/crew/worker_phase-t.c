/* SPDX-License-Identifier: Apache-2.0 */
/* worker_phase: where each event leads, from NONE, STARTING, READY, LEAVING and DEAD. */
#include "config.h"

#include "core/crew/worker_phase.h"

#include "tests/core/lives.h"
#include "tests/tap.h"

int main(void)
{
	static const struct {
		enum worker_event event;
		const char *leads, *what;
	} cases[] = {
		{WORKER_ON_START, "STARTING - - - -", "only a free place is taken"},
		{WORKER_ON_NO_START, "- NONE - NONE -", "who was ready can't be told not to have started"},
		{WORKER_ON_READY, "- READY - - -", "who is leaving doesn't get ready any more"},
		{WORKER_ON_STOP, "- LEAVING LEAVING - -", "only who is there is sent home, and once"},
		{WORKER_ON_DEATH, "- DEAD DEAD DEAD -", "nobody dies twice"},
		{WORKER_ON_BURIAL, "- - - - NONE", "only the dead are buried"},
		{WORKER_ON_CLOSE, "- NONE NONE NONE NONE", "with the crew everybody goes"},
	};
	lives_check(&worker_lifecycle);
	is_int((int)(sizeof cases / sizeof cases[0]), WORKER_EVENTS, "each event is here");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		is_str(lives_of(&worker_lifecycle, (int)cases[i].event), cases[i].leads, "%s", cases[i].what);
	return tap_done();
}
