/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctor-abort - aborts while it is loaded: a crash that must not reach the supervisor.
 */
#include <rota/plugin.h>

#include <stdlib.h>

__attribute__((constructor)) static void misbehave(void)
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

ROTA_PLUGIN(.name = "ctor-abort", .version = "1.0", .summary = "aborts while it is loaded", .run = run);
