/* SPDX-License-Identifier: Apache-2.0 */
/* json-t - strings of any bytes, and a job's object. */
#include "config.h"

#include "core/base/clock.h"
#include "core/record/json.h"
#include "tests/tap.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))
#define START_NS (5 * CLOCK_NS_PER_SEC)

static void test_strings(void)
{
	static const struct {
		const char *bytes, *json, *what;
	} cases[] = {
		{"", "\"\"", "nothing"},
		{"upper", "\"upper\"", "a plain word"},
		{"a\"b\\c/", "\"a\\\"b\\\\c/\"", "quotes and backslashes are escaped, slashes aren't"},
		{"a\nb\tc\r\x1b\x7f", "\"a\\nb\\tc\\u000d\\u001b\x7f\"", "control characters"},
		{"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa2", "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa2\"",
	     "UTF-8 of two, three and four bytes passes"},
		{"\xff_\x80", "\"\\ufffd_\\ufffd\"", "bytes that begin nothing"},
		{"\xc3", "\"\\ufffd\"", "a character cut short at the end"},
		{"\xe2\x82x", "\"\\ufffd\\ufffdx\"", "and before another"},
		{"\xc0\xaf", "\"\\ufffd\\ufffd\"", "an overlong form of two bytes"},
		{"\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"", "of three"},
		{"\xf0\x80\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"", "of four"},
		{"\xed\x9f\xbf", "\"\xed\x9f\xbf\"", "the last character before the surrogates"},
		{"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"", "a surrogate"},
		{"\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\"", "the last character of all"},
		{"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"", "one beyond it"},
	};
	struct buf out = {0};
	for (size_t i = 0; i < N_OF(cases); i++) {
		buf_clear(&out);
		is_int(json_put_string(&out, cases[i].bytes, strlen(cases[i].bytes)), 0, "%s: written", cases[i].what);
		is_mem(out.bytes, out.len, cases[i].json, strlen(cases[i].json), "%s", cases[i].what);
	}
	buf_clear(&out);
	json_put_string(&out, "a\0b", 3);
	is_mem(out.bytes, out.len, "\"a\\u0000b\"", 10, "a NUL is a byte like others");
	buf_fini(&out);
}

static void is_object(const struct tally *tally, int64_t now_ns, bool is_final, const char *want, const char *what)
{
	struct buf out = {0};
	struct pace pace = {0};
	pace_look(&pace, tally, now_ns);
	is_int(json_put_job(&out, "up\"per", tally, &pace, now_ns, is_final), 0, "%s: written", what);
	is_mem(out.bytes, out.len, want, strlen(want), "%s", what);
	buf_fini(&out);
}

static void test_objects(void)
{
	struct tally tally;
	tally_init(&tally);
	tally.is_waiting = true;
	is_object(&tally, START_NS, false,
	          "{\"job\":\"up\\\"per\",\"items_read\":0,\"ok\":0,\"failed\":0,\"crashed\":0,\"timed_out\":0,"
	          "\"over_limit\":0,\"cancelled\":0,\"finished\":0,\"total\":null,\"result_bytes\":0,\"workers\":0,"
	          "\"deaths\":0,\"elapsed_ns\":0,\"rate_per_s\":0.000,\"eta_s\":null,\"waiting\":true,\"final\":false,"
	          "\"counters\":{}}\n",
	          "a job that waits");

	tally.is_waiting = false;
	tally.start_ns = START_NS;
	tally.total_items = 100;
	tally.n_read = 30;
	for (int i = 0; i < OUTCOME_COUNT; i++)
		tally.n_outcomes[i] = (uint64_t)i + 1;
	tally.result_bytes = 77;
	tally.n_workers = 2;
	tally.n_deaths = 4;
	tally_count(&tally, "hits\xff", 12);
	tally_count(&tally, "misses", -5);
	is_object(&tally, START_NS + 2 * CLOCK_NS_PER_SEC, false,
	          "{\"job\":\"up\\\"per\",\"items_read\":30,\"ok\":1,\"failed\":2,\"crashed\":3,\"timed_out\":4,"
	          "\"over_limit\":5,\"cancelled\":6,\"finished\":21,\"total\":100,\"result_bytes\":77,\"workers\":2,"
	          "\"deaths\":4,\"elapsed_ns\":2000000000,\"rate_per_s\":10.500,\"eta_s\":8,\"waiting\":false,"
	          "\"final\":false,\"counters\":{\"hits\\ufffd\":12,\"misses\":-5}}\n",
	          "a job that runs");

	tally.end_ns = START_NS + 4 * CLOCK_NS_PER_SEC;
	is_object(&tally, START_NS + 9 * CLOCK_NS_PER_SEC, true,
	          "{\"job\":\"up\\\"per\",\"items_read\":30,\"ok\":1,\"failed\":2,\"crashed\":3,\"timed_out\":4,"
	          "\"over_limit\":5,\"cancelled\":6,\"finished\":21,\"total\":100,\"result_bytes\":77,\"workers\":2,"
	          "\"deaths\":4,\"elapsed_ns\":4000000000,\"rate_per_s\":5.250,\"eta_s\":null,\"waiting\":false,"
	          "\"final\":true,\"counters\":{\"hits\\ufffd\":12,\"misses\":-5}}\n",
	          "a job at its end: its own time and rate");
}

int main(void)
{
	test_strings();
	test_objects();
	return tap_done();
}
