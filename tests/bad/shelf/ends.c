/* SPDX-License-Identifier: Apache-2.0 */
/* Faults that end the process. */
#define _GNU_SOURCE 1
#include "tests/bad/shelf/shelf.h"

#include <signal.h>
#include <stdlib.h>

__attribute__((no_sanitize("undefined", "address"))) static int fault_segv(struct rota_task *task)
{
	(void)task;
	volatile int *volatile nowhere = NULL;
	*nowhere = 1;
	return GO_ON;
}

static int fault_abort(struct rota_task *task)
{
	(void)task;
	abort();
}

static int fault_kill(struct rota_task *task)
{
	(void)task;
	raise(SIGKILL);
	return GO_ON;
}

static int fault_exit0(struct rota_task *task)
{
	(void)task;
	exit(0);
}

static int fault_exit3(struct rota_task *task)
{
	(void)task;
	_exit(3);
}

static int eat_stack(volatile char *above)
{
	int (*volatile deeper)(volatile char *) = eat_stack;
	volatile char here[4096];
	here[0] = above[0];
	return deeper(here) + here[0];
}

static int fault_stack(struct rota_task *task)
{
	(void)task;
	volatile char top[1] = {1};
	return eat_stack(top);
}

/* Half of a result, then the end. */
static int fault_die_writing(struct rota_task *task)
{
	rota_write(task, "half", 4);
	abort();
}

const struct shelf_fault shelf_ends[] = {
	{"segv", fault_segv},
	{"abort", fault_abort},
	{"kill", fault_kill},
	{"exit0", fault_exit0},
	{"exit3", fault_exit3},
	{"stack", fault_stack},
	{"die-writing", fault_die_writing},
	{NULL, NULL},
};
