/* SPDX-License-Identifier: Apache-2.0 */
/* cause - see cause.h. */
#include "config.h"

#include "core/base/cause.h"
#include "core/base/clock.h"
#include "core/base/proc.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static bool has_text(const struct cause *cause)
{
	return cause->text && *cause->text;
}

static void put_limit(char text[CAUSE_PROSE_BYTES], const struct cause *cause)
{
	if (cause->kind == CAUSE_TIMED_OUT)
		snprintf(text, CAUSE_PROSE_BYTES, "no answer within %g s in worker %u",
		         (double)cause->limit_ns / (double)CLOCK_NS_PER_SEC, cause->worker);
	else if (cause->kind == CAUSE_OVER_MEMORY)
		snprintf(text, CAUSE_PROSE_BYTES, "over memory limit: worker %u used %" PRId64 " of %" PRId64 " bytes",
		         cause->worker, cause->used_bytes, cause->limit_bytes);
	else
		snprintf(text, CAUSE_PROSE_BYTES,
		         "over memory limit: the kernel killed worker %u, which needed more than %" PRId64 " bytes",
		         cause->worker, cause->limit_bytes);
}

const char *cause_prose(char text[CAUSE_PROSE_BYTES], const struct cause *cause)
{
	char how[PROC_DEATH_BYTES];
	*text = '\0';
	switch (cause->kind) {
	case CAUSE_NONE:
		break;
	case CAUSE_FAILED:
	case CAUSE_MAX_RESULT:
		snprintf(text, CAUSE_PROSE_BYTES, "%s", cause->text ? cause->text : "");
		break;
	case CAUSE_AGAIN:
		/* how a command ended says it all */
		if (cause->wait_status != 0 && has_text(cause))
			snprintf(text, CAUSE_PROSE_BYTES, "%s", cause->text);
		else
			snprintf(text, CAUSE_PROSE_BYTES, "asked for another attempt%s%s", has_text(cause) ? ": " : "",
			         has_text(cause) ? cause->text : "");
		break;
	case CAUSE_MAX_ITEM:
		snprintf(text, CAUSE_PROSE_BYTES, "the item is larger than max-item");
		break;
	case CAUSE_DIED:
		snprintf(text, CAUSE_PROSE_BYTES, "%s in worker %u", proc_death(how, cause->wait_status), cause->worker);
		break;
	case CAUSE_THREAD_ENDED:
		snprintf(text, CAUSE_PROSE_BYTES, "it ended the thread of worker %u", cause->worker);
		break;
	case CAUSE_BROKEN_CHANNEL:
		snprintf(text, CAUSE_PROSE_BYTES, "worker %u wrote invalid data to its channel", cause->worker);
		break;
	case CAUSE_TIMED_OUT:
	case CAUSE_OVER_MEMORY:
	case CAUSE_OOM_KILLED:
		if (has_text(cause))
			snprintf(text, CAUSE_PROSE_BYTES, "%s", cause->text);
		else
			put_limit(text, cause);
		break;
	}
	return text;
}

int cause_signal(const struct cause *cause)
{
	return cause->wait_status != 0 && WIFSIGNALED(cause->wait_status) ? WTERMSIG(cause->wait_status) : 0;
}

int cause_code(const struct cause *cause)
{
	bool has_status = cause->kind == CAUSE_DIED || cause->wait_status != 0;
	return has_status && WIFEXITED(cause->wait_status) ? WEXITSTATUS(cause->wait_status) : -1;
}

int cause_exit_code(const struct cause *cause)
{
	bool has_command = (cause->kind == CAUSE_FAILED || cause->kind == CAUSE_AGAIN) && cause->wait_status != 0;
	return has_command && WIFEXITED(cause->wait_status) ? WEXITSTATUS(cause->wait_status) : -1;
}

int cause_wait_status(int64_t code, int64_t signum)
{
	if (signum > 0 && signum <= SIGRTMAX)
		return W_EXITCODE(0, (int)signum);
	return code > 0 && code <= 255 ? W_EXITCODE((int)code, 0) : 0;
}

/* A switch, so that the compiler misses a kind that was forgotten. */
const char *cause_kind_name(enum cause_kind kind)
{
	switch (kind) {
	case CAUSE_NONE:
		break;
	case CAUSE_FAILED:
		return "failed";
	case CAUSE_AGAIN:
		return "again";
	case CAUSE_MAX_RESULT:
		return "max-result";
	case CAUSE_MAX_ITEM:
		return "max-item";
	case CAUSE_DIED:
		return "died";
	case CAUSE_THREAD_ENDED:
		return "thread-ended";
	case CAUSE_TIMED_OUT:
		return "timed-out";
	case CAUSE_OVER_MEMORY:
		return "over-memory";
	case CAUSE_OOM_KILLED:
		return "oom-killed";
	case CAUSE_BROKEN_CHANNEL:
		return "broken-channel";
	}
	return "none";
}

enum cause_kind cause_kind_find(const char *name)
{
	for (int kind = CAUSE_FAILED; kind <= CAUSE_BROKEN_CHANNEL; kind++)
		if (strcmp(cause_kind_name((enum cause_kind)kind), name) == 0)
			return (enum cause_kind)kind;
	return CAUSE_NONE;
}
