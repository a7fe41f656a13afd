/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open-refuse - its open says why it cannot go on.
 */
#include <rota/plugin.h>

static int misbehave(struct rota_worker *worker, void **state)
{
	(void)state;
	return rota_refuse(worker, "no device for worker %u", rota_worker_number(worker));
}

static int run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "open-refuse", .version = "1.0", .summary = "refuses to open", .open = misbehave, .run = run);
