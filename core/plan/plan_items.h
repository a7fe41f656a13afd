/* SPDX-License-Identifier: Apache-2.0 */
/* plan_items - a job's recipe for its items, looked at together with its plugin and its command. For plan_check. */
#ifndef PLAN_PLAN_ITEMS_H
#define PLAN_PLAN_ITEMS_H

#include "core/plan/plan.h"

/* What doesn't go together is an error; else the recipe is complete, and the plugin is told what its items are. */
void plan_items_check(struct plan *plan, struct job *job);

#endif
