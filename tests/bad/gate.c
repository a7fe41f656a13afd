/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate - holds a run where its test wants it: as long as there is a file "gate" in the folder that rota was started in,
 * the item whose number stands in it waits for ms, and so does each behind it. With another number, or without the
 * file, they go on. It is no longer than that, as an item before them may have been given to a worker that waits.
 * An item that begins with ! fails, any other is its own result.
 */
#include <rota/plugin.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOK_MS 2

struct gate {
	int64_t ms;
};

static bool is_closed(uint64_t seq)
{
	unsigned long long first = 0;
	FILE *file = fopen("gate", "re");
	if (!file)
		return false;
	/* one that is being written may be empty: then all wait */
	if (fscanf(file, "%llu", &first) != 1)
		first = 0;
	fclose(file);
	return seq >= first;
}

static int gate_open(struct rota_worker *worker, void **state)
{
	struct gate *gate = malloc(sizeof *gate);
	if (!gate)
		return rota_refuse(worker, "out of memory");
	gate->ms = rota_option_int(worker, "ms");
	*state = gate;
	return ROTA_OK;
}

static int gate_run(struct rota_task *task, void *state)
{
	const struct gate *gate = state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	for (int64_t ms = 0; ms < gate->ms && is_closed(rota_seq(task)) && !rota_cancelled(task); ms += LOOK_MS)
		usleep(LOOK_MS * 1000);
	if (n_bytes > 0 && item[0] == '!')
		return rota_fail(task, "failed on order");
	return rota_write(task, item, n_bytes);
}

static void gate_close(void *state)
{
	free(state);
}

ROTA_PLUGIN(.name = "gate", .version = "1.0", .summary = "waits as long as a file says so",
            .flags = ROTA_THREAD_SAFE | ROTA_PURE | ROTA_TIDY,
            .options = (const struct rota_option[]){{"ms", ROTA_INT, "100", "how long an item waits", "0.."}, {NULL}},
            .open = gate_open, .run = gate_run, .close = gate_close);
