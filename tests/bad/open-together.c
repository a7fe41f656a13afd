/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open-together - its first workers crash in open at the same moment, each with a stack of its own.
 */
#include <rota/plugin.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

static _Atomic int *n_waiting;

static int share(struct rota_worker *worker)
{
	(void)worker;
	void *shared = mmap(NULL, sizeof *n_waiting, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return ROTA_FAILED;
	n_waiting = shared;
	return ROTA_OK;
}

/* Through a pointer that may change, so that each step stays on the stack. */
__attribute__((noinline)) static int fall(unsigned depth)
{
	int (*volatile deeper)(unsigned) = fall;
	if (depth == 0)
		abort();
	return deeper(depth - 1) + 1;
}

static int misbehave(struct rota_worker *worker, void **state)
{
	(void)state;
	atomic_fetch_add(n_waiting, 1);
	while (atomic_load(n_waiting) < rota_option_int(worker, "workers"))
		sched_yield();
	return fall(rota_worker_number(worker)) < 0 ? ROTA_OK : ROTA_FAILED;
}

static int run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "open-together", .version = "1.0", .summary = "workers that crash in open at the same moment",
            .options = (const struct rota_option[]){{"workers", ROTA_INT, "4", "so many wait for each other"}, {NULL}},
            .load = share, .open = misbehave, .run = run);
