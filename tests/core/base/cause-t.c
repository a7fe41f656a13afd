/* SPDX-License-Identifier: Apache-2.0 */
/* cause-t - each kind as a sentence, and what of it is a signal or an exit code. */
#include "config.h"

#include "core/base/cause.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <string.h>

static void test_kinds(void)
{
	static const struct {
		struct cause cause;
		const char *prose;
		int signum, exit_code;
	} cases[] = {
		{{0}, "", 0, -1},
		{{.kind = CAUSE_FAILED, .text = "cannot read SIGINT.txt"}, "cannot read SIGINT.txt", 0, -1},
		{{.kind = CAUSE_FAILED}, "", 0, -1},
		{{.kind = CAUSE_FAILED, .text = "exited with code 7", .wait_status = 7 << 8}, "exited with code 7", 0, 7},
		{{.kind = CAUSE_FAILED, .text = "exited with code 7"}, "exited with code 7", 0, -1},
		{{.kind = CAUSE_AGAIN, .text = "busy", .wait_status = 15}, "busy", 15, -1},
		{{.kind = CAUSE_AGAIN, .text = ""}, "asked for another attempt", 0, -1},
		{{.kind = CAUSE_MAX_RESULT, .text = "too large"}, "too large", 0, -1},
		{{.kind = CAUSE_MAX_ITEM}, "the item is larger than max-item", 0, -1},
		{{.kind = CAUSE_DIED, .worker = 3, .wait_status = 11}, "SIGSEGV (Segmentation fault) in worker 3", 11, -1},
		{{.kind = CAUSE_DIED, .worker = 3, .wait_status = 6 | 0x80}, "SIGABRT (Aborted) in worker 3", 6, -1},
		/* its exit code is the worker's: no command had one */
		{{.kind = CAUSE_DIED, .worker = 1, .wait_status = 3 << 8}, "exit code 3 in worker 1", 0, -1},
		{{.kind = CAUSE_DIED, .worker = 1}, "exit code 0 in worker 1", 0, -1},
		{{.kind = CAUSE_THREAD_ENDED, .worker = 2}, "it ended the thread of worker 2", 0, -1},
		{{.kind = CAUSE_TIMED_OUT, .worker = 2, .limit_ns = 1500000000}, "no answer within 1.5 s in worker 2", 0, -1},
		{{.kind = CAUSE_TIMED_OUT, .worker = 2, .limit_ns = 1, .text = "stopped"}, "stopped", 0, -1},
		{{.kind = CAUSE_OVER_MEMORY, .worker = 1, .used_bytes = 9, .limit_bytes = 8},
	     "over memory limit: worker 1 used 9 of 8 bytes",
	     0,
	     -1},
		{{.kind = CAUSE_OOM_KILLED, .worker = 1, .limit_bytes = 8},
	     "over memory limit: the kernel killed worker 1, which needed more than 8 bytes",
	     0,
	     -1},
		{{.kind = CAUSE_BROKEN_CHANNEL, .worker = 4}, "worker 4 wrote invalid data to its channel", 0, -1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char prose[CAUSE_PROSE_BYTES];
		is_str(cause_prose(prose, &cases[i].cause), cases[i].prose, "%zu: as a sentence", i);
		is_int(cause_signal(&cases[i].cause), cases[i].signum, "%zu: its signal", i);
		is_int(cause_exit_code(&cases[i].cause), cases[i].exit_code, "%zu: its command's exit code", i);
	}
}

/* What is stored of a cause is what is read back. */
static void test_stored(void)
{
	static const struct {
		struct cause cause;
		int code, signum;
	} cases[] = {
		{{.kind = CAUSE_DIED, .wait_status = 11 | 0x80}, -1, 11},
		{{.kind = CAUSE_DIED, .wait_status = 3 << 8}, 3, 0},
		{{.kind = CAUSE_DIED}, 0, 0},
		{{.kind = CAUSE_FAILED, .wait_status = 255 << 8}, 255, 0},
		{{.kind = CAUSE_FAILED}, -1, 0},
		{{.kind = CAUSE_AGAIN, .wait_status = 64}, -1, 64},
		{{.kind = CAUSE_TIMED_OUT}, -1, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct cause back = {.kind = cases[i].cause.kind};
		is_int(cause_code(&cases[i].cause), cases[i].code, "stored %zu: its code", i);
		is_int(cause_signal(&cases[i].cause), cases[i].signum, "stored %zu: its signal", i);
		back.wait_status = cause_wait_status(cases[i].code, cases[i].signum);
		ok(cause_code(&back) == cases[i].code && cause_signal(&back) == cases[i].signum, "stored %zu: and back", i);
	}
	is_int(cause_wait_status(300, 0) | cause_wait_status(-1, 4711) | cause_wait_status(INT64_MIN, INT64_MIN), 0,
	       "what no process ends with is nothing");
	for (int kind = CAUSE_NONE; kind <= CAUSE_BROKEN_CHANNEL; kind++) {
		const char *name = cause_kind_name((enum cause_kind)kind);
		is_int(cause_kind_find(name), kind, "%s", name);
	}
	is_int(cause_kind_find("SIGSEGV"), CAUSE_NONE, "a name of no kind");
}

static void test_long(void)
{
	static char words[2 * CAUSE_PROSE_BYTES];
	char prose[CAUSE_PROSE_BYTES];
	memset(words, 'x', sizeof words - 1);
	cause_prose(prose, &(struct cause){.kind = CAUSE_AGAIN, .text = words});
	is_int(strlen(prose), CAUSE_PROSE_BYTES - 1, "a text that is too long is cut");
}

int main(void)
{
	test_kinds();
	test_stored();
	test_long();
	return tap_done();
}
