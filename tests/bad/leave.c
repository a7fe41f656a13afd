/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leave - ends the process that it is in, with success: `by` names the call, `where` is load, open or the number of an
 * item; LEAVE in the environment names a call that a constructor makes. With where=child (vfork) each item makes a
 * process that leaves with the item's number, and has the status that it ended with as result. All other items have
 * themselves as result.
 */
#define _GNU_SOURCE 1
#include <rota/plugin.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *by, *where;

static void leave_by(const char *call, int status)
{
	if (strcmp(call, "exit") == 0)
		exit(status);
	if (strcmp(call, "quick_exit") == 0)
		quick_exit(status);
	if (strcmp(call, "_Exit") == 0)
		_Exit(status);
	_exit(status);
}

__attribute__((constructor)) static void construct(void)
{
	const char *call = getenv("LEAVE");
	if (call)
		leave_by(call, 0);
}

static int leave_load(struct rota_worker *worker)
{
	by = rota_option_string(worker, "by");
	where = rota_option_string(worker, "where");
	if (strcmp(where, "load") == 0)
		leave_by(by, 0);
	return ROTA_OK;
}

static int leave_open(struct rota_worker *worker, void **state)
{
	(void)worker;
	*state = NULL;
	if (strcmp(where, "open") == 0)
		leave_by(by, 0);
	return ROTA_OK;
}

static int run_child(struct rota_task *task, bool shares_memory)
{
	char text[16];
	const int code = (int)rota_seq(task);
	int status = -1;
	pid_t pid = shares_memory ? vfork() : fork();
	if (pid == 0)
		leave_by(shares_memory ? "_exit" : by, code);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return rota_fail(task, "no child");
	int n = snprintf(text, sizeof text, "%d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	return rota_write(task, text, (size_t)n);
}

static int leave_run(struct rota_task *task, void *state)
{
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	(void)state;
	if (strcmp(where, "child") == 0 || strcmp(where, "vfork") == 0)
		return run_child(task, strcmp(where, "vfork") == 0);
	if (rota_seq(task) == strtoull(where, NULL, 10))
		leave_by(by, 0);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "leave", .version = "1.0", .summary = "ends the process that it is in", .flags = ROTA_THREAD_SAFE,
            .options = (const struct rota_option[]){{"by", ROTA_STRING, "_exit", "which call it makes"},
                                                    {"where", ROTA_STRING, "7", "load, open, an item, child or vfork"},
                                                    {NULL}},
            .load = leave_load, .open = leave_open, .run = leave_run);
