/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run - one execution of a plan: the loop that waits, reaps, collects, dispatches.
 *
 *   run_plan does it all and returns the exit status.
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "core/crew/server.h"
#include "core/plan/catalog.h"
#include "core/plan/plan.h"
#include "core/record/progress.h"

struct run_settings {
	enum progress_mode progress;
	const char *resume_command; /* with which a run that keeps a journal is gone on from; borrowed, or NULL */
	struct server *spare; /* a fork server without a job, or NULL; borrowed: ended if no job takes it */
};

/*
 * Runs a plan that plan_check has passed. 0: every item ok; 1: some failed; 2: the plugin's own checks said no before
 * anything ran; 3: it couldn't finish. INT, TERM and a reader that went away end the process by that signal: it doesn't
 * return then. All messages have been said.
 */
int run_plan(const struct plan *plan, struct catalog *catalog, const struct run_settings *settings);

#endif
