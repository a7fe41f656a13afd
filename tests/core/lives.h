/* SPDX-License-Identifier: Apache-2.0 */
/* lives - what holds of every table of states (core/base/lifecycle), whatever is in it; and the table as text. */
#ifndef TESTS_CORE_LIVES_H
#define TESTS_CORE_LIVES_H

#include "core/base/lifecycle.h"
#include "tests/tap.h"

#include <stdio.h>
#include <string.h>

/* Names are there, each state and event lead one way, each state is come to from the first, each event is of use. */
static void lives_check(const struct lifecycle *lifecycle)
{
	bool is_reached[64] = {[0] = true};
	must(lifecycle->n_states <= 64);
	for (size_t i = 0; i < lifecycle->n_steps; i++) {
		const struct lifecycle_step *step = &lifecycle->steps[i];
		const char *state = lifecycle->states[step->from], *event = lifecycle->events[step->event];
		must(step->from >= 0 && (size_t)step->from < lifecycle->n_states && step->to >= 0 &&
		     (size_t)step->to < lifecycle->n_states && step->event >= 0 && (size_t)step->event < lifecycle->n_events);
		is_int(lifecycle_next(lifecycle, step->from, step->event), step->to, "%s: %s leads one way", state, event);
	}
	for (size_t round = 0; round < lifecycle->n_states; round++)
		for (size_t i = 0; i < lifecycle->n_steps; i++)
			if (is_reached[lifecycle->steps[i].from])
				is_reached[lifecycle->steps[i].to] = true;
	for (size_t i = 0; i < lifecycle->n_states; i++)
		ok(lifecycle->states[i] && is_reached[i], "%s: is come to from %s", lifecycle->states[i], lifecycle->states[0]);
	for (size_t i = 0; i < lifecycle->n_events; i++) {
		bool leads = false;
		for (size_t k = 0; k < lifecycle->n_steps; k++)
			leads = leads || lifecycle->steps[k].event == (int)i;
		ok(lifecycle->events[i] && leads, "%s: leads somewhere", lifecycle->events[i]);
	}
}

/* Where an event leads from each state: "READY NONE -", "-" where it can't come. */
static const char *lives_of(const struct lifecycle *lifecycle, int event)
{
	static char text[256];
	size_t n = 0;
	for (size_t i = 0; i < lifecycle->n_states; i++) {
		int next = lifecycle_next(lifecycle, (int)i, event);
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i > 0 ? " " : "",
		                      next < 0 ? "-" : lifecycle->states[next]);
	}
	return text;
}

#endif
