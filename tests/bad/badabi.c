/* SPDX-License-Identifier: Apache-2.0 */
/*
 * badabi - made for an ABI that no rota has: to be refused with both numbers.
 */
#include <rota/plugin.h>

static int badabi_run(struct rota_task *task, void *state)
{
	(void)state;
	return rota_write(task, "run", 3);
}

const struct rota_plugin rota_plugin = {.abi = 999,
                                        .struct_size = sizeof(struct rota_plugin),
                                        .name = "badabi",
                                        .version = "1.0",
                                        .summary = "made for an ABI that no rota has",
                                        .run = badabi_run};
