/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chat - says everything that a worker can say to the supervisor. Items:
 *
 *   all       a line for the user, a count, and a result that goes out in parts
 *   again     wants another attempt, once
 *   hang      hangs in its first attempt
 *   fail      fails
 *
 * Any other is its own result. refuse=load, refuse=open: that says no.
 */
#include <rota/plugin.h>

#include <string.h>
#include <unistd.h>

#define PART_BYTES 1000
#define N_PARTS 700 /* more than a result ring */

static const char *refusing;

static int refuse_if(struct rota_worker *worker, const char *where)
{
	return strcmp(refusing, where) == 0 ? rota_refuse(worker, "%s says no", where) : ROTA_OK;
}

static int chat_load(struct rota_worker *worker)
{
	refusing = rota_option_string(worker, "refuse");
	return refuse_if(worker, "load");
}

static int chat_open(struct rota_worker *worker, void **state)
{
	*state = NULL;
	return refuse_if(worker, "open");
}

static int say_all(struct rota_task *task)
{
	static char result[(size_t)N_PARTS * PART_BYTES];
	memset(result, 'x', sizeof(result));
	rota_log(task, "a line for the user");
	rota_count(task, "said", 1);
	return rota_write(task, result, sizeof(result));
}

static int chat_run(struct rota_task *task, void *state)
{
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	(void)state;
	if (n_bytes == 3 && memcmp(item, "all", n_bytes) == 0)
		return say_all(task);
	if (n_bytes == 4 && memcmp(item, "fail", n_bytes) == 0)
		return rota_fail(task, "as it should");
	if (n_bytes == 5 && memcmp(item, "again", n_bytes) == 0 && rota_attempt(task) == 1)
		return rota_retry(task, "not yet");
	while (n_bytes == 4 && memcmp(item, "hang", n_bytes) == 0 && rota_attempt(task) == 1)
		pause();
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "chat", .version = "1.0", .summary = "says all that can be said", .flags = ROTA_PURE,
            .options = (const struct rota_option[]){{"refuse", ROTA_STRING, "none", "what says no"}, {NULL}},
            .load = chat_load, .open = chat_open, .run = chat_run);
