/* SPDX-License-Identifier: Apache-2.0 */
/* halt: what --halt takes and refuses, when it is reached, what is said then; --max-failures is one of its cases. */
#include "config.h"

#include "core/plan/halt.h"

#include "tests/tap.h"

static void test_parse(void)
{
	static const struct {
		const char *text;
		struct halt halt;
	} cases[] = {{"never", {0}},
	             {"0", {0}},
	             {"now,fail=1", {HALT_NOW, HALT_FAIL, 1, false, false}},
	             {"soon,success=3", {HALT_SOON, HALT_SUCCESS, 3, false, false}},
	             {"now,done=100%", {HALT_NOW, HALT_DONE, 100, true, false}},
	             {"soon,fail=2k", {HALT_SOON, HALT_FAIL, 2000, false, false}},
	             {"1", {HALT_SOON, HALT_FAIL, 1, false, false}},
	             {"2", {HALT_NOW, HALT_FAIL, 1, false, false}},
	             {"-1", {HALT_SOON, HALT_SUCCESS, 1, false, false}},
	             {"-2", {HALT_NOW, HALT_SUCCESS, 1, false, false}}};
	static const char *const wrong[] = {"",
	                                    "now",
	                                    "soon,",
	                                    "now,fail",
	                                    "now,fail=",
	                                    "now,fail=0",
	                                    "now,fail=-1",
	                                    "now,fail=0%",
	                                    "now,fail=101%",
	                                    "now,fails=1",
	                                    "later,fail=1",
	                                    "never,fail=1",
	                                    "now,fail=1x",
	                                    "now fail=1",
	                                    "3",
	                                    "now,fail=%"};
	struct err err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct halt halt = {.number = 7}, wanted = cases[i].halt;
		ok(halt_parse(&halt, cases[i].text, &err) == 0 && halt.when == wanted.when && halt.what == wanted.what &&
		       halt.number == wanted.number && halt.is_percent == wanted.is_percent && !halt.is_by_max_failures,
		   "'%s' is understood", cases[i].text);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct halt halt = {.number = 7};
		ok(halt_parse(&halt, wrong[i], &err) == -1 && err.code == ERR_USAGE && halt.number == 7,
		   "'%s' is refused, and nothing is set", wrong[i]);
	}
}

static void test_reached(void)
{
	static const struct {
		struct halt halt;
		uint64_t n_ok, n_not_ok;
		bool is_reached;
	} cases[] = {{{.when = HALT_NEVER}, 9, 9, false},
	             {{HALT_NOW, HALT_FAIL, 2, false, false}, 50, 1, false},
	             {{HALT_NOW, HALT_FAIL, 2, false, false}, 0, 2, true},
	             {{HALT_NOW, HALT_SUCCESS, 2, false, false}, 1, 9, false},
	             {{HALT_SOON, HALT_SUCCESS, 2, false, false}, 2, 0, true},
	             {{HALT_SOON, HALT_DONE, 3, false, false}, 1, 1, false},
	             {{HALT_SOON, HALT_DONE, 3, false, false}, 1, 2, true},
	             {{HALT_SOON, HALT_FAIL, 30, true, false}, 0, 99, false},
	             {{HALT_SOON, HALT_FAIL, 30, true, false}, 70, 30, true},
	             {{HALT_SOON, HALT_FAIL, 30, true, false}, 71, 30, false},
	             {{HALT_SOON, HALT_SUCCESS, 50, true, false}, 50, 50, true}};
	/* n_most, is_percent */
	static const struct {
		int64_t n_most;
		bool is_percent;
		uint64_t n_failed, n_ok;
		bool is_reached;
	} failures[] = {{0, false, 0, 9, false},  {0, false, 1, 9, true},   {2, false, 2, 0, false},
	                {2, false, 3, 0, true},   {10, true, 99, 0, false}, {10, true, 10, 90, false},
	                {10, true, 11, 89, true}, {0, true, 1, 99, true},   {0, true, 0, 100, false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_int(halt_is_reached(&cases[i].halt, cases[i].n_ok, cases[i].n_not_ok), cases[i].is_reached,
		       "case %zu: %llu ok, %llu not", i, (unsigned long long)cases[i].n_ok,
		       (unsigned long long)cases[i].n_not_ok);
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		struct halt halt;
		halt_set_failures(&halt, failures[i].n_most, failures[i].is_percent);
		is_int(halt_is_reached(&halt, failures[i].n_ok, failures[i].n_failed), failures[i].is_reached,
		       "--max-failures %lld%s: %llu of %llu", (long long)failures[i].n_most, failures[i].is_percent ? " %" : "",
		       (unsigned long long)failures[i].n_failed, (unsigned long long)(failures[i].n_failed + failures[i].n_ok));
	}
}

static void test_prose(void)
{
	struct halt halt;
	char text[HALT_PROSE_BYTES];
	struct err err;

	must(halt_parse(&halt, "now,fail=1", &err) == 0);
	is_str(halt_prose(text, &halt), "1 item failed (--halt)", "one item");
	must(halt_parse(&halt, "now,success=30%", &err) == 0);
	is_str(halt_prose(text, &halt), "30 % of the items succeeded (--halt)", "a percentage");
	halt_set_failures(&halt, 0, false);
	is_str(halt_prose(text, &halt), "more than 0 items failed (--max-failures)", "more than none");
}

int main(void)
{
	test_parse();
	test_reached();
	test_prose();
	return tap_done();
}
