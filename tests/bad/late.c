/* SPDX-License-Identifier: Apache-2.0 */
/* late - its constructor and its open take 300 ms each. Items are their own results. */
#include <rota/plugin.h>

#include <time.h>

static void take_time(void)
{
	const struct timespec time = {.tv_nsec = 300000000};
	nanosleep(&time, NULL);
}

__attribute__((constructor)) static void construct(void)
{
	take_time();
}

static int late_open(struct rota_worker *worker, void **state)
{
	(void)worker;
	*state = NULL;
	take_time();
	return ROTA_OK;
}

static int run(struct rota_task *task, void *state)
{
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	(void)state;
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "late", .version = "1.0", .summary = "takes its time to begin", .open = late_open, .run = run);
