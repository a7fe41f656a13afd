/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace - how fast a job goes and how long it will take, from looks at its tally: {0}, then pace_look now and then.
 *
 * The rate is that of the last few seconds, or, when items are slow, of the last ten of them or so: it would jump else.
 */
#ifndef RECORD_PACE_H
#define RECORD_PACE_H

#include "core/record/tally.h"

#include <stdint.h>

struct pace {
	uint64_t n_finished;
	int64_t look_ns;             /* 0: the job hadn't started */
	double faded_items, faded_s; /* both fade with time: the rate is their ratio */
};

void pace_look(struct pace *pace, const struct tally *tally, int64_t now_ns);
double pace_rate(const struct pace *pace); /* items a second */

/* Seconds to go, rounded up; -1 when nobody knows, or when the job doesn't run. */
int64_t pace_eta_s(const struct pace *pace, const struct tally *tally);

/*
 * The items there will be: known, or an estimate from the bytes that those that are finished had of the source's; -1
 * when nobody knows. What was only read says nothing: a whole file may be read before its first item is finished.
 */
double pace_total(const struct tally *tally);

#endif
