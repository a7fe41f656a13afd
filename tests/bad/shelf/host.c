/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong use of the host, and use that is right and rare. */
#define _GNU_SOURCE 1
#include "tests/bad/shelf/shelf.h"

#include <stdint.h>

/* Writes until it is told that it is too much, and passes that on. */
static int fault_toolong(struct rota_task *task)
{
	static const char line[] = "too long too long too long too long too long too long too long too long";
	int status = ROTA_OK;
	while (status == ROTA_OK)
		status = rota_write(task, line, sizeof(line) - 1);
	return status;
}

/* Is told that it is too much, and says that all is well. */
static int fault_toolong_ignored(struct rota_task *task)
{
	fault_toolong(task);
	return ROTA_OK;
}

static int fault_reserve_toolong(struct rota_task *task)
{
	return rota_reserve(task, SIZE_MAX / 4) ? rota_fail(task, "was given room that nobody has") : ROTA_FAILED;
}

static int fault_commit_too_much(struct rota_task *task)
{
	if (!rota_reserve(task, 1))
		return ROTA_FAILED;
	return rota_commit(task, 64 * MIB);
}

static int fault_commit_unreserved(struct rota_task *task)
{
	return rota_commit(task, 64 * MIB);
}

/* Reserves, and makes nothing of it: no result. */
static int fault_reserve_only(struct rota_task *task)
{
	return rota_reserve(task, 100) ? ROTA_OK : ROTA_FAILED;
}

static int fault_fail(struct rota_task *task)
{
	return rota_fail(task, "failed on order");
}

/* What was written before doesn't count. */
static int fault_fail_late(struct rota_task *task)
{
	rota_write(task, "half a result", 13);
	return rota_fail(task, "failed on order, late");
}

static int fault_fail_silent(struct rota_task *task)
{
	(void)task;
	return ROTA_FAILED;
}

static int fault_fail_ignored(struct rota_task *task)
{
	rota_fail(task, "failed on order, but run says ok");
	return ROTA_OK;
}

static int fault_retry(struct rota_task *task)
{
	rota_write(task, "half a result", 13);
	return rota_retry(task, "not now");
}

static int fault_retry_silent(struct rota_task *task)
{
	(void)task;
	return ROTA_AGAIN;
}

static int fault_status(struct rota_task *task)
{
	(void)task;
	return 42;
}

static int fault_refused(struct rota_task *task)
{
	(void)task;
	return ROTA_REFUSED;
}

static int fault_no_result(struct rota_task *task)
{
	(void)task;
	return ROTA_OK;
}

static int fault_empty_result(struct rota_task *task)
{
	return rota_write(task, "", 0);
}

static int fault_log(struct rota_task *task)
{
	static const char odd[] = "odd \001\033[31m\xff bytes\nand a second line";
	rota_log(task, "a line for the user");
	task->host->log(task, odd, sizeof(odd) - 1);
	task->host->log(task, "", 0);
	return GO_ON;
}

static int fault_log_flood(struct rota_task *task)
{
	for (int i = 0; i < 100000; i++)
		rota_log(task, "line %d of too many", i);
	return GO_ON;
}

static int fault_count(struct rota_task *task)
{
	rota_count(task, "counted", 1);
	return GO_ON;
}

static int fault_next(struct rota_task *task)
{
	int status = rota_write(task, "first", 5);
	if (status == ROTA_OK)
		status = rota_next(task);
	return status == ROTA_OK ? rota_write(task, "second", 6) : status;
}

const struct shelf_fault shelf_host[] = {
	{"toolong", fault_toolong},
	{"toolong-ignored", fault_toolong_ignored},
	{"reserve-toolong", fault_reserve_toolong},
	{"commit-too-much", fault_commit_too_much},
	{"commit-unreserved", fault_commit_unreserved},
	{"reserve-only", fault_reserve_only},
	{"fail", fault_fail},
	{"fail-late", fault_fail_late},
	{"fail-silent", fault_fail_silent},
	{"fail-ignored", fault_fail_ignored},
	{"retry", fault_retry},
	{"retry-silent", fault_retry_silent},
	{"status", fault_status},
	{"refused", fault_refused},
	{"no-result", fault_no_result},
	{"empty-result", fault_empty_result},
	{"log", fault_log},
	{"log-flood", fault_log_flood},
	{"count", fault_count},
	{"next", fault_next},
	{NULL, NULL},
};
