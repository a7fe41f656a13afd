/* SPDX-License-Identifier: Apache-2.0 */
/*
 * undefined - uses a function that exists nowhere: dlopen refuses it. Link it without --no-undefined.
 */
#include <rota/plugin.h>

int function_that_exists_nowhere(void);

static int undefined_run(struct rota_task *task, void *state)
{
	(void)task;
	(void)state;
	return function_that_exists_nowhere();
}

ROTA_PLUGIN(.name = "undefined", .version = "1.0", .summary = "uses a function that exists nowhere",
            .run = undefined_run);
