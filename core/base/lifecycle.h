/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifecycle - the states that something goes through, as a table: in which state which event leads to which other one.
 *
 *   a table of lifecycle_step with the names of states and events, made once; lifecycle_go at each event
 *
 * What isn't in the table can't happen: that it does is a mistake in the program, and ends it. So an event that comes
 * from a file, a user or another process is looked at before. Thread-safe.
 */
#ifndef BASE_LIFECYCLE_H
#define BASE_LIFECYCLE_H

#include <stddef.h>

struct lifecycle_step {
	int from, event, to;
};

struct lifecycle {
	const char *const *states; /* names, by number */
	const char *const *events;
	const struct lifecycle_step *steps;
	size_t n_states, n_events, n_steps;
};

/* The state behind that event; -1: it can't come in this state. */
int lifecycle_next(const struct lifecycle *lifecycle, int state, int event);

/* The same, which must be there. A change is said with -vv: "worker 3: STARTING -> READY (ready)", of who. */
int lifecycle_go(const struct lifecycle *lifecycle, int state, int event, const char *who);

#endif
