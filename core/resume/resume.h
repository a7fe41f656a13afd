/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resume - going over the part of the input that an earlier run has taken: what is finished is left out, what isn't
 * goes into the window, and all of it must have the digest that the journal knows before anything is begun.
 *
 *   resume_init, resume_take for each slice while resume_is_on, resume_fini
 *
 * The items that go into the window are at most as many as the earlier run had in its own.
 */
#ifndef RESUME_RESUME_H
#define RESUME_RESUME_H

#include "core/base/err.h"
#include "core/record/journal.h"
#include "core/resume/checkpoint.h"
#include "core/window/window.h"

#include <stdbool.h>
#include <stdint.h>

struct resume {
	struct journal_position position; /* where the earlier run was */
	size_t next;                      /* of its unfinished ranges */
	bool is_on;
};

/* Takes the position. One of which nothing was taken is over at once. */
void resume_init(struct resume *resume, struct journal_position *take_position);
void resume_fini(struct resume *resume);

static inline bool resume_is_on(const struct resume *resume)
{
	return resume->is_on;
}

/* How many more items are to be gone over. */
uint64_t resume_left_items(const struct resume *resume, const struct checkpoint *checkpoint);

/*
 * The next slice, which the checkpoint knows already: taken. With the last one the digest is compared. -1: the input
 * isn't what it was (ERR_USAGE), or memory is short.
 */
int resume_take(struct resume *resume, const struct checkpoint *checkpoint, struct window *window,
                struct slice *take_slice, struct err *err);

/* Is the first item of the slice unfinished? (One that is too long comes alone.) */
bool resume_is_unfinished(const struct resume *resume, const struct slice *slice);

/* The input has ended before all was gone over. */
int resume_fail_short(const struct resume *resume, const struct checkpoint *checkpoint, struct err *err);

/* What can't be cut back gets some results once more. keeps_results: of what it is given. */
void resume_say_twice(const struct resume *resume, const struct sink *sink, bool keeps_results, const char *job_name);

#endif
