/* SPDX-License-Identifier: Apache-2.0 */
/* ends: deaths that nobody in the run is to blame for, how many of them end it; and how workers are ended with it. */
#include "config.h"

#include "core/crew/crew.h"

#include "core/base/clock.h"
#include "tests/core/rig.h"
#include "tests/tap.h"

#define LINES "one\ntwo\nthree\nfour\nfive\nsix\n"
#define MINUTE_NS (60 * CLOCK_NS_PER_SEC)

static struct rig rig;

static struct worker *worker(unsigned number)
{
	return &rig.crew.workers[number - 1];
}

/* So many workers, one after another, are killed by somebody, at no item. How many, until it's given up. */
static unsigned kill_some(unsigned n, bool are_ready)
{
	unsigned i = 0;
	for (; i < n && !rig_gave_up(&rig); i++) {
		if (are_ready) {
			rig_start_all(&rig);
		} else {
			rig.crew.not_before_ns = 0;
			must(crew_want(&rig.crew));
		}
		rig_die(&rig, 1, SIGKILL, false);
	}
	return i;
}

/* Kills from outside: many, and nothing gets on for half a minute. */
static void test_outside(void)
{
	static const bool kinds[] = {true, false};
	for (size_t i = 0; i < 2; i++) {
		const char *when = kinds[i] ? "between items" : "before they are ready";
		rig_init(&rig, 1, true, LINES);
		rig_load(&rig);
		kill_some(40, kinds[i]);
		ok(!rig_gave_up(&rig), "%s: forty kills in no time are a storm, that passes", when);
		ok(rig.crew.not_before_ns > 0, "%s: after many the next start waits a little", when);
		rig.crew.outside_since_ns -= MINUTE_NS;
		is_int(kill_some(1, kinds[i]), 1, "%s: one more, and for a minute nothing was done", when);
		ok(rig_gave_up(&rig), "%s: that is the end", when);
		ok(strstr(rig_gave_up(&rig), "killed from outside 41 times"), "%s: %s", when, rig_gave_up(&rig));
		rig_fini(&rig);

		rig_init(&rig, 1, true, LINES);
		rig_load(&rig);
		kill_some(40, kinds[i]);
		rig.crew.outside_since_ns -= MINUTE_NS;
		crew_note_progress(&rig.crew);
		kill_some(9, kinds[i]);
		rig.crew.outside_since_ns -= MINUTE_NS;
		ok(!rig_gave_up(&rig), "%s: where something was done since, the count begins anew", when);
		kill_some(1, kinds[i]);
		ok(rig_gave_up(&rig), "%s: ten in a minute are enough again", when);
		rig_fini(&rig);
	}
}

/* The fork server is lost, and opened again. How often, until it's given up. */
static unsigned lose(unsigned n, bool is_outside)
{
	unsigned i = 0;
	for (; i < n && !rig_gave_up(&rig); i++) {
		rig.crew.not_before_ns = 0;
		if (!rig.crew.is_loaded)
			rig_load(&rig);
		rig_lose(&rig, "exit code 3", is_outside);
	}
	return i;
}

static void test_lost(void)
{
	rig_init(&rig, 1, true, LINES);
	is_int(lose(20, false), 2, "before any worker was ready a fork server may be lost once");
	rig_fini(&rig);
	rig_init(&rig, 1, true, LINES);
	rig_start_all(&rig);
	rig_die(&rig, 1, SIGKILL, true);
	is_int(lose(20, false), 5, "later four times");
	ok(strstr(rig_gave_up(&rig), "lost 5 times"), "which is said: %s", rig_gave_up(&rig));
	rig_fini(&rig);
	rig_init(&rig, 1, true, LINES);
	rig_start_all(&rig);
	rig_die(&rig, 1, SIGKILL, true);
	for (int i = 0; i < 5; i++) {
		lose(4, false);
		crew_note_progress(&rig.crew);
	}
	ok(!rig_gave_up(&rig), "as often as something is done in between");
	is_int(lose(30, true), 30, "and by somebody's kill any number of times, for a while");
	rig_fini(&rig);
	/* while it was being loaded, that was the plugin */
	rig_init(&rig, 1, true, LINES);
	crew_open(&rig.crew);
	rig_lose(&rig, "exit code 3", false);
	ok(rig_gave_up(&rig) && strstr(rig_gave_up(&rig), "while it was being loaded"), "a load that ends it is the end");
	rig_fini(&rig);
}

