/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_command - the command of a job that runs one for each item (plugin exec): what no item could make right is an
 * error before any is read, and what looks as if a shell was meant is warned of.
 *
 *   plan_command_check when the job's options are checked
 */
#ifndef PLAN_PLAN_COMMAND_H
#define PLAN_PLAN_COMMAND_H

#include "core/plan/plan.h"

void plan_command_check(struct plan *plan, const struct job *job, const struct job_option *command);

#endif
