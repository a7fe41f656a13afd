/* SPDX-License-Identifier: Apache-2.0 */
/* figure-t - numbers as people read them. */
#include "config.h"

#include "core/record/figure.h"
#include "tests/tap.h"

#include <stdint.h>

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static void test_counts(void)
{
	static const struct {
		uint64_t count;
		const char *text;
	} cases[] = {
		{0, "0"},
		{7, "7"},
		{999, "999"},
		{1000, "1,000"},
		{12345, "12,345"},
		{1204000, "1,204,000"},
		{UINT64_MAX, "18,446,744,073,709,551,615"},
	};
	char text[FIGURE_BYTES];
	for (size_t i = 0; i < N_OF(cases); i++)
		is_str(figure_count(text, cases[i].count), cases[i].text, "%s items", cases[i].text);
}

static void test_rates(void)
{
	static const struct {
		double per_s;
		const char *text;
	} cases[] = {
		{0, "0"},          {0.134, "0.13"},   {0.994, "0.99"}, {0.996, "1.0"},   {4.24, "4.2"},     {9.96, "10"},
		{99.96, "100"},    {950, "950"},      {999.4, "999"},  {999.6, "1.0 k"}, {12345, "12.3 k"}, {99960, "100 k"},
		{999600, "1.0 M"}, {2.14e6, "2.1 M"}, {3e9, "3.0 G"},  {5e12, "5000 G"},
	};
	char text[FIGURE_BYTES];
	for (size_t i = 0; i < N_OF(cases); i++)
		is_str(figure_rate(text, cases[i].per_s), cases[i].text, "%g is %s a second", cases[i].per_s, cases[i].text);
	is_int(strlen(figure_rate(text, 1e300)), FIGURE_BYTES - 1, "a number without sense is cut");
}

static void test_times(void)
{
	static const struct {
		double s;
		const char *duration, *clock;
	} cases[] = {
		{0, "0.0 ms", "0:00"},          {0.0031, "3.1 ms", "0:00"},
		{0.09996, "0.10 s", "0:00"},    {2.314, "2.31 s", "0:02"},
		{12, "12.00 s", "0:12"},        {99.996, "1 min 40 s", "1:39"},
		{725, "12 min 5 s", "12:05"},   {3599.7, "1 h 0 min", "59:59"},
		{3723, "1 h 2 min", "1:02:03"}, {86400 * 4 + 3600 * 3 + 59, "99 h 0 min", "4 d 3 h"},
	};
	char text[FIGURE_BYTES];
	for (size_t i = 0; i < N_OF(cases); i++) {
		is_str(figure_duration(text, (int64_t)(cases[i].s * 1e9)), cases[i].duration, "%g s took %s", cases[i].s,
		       cases[i].duration);
		is_str(figure_clock(text, (int64_t)cases[i].s), cases[i].clock, "%g s to go: %s", cases[i].s, cases[i].clock);
	}
	ok(*figure_duration(text, INT64_MAX) && *figure_clock(text, INT64_MAX), "the longest times fit");
}

int main(void)
{
	test_counts();
	test_rates();
	test_times();
	return tap_done();
}
