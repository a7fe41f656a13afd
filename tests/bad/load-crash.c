/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load-crash - its load crashes.
 */
#include <rota/plugin.h>

#include <stdlib.h>

static int misbehave(struct rota_worker *worker)
{
	(void)worker;
	abort();
}

static int run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "load-crash", .version = "1.0", .summary = "crashes in load", .load = misbehave, .run = run);
