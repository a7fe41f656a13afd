/* SPDX-License-Identifier: Apache-2.0 */
/* report-t - what is said of failures and of jobs, how often, and when nothing is. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/record/report.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static int own_stderr;
static int file; /* stands in for standard error */

static char *said(void)
{
	static char text[32768];
	ssize_t n = pread(file, text, sizeof(text) - 1, 0);
	if (n < 0 || ftruncate(file, 0) < 0 || lseek(file, 0, SEEK_SET) < 0)
		abort();
	text[n] = '\0';
	return text;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void test_failures(void)
{
	static const struct {
		const char *job_name;
		struct failure failure;
		const char *line;
	} cases[] = {
		{NULL,
	     {7, "foo", 3, 1, {.kind = CAUSE_DIED, .worker = 2, .wait_status = 11}, 0, {0}},
	     "rota: item 7 \"foo\": crashed: SIGSEGV (Segmentation fault) in worker 2\n"},
		{"upper",
	     {7, "foo", 3, 3, {.kind = CAUSE_DIED, .worker = 1, .wait_status = 0x300}, 0, {0}},
	     "rota: upper: item 7 \"foo\": crashed after 3 attempts: exit code 3 in worker 1\n"},
		{"upper",
	     {1, "", 0, 0, {.kind = CAUSE_FAILED, .text = "it is empty"}, 0, {0}},
	     "rota: upper: item 1 \"\": failed: it is empty\n"},
		{NULL,
	     {2, "a\0\"b\"\n", 6, 2, {.kind = CAUSE_TIMED_OUT, .worker = 1, .limit_ns = 1500000000}, 0, {0}},
	     "rota: item 2 \"a\\x00\\\"b\\\"\\x0a\": timed out after 2 attempts: no answer within 1.5 s in worker 1\n"},
		{NULL, {3, "x", 1, 1, {.kind = CAUSE_MAX_RESULT}, 0, {0}}, "rota: item 3 \"x\": over limit\n"},
		{NULL,
	     {4, "x", 1, 1, {.kind = CAUSE_FAILED, .text = "two\nlines"}, 0, {0}},
	     "rota: item 4 \"x\": failed: two\\x0alines\n"},
		{NULL,
	     {UINT64_MAX, "x", 1, UINT32_MAX, {.kind = CAUSE_MAX_ITEM}, 0, {0}},
	     "rota: item 18446744073709551615 \"x\": over limit after 4294967295 attempts: the item is larger than "
	     "max-item\n"},
	};
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct report report;
		report_init(&report, cases[i].job_name);
		report_failure(&report, &cases[i].failure);
		is_str(said(), cases[i].line, "failure %zu is said", i);
	}
}

static void fail_often(struct report *report, uint64_t n_times)
{
	for (uint64_t i = 1; i <= n_times; i++)
		report_failure(report, &(struct failure){.seq = i, .item = "x", .item_bytes = 1, .cause.kind = CAUSE_DIED});
}

static void test_many_failures(void)
{
	struct report report, other;
	report_init(&report, "upper");
	report_init(&other, "lower");
	log_init(LOG_QUIET);
	fail_often(&report, REPORT_FAILURES_MAX);
	is_int(count_lines(said()), REPORT_FAILURES_MAX, "a hundred failures are a hundred lines, with -q, too");
	fail_often(&report, 1);
	is_str(said(), "rota: upper: more failures: not shown, only counted (-v shows all)\n", "then one line");
	fail_often(&report, 100000);
	is_str(said(), "", "and no more");
	is_int(report.n_failures, 100101, "they are counted");
	fail_often(&other, 1);
	is_int(count_lines(said()), 1, "each job has its own hundred");
	log_init(LOG_VERBOSE);
	fail_often(&report, 10);
	is_int(count_lines(said()), 10, "-v says all");
	fail_often(&other, REPORT_FAILURES_MAX + 10);
	ok(!strstr(said(), "more failures"), "and that none is left out isn't said");
	log_init(LOG_NORMAL);
}

static struct tally tally_ended(uint64_t n_ok, int64_t elapsed_ms)
{
	struct tally tally;
	tally_init(&tally);
	tally.n_read = n_ok;
	tally.n_outcomes[OUTCOME_OK] = n_ok;
	tally.start_ns = 1;
	tally.end_ns = 1 + elapsed_ms * CLOCK_NS_PER_MS;
	return tally;
}

static const char *job_said(const char *job_name, const struct tally *tally, enum log_level level)
{
	struct report report;
	report_init(&report, job_name);
	log_init(level);
	report_job(&report, tally);
	log_init(LOG_NORMAL);
	return said();
}

