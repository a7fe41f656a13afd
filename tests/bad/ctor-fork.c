/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctor-fork - never comes back from being loaded, and has started a process out of its session before. Where the
 * environment names a file (ROTA_TEST_BEGUN) it has a line then.
 */
#include <rota/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void say_begun(void)
{
	const char *name = getenv("ROTA_TEST_BEGUN");
	FILE *file = name ? fopen(name, "a") : NULL;
	if (file) {
		fputs("begun\n", file);
		fclose(file);
	}
}

__attribute__((constructor)) static void misbehave(void)
{
	if (fork() == 0) {
		setsid();
		if (fork() != 0)
			_exit(0);
		say_begun();
	}
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

ROTA_PLUGIN(.name = "ctor-fork", .version = "1.0", .summary = "hangs while it is loaded, with a child", .run = run);
