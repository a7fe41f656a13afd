/* SPDX-License-Identifier: Apache-2.0 */
/*
 * halt - when a job stops before its end, by what became of its items: --halt, in the words of GNU parallel
 * (now|soon,fail|success|done=N|N%), and --max-failures, which is one of its cases.
 *
 *   halt_parse or halt_set_failures, halt_is_reached whenever an item got its outcome
 */
#ifndef PLAN_HALT_H
#define PLAN_HALT_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum halt_when {
	HALT_NEVER = 0,
	HALT_SOON, /* what runs is finished, nothing more is begun */
	HALT_NOW   /* what runs is ended */
};
enum halt_what { HALT_FAIL = 0, HALT_SUCCESS, HALT_DONE };

/* A percentage means something from so many items with an outcome on. */
#define HALT_PERCENT_LEAST 100

struct halt {
	enum halt_when when;
	enum halt_what what;
	int64_t number; /* so many of them, or so many percent of the items that have an outcome */
	bool is_percent;
	bool is_by_max_failures; /* the user wrote --max-failures: what messages call it */
};

/* "now,fail=1", "soon,done=30%", "never", and parallel's old -2 to 2. err names no option. */
int halt_parse(struct halt *ret, const char *text, struct err *err);

/* More than n_most failures, or percent of them, end the job at once. */
void halt_set_failures(struct halt *ret, int64_t n_most, bool is_percent);

/* Of n_ok and n_not_ok items with an outcome. */
bool halt_is_reached(const struct halt *halt, uint64_t n_ok, uint64_t n_not_ok);

/* Why, as a sentence without its subject: "3 items have failed (--halt)". */
#define HALT_PROSE_BYTES 96
const char *halt_prose(char text[HALT_PROSE_BYTES], const struct halt *halt);

#endif
