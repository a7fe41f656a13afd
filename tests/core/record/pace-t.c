/* SPDX-License-Identifier: Apache-2.0 */
/* pace-t - rates follow what happens, estimates hold where they can be made. */
#include "config.h"

#include "core/base/clock.h"
#include "core/record/pace.h"
#include "tests/tap.h"

#define START_NS (100 * CLOCK_NS_PER_SEC)

/* From second to second, n_each more items, looked at every tenth of one. */
static void work(struct pace *pace, struct tally *tally, int from_s, int to_s, uint64_t n_each)
{
	for (int tenth = from_s * 10 + 1; tenth <= to_s * 10; tenth++) {
		tally->n_outcomes[OUTCOME_OK] += n_each / 10;
		pace_look(pace, tally, START_NS + tenth * CLOCK_NS_PER_SEC / 10);
	}
}

static void test_rate(void)
{
	struct pace pace = {0};
	struct tally tally;
	tally_init(&tally);
	is_int(pace_rate(&pace), 0, "no look, no rate");
	tally.is_waiting = true;
	pace_look(&pace, &tally, START_NS - CLOCK_NS_PER_SEC);
	tally.is_waiting = false;
	tally.start_ns = START_NS;
	pace_look(&pace, &tally, START_NS);
	is_int(pace_rate(&pace), 0, "none without time");

	work(&pace, &tally, 0, 1, 5000);
	is_int(pace_rate(&pace) + 0.5, 5000, "a steady pace is right from the first second");
	work(&pace, &tally, 1, 60, 5000);
	is_int(pace_rate(&pace) + 0.5, 5000, "and after a minute");
	is_int(pace.n_finished, 300000, "all items are seen");
	work(&pace, &tally, 60, 63, 10000);
	ok(pace_rate(&pace) > 7500 && pace_rate(&pace) < 9000, "a new pace counts for two thirds after three seconds");
	work(&pace, &tally, 63, 90, 10000);
	ok(pace_rate(&pace) > 9990 && pace_rate(&pace) <= 10000.5, "and for all of it after half a minute");
	work(&pace, &tally, 90, 120, 0);
	ok(pace_rate(&pace) < 5, "it falls when nothing is finished");

	pace_look(&pace, &tally, START_NS);
	ok(pace_rate(&pace) < 5, "a look back in time does nothing");
}

static void test_slow_items(void)
{
	struct pace pace = {0};
	struct tally tally;
	double least = 1, most = 0;
	tally_init(&tally);
	tally.start_ns = START_NS;
	for (int second = 1; second <= 1000; second++) {
		if (second % 20 == 0)
			tally.n_outcomes[OUTCOME_OK]++;
		pace_look(&pace, &tally, START_NS + second * CLOCK_NS_PER_SEC);
		if (second > 200) {
			least = pace_rate(&pace) < least ? pace_rate(&pace) : least;
			most = pace_rate(&pace) > most ? pace_rate(&pace) : most;
		}
	}
	ok(least > 0.04 && most < 0.06, "one item in twenty seconds: the rate stays near 0.05");
}

static void test_total(void)
{
	struct tally tally;
	tally_init(&tally);
	tally.n_read = 300;
	is_int(pace_total(&tally), -1, "nobody knows the total of a pipe");
	tally.total_bytes = 1000;
	is_int(pace_total(&tally), -1, "nor that of a file of which nothing is finished, however much is read");
	tally.n_outcomes[OUTCOME_OK] = 30;
	is_int(pace_total(&tally), -1, "also while the bytes of what is finished aren't known");
	tally.finished_bytes = 250;
	is_int(pace_total(&tally), 120, "a quarter of the bytes is finished, a quarter of the items");
	tally.finished_bytes = 1001;
	is_int(pace_total(&tally), -1, "more than there was: nobody knows");
	tally.total_bytes = -1;
	tally.is_all_read = true;
	is_int(pace_total(&tally), 300, "at the source's end: what was read");
	tally.total_items = 7;
	is_int(pace_total(&tally), 7, "a known total counts before an estimate");
	tally.total_items = 0;
	is_int(pace_total(&tally), 0, "none is a total, too");
}

static void test_eta(void)
{
	struct pace pace = {0};
	struct tally tally;
	tally_init(&tally);
	tally.start_ns = START_NS;
	tally.total_items = 1000;
	is_int(pace_eta_s(&pace, &tally), -1, "no item is finished: nobody knows");
	work(&pace, &tally, 0, 1, 100);
	is_int(pace_eta_s(&pace, &tally), 9, "900 items at 100 a second");
	tally.total_items = 1001;
	is_int(pace_eta_s(&pace, &tally), 10, "a part of a second counts whole");
	tally.total_items = 100;
	is_int(pace_eta_s(&pace, &tally), 0, "all is done");
	tally.total_items = 50;
	is_int(pace_eta_s(&pace, &tally), -1, "more than all is done: nobody knows");
	tally.total_items = INT64_MAX;
	is_int(pace_eta_s(&pace, &tally), -1, "an age is no answer");
	tally.total_items = 1000;
	tally.is_cut = true;
	is_int(pace_eta_s(&pace, &tally), -1, "a run that was asked to end won't do them all");
	tally.is_cut = false;
	tally.end_ns = START_NS + 1;
	is_int(pace_eta_s(&pace, &tally), -1, "the end has come");
}

int main(void)
{
	test_rate();
	test_slow_items();
	test_total();
	test_eta();
	return tap_done();
}
