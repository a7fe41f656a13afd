/* SPDX-License-Identifier: Apache-2.0 */
/* line-t - a job's line for each kind of job, and in terminals of each width. */
#include "config.h"

#include "core/base/clock.h"
#include "core/record/line.h"
#include "tests/tap.h"

#include <stdint.h>

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct tally tally_running(uint64_t n_ok, uint64_t n_failed, int64_t total_items)
{
	struct tally tally;
	tally_init(&tally);
	tally.start_ns = 1;
	tally.n_read = n_ok + n_failed;
	tally.n_outcomes[OUTCOME_OK] = n_ok;
	tally.n_outcomes[OUTCOME_CRASHED] = n_failed;
	tally.total_items = total_items;
	return tally;
}

/* The line after one second. */
static void is_line(const char *job_name, const struct tally *tally, size_t n_name_columns, size_t n_columns,
                    const char *want, const char *what)
{
	struct buf out = {0};
	struct line_name name;
	struct pace pace = {0};
	line_name_set(&name, job_name);
	pace_look(&pace, tally, 1 + CLOCK_NS_PER_SEC);
	is_int(line_put(&out, &name, n_name_columns ? n_name_columns : name.n_columns, tally, &pace, n_columns), 0,
	       "%s: written", what);
	is_mem(out.bytes ? out.bytes : "", out.len, want, strlen(want), "%s", what);
	buf_fini(&out);
}

static void test_jobs(void)
{
	struct tally tally = tally_running(1203997, 3, 5000000);
	is_line("upper", &tally, 0, 100, "upper  1,204,000/5,000,000 24%  3 failed  1.2 M items/s  ETA 0:04",
	        "a known total");
	tally = tally_running(10, 0, -1);
	is_line("upper", &tally, 0, 100, "upper  10  10 items/s", "an unknown one");
	tally.total_bytes = 1000;
	tally.n_read = 100; /* all of them, long before they are finished */
	tally.finished_bytes = 100;
	is_line("upper", &tally, 0, 100, "upper  10 10%  10 items/s  ETA 0:09", "an estimate from bytes");
	tally.total_bytes = -1;
	tally.is_all_read = true;
	is_line("upper", &tally, 0, 100, "upper  10/100 10%  10 items/s  ETA 0:09", "the end was read: a known total");
	tally = tally_running(999999, 0, 1000000);
	is_line("upper", &tally, 0, 100, "upper  999,999/1,000,000 99%  1.0 M items/s  ETA 0:01", "100% is only all");
	tally = tally_running(8, 0, 8);
	is_line("upper", &tally, 0, 100, "upper  8/8 100%  8.0 items/s  ETA 0:00", "all");
	tally = tally_running(0, 0, 0);
	is_line("upper", &tally, 0, 100, "upper  0/0  0 items/s", "an empty input");
	is_line("up", &tally, 5, 100, "up     0/0  0 items/s", "a name is filled up");
	tally_init(&tally);
	tally.is_waiting = true;
	is_line("upper", &tally, 0, 100, "upper  waiting for its turn", "a job that waits");
	is_line("upper", &tally, 0, 16, "upper  waiting f", "it is cut, too");
	tally = tally_running(UINT64_MAX - 5, 5, INT64_MAX);
	is_line("upper", &tally, 0, 60, "upper  18,446,744,073,709,551,615/9,223,372,036,854,775,807",
	        "the largest numbers fit");
}

static void test_widths(void)
{
	static const struct {
		size_t n_columns;
		const char *line;
	} cases[] = {
		{66, "upper  1,204,000/5,000,000 24%  3 failed  1.2 M items/s  ETA 0:04"},
		{65, "upper  1,204,000/5,000,000 24%  3 failed  1.2 M items/s  ETA 0:04"},
		{64, "upper  1,204,000/5,000,000 24%  3 failed  ETA 0:04"},
		{49, "upper  1,204,000/5,000,000 24%  3 failed"},
		{39, "upper  1,204,000/5,000,000  3 failed"},
		{35, "upper  1,204,000/5,000,000"},
		{26, "upper  1,204,000/5,000,000"},
		{25, "upper  1,204,000/5,000,00"},
		{8, "uppe  1,"},
		{1, " "},
		{0, ""},
	};
	struct tally tally = tally_running(1203997, 3, 5000000);
	for (size_t i = 0; i < N_OF(cases); i++) {
		char what[32];
		snprintf(what, sizeof(what), "%zu columns", cases[i].n_columns);
		is_line("upper", &tally, 0, cases[i].n_columns, cases[i].line, what);
	}
}

static void test_names(void)
{
	static const struct {
		const char *name, *text;
		size_t n_columns;
		const char *what;
	} cases[] = {
		{"upper", "upper", 5, "a plain name is itself"},
		{"", "\"\"", 2, "none shows"},
		{"two words", "\"two words\"", 11, "blanks show"},
		{"a\x1b[2J", "\"a\\x1b[2J\"", 10, "nothing steers the terminal"},
		{"\xc3\xa4\xe6\xbc\xa2", "\"\xc3\xa4\xe6\xbc\xa2\"", 6, "a letter outside ASCII counts two columns"},
	};
	struct line_name name;
	for (size_t i = 0; i < N_OF(cases); i++) {
		line_name_set(&name, cases[i].name);
		is_str(name.text, cases[i].text, "%s", cases[i].what);
		is_int(name.n_columns, cases[i].n_columns, "%s: %zu columns", cases[i].what, cases[i].n_columns);
	}
	struct tally tally = tally_running(8, 0, 8);
	is_line("\xc3\xa4\xc3\xb6", &tally, 0, 8, "\"\xc3\xa4   8/", "a letter that doesn't fit is left out whole");
	is_line("abcdefghijklmnop", &tally, 0, 16, "abcdefgh  8/8", "a long name leaves half of the line");
}

int main(void)
{
	test_jobs();
	test_widths();
	test_names();
	return tap_done();
}
