/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open-crash - every worker of it crashes before it is ready: ends the run, which must not go on for ever.
 */
#include <rota/plugin.h>

#include <stdlib.h>

static int misbehave(struct rota_worker *worker, void **state)
{
	(void)worker;
	(void)state;
	abort();
}

static int run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "open-crash", .version = "1.0", .summary = "crashes in open", .open = misbehave, .run = run);
