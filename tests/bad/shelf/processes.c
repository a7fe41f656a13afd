/* SPDX-License-Identifier: Apache-2.0 */
/* Faults with processes and threads. */
#define _GNU_SOURCE 1
#include "tests/bad/shelf/shelf.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int fault_fork(struct rota_task *task)
{
	(void)task;
	if (fork() == 0)
		shelf_wait_for_ever(NULL);
	return GO_ON;
}

static int fault_daemon(struct rota_task *task)
{
	(void)task;
	if (fork() == 0) {
		setsid();
		if (fork() == 0)
			shelf_wait_for_ever(NULL);
		_exit(0);
	}
	return GO_ON;
}

/* Parent and child both come back from run. */
static int fault_fork_return(struct rota_task *task)
{
	return fork() < 0 ? rota_fail(task, "cannot fork") : GO_ON;
}

static int fault_thread(struct rota_task *task)
{
	pthread_t thread;
	return pthread_create(&thread, NULL, shelf_wait_for_ever, NULL) ? rota_fail(task, "cannot make a thread") : GO_ON;
}

/* Only rota's own: by hand it would be the shell. */
static int fault_killparent(struct rota_task *task)
{
	char path[64], name[32] = "";
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)getppid());
	FILE *file = fopen(path, "re");
	if (file) {
		if (!fgets(name, sizeof(name), file))
			name[0] = '\0';
		fclose(file);
	}
	if (strncmp(name, "rota", 4))
		return rota_fail(task, "the parent is %s, not rota", name);
	kill(getppid(), SIGKILL);
	return GO_ON;
}

static int fault_killgroup(struct rota_task *task)
{
	if (getpgrp() != getpid())
		return rota_fail(task, "leads no process group");
	kill(0, SIGKILL);
	return GO_ON;
}

const struct shelf_fault shelf_processes[] = {
	{"fork", fault_fork},
	{"daemon", fault_daemon},
	{"fork-return", fault_fork_return},
	{"thread", fault_thread},
	{"killparent", fault_killparent},
	{"killgroup", fault_killgroup},
	{NULL, NULL},
};
