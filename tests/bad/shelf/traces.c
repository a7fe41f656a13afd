/* SPDX-License-Identifier: Apache-2.0 */
/* Faults that the next item could see: descriptors, and what else a process has one of. */
#define _GNU_SOURCE 1
#include "tests/bad/shelf/shelf.h"

#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static int fault_stdout(struct rota_task *task)
{
	(void)task;
	printf("junk on standard output\n");
	fflush(stdout);
	return GO_ON;
}

static int fault_stderr(struct rota_task *task)
{
	(void)task;
	fprintf(stderr, "words on standard error\n");
	return GO_ON;
}

static int fault_stdin(struct rota_task *task)
{
	char byte;
	ssize_t n = read(STDIN_FILENO, &byte, 1);
	return n == 0 ? GO_ON : rota_fail(task, "standard input gave %zd bytes", n);
}

static int fault_closefds(struct rota_task *task)
{
	(void)task;
	close_range(0, ~0u, 0);
	return GO_ON;
}

static int fault_nofile(struct rota_task *task)
{
	(void)task;
	struct rlimit none = {0, 0};
	setrlimit(RLIMIT_NOFILE, &none);
	return GO_ON;
}

static int fault_chdir(struct rota_task *task)
{
	return chdir("/") ? rota_fail(task, "cannot go to /") : GO_ON;
}

static int fault_umask(struct rota_task *task)
{
	(void)task;
	umask(0777);
	return GO_ON;
}

static int fault_sigmask(struct rota_task *task)
{
	(void)task;
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	return GO_ON;
}

static int fault_locale(struct rota_task *task)
{
	return setlocale(LC_ALL, "C.UTF-8") ? GO_ON : rota_fail(task, "no locale C.UTF-8");
}

const struct shelf_fault shelf_traces[] = {
	{"stdout", fault_stdout}, {"stderr", fault_stderr},
	{"stdin", fault_stdin},   {"closefds", fault_closefds},
	{"nofile", fault_nofile}, {"chdir", fault_chdir},
	{"umask", fault_umask},   {"sigmask", fault_sigmask},
	{"locale", fault_locale}, {NULL, NULL},
};
