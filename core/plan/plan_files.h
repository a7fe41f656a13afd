/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_files - what the jobs of a plan read and write: inputs that can't be read, one file in two hands. Only regular
 * files count, and those that aren't there yet: /dev/null, terminals and pipes may be shared.
 */
#ifndef PLAN_PLAN_FILES_H
#define PLAN_PLAN_FILES_H

#include "core/plan/plan.h"

/* After plan_order_check. Errors go to the plan's list. */
void plan_files_check(struct plan *plan);

#endif
