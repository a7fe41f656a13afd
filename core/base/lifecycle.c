/* SPDX-License-Identifier: Apache-2.0 */
/* lifecycle - see lifecycle.h. */
#include "config.h"

#include "core/base/lifecycle.h"
#include "core/base/log.h"

#include <stdlib.h>

int lifecycle_next(const struct lifecycle *lifecycle, int state, int event)
{
	for (size_t i = 0; i < lifecycle->n_steps; i++)
		if (lifecycle->steps[i].from == state && lifecycle->steps[i].event == event)
			return lifecycle->steps[i].to;
	return -1;
}

int lifecycle_go(const struct lifecycle *lifecycle, int state, int event, const char *who)
{
	int next = lifecycle_next(lifecycle, state, event);
	if (next < 0) {
		log_error("internal error: %s: \"%s\" can't come in state %s", who, lifecycle->events[event],
		          lifecycle->states[state]);
		abort();
	}
	if (next != state)
		log_debug("%s: %s -> %s (%s)", who, lifecycle->states[state], lifecycle->states[next],
		          lifecycle->events[event]);
	return next;
}
