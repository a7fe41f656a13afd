/* SPDX-License-Identifier: Apache-2.0 */
/* joblog-t - lines as GNU parallel writes them. */
#include "config.h"

#include "core/record/joblog.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"

static char folder[TAP_PATH_BYTES];
static char file[TAP_BESIDE_BYTES];

static void is_file(const char *want, size_t n_want, const char *what)
{
	char text[2048];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
	is_mem(text, n < 0 ? 0 : (size_t)n, want, n_want, "%s", what);
	if (fd >= 0)
		close(fd);
}

static void add(struct joblog *joblog, enum outcome outcome, const char *cause, const char *item, size_t n_bytes)
{
	const struct joblog_entry entry = {.seq = 7,
	                                   .item = item,
	                                   .item_bytes = n_bytes,
	                                   .outcome = outcome,
	                                   .cause = cause,
	                                   .time = {.start_ns = INT64_C(1700000000123456789),
	                                            .runtime_ns = 1500000,
	                                            .result_bytes = 42}};
	joblog_add(joblog, "", &entry);
}

static void test_lines(void)
{
	static const char want[] = HEAD "7\t:\t1700000000.123\t     0.002\t0\t42\t0\t0\ta b\n"
									"7\t:\t1700000000.123\t     0.002\t0\t0\t3\t0\tx\n"
									"7\t:\t1700000000.123\t     0.002\t0\t0\t1\t0\tx\n"
									"7\t:\t1700000000.123\t     0.002\t0\t0\t0\t11\tx\n"
									"7\t:\t1700000000.123\t     0.002\t0\t0\t0\t15\tx\n"
									"7\t:\t1700000000.123\t     0.002\t0\t0\t-1\t0\tx\n"
									"7\t:\t1700000000.123\t     0.002\t0\t42\t0\t0\ta\0b\0\n";
	struct joblog *joblog;
	struct err err;
	is_int(joblog_open(&joblog, file, false, &err), 0, "opened");
	add(joblog, OUTCOME_OK, NULL, "a b", 3);
	add(joblog, OUTCOME_FAILED, "exited with code 3", "x", 1);
	add(joblog, OUTCOME_FAILED, "no such thing", "x", 1);
	add(joblog, OUTCOME_CRASHED, "SIGSEGV (Segmentation fault) in worker 1", "x", 1);
	add(joblog, OUTCOME_FAILED, "killed by SIGTERM", "x", 1);
	add(joblog, OUTCOME_TIMED_OUT, "longer than 1 s", "x", 1);
	add(joblog, OUTCOME_OK, NULL, "a\nb\n", 4);
	joblog_flush(joblog);
	is_file(want, sizeof want - 1, "each kind of outcome");
	is_int(joblog_close(&joblog, &err), 0, "closed");
}

static void test_times(void)
{
	struct joblog *joblog;
	struct err err;
	char text[256] = "", *at;
	const struct joblog_entry unknown = {.seq = 1, .item = "i", .item_bytes = 1, .time = {.runtime_ns = -1}};
	is_int(joblog_open(&joblog, file, false, &err), 0, "begun anew");
	joblog_add(joblog, "second", &unknown);
	is_int(joblog_close(&joblog, &err), 0, "closed");
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ok(fd >= 0 && read(fd, text, sizeof text - 1) > (ssize_t)strlen(HEAD), "a line");
	close(fd);
	at = text + strlen(HEAD);
	ok(strncmp(at, "1\t:\t", 4) == 0 && strtod(at + 4, &at) > 1.7e9, "what nobody knows began now");
	is_str(at, "\t     0.000\t0\t0\t0\t0\tsecond i\n", "and took no time; the job's name stands before the item");
}

static void test_resumed(void)
{
	static const char want[] = HEAD "7\t:\t1700000000.123\t     0.002\t0\t42\t0\t0\tone\n"
									"7\t:\t1700000000.123\t     0.002\t0\t42\t0\t0\ttwo\n";
	struct joblog *joblog;
	struct err err;
	unlink(file);
	for (int i = 0; i < 2; i++) {
		is_int(joblog_open(&joblog, file, true, &err), 0, "opened to go on");
		add(joblog, OUTCOME_OK, NULL, i == 0 ? "one" : "two", 3);
		is_int(joblog_close(&joblog, &err), 0, "closed");
	}
	is_file(want, sizeof want - 1, "one head, the lines behind one another");
}

static void test_errors(void)
{
	struct joblog *joblog = NULL;
	struct err err;
	ok(joblog_open(&joblog, folder, false, &err) == -1 && strstr(err.text, folder), "a folder: %s", err.text);
	is_int(joblog_close(&joblog, &err), 0, "none is closed, too");
	joblog_flush(joblog);
	if (access("/dev/full", W_OK) != 0) {
		skip("no /dev/full");
		return;
	}
	is_int(joblog_open(&joblog, "/dev/full", false, &err), 0, "a full disk");
	add(joblog, OUTCOME_OK, NULL, "x", 1);
	ok(joblog_close(&joblog, &err) == -1 && strstr(err.text, "No space left"), "shows at the end: %s", err.text);
	ok(!joblog, "and it is closed all the same");
}

int main(void)
{
	tap_template(folder, "joblog");
	if (!mkdtemp(folder))
		abort();
	snprintf(file, sizeof file, "%s/log", folder);
	test_lines();
	test_times();
	test_resumed();
	test_errors();
	unlink(file);
	ok(rmdir(folder) == 0, "nothing is left");
	return tap_done();
}
