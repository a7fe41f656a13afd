/* SPDX-License-Identifier: Apache-2.0 */
/*
 * short - says that its struct ends before run: to be refused.
 */
#include <rota/plugin.h>

static int short_run(struct rota_task *task, void *state)
{
	(void)state;
	return rota_write(task, "run", 3);
}

const struct rota_plugin rota_plugin = {.abi = ROTA_ABI,
                                        .struct_size = offsetof(struct rota_plugin, options),
                                        .name = "short",
                                        .version = "1.0",
                                        .summary = "says that its struct ends before run",
                                        .run = short_run};
