/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity - each item as it is: for trying sources, sinks and whole runs out, and the floor in benchmarks.
 */
#include <rota/plugin.h>

static int identity_run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "identity", .version = "1.0", .summary = "write each item unchanged",
            .flags = ROTA_THREAD_SAFE | ROTA_PURE | ROTA_TIDY, .run = identity_run);
