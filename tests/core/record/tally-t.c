/* SPDX-License-Identifier: Apache-2.0 */
/* tally-t - outcomes are summed, and counters kept within their bounds. */
#include "config.h"

#include "core/record/tally.h"
#include "tests/tap.h"

#include <stdint.h>

static void test_outcomes(void)
{
	struct tally tally;
	is_str(outcome_name(OUTCOME_OK), "ok", "ok has a name");
	is_str(outcome_name(OUTCOME_FAILED), "failed", "failed");
	is_str(outcome_name(OUTCOME_CRASHED), "crashed", "crashed");
	is_str(outcome_name(OUTCOME_TIMED_OUT), "timed out", "timed out");
	is_str(outcome_name(OUTCOME_OVER_LIMIT), "over limit", "over limit");
	is_str(outcome_name(OUTCOME_CANCELLED), "cancelled", "cancelled");
	is_str(outcome_name(OUTCOME_COUNT), "unknown", "a number too large is no crash");

	tally_init(&tally);
	is_int(tally_finished(&tally), 0, "nothing is finished at first");
	is_int(tally.total_items, -1, "the number of items is unknown at first");
	is_int(tally.total_bytes, -1, "and that of bytes");
	for (int i = 0; i < OUTCOME_COUNT; i++)
		tally.n_outcomes[i] = UINT64_C(1) << (8 * i);
	is_int(tally_finished(&tally), 0x010101010101, "every outcome is a finished item");
	is_int(tally_not_ok(&tally), 0x010101010100, "every one but ok is a failure");
}

static void test_counters(void)
{
	struct tally tally;
	tally_init(&tally);
	tally_count(&tally, "hits", 3);
	tally_count(&tally, "misses", -1);
	tally_count(&tally, "hits", 4);
	is_int(tally.n_counters, 2, "a counter is one, however often it is added to");
	is_str(tally.counters[0].name, "hits", "the first one stands first");
	is_int(tally.counters[0].value, 7, "what is added adds up");
	is_int(tally.counters[1].value, -1, "below zero, too");
	tally_count(&tally, "hit", 1);
	tally_count(&tally, "hitsy", 1);
	tally_count(&tally, "", 1);
	is_int(tally.n_counters, 5, "a beginning of a name, a longer one and none are other counters");

	tally_count(&tally, "hits", INT64_MAX);
	is_int(tally.counters[0].value, INT64_MAX, "a counter stops at the highest number");
	tally_count(&tally, "misses", INT64_MIN);
	is_int(tally.counters[1].value, INT64_MIN, "and at the lowest");
}

static void test_counter_bounds(void)
{
	char name[TALLY_COUNTER_NAME_BYTES + 10];
	struct tally tally;
	tally_init(&tally);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	tally_count(&tally, name, 1);
	is_int(strlen(tally.counters[0].name), TALLY_COUNTER_NAME_BYTES - 1, "a long name is cut");
	tally_count(&tally, name, 1);
	is_int(tally.counters[0].value, 2, "and found again");

	for (int i = 1; i < TALLY_COUNTERS_MAX; i++) {
		snprintf(name, sizeof(name), "counter %d", i);
		tally_count(&tally, name, i);
	}
	ok(!tally.has_more_counters, "there is room for TALLY_COUNTERS_MAX of them");
	tally_count(&tally, "one more", 1);
	is_int(tally.n_counters, TALLY_COUNTERS_MAX, "one more isn't kept");
	ok(tally.has_more_counters, "which is remembered");
	tally_count(&tally, "counter 63", 1);
	is_int(tally.counters[63].value, 64, "those that are kept go on");
}

int main(void)
{
	test_outcomes();
	test_counters();
	test_counter_bounds();
	return tap_done();
}
