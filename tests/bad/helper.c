/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper - its load starts a process that all items need; item 3 crashes.
 */
#include <rota/plugin.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static pid_t helper;

static int load(struct rota_worker *worker)
{
	helper = fork();
	while (helper == 0)
		pause();
	return helper > 0 ? ROTA_OK : rota_refuse(worker, "cannot fork");
}

static int run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	if (n_bytes == 1 && *item == '3')
		abort();
	usleep(5000);
	if (kill(helper, 0) != 0)
		return rota_fail(task, "the helper is gone");
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "helper", .version = "1.0", .summary = "needs a process that load has started",
            .flags = ROTA_THREAD_SAFE, .load = load, .run = run);
