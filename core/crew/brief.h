/* SPDX-License-Identifier: Apache-2.0 */
/*
 * brief - what a job's fork server and workers are told of it (wire/setup), made from the plan; and which CPUs each of
 * them is kept on.
 *
 *   brief_init, brief_fini
 *
 * The setup borrows the plan's strings, and the brief's own pins.
 */
#ifndef CREW_BRIEF_H
#define CREW_BRIEF_H

#include "core/base/err.h"
#include "core/crew/pin.h"
#include "core/plan/job.h"
#include "core/wire/setup.h"

#include <stdbool.h>

struct brief {
	struct setup setup; /* its options are owned here */
	struct pin pin;
};

/* tells_times: of each item, for the job log. *ret is to be given back, also after an error. */
int brief_init(struct brief *ret, const struct job *plan, bool tells_times, struct err *err);
void brief_fini(struct brief *brief);

#endif
