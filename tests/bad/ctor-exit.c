/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctor-exit - ends the process with success while it is loaded: no success of the run.
 */
#include <rota/plugin.h>

#include <unistd.h>

__attribute__((constructor)) static void misbehave(void)
{
	_exit(0);
}

static int run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "ctor-exit", .version = "1.0", .summary = "exits while it is loaded", .run = run);
