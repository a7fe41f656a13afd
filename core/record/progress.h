/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress - how far the jobs are, while they run: on a terminal one live line a job on standard error (done, total
 * when known, failed, items/s, ETA), in a pipe nothing; PROGRESS_JSON: one JSON object a line and job on standard
 * error, once a second and at the end, for programs.
 *
 *   progress_create, progress_add for each job, progress_draw when progress_due_ns has come, progress_finish,
 *   progress_destroy
 *
 * One thread, and one progress at a time: the live lines are log's. A run shorter than 0.3 s shows none; a job that has
 * ended has none any more. Errors of writing are ignored.
 */
#ifndef RECORD_PROGRESS_H
#define RECORD_PROGRESS_H

#include "core/base/err.h"
#include "core/plan/settings.h"
#include "core/record/tally.h"

#include <stdint.h>

struct progress;

int progress_create(struct progress **ret, enum progress_mode mode, struct err *err);
void progress_destroy(struct progress **progress); /* wipes the live lines */

/* name and tally are borrowed until progress_destroy. */
int progress_add(struct progress *progress, const char *job_name, const struct tally *tally, struct err *err);

/* Draws if it is time. */
void progress_draw(struct progress *progress, int64_t now_ns);

/*
 * When progress_draw wants to be called next (monotonic), or -1: never. It looks at the tallies: sooner when they have
 * changed than when they haven't, so ask again after each round.
 */
int64_t progress_due_ns(const struct progress *progress);

/* The last word: the live lines go; JSON: the object with "final":true of each job that hasn't had it when it ended. */
void progress_finish(struct progress *progress, int64_t now_ns);

#endif
