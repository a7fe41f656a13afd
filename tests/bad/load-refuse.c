/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load-refuse - its load says why it cannot go on.
 */
#include <rota/plugin.h>

static int misbehave(struct rota_worker *worker)
{
	return rota_refuse(worker, "no model at %s", "/nowhere");
}

static int run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "load-refuse", .version = "1.0", .summary = "refuses to load", .load = misbehave, .run = run);
