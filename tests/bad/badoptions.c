/* SPDX-License-Identifier: Apache-2.0 */
/*
 * badoptions - its option table is wrong: the default of count is no number.
 */
#include <rota/plugin.h>

ROTA_OPTIONS(badoptions_options, {"count", ROTA_INT, "many", "how many", "1..64"}, {NULL});

static int run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "badoptions", .version = "1.0", .summary = "has a broken option table",
            .options = badoptions_options, .run = run);
