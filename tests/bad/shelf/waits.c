/* SPDX-License-Identifier: Apache-2.0 */
/* Faults with no end in sight. */
#define _GNU_SOURCE 1
#include "tests/bad/shelf/shelf.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fault_stop(struct rota_task *task)
{
	(void)task;
	raise(SIGSTOP);
	return GO_ON;
}

static int fault_loop(struct rota_task *task)
{
	(void)task;
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	volatile bool is_looping = true;
	while (is_looping)
		;
	return GO_ON;
}

void *shelf_wait_for_ever(void *nothing)
{
	while (pause() < 0)
		;
	return nothing;
}

static int fault_hang(struct rota_task *task)
{
	(void)task;
	shelf_wait_for_ever(NULL);
	return GO_ON;
}

/* Well-behaved, but only when it is told. */
static int fault_until_cancelled(struct rota_task *task)
{
	while (!rota_cancelled(task))
		usleep(1000);
	return rota_fail(task, "was told to stop");
}

static void hear(int signum)
{
	static const char words[] = "TERM was heard\n";
	(void)signum;
	if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
		abort();
}

/* Isn't ended by TERM, and answers soon after it was told to give up, as if it hadn't been. */
static int fault_late(struct rota_task *task)
{
	signal(SIGTERM, hear);
	while (!rota_cancelled(task))
		usleep(1000);
	usleep(20000);
	return GO_ON;
}

/* Takes memory until somebody ends it, 1.6 GiB a second, up to 4 GiB. */
static int fault_memory(struct rota_task *task)
{
	for (size_t taken = 0; taken < 4096 * MIB; taken += 16 * MIB) {
		char *volatile memory = malloc(16 * MIB);
		if (!memory)
			return rota_fail(task, "no memory after %zu bytes", taken);
		memset(memory, 1, 16 * MIB);
		usleep(10000);
	}
	return rota_fail(task, "nobody ended this item at 4 GiB");
}

const struct shelf_fault shelf_waits[] = {
	{"stop", fault_stop}, {"loop", fault_loop},     {"hang", fault_hang}, {"until-cancelled", fault_until_cancelled},
	{"late", fault_late}, {"memory", fault_memory}, {NULL, NULL},
};
