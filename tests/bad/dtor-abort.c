/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dtor-abort - works, but aborts when it is unloaded or the process exits: the items it did are done.
 */
#include <rota/plugin.h>

#include <stdlib.h>

__attribute__((destructor)) static void misbehave(void)
{
	abort();
}

static int run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "dtor-abort", .version = "1.0", .summary = "aborts at its end", .run = run);
