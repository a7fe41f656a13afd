/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reserve - uses rota_reserve and rota_commit wrongly, by less than the ring's room. An item says how: "none" commits
 * nothing, "more" a byte more than was reserved; any other is its own result.
 */
#include <rota/plugin.h>

#include <string.h>

static int run(struct rota_task *task, void *state)
{
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	char *out = rota_reserve(task, n_bytes);
	(void)state;
	if (!out)
		return ROTA_FAILED;
	memcpy(out, item, n_bytes);
	if (n_bytes == 4 && memcmp(item, "none", 4) == 0)
		return ROTA_OK;
	if (n_bytes == 4 && memcmp(item, "more", 4) == 0)
		return rota_commit(task, n_bytes + 1);
	return rota_commit(task, n_bytes);
}

ROTA_PLUGIN(.name = "reserve", .version = "1.0", .summary = "commits nothing, or more than it has reserved",
            .flags = ROTA_THREAD_SAFE, .run = run);
