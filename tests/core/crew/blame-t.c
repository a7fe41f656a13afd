/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blame: whose death is whose: a late item and the one that came after it, deaths that nobody saw coming, words that
 * don't fit how it ended. How deaths add up, and what the crew makes of them, is in crew-t.
 */
#include "config.h"

#include "core/crew/blame.h"

#include "core/crew/crew.h"
#include "tests/core/rig.h"
#include "tests/tap.h"

#define LINES "one\ntwo\nthree\nfour\nfive\nsix\n"
#define EXIT_0 0
#define EXIT_3 (3 << 8)

static struct rig rig;

static struct worker *first(void)
{
	return &rig.crew.workers[0];
}

static void begin(void)
{
	rig_init(&rig, 1, true, LINES);
	rig_start_all(&rig);
}

static void begin_with_six(void)
{
	begin();
	worker_send(first(), rig_add(&rig, 6));
}

/* The item that it is at now is too much, and it is being ended for it. */
static void end_for_item(enum worker_ending ending)
{
	uint32_t item;
	must(channel_current_item(first()->channel, &item) > 0);
	worker_end(first(), ending, item);
}

/* What is left is done by the next one. */
static void finish(const char *want, const char *what)
{
	rig_start_all(&rig);
	struct batch *batch;
	while ((batch = window_next_pending(&rig.window)))
		worker_send(first(), batch);
	rig_work(&rig, 1, UINT32_MAX, 1);
	rig_collect(&rig);
	is_str(rig_output(&rig), want, "%s: the output", what);
	is_int(tally_finished(&rig.tally), 6, "%s: each item has one outcome", what);
	rig_fini(&rig);
}

/*
 * It is ended for its third item, a limit of which is broken, and before the signal comes it has answered that and is
 * at its next, or at none. Who has answered is ok, and who comes after it has done nothing.
 */
static void test_late_and_answered(void)
{
	static const struct {
		enum worker_ending ending;
		enum outcome outcome;
		int status;
		const char *what;
	} cases[] = {{ENDING_TIMED_OUT, OUTCOME_TIMED_OUT, SIGTERM, "a time-out"},
	             {ENDING_OVER_MEMORY, OUTCOME_OVER_LIMIT, SIGKILL, "too much memory"}};
	static const char all[] = "ONE\nTWO\nTHREE\nFOUR\nFIVE\nSIX\n";
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *what = cases[i].what;
		for (int n_more = 0; n_more <= 2; n_more++) {
			begin_with_six();
			rig_work(&rig, 1, 2, 1);
			rig_begin(&rig, 1, 1);
			end_for_item(cases[i].ending);
			rig_answer(&rig, 1, "THREE\n", 6);
			if (n_more > 1)
				rig_work(&rig, 1, 1, 1);
			if (n_more > 0)
				rig_begin(&rig, 1, 1);
			rig_die(&rig, 1, cases[i].status, false);
			is_str(rig.charged, "", "%s, answered, and %d more begun: nobody is charged", what, n_more);
			is_int(rig.crew.n_uncharged + rig.crew.n_failed_starts + rig.crew.n_outside, 0,
			       "%s: nor is it held against the job", what);
			finish(all, what);
		}
		begin_with_six();
		rig_work(&rig, 1, 2, 1);
		rig_begin(&rig, 1, 1);
		end_for_item(cases[i].ending);
		rig_die(&rig, 1, cases[i].status, false);
		is_str(rig.charged, " 3", "%s, not answered: the item is charged", what);
		is_int(rig.tally.n_outcomes[cases[i].outcome], 1, "%s: as that", what);
		finish("ONE\nTWO\nFOUR\nFIVE\nSIX\n", what);
		/* its fork server went at the same time: that it was to end is known all the same */
		begin_with_six();
		rig_begin(&rig, 1, 1);
		end_for_item(cases[i].ending);
		rig_die(&rig, 1, SIGKILL, true);
		is_str(rig.charged, " 1", "%s, and its fork server was lost: the item is charged", what);
		finish("TWO\nTHREE\nFOUR\nFIVE\nSIX\n", what);
	}
}

/* Ready, and dead before anybody looked: its open went well, so this is no failed start. */
static void test_dead_before_seen_ready(void)
{
	static const enum worker_state states[] = {WORKER_READY, WORKER_LEFT, WORKER_MUTE, WORKER_STARTING};
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		bool was_ready = states[i] != WORKER_STARTING;
		rig_init(&rig, 1, true, LINES);
		rig_load(&rig);
		must(crew_want(&rig.crew));
		port_set_state(&rig.hands[1].port, states[i]);
		rig_die(&rig, 1, EXIT_3, false);
		is_int(rig.crew.n_failed_starts, !was_ready, "state %d, not seen yet: a failed start, or not", (int)states[i]);
		is_int(rig.crew.n_uncharged, was_ready, "state %d: or a death at no item", (int)states[i]);
		is_int(rig.crew.n_deaths, 1, "state %d: one death", (int)states[i]);
		rig_fini(&rig);
	}
}

