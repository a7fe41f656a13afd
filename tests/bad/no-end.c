/* SPDX-License-Identifier: Apache-2.0 */
/* no-end - an option table without its last entry: what stands behind it is no option. */
#include <rota/plugin.h>

static const struct {
	struct rota_option options[1];
	struct rota_option junk; /* where the end should be */
} table = {{{.name = "size", .type = ROTA_SIZE, .default_value = "1M", .help = "how much"}},
           {.name = (const char *)1, .type = ROTA_INT, .default_value = (const char *)2}};

static int run(struct rota_task *task, void *state)
{
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	(void)state;
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "no-end", .version = "1.0", .summary = "has an option table without its end",
            .options = table.options, .run = run);
