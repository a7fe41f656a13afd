/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flush - has a flush, whose place is reserved: to be refused with a clear message by hosts of ABI 1.
 */
#include <rota/plugin.h>

static int flush(struct rota_task *task, void *state)
{
	(void)task;
	(void)state;
	return ROTA_OK;
}

static int run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "flush", .version = "1.0", .summary = "has a flush", .flush = flush, .run = run);
