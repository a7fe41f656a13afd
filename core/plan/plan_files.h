/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_files - every file that a run reads, writes or makes, gathered in one place before any is opened for writing:
 * conf file, inputs, plugins, outputs and what takes their place, the journal and what stands beside it, the job log,
 * and the files that the standard streams are. Each is compared with every other by identity (base/fileid.h), whatever
 * their names; where one of two is written, that is an error. Then what can't be read or written at all.
 *
 * Only files that keep what is written count: /dev/null, terminals and pipes may be shared.
 */
#ifndef PLAN_PLAN_FILES_H
#define PLAN_PLAN_FILES_H

#include "core/plan/plan.h"

/* After plan_order_check. Errors go to the plan's list. */
void plan_files_check(struct plan *plan);

#endif
