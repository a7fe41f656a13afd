/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option-unknown - its open asks for an option that isn't in its table: a bug of the plugin, which the host names.
 */
#include <rota/plugin.h>

static int misbehave(struct rota_worker *worker, void **state)
{
	(void)state;
	rota_option_int(worker, "colour");
	return ROTA_OK;
}

static int run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return rota_write(task, item, n_bytes);
}

ROTA_OPTIONS(option_unknown_options, {"mark", ROTA_STRING, "!", "what stands at the end"}, {NULL});

ROTA_PLUGIN(.name = "option-unknown", .version = "1.0", .summary = "asks for a wrong option",
            .options = option_unknown_options, .open = misbehave, .run = run);
