/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execute - runs a plan in this process, which is the run's alone: its limits, its signals, its children and its end
 * are seen to here, and nowhere below.
 *
 *   execute does it all and returns the exit status
 */
#ifndef CLI_EXECUTE_H
#define CLI_EXECUTE_H

#include "core/run/run.h"

/*
 * The plan has passed plan_check. 0: every item ok; 1: some failed; 2: the plugin's own checks said no before anything
 * ran; 3: it couldn't finish. INT, TERM and a reader that went away end the process by that signal: it doesn't return
 * then. All messages have been said. Of the settings, progress is a wish, and the cgroup is set here.
 */
int execute(const struct plan *plan, struct run_settings *settings);

#endif
