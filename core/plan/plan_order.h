/* SPDX-License-Identifier: Apache-2.0 */
/* plan_order - which job of a plan runs after which: names become indices, circles are found. */
#ifndef PLAN_PLAN_ORDER_H
#define PLAN_PLAN_ORDER_H

#include "core/plan/plan.h"

#include <stdbool.h>
#include <stddef.h>

/* Sets job.after of each job; errors go to the plan's list. */
void plan_order_check(struct plan *plan);

/* Does one job wait for the other, directly or by way of others? After plan_order_check. */
bool plan_order_is_after(const struct plan *plan, size_t later, size_t earlier);

#endif
