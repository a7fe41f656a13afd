/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open-hang - no worker of it ever becomes ready.
 */
#include <rota/plugin.h>

#include <unistd.h>

static int misbehave(struct rota_worker *worker, void **state)
{
	(void)worker;
	(void)state;
	while (pause() < 0)
		;
	return ROTA_OK;
}

static int run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "open-hang", .version = "1.0", .summary = "hangs in open", .open = misbehave, .run = run);
