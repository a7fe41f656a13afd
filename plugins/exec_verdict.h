/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_verdict - what becomes of an item whose command has ended: its exit status decides.
 *
 *   verdict_init once a worker, verdict_judge for each item
 */
#ifndef EXEC_VERDICT_H
#define EXEC_VERDICT_H

#include "plugins/exec_group.h"

#include <rota/plugin.h>

#include <stdbool.h>

#define VERDICT_STATUSES 256

struct verdict {
	bool is_ok[VERDICT_STATUSES]; /* by exit status */
	bool is_final;                /* what isn't ok wants no other attempt */
	bool keeps_output;            /* its output is the result all the same */
};

/* From the options ok-status, retry and keep-failed. A rota_status. */
int verdict_init(struct verdict *verdict, struct rota_worker *worker);

/* The command is reaped. A rota_status, with the reason told. */
int verdict_judge(const struct verdict *verdict, struct rota_task *task, const struct group *group);

#endif