/* Who has left in order says so, has no item begun, and ends with status 0. */
static void test_leaving(void)
{
	static const struct {
		bool says_so, has_begun;
		int status;
		bool is_death;
		const char *what;
	} cases[] = {
		{true, false, EXIT_0, false, "it says so"},
		{false, false, EXIT_0, true, "it says nothing"},
		{true, false, EXIT_3, true, "it ends with another status"},
		{true, false, SIGSEGV, true, "it ends by a signal"},
		{true, true, EXIT_0, true, "it is at an item"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin_with_six();
		rig_work(&rig, 1, cases[i].has_begun ? 3 : 6, 1);
		if (cases[i].has_begun)
			rig_begin(&rig, 1, 1);
		if (cases[i].says_so)
			port_set_state(&rig.hands[1].port, WORKER_LEFT);
		rig_die(&rig, 1, cases[i].status, false);
		is_int(rig.crew.n_deaths, cases[i].is_death, "%s: is it a death?", cases[i].what);
		is_int(rig.crew.n_uncharged, cases[i].is_death && !cases[i].has_begun, "%s: at no item", cases[i].what);
		is_str(rig.charged, cases[i].has_begun ? " 4" : "", "%s: who is charged", cases[i].what);
		finish(cases[i].has_begun ? "ONE\nTWO\nTHREE\nFIVE\nSIX\n" : "ONE\nTWO\nTHREE\nFOUR\nFIVE\nSIX\n",
		       cases[i].what);
	}
}

/* Its bell is gone, and an earlier item may have closed it. */
static void test_mute(void)
{
	begin_with_six();
	rig_work(&rig, 1, 2, 1);
	rig_begin(&rig, 1, 1);
	port_set_state(&rig.hands[1].port, WORKER_MUTE);
	rig_die(&rig, 1, 125 << 8, false);
	is_str(rig.charged, "", "an item that ends for want of the bell isn't charged");
	struct batch *batch = window_next_pending(&rig.window);
	is_int(batch->n_suspected, 1, "it is a suspect");
	rig_start_all(&rig);
	must(window_cut(&rig.window, batch, 1, &rig.err) == 0);
	worker_send(first(), window_next_pending(&rig.window));
	rig_begin(&rig, 1, 1);
	port_set_state(&rig.hands[1].port, WORKER_MUTE);
	rig_die(&rig, 1, 125 << 8, false);
	is_str(rig.charged, " 3", "alone it is");
	finish("ONE\nTWO\nFOUR\nFIVE\nSIX\n", "mute");

	begin_with_six();
	rig_begin(&rig, 1, 1);
	end_for_item(ENDING_TIMED_OUT);
	port_set_state(&rig.hands[1].port, WORKER_MUTE);
	rig_die(&rig, 1, SIGTERM, false);
	is_str(rig.charged, " 1", "nor does it help against a time-out to say so");
	finish("TWO\nTHREE\nFOUR\nFIVE\nSIX\n", "mute and timed out");
}

/* Words alone are no refusal: only who says in the end that this is why it goes. */
static void test_words_of_refusal(void)
{
	rig_init(&rig, 1, true, LINES);
	rig_load(&rig);
	must(crew_want(&rig.crew));
	port_say(&rig.hands[1].port, EVENT_REFUSED, 0, "no model at /nowhere", 20);
	rig_die(&rig, 1, SIGSEGV, false);
	ok(!rig_gave_up(&rig), "one that says why it can't open, and then crashes, doesn't end the job");
	is_int(rig.crew.n_failed_starts, 1, "it is a failed start");
	rig_fini(&rig);
}

/* KILL, and nobody of us sent it: where the worker took nearly all that it may, the kernel did. */
static void test_kill_near_the_limit(void)
{
	static const struct {
		int64_t limit, used;
		int status;
		enum outcome outcome;
		const char *what;
	} cases[] = {{1000, 751, SIGKILL, OUTCOME_OVER_LIMIT, "near the limit"},
	             {1000, 750, SIGKILL, OUTCOME_CRASHED, "far from the limit"},
	             {1000, 999, SIGSEGV, OUTCOME_CRASHED, "another signal"},
	             {0, 999, SIGKILL, OUTCOME_CRASHED, "no limit"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin_with_six();
		rig.plan.memory_bytes = cases[i].limit;
		first()->rss_bytes = cases[i].used;
		rig_begin(&rig, 1, 1);
		rig_die(&rig, 1, cases[i].status, false);
		is_str(rig.charged, " 1", "%s: the item is charged", cases[i].what);
		is_int(rig.tally.n_outcomes[cases[i].outcome], 1, "%s: as what it is", cases[i].what);
		finish("TWO\nTHREE\nFOUR\nFIVE\nSIX\n", cases[i].what);
	}
}

int main(void)
{
	log_init(LOG_NORMAL);
	test_late_and_answered();
	test_dead_before_seen_ready();
	test_leaving();
	test_mute();
	test_words_of_refusal();
	test_kill_near_the_limit();
	return tap_done();
}
