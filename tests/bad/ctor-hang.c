/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctor-hang - never comes back from being loaded.
 */
#include <rota/plugin.h>

#include <unistd.h>

__attribute__((constructor)) static void misbehave(void)
{
	while (pause() < 0)
		;
}

static int run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "ctor-hang", .version = "1.0", .summary = "hangs while it is loaded", .run = run);
