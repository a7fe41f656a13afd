/* SPDX-License-Identifier: Apache-2.0 */
/* exec_verdict - see exec_verdict.h. */
#define _GNU_SOURCE 1
#include "config.h"

#include "plugins/exec_verdict.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* A number from 0 to 255. Returns what follows it; NULL: there is none. */
static const char *parse_status(const char *text, unsigned *ret)
{
	const char *at = text;
	for (*ret = 0; *at >= '0' && *at <= '9' && *ret < VERDICT_STATUSES; at++)
		*ret = 10 * *ret + (unsigned)(*at - '0');
	return at > text && *ret < VERDICT_STATUSES ? at : NULL;
}

/* "1" or "100-110". */
static bool take_range(struct verdict *verdict, const char *text)
{
	unsigned first, last;
	const char *at = parse_status(text, &first);
	last = first;
	if (at && *at == '-')
		at = parse_status(at + 1, &last);
	if (!at || *at || last < first)
		return false;
	for (unsigned status = first; status <= last; status++)
		verdict->is_ok[status] = true;
	return true;
}

int verdict_init(struct verdict *verdict, struct rota_worker *worker)
{
	size_t n;
	const char *const *ranges = rota_option_list(worker, "ok-status", &n);
	*verdict = (struct verdict){.is_final = strcmp(rota_option_choice(worker, "retry"), "fail") == 0,
	                            .keeps_output = rota_option_bool(worker, "keep-failed")};
	for (size_t i = 0; i < n; i++)
		if (!take_range(verdict, ranges[i]))
			return rota_refuse(worker, "ok-status: '%.100s' is no exit status: write numbers from 0 to 255, or 100-110",
			                   ranges[i]);
	return ROTA_OK;
}

/* Without SIG; NULL where the C library (glibc before 2.32) or nobody knows one. */
static const char *signal_name(int number)
{
#ifdef HAVE_SIGABBREV_NP
	return sigabbrev_np(number);
#else
	(void)number;
	return NULL;
#endif
}

__attribute__((format(printf, 3, 4))) static int not_ok(const struct verdict *verdict, struct rota_task *task,
                                                        const char *format, ...)
{
	char text[ROTA_TEXT_MAX];
	va_list args;
	va_start(args, format);
	size_t n = rota_format(text, format, args);
	va_end(args);
	return verdict->is_final ? task->host->fail(task, text, n) : task->host->retry(task, text, n);
}

int verdict_judge(const struct verdict *verdict, struct rota_task *task, const struct group *group)
{
	int wait_status = group->wait_status;
	if (!group->has_status)
		return rota_fail(task, "the command's exit status is lost: something else reaped it");
	if (WIFEXITED(wait_status) && verdict->is_ok[WEXITSTATUS(wait_status)])
		return ROTA_OK;
	rota_command_ended(task, wait_status);
	if (verdict->keeps_output)
		rota_keep_result(task);
	if (WIFEXITED(wait_status))
		return not_ok(verdict, task, "exited with code %d", WEXITSTATUS(wait_status));
	const char *name = signal_name(WTERMSIG(wait_status));
	if (!name)
		return not_ok(verdict, task, "killed by signal %d", WTERMSIG(wait_status));
	return not_ok(verdict, task, "killed by SIG%s", name);
}
