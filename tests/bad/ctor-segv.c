/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctor-segv - writes where nothing is while it is loaded.
 */
#include <rota/plugin.h>

__attribute__((constructor, no_sanitize("undefined", "address"))) static void misbehave(void)
{
	volatile int *volatile nowhere = NULL;
	*nowhere = 1;
}

static int run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "ctor-segv", .version = "1.0", .summary = "crashes while it is loaded", .run = run);
