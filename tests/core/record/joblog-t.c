/* SPDX-License-Identifier: Apache-2.0 */
/* joblog-t - lines as GNU parallel writes them. */
#include "config.h"

#include "core/base/clock.h"
#include "core/record/joblog.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"

static char folder[TAP_PATH_BYTES];
static char file[TAP_BESIDE_BYTES];

/* Began 2 s ago, and took 1.5 ms. */
static struct item_time time_then(void)
{
	return (
		struct item_time){.start_ns = clock_now_ns() - 2 * CLOCK_NS_PER_SEC, .runtime_ns = 1500000, .result_bytes = 42};
}

/* Puts T for the time of day, and what follows behind it, if that time is 2 s ago. */
static size_t hide_time(char *text, size_t n_bytes)
{
	char *at = memmem(text, n_bytes, "\t:\t", 3), *end;
	if (!at)
		return n_bytes;
	double ago_s = (double)clock_real_ns() / (double)CLOCK_NS_PER_SEC - strtod(at + 3, &end);
	if (ago_s < 1.99 || ago_s > 30)
		diag("began %g s ago", ago_s);
	else
		at[3] = 'T';
	memmove(at + 4, end, (size_t)(text + n_bytes - end));
	return n_bytes - (size_t)(end - at - 4);
}

static void is_file(const char *want, size_t n_want, const char *what)
{
	char text[2048];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	size_t n_bytes = n < 0 ? 0 : (size_t)n;
	text[n_bytes] = '\0';
	char *line = text + strlen(HEAD);
	while (line < text + n_bytes) {
		n_bytes = (size_t)(line - text) + hide_time(line, (size_t)(text + n_bytes - line));
		line = (char *)memchr(line, '\n', n_bytes - (size_t)(line - text)) + 1;
	}
	is_mem(text, n_bytes, want, n_want, "%s", what);
	if (fd >= 0)
		close(fd);
}

static void add(struct joblog *joblog, struct cause cause, const char *item, size_t n_bytes)
{
	const struct joblog_entry entry = {
		.seq = 7, .item = item, .item_bytes = n_bytes, .cause = cause, .time = time_then()};
	joblog_add(joblog, "", &entry);
}

static void test_lines(void)
{
	static const char want[] = HEAD "7\t:\tT\t     0.002\t0\t42\t0\t0\ta b\n"
									"7\t:\tT\t     0.002\t0\t0\t3\t0\tx\n"
									"7\t:\tT\t     0.002\t0\t0\t1\t0\tx\n"
									"7\t:\tT\t     0.002\t0\t0\t1\t0\tx\n"
									"7\t:\tT\t     0.002\t0\t0\t0\t11\tx\n"
									"7\t:\tT\t     0.002\t0\t0\t1\t0\tx\n"
									"7\t:\tT\t     0.002\t0\t0\t0\t15\tx\n"
									"7\t:\tT\t     0.002\t0\t0\t-1\t0\tx\n"
									"7\t:\tT\t     0.002\t0\t42\t0\t0\ta\0b\0\n";
	static const struct cause ok_cause = {0};
	struct joblog *joblog;
	struct err err;
	is_int(joblog_open(&joblog, file, -1, false, &err), 0, "opened");
	add(joblog, ok_cause, "a b", 3);
	add(joblog, (struct cause){.kind = CAUSE_FAILED, .wait_status = 3 << 8, .text = "no"}, "x", 1);
	add(joblog, (struct cause){.kind = CAUSE_FAILED, .text = "cannot read SIGINT.txt"}, "x", 1);
	add(joblog, (struct cause){.kind = CAUSE_AGAIN, .text = "exited with code 3"}, "x", 1);
	add(joblog, (struct cause){.kind = CAUSE_DIED, .wait_status = 11}, "x", 1);
	add(joblog, (struct cause){.kind = CAUSE_DIED, .wait_status = 3 << 8}, "x", 1);
	add(joblog, (struct cause){.kind = CAUSE_FAILED, .wait_status = 15, .text = "killed"}, "x", 1);
	add(joblog, (struct cause){.kind = CAUSE_TIMED_OUT, .limit_ns = 1}, "x", 1);
	add(joblog, ok_cause, "a\nb\n", 4);
	joblog_flush(joblog);
	is_file(want, sizeof want - 1, "each kind of cause, whatever its text says");
	is_int(joblog_close(&joblog, &err), 0, "closed");
}

static void test_times(void)
{
	struct joblog *joblog;
	struct err err;
	char text[256] = "", *at;
	const struct joblog_entry unknown = {.seq = 1, .item = "i", .item_bytes = 1, .time = {.runtime_ns = -1}};
	is_int(joblog_open(&joblog, file, -1, false, &err), 0, "begun anew");
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
	static const char want[] = HEAD "7\t:\tT\t     0.002\t0\t42\t0\t0\tone\n"
									"7\t:\tT\t     0.002\t0\t42\t0\t0\ttwo\n";
	struct joblog *joblog;
	struct err err;
	unlink(file);
	for (int i = 0; i < 2; i++) {
		is_int(joblog_open(&joblog, file, -1, true, &err), 0, "opened to go on");
		add(joblog, (struct cause){0}, i == 0 ? "one" : "two", 3);
		is_int(joblog_close(&joblog, &err), 0, "closed");
	}
	is_file(want, sizeof want - 1, "one head, the lines behind one another");
}

static void test_errors(void)
{
	struct joblog *joblog = NULL;
	struct err err;
	ok(joblog_open(&joblog, folder, -1, false, &err) == -1 && strstr(err.text, folder), "a folder: %s", err.text);
	is_int(joblog_close(&joblog, &err), 0, "none is closed, too");
	joblog_flush(joblog);
	if (access("/dev/full", W_OK) != 0) {
		skip("no /dev/full");
		return;
	}
	is_int(joblog_open(&joblog, "/dev/full", -1, false, &err), 0, "a full disk");
	add(joblog, (struct cause){0}, "x", 1);
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