/* Who has died is put aside until somebody takes it: in the order of deaths, and the fork server's own end behind. */
static void test_dead(void)
{
	rig_init(&rig, 3, true, LINES);
	rig_start_all(&rig);
	for (unsigned i = 1; i <= 3; i++)
		worker_send(worker(i), rig_add(&rig, 2));
	rig_work(&rig, 1, 1, 1);
	rig_begin(&rig, 3, 1);
	rig_drop(&rig, 3, SIGSEGV, false);
	rig_drop(&rig, 1, SIGKILL, true);
	rig_drop(&rig, 2, SIGKILL, true);
	is_int(worker(1)->phase, WORKER_IS_DEAD, "a dead worker keeps its place");
	is_int(rig.crew.n_ready, 0, "and isn't ready");
	is_int(worker(1)->flight.n_items, 2, "it holds what it owed");
	is_int(rig.crew.n_deaths, 0, "which nobody has judged yet");
	crew_signal(&rig.crew, SIGSTOP);
	is_int(rig.hands[1].killed_by, 0, "it is sent no signal");
	rig.tell.died(rig.tell.arg, 1, rig.hands[1].generation, SIGSEGV, false);
	is_int(worker(1)->wait_status, SIGKILL, "nor does it die twice");
	rig_lose(&rig, "exit code 3", false);
	is_str(rig.charged, " 5", "then each is judged by its own end");
	is_int(worker(1)->phase, WORKER_NONE, "and its place is free");
	is_int(rig.crew.n_live, 0, "as all are");
	is_int(tally_finished(&rig.tally), 2, "what one had answered counts");
	is_int(rig.crew.n_lost, 1, "and is no progress after the loss of the fork server that it died with");
	rig_fini(&rig);
}

/* Two are there, and one is at an item. */
static void begin_with_one_at_work(const struct backend_ops *ops)
{
	rig_init(&rig, 2, true, LINES);
	rig_start_all(&rig);
	rig.crew.env.ops = ops;
	worker_send(worker(1), rig_add(&rig, 4));
	rig_work(&rig, 1, 1, 1);
	rig_collect(&rig);
	rig_begin(&rig, 1, 1);
}

/* The end: who is at an item has time to tidy up, who isn't needs none. */
static void test_end(void)
{
	begin_with_one_at_work(&rig_backend);
	int64_t pause_ns = crew_end(&rig.crew);
	is_int(pause_ns, WORKER_KILL_PAUSE_NS, "KILL is due after a pause");
	is_int(rig.hands[1].n_signals[SIGTERM], 1, "one at an item hears TERM");
	is_int(rig.hands[1].n_signals[SIGCONT], 1, "even if it was stopped");
	is_int(rig.hands[1].n_signals[SIGKILL], 0, "and no KILL yet");
	is_int(rig.hands[2].n_signals[SIGKILL], 1, "one that has nothing is killed");
	is_int(rig.hands[2].n_signals[SIGTERM], 0, "at once");
	ok(port_is_cancelled(&rig.hands[1].port), "the item knows that it's cancelled");
	ok(!crew_is_gone(&rig.crew), "they aren't gone yet");
	rig_die(&rig, 1, SIGTERM, false);
	rig_die(&rig, 2, SIGKILL, false);
	ok(crew_is_gone(&rig.crew), "then they are");
	is_str(rig.charged, "", "nobody is charged");
	is_int(rig.crew.n_deaths, 0, "and these are no deaths");
	is_int(rig.window.n_items, 3, "what wasn't done is still to do");
	ok(!crew_want(&rig.crew), "nobody is started any more");
	is_int(crew_due_ns(&rig.crew), -1, "nor is anything due");
	rig_fini(&rig);
}

static void test_kill(void)
{
	begin_with_one_at_work(&rig_backend);
	crew_kill(&rig.crew);
	is_int(rig.hands[1].n_signals[SIGKILL] + rig.hands[2].n_signals[SIGKILL], 2, "at once is KILL for all");
	ok(port_is_cancelled(&rig.hands[1].port), "and whoever goes on knows");
	is_int(rig.n_abandons, 0, "the fork server is asked first");
	crew_kill(&rig.crew);
	is_int(rig.n_abandons, 1, "and done without when it's asked again");
	is_int(rig.hands[1].n_signals[SIGKILL], 1, "nobody is killed twice");
	rig_fini(&rig);
}

/* Threads can't be ended: what one hasn't begun is taken back, and its item is asked to end. */
static void test_end_of_threads(void)
{
	struct backend_ops threads = rig_backend;
	threads.has_processes = false;
	begin_with_one_at_work(&threads);
	ok(crew_end(&rig.crew) > WORKER_KILL_PAUSE_NS, "a thread has longer");
	is_int(rig.hands[1].killed_by + rig.hands[2].killed_by, 0, "and hears no signal");
	is_int(worker(1)->flight.n_items, 1, "it keeps the item that it's at");
	ok(port_is_cancelled(&rig.hands[1].port), "which knows that it's cancelled");
	is_int(rig_work(&rig, 1, 10, 1), 0, "and begins no other");
	ok(!crew_is_gone(&rig.crew), "while it goes on it isn't gone");
	crew_kill(&rig.crew);
	ok(crew_is_gone(&rig.crew), "after the second request nobody waits for it");
	rig_fini(&rig);
}

int main(void)
{
	log_init(LOG_NORMAL);
	test_outside();
	test_lost();
	test_dead();
	test_end();
	test_kill();
	test_end_of_threads();
	return tap_done();
}
