/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_files - what is wrong with the files that a run uses (file_use.h), before any is opened for writing. Each is
 * compared with every other by identity (base/fileid.h), whatever their names; where one of two is written, that is an
 * error. Then what can't be read or written at all.
 *
 * Only files that keep what is written count: /dev/null, terminals and pipes may be shared.
 */
#ifndef PLAN_PLAN_FILES_H
#define PLAN_PLAN_FILES_H

#include "core/plan/plan.h"

/* After plan_order_check. Errors go to the plan's list. */
void plan_files_check(struct plan *plan);

#endif