static void test_summaries(void)
{
	struct tally tally = tally_ended(4999997, 2310);
	tally.n_read += 3;
	tally.n_outcomes[OUTCOME_CRASHED] = 3;
	tally.n_deaths = 3;
	is_str(job_said("upper", &tally, LOG_NORMAL),
	       "rota: upper: 5,000,000 items, 4,999,997 ok, 3 crashed, 2.31 s, 2.2 M items/s, 3 workers restarted\n",
	       "a job with failures");
	is_str(job_said("upper", &tally, LOG_QUIET), "", "nothing with -q");
	tally.n_outcomes[OUTCOME_FAILED] = 1;
	tally.n_outcomes[OUTCOME_TIMED_OUT] = 2;
	tally.n_outcomes[OUTCOME_OVER_LIMIT] = 4;
	tally.n_outcomes[OUTCOME_CANCELLED] = 5;
	tally.n_read = 6000000;
	is_str(job_said(NULL, &tally, LOG_NORMAL),
	       "rota: 5,000,012 items, 4,999,997 ok, 1 failed, 3 crashed, 2 timed out, 4 over limit, 5 cancelled, "
	       "999,988 unfinished, 2.31 s, 2.2 M items/s, 3 workers restarted\n",
	       "every outcome, and what was cut short");

	tally = tally_ended(1, 20);
	tally.n_deaths = 1;
	is_str(job_said(NULL, &tally, LOG_VERBOSE), "rota: 1 item, 1 ok, 20.0 ms, 50 items/s, 1 worker restarted\n",
	       "one of each; with -v, too, when all went well");
	is_str(job_said(NULL, &tally, LOG_NORMAL), "", "a job that went well says nothing into a file");
	tally = tally_ended(0, 0);
	is_str(job_said(NULL, &tally, LOG_VERBOSE), "rota: 0 items, 0 ok\n", "no items in no time");
	tally.n_read = 2;
	is_str(job_said(NULL, &tally, LOG_NORMAL), "rota: 0 items, 0 ok, 2 unfinished\n",
	       "a job cut short is worth a line");
	tally_init(&tally);
	tally.is_waiting = true;
	is_str(job_said("later", &tally, LOG_NORMAL), "rota: later: not started\n", "and one whose turn never came");
}

static void test_counters(void)
{
	struct tally tally = tally_ended(1, 1000);
	tally_count(&tally, "hits", 12345);
	tally_count(&tally, "lowest", INT64_MIN);
	is_str(job_said("upper", &tally, LOG_VERBOSE),
	       "rota: upper: 1 item, 1 ok, 1.00 s, 1.0 items/s\n"
	       "rota: upper: counters: hits 12,345, lowest -9,223,372,036,854,775,808\n",
	       "counters stand in a second line");
	tally.n_outcomes[OUTCOME_FAILED] = 1;
	is_int(count_lines(job_said("upper", &tally, LOG_NORMAL)), 1, "that only -v shows");

	char name[TALLY_COUNTER_NAME_BYTES];
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < TALLY_COUNTERS_MAX; i++) {
		name[0] = (char)('0' + i);
		tally_count(&tally, name, INT64_MIN);
	}
	ok(strstr(job_said(NULL, &tally, LOG_VERBOSE), "9,223,372,036,854,775,808 (no more than 64 counters are kept"),
	   "the longest counters fit, and that some were left out is said");
}

static void test_bottleneck(void)
{
	struct tally tally = tally_ended(1, 1000);
	tally.ready_ns = 2000 * CLOCK_NS_PER_MS;
	tally.busy_ns = 500 * CLOCK_NS_PER_MS;
	tally.waited_ns[TALLY_INPUT] = 700 * CLOCK_NS_PER_MS;
	tally.waited_ns[TALLY_WORKERS] = 200 * CLOCK_NS_PER_MS;
	tally.waited_ns[TALLY_OUTPUT] = 60 * CLOCK_NS_PER_MS;
	is_str(job_said(NULL, &tally, LOG_VERBOSE),
	       "rota: 1 item, 1 ok, 1.00 s, 1.0 items/s\n"
	       "rota: bottleneck: input 70 % of the time, workers 20 %, output 6 %, rota itself 4 %; "
	       "workers were busy 25 % of theirs\n",
	       "who kept the others waiting comes first");
	tally.waited_ns[TALLY_INPUT] = 0;
	ok(strstr(job_said("upper", &tally, LOG_VERBOSE), "upper: bottleneck: rota itself 74 % of the time, input 0 %,"),
	   "it may be rota itself");
	is_str(job_said(NULL, &tally, LOG_NORMAL), "", "only -v shows it");
}

static void test_terminal(void)
{
	struct tally tally = tally_ended(2, 1000);
	char seen[200];
	size_t n_seen = 0;
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) {
		skip("no pseudo-terminals here");
		return;
	}
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	dup2(slave, STDERR_FILENO);
	close(slave);
	job_said("upper", &tally, LOG_NORMAL);
	while (n_seen < sizeof(seen) - 1 && !memchr(seen, '\n', n_seen)) {
		ssize_t n = read(master, seen + n_seen, sizeof(seen) - 1 - n_seen);
		if (n <= 0)
			break;
		n_seen += (size_t)n;
	}
	seen[n_seen] = '\0';
	dup2(file, STDERR_FILENO);
	close(master);
	is_str(seen, "rota: upper: 2 items, 2 ok, 1.00 s, 2.0 items/s\r\n", "a terminal is told of a job that went well");
}

int main(void)
{
	own_stderr = dup(STDERR_FILENO);
	file = memfd_create("stderr", MFD_CLOEXEC);
	if (own_stderr < 0 || file < 0 || dup2(file, STDERR_FILENO) < 0)
		skip_all("standard error can't be caught here");
	test_failures();
	test_many_failures();
	test_summaries();
	test_counters();
	test_bottleneck();
	test_terminal();
	dup2(own_stderr, STDERR_FILENO);
	close(own_stderr);
	close(file);
	return tap_done();
}
