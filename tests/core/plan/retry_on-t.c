/* SPDX-License-Identifier: Apache-2.0 */
/* retry_on: which failures are tried again, for what --retry-on says; and what it refuses. */
#include "config.h"

#include "core/plan/retry_on.h"

#include "tests/tap.h"

#define WORDS_MAX 4

#define EXIT(status) ((status) << 8)

static size_t count(const char *const *words)
{
	size_t n = 0;
	while (n < WORDS_MAX && words[n])
		n++;
	return n;
}

static void test_wants(void)
{
	static const struct {
		const char *words[WORDS_MAX];
		struct cause cause;
		bool is_wanted;
	} cases[] = {
		{{"crash", "timeout", "limit", "again"}, {.kind = CAUSE_DIED}, true},
		{{"crash"}, {.kind = CAUSE_THREAD_ENDED}, true},
		{{"crash"}, {.kind = CAUSE_BROKEN_CHANNEL}, true},
		{{"timeout"}, {.kind = CAUSE_DIED}, false},
		{{"timeout"}, {.kind = CAUSE_TIMED_OUT}, true},
		{{"crash", "limit"}, {.kind = CAUSE_TIMED_OUT}, false},
		{{"limit"}, {.kind = CAUSE_MAX_RESULT}, true},
		{{"limit"}, {.kind = CAUSE_OVER_MEMORY}, true},
		{{"limit"}, {.kind = CAUSE_OOM_KILLED}, true},
		{{"limit", "crash", "again", "fail"}, {.kind = CAUSE_MAX_ITEM}, false},
		{{"again"}, {.kind = CAUSE_AGAIN}, true},
		{{"again"}, {.kind = CAUSE_FAILED}, false},
		{{"fail"}, {.kind = CAUSE_FAILED}, true},
		{{"fail"}, {.kind = CAUSE_AGAIN}, false},
		{{"again"}, {.kind = CAUSE_AGAIN, .wait_status = EXIT(3)}, true},
		{{"again"}, {.kind = CAUSE_FAILED, .wait_status = EXIT(3)}, false},
		{{"again"}, {.kind = CAUSE_AGAIN, .wait_status = 9}, true},
		{{"fail"}, {.kind = CAUSE_AGAIN, .wait_status = EXIT(3)}, false},
		{{"exit:75"}, {.kind = CAUSE_FAILED, .wait_status = EXIT(75)}, true},
		{{"exit:75"}, {.kind = CAUSE_FAILED, .wait_status = EXIT(74)}, false},
		{{"exit:75", "100-110"}, {.kind = CAUSE_FAILED, .wait_status = EXIT(110)}, true},
		{{"again", "exit:100-110"}, {.kind = CAUSE_AGAIN, .wait_status = EXIT(111)}, false},
		{{"again", "exit:75"}, {.kind = CAUSE_AGAIN, .wait_status = 9}, true},
		{{"exit:75"}, {.kind = CAUSE_FAILED, .wait_status = 9}, false},
		{{"exit:75", "crash"}, {.kind = CAUSE_DIED, .wait_status = EXIT(75)}, true},
		{{"exit:1-255"}, {.kind = CAUSE_DIED, .wait_status = EXIT(75)}, false},
		{{NULL}, {.kind = CAUSE_DIED}, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct retry_on retry_on;
		struct err err;
		must(retry_on_parse(&retry_on, cases[i].words, count(cases[i].words), &err) == 0);
		is_int(retry_on_wants(&retry_on, &cases[i].cause), cases[i].is_wanted, "case %zu: %s ... after %s (%d)", i,
		       cases[i].words[0] ? cases[i].words[0] : "nothing", cause_kind_name(cases[i].cause.kind),
		       cases[i].cause.wait_status);
	}
}

static void test_refused(void)
{
	static const char *const wrong[][WORDS_MAX] = {{"crashes"},  {"crash", "75"}, {"exit:"},
	                                               {"exit:0"},   {"exit:256"},    {"exit:9-8"},
	                                               {"exit:1-x"}, {"exit:x"},      {"exit:1", "x"},
	                                               {""},         {"exit:1", ""},  {"exit:-1"}};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct retry_on retry_on = {.kinds = 99};
		struct err err;
		size_t n = count(wrong[i]);
		ok(retry_on_parse(&retry_on, wrong[i], n, &err) == -1 && err.code == ERR_USAGE &&
		       strstr(err.text, wrong[i][n - 1]) && retry_on.kinds == 99,
		   "'%s'%s is refused by name, and nothing is set", wrong[i][n - 1], n > 1 ? " behind another" : "");
	}
}

int main(void)
{
	test_wants();
	test_refused();
	return tap_done();
}
