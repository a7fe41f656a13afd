/* SPDX-License-Identifier: Apache-2.0 */
/*
 * noisy - its constructor and its load say a line that would steer a terminal, then 1 MB each; what its load prints
 * last has no newline.
 */
#include <rota/plugin.h>

#include <stdio.h>

static void say(const char *who)
{
	printf("\033[31m%s on standard output\033[0m\n", who);
	fflush(stdout);
	fprintf(stderr, "\033]0;%s on standard error\a\n", who);
	for (int i = 0; i < 1 << 14; i++)
		fprintf(stderr, "%s: one of many lines, with 64 bytes in each, line %9d\n", who, i);
}

__attribute__((constructor)) static void begin(void)
{
	say("constructor");
}

static int load(struct rota_worker *worker)
{
	(void)worker;
	say("load");
	fputs("no newline", stderr);
	return 0;
}

static int run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "noisy", .version = "1.0", .summary = "says a lot while it is loaded", .load = load, .run = run);
