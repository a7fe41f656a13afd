/* SPDX-License-Identifier: Apache-2.0 */
/* crew and blame: who is started, who is charged when a worker dies, what is run again, and when it is given up. */
#include "config.h"

#include "core/crew/crew.h"

#include "core/base/clock.h"
#include "core/crew/blame.h"
#include "tests/core/rig.h"
#include "tests/tap.h"

#define LINES "one\ntwo\nthree\nfour\nfive\nsix\n"
#define EXIT_0 0
#define EXIT_3 (3 << 8)

static struct rig rig;

static struct worker *worker(unsigned number)
{
	return &rig.crew.workers[number - 1];
}

static void begin(unsigned n_workers)
{
	rig_init(&rig, n_workers, true, LINES);
}

/* All items have their outcome, whoever does what is left; the output is that. */
static void finish(const char *want, const char *what)
{
	for (int turn = 0; rig.window.n_batches > 0 && turn < 100; turn++) {
		rig.crew.not_before_ns = 0;
		if (!rig.crew.is_loaded)
			rig_load(&rig);
		rig_start_all(&rig);
		struct batch *batch = window_next_pending(&rig.window);
		for (unsigned i = 1; batch && i <= rig.crew.n_workers; i++)
			if (worker(i)->phase == WORKER_IS_READY && !worker(i)->is_broken && worker(i)->flight.n_batches == 0) {
				worker_send(worker(i), batch);
				break;
			}
		for (unsigned i = 1; i <= rig.crew.n_workers; i++)
			if (rig.hands[i].channel)
				rig_work(&rig, i, UINT32_MAX, 1);
		rig_collect(&rig);
	}
	is_str(rig_output(&rig), want, "%s: the output", what);
	is_int(tally_finished(&rig.tally), rig.tally.n_read, "%s: each item has one outcome", what);
	is_int(rig.window.held_bytes, 0, "%s: no byte is held", what);
}

static void test_life(void)
{
	begin(2);
	crew_open(&rig.crew);
	ok(!crew_want(&rig.crew), "nobody starts before the plugin is loaded");
	rig.tell.loaded(rig.tell.arg, 0);
	ok(crew_want(&rig.crew), "one starts");
	ok(crew_want(&rig.crew), "a second one");
	ok(!crew_want(&rig.crew), "and no more than were asked for");
	is_int(rig.crew.n_live, 2, "two live");
	is_int(rig.crew.n_ready, 0, "none is ready");
	ok(worker(1)->channel->fd >= 0, "the segment is open until the worker has it");
	rig_ready(&rig, 1);
	is_int(worker(1)->channel->fd, -1, "and closed then");
	is_int(rig.crew.n_ready, 1, "one is ready");
	rig.tell.started(rig.tell.arg, 2, rig.hands[2].generation + 7, 0);
	ok(worker(2)->channel->fd >= 0, "a word about another generation is none about this one");
	crew_stop(&rig.crew);
	is_int(worker(1)->phase, WORKER_IS_LEAVING, "told to stop, it leaves");
	is_int(rig.crew.n_ready, 0, "and isn't ready any more");
	rig_die(&rig, 1, EXIT_0, false);
	rig_die(&rig, 2, EXIT_0, false);
	ok(crew_is_gone(&rig.crew), "all are gone");
	is_int(rig.crew.n_deaths, 0, "an orderly end is no death");
	ok(!rig_gave_up(&rig), "nothing was given up");
	rig_fini(&rig);
}

/* A batch of six; the worker dies after n answers, at the next item or between two. */
static void test_blame(void)
{
	static const struct {
		uint32_t n_answered;
		bool has_begun;
		const char *charged, *want;
	} cases[] = {
		{0, false, "", "ONE\nTWO\nTHREE\nFOUR\nFIVE\nSIX\n"}, {0, true, " 1", "TWO\nTHREE\nFOUR\nFIVE\nSIX\n"},
		{3, false, "", "ONE\nTWO\nTHREE\nFOUR\nFIVE\nSIX\n"}, {3, true, " 4", "ONE\nTWO\nTHREE\nFIVE\nSIX\n"},
		{5, true, " 6", "ONE\nTWO\nTHREE\nFOUR\nFIVE\n"},     {6, false, "", "ONE\nTWO\nTHREE\nFOUR\nFIVE\nSIX\n"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char name[64];
		snprintf(name, sizeof name, "%u answered, %s begun", cases[i].n_answered, cases[i].has_begun ? "one" : "none");
		begin(1);
		rig_start_all(&rig);
		worker_send(worker(1), rig_add(&rig, 4));
		worker_send(worker(1), rig_add(&rig, 2));
		rig_work(&rig, 1, cases[i].n_answered, 1);
		if (cases[i].has_begun) {
			rig_begin(&rig, 1, 1);
			rig_part(&rig, 1, "half of ", 8);
		}
		rig_die(&rig, 1, SIGSEGV, false);
		is_str(rig.charged, cases[i].charged, "%s: who is charged", name);
		is_int(rig.tally.n_outcomes[OUTCOME_CRASHED], cases[i].has_begun, "%s: how many", name);
		bool owed = cases[i].n_answered < 6;
		is_int(rig.crew.n_uncharged, !owed, "%s: a death that is noted of an item isn't held against the job", name);
		is_int(worker(1)->phase, WORKER_NONE, "%s: the place is free", name);
		if (cases[i].has_begun)
			ok(strstr(rig_said(&rig), "crashed: SIGSEGV (Segmentation fault) in worker 1"), "%s: it is said", name);
		finish(cases[i].want, name);
		is_str(rig.charged, cases[i].charged, "%s: nobody else is charged", name);
		rig_fini(&rig);
	}
}

/* Its channel holds what can't be true: what it owed is run again, and nobody is charged the first time. */
static void test_broken(void)
{
	begin(1);
	rig_start_all(&rig);
	worker_send(worker(1), rig_add(&rig, 3));
	rig_work(&rig, 1, 1, 1);
	rig_collect(&rig);
	rig_begin(&rig, 1, 1);
	atomic_store(&worker(1)->channel->up->result_head, UINT64_MAX);
	rig_collect(&rig);
	ok(worker(1)->is_broken, "it is given up");
	is_int(rig.hands[1].killed_by, SIGKILL, "it is killed");
	ok(!rig_gave_up(&rig), "the run goes on");
	rig_die(&rig, 1, SIGKILL, false);
	is_str(rig.charged, "", "nobody knows who did it");
	is_int(rig.window.n_pending, 1, "one batch is to do again");
	is_int(window_next_pending(&rig.window)->n_suspected, 1, "as a suspect");
	is_int(window_next_pending(&rig.window)->attempt, 1, "which is no attempt");
	/* alone, and it does it again */
	rig_start_all(&rig);
	must(window_cut(&rig.window, window_next_pending(&rig.window), 1, &rig.err) == 0);
	worker_send(worker(1), window_next_pending(&rig.window));
	rig_begin(&rig, 1, 1);
	atomic_store(&worker(1)->channel->up->result_head, UINT64_MAX);
	rig_collect(&rig);
	rig_die(&rig, 1, SIGKILL, false);
	is_str(rig.charged, " 2", "a suspect that does it again is charged");
	finish("ONE\nTHREE\n", "broken channel");
	rig_fini(&rig);
}

/* The fork server dies, and its workers with it: nobody's fault, however many they are. */
static void test_lost(void)
{
	static const unsigned numbers[] = {1, 4, 12};
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		unsigned n_workers = numbers[i];
		char name[32];
		snprintf(name, sizeof name, "%u workers lost", n_workers);
		begin(n_workers);
		rig_start_all(&rig);
		worker_send(worker(1), rig_add(&rig, 3));
		rig_begin(&rig, 1, 1);
		rig_part(&rig, 1, "half of ", 8);
		for (unsigned k = 1; k <= n_workers; k++)
			rig_die(&rig, k, SIGKILL, true);
		rig_lose(&rig, "exit code 3", false);
		is_str(rig.charged, "", "%s: nobody is charged", name);
		ok(!rig_gave_up(&rig), "%s: that is one accident, not many", name);
		ok(!rig.crew.env.backend && rig.n_closes == 1, "%s: the backend is closed", name);
		rig.crew.env.has_given_up = false;
		crew_open(&rig.crew);
		is_int(rig.n_opens, 2, "%s: and opened again", name);
		finish("ONE\nTWO\nTHREE\n", name);
		rig_fini(&rig);
	}
}

/*
 * A fork server's death takes its time: what is run alone next is lost with it as well, and isn't charged for that.
 * Only one that takes the fork server along when it's alone, and then again, is.
 */
static void test_lost_again(void)
{
	begin(1);
	rig_add(&rig, 1);
	for (unsigned n_lost = 0; n_lost < 3; n_lost++) {
		rig_start_all(&rig);
		is_str(rig.charged, "", "lost %u times: nobody is charged", n_lost);
		is_int(window_next_pending(&rig.window)->n_suspected, n_lost, "and that is known");
		worker_send(worker(1), window_next_pending(&rig.window));
		rig_begin(&rig, 1, 1);
		rig_die(&rig, 1, SIGKILL, true);
		rig_lose(&rig, "exit code 3", false);
		rig.crew.env.has_given_up = false;
		crew_open(&rig.crew);
	}
	is_str(rig.charged, " 1", "lost 3 times, twice of them alone: it's charged");
	rig_fini(&rig);
}

/* Is the pause before the next start, which began after before_ns, longer by half than the last, and is it kept? */
static bool is_pause_longer(int64_t *pause_ns, int64_t before_ns)
{
	int64_t not_before_ns = rig.crew.not_before_ns;
	bool is_longer = not_before_ns - before_ns > *pause_ns + *pause_ns / 2;
	bool may_start = crew_may_start(&rig.crew);
	int64_t now_ns = clock_now_ns();
	*pause_ns = not_before_ns - now_ns;
	return is_longer && (!may_start || now_ns >= not_before_ns);
}

/* Workers that die before they are ready: later and later, then no more. */
static void test_failed_starts(void)
{
	static const struct {
		unsigned n_workers, most;
	} cases[] = {{1, 5}, {3, 5}, {7, 7}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		unsigned most = cases[i].most, n = 0;
		int64_t pause_ns = 0;
		bool grows = true;
		begin(cases[i].n_workers);
		rig_load(&rig);
		while (!rig_gave_up(&rig) && n < 20) {
			rig.crew.not_before_ns = 0;
			must(crew_want(&rig.crew));
			int64_t before_ns = clock_now_ns();
			rig_die(&rig, 1, EXIT_3, false);
			grows = grows && is_pause_longer(&pause_ns, before_ns);
			n++;
		}
		is_int(n, most, "%u workers: given up after so many", cases[i].n_workers);
		ok(grows, "each pause is longer than the one before");
		ok(strstr(rig_gave_up(&rig), "exit code 3"), "it says how they died");
		rig_fini(&rig);
	}
	begin(1);
	rig_load(&rig);
	for (int i = 0; i < 12; i++) {
		rig.crew.not_before_ns = 0;
		must(crew_want(&rig.crew));
		if (i % 4 == 3)
			rig_ready(&rig, 1);
		if (i % 4 == 3)
			crew_note_progress(&rig.crew);
		rig_die(&rig, 1, EXIT_3, false);
	}
	ok(!rig_gave_up(&rig), "one that gets ready in between sets the count back");
	rig_fini(&rig);
}

static void test_refusal(void)
{
	begin(2);
	rig_load(&rig);
	crew_want(&rig.crew);
	port_say(&rig.hands[1].port, EVENT_REFUSED, 0, "no model at /nowhere", 20);
	port_set_state(&rig.hands[1].port, WORKER_REFUSED);
	crew_poll(&rig.crew);
	is_int(rig.crew.n_ready, 0, "it isn't ready");
	rig_die(&rig, 1, EXIT_3, false);
	ok(rig_gave_up(&rig), "an open that says no ends the job");
	is_str(rig_gave_up(&rig), "no model at /nowhere", "with its words");
	rig_fini(&rig);
}

/* Who says that it had begun nothing and ends all the same, again and again: the item it owes first, and only that. */
static void test_undone(void)
{
	static const struct {
		const char *what;
		bool has_left;
		int status;
		unsigned n_ends;
	} cases[] = {{"killed", false, SIGKILL, 5}, {"left in order", true, EXIT_0, 6}, {"exit 0", false, EXIT_0, 5}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *what = cases[i].what;
		unsigned n = 0;
		begin(1);
		rig_add(&rig, 6);
		/* the third item, after two that are good */
		rig_start_all(&rig);
		worker_send(worker(1), window_next_pending(&rig.window));
		rig_work(&rig, 1, 2, 1);
		while (rig.charged[0] == '\0' && !rig_gave_up(&rig) && n < 20) {
			if (cases[i].has_left)
				port_set_state(&rig.hands[1].port, WORKER_LEFT);
			rig_die(&rig, 1, cases[i].status, false);
			rig_start_all(&rig);
			struct batch *batch = window_next_pending(&rig.window);
			must(window_cut(&rig.window, batch, batch->n_suspected > 0 ? 1 : UINT32_MAX, &rig.err) == 0);
			worker_send(worker(1), batch);
			n++;
		}
		is_int(n, cases[i].n_ends, "%s: so often", what);
		is_str(rig.charged, " 3", "%s: then the item that was owed first is charged", what);
		ok(!rig_gave_up(&rig), "%s: and the job goes on", what);
		finish("ONE\nTWO\nFOUR\nFIVE\nSIX\n", what);
		is_str(rig.charged, " 3", "%s: nobody else is", what);
		rig_fini(&rig);
	}
}

/* What only an open may say, at other times. */
static void test_forged_refusal(void)
{
	begin(1);
	rig_start_all(&rig);
	worker_send(worker(1), rig_add(&rig, 6));
	rig_begin(&rig, 1, 1);
	port_say(&rig.hands[1].port, EVENT_REFUSED, 0, "ha ha", 5);
	port_set_state(&rig.hands[1].port, WORKER_REFUSED);
	rig_collect(&rig);
	ok(worker(1)->is_broken, "who has an item in hand can't refuse to open");
	rig_die(&rig, 1, EXIT_3, false);
	ok(!rig_gave_up(&rig), "and doesn't end the job");
	finish("ONE\nTWO\nTHREE\nFOUR\nFIVE\nSIX\n", "after a forged refusal");
	rig_fini(&rig);
	begin(1);
	rig_start_all(&rig);
	port_say(&rig.hands[1].port, EVENT_REFUSED, 0, "ha ha", 5);
	port_set_state(&rig.hands[1].port, WORKER_REFUSED);
	rig_die(&rig, 1, EXIT_3, false);
	ok(!rig_gave_up(&rig), "nor can one that was ready before");
	rig_fini(&rig);
}

/* Deaths between items: ten in ten seconds are too many, unless something gets done in between. */
static void test_uncharged(void)
{
	begin(1);
	int n = 0;
	while (!rig_gave_up(&rig) && n < 30) {
		rig_start_all(&rig);
		rig_die(&rig, 1, SIGABRT, false);
		n++;
	}
	is_int(n, 10, "given up after ten");
	ok(strstr(rig_gave_up(&rig), "SIGABRT"), "it says how they died");
	rig_fini(&rig);

	begin(1);
	for (n = 0; n < 30; n++) {
		rig_start_all(&rig);
		rig_die(&rig, 1, SIGABRT, false);
		if (n % 9 == 8)
			crew_note_progress(&rig.crew);
	}
	ok(!rig_gave_up(&rig), "not when something is done in between");
	rig_fini(&rig);

	begin(1);
	for (n = 0; n < 30; n++) {
		rig_start_all(&rig);
		rig_die(&rig, 1, SIGABRT, false);
		for (int i = 0; i < CREW_DEATHS_MAX; i++)
			rig.crew.uncharged_ns[i] -= 2 * CLOCK_NS_PER_SEC;
	}
	ok(!rig_gave_up(&rig), "nor when they take more than ten seconds");
	rig_fini(&rig);

	char lines[256] = "";
	for (n = 1; n <= 40; n++)
		sprintf(lines + strlen(lines), "%d\n", n);
	rig_init(&rig, 1, true, lines);
	for (n = 0; n < 40; n++) {
		rig_start_all(&rig);
		worker_send(worker(1), rig_add(&rig, 1));
		rig_begin(&rig, 1, 1);
		rig_die(&rig, 1, SIGSEGV, false);
	}
	ok(!rig_gave_up(&rig), "deaths that are charged never end the run");
	is_int(rig.tally.n_outcomes[OUTCOME_CRASHED], 40, "each item is");
	finish("", "forty crashes");
	rig_fini(&rig);
}

/* Processes that aren't to be had. */
static void test_no_starts(void)
{
	begin(2);
	rig_load(&rig);
	rig.refuses_start = ERR_RESOURCE;
	int n = 0;
	int64_t pause_ns = 0;
	bool grows = true;
	while (!rig_gave_up(&rig) && n < 20) {
		rig.crew.not_before_ns = 0;
		int64_t before_ns = clock_now_ns();
		ok(!crew_want(&rig.crew), "start %d fails", n);
		grows = grows && is_pause_longer(&pause_ns, before_ns);
		n++;
	}
	is_int(n, 5, "given up after five");
	ok(grows, "each pause is longer");
	is_str(rig_gave_up(&rig), "no process today", "and why is said");
	rig_fini(&rig);

	begin(2);
	rig_load(&rig);
	must(crew_want(&rig.crew));
	rig_ready(&rig, 1);
	rig.refuses_start = ERR_RESOURCE;
	for (n = 0; n < 20; n++) {
		rig.crew.not_before_ns = 0;
		crew_want(&rig.crew);
	}
	ok(!rig_gave_up(&rig), "one worker is enough to go on");
	const char *notice = strstr(rig_said(&rig), "only 1 of 2 workers could be started: no process today");
	ok(notice && !strstr(notice + 1, "only 1 of 2"), "which is said once");
	rig_fini(&rig);

	begin(1);
	rig.refuses_open = ERR_RESOURCE;
	for (n = 0; !rig_gave_up(&rig) && n < 20; n++) {
		rig.crew.not_before_ns = 0;
		crew_open(&rig.crew);
	}
	is_int(n, 5, "a backend that isn't to be had is given up after five, too");
	rig_fini(&rig);

	begin(1);
	rig.refuses_open = ERR_USAGE;
	crew_open(&rig.crew);
	ok(rig_gave_up(&rig), "what is wrong, not short, is given up at once");
	rig_fini(&rig);
}

/* Six items in two batches; the supervisor takes back what hasn't begun, at each place. */
static void test_take_back(void)
{
	static const char *const results[] = {"ONE\n", "TWO\n", "THREE\n", "FOUR\n", "FIVE\n", "SIX\n"};
	for (uint32_t n_collected = 0; n_collected <= 6; n_collected++) {
		for (uint32_t n_answered = n_collected; n_answered <= 6; n_answered++) {
			for (uint32_t n_begun = n_answered; n_begun <= 6 && n_begun <= n_answered + 1; n_begun++) {
				char name[64];
				snprintf(name, sizeof name, "%u collected, %u answered, %u begun", n_collected, n_answered, n_begun);
				begin(2);
				rig_start_all(&rig);
				worker_send(worker(1), rig_add(&rig, 4));
				worker_send(worker(1), rig_add(&rig, 2));
				rig_work(&rig, 1, n_collected, 1);
				rig_collect(&rig);
				rig_work(&rig, 1, n_answered - n_collected, 1);
				if (n_begun > n_answered)
					rig_begin(&rig, 1, 1);
				bool is_some = worker_take_back(worker(1));
				is_int(is_some, n_begun < 6, "%s: is something to do again", name);
				uint32_t n_pending = 0;
				for (struct batch *batch = window_next_pending(&rig.window); batch; batch = batch->next_pending)
					n_pending += batch->slice.n_items;
				is_int(n_pending, 6 - n_begun, "%s: what hasn't begun is", name);
				is_int(worker(1)->flight.n_items, n_begun - n_collected, "%s: what has is owed", name);
				uint32_t in_batches = 0;
				for (struct batch *batch = worker(1)->flight.first; batch; batch = batch->next_owed)
					in_batches += batch->slice.n_items - batch->n_answered;
				is_int(in_batches, worker(1)->flight.n_items, "%s: and the list says so, too", name);
				is_int(worker(1)->flight.is_cut_short, is_some && n_begun > n_collected, "%s: may more be sent", name);
				/* the second worker does what was taken back while the first ends its item */
				while (window_next_pending(&rig.window))
					worker_send(worker(2), window_next_pending(&rig.window));
				if (n_begun > n_answered)
					rig_answer(&rig, 1, results[n_answered], strlen(results[n_answered]));
				ok(rig_work(&rig, 1, 6, 1) == 0, "%s: the first one begins nothing of it", name);
				is_int(rig_work(&rig, 2, 6, 1), 6 - n_begun, "%s: the second one all", name);
				rig_collect(&rig);
				is_int(worker(1)->flight.is_cut_short, false, "%s: the first one may have more", name);
				is_str(rig_output(&rig), "ONE\nTWO\nTHREE\nFOUR\nFIVE\nSIX\n", "%s: all in order", name);
				is_int(rig.window.n_batches, 0, "%s: the window is empty", name);
				rig_fini(&rig);
			}
		}
	}
}

/* After a take-back the same worker gets the same items again: the stale batch in its ring is skipped. */
static void test_take_back_and_send_again(void)
{
	begin(1);
	rig_start_all(&rig);
	worker_send(worker(1), rig_add(&rig, 6));
	for (int i = 0; i < 20; i++) {
		must(worker_take_back(worker(1)));
		worker_send(worker(1), window_next_pending(&rig.window));
	}
	is_int(rig_work(&rig, 1, 100, 1), 6, "each item is begun once");
	rig_collect(&rig);
	is_str(rig_output(&rig), "ONE\nTWO\nTHREE\nFOUR\nFIVE\nSIX\n", "and all are there");
	rig_fini(&rig);
}

/* Work that isn't begun for a second by a worker that is at no item: its semaphore may be gone. */
static void test_stuck(void)
{
	const struct {
		const char *what;
		pid_t pid;
		int seconds_min, seconds_max;
	} cases[] = {{"a process that sleeps", getppid(), 1, 5},
	             {"a process that may wait for a processor only", getpid(), 30, 40},
	             {"a thread", 0, 30, 40}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin(1);
		rig_start_all(&rig);
		worker_send(worker(1), rig_add(&rig, 2));
		worker(1)->pid = cases[i].pid;
		int64_t begin_ns = clock_now_ns(), at_ns;
		for (at_ns = begin_ns; !worker(1)->is_broken && at_ns < begin_ns + 100 * CLOCK_NS_PER_SEC;
		     at_ns += 250 * CLOCK_NS_PER_MS)
			watchdog_look(&rig.watchdog, at_ns, true, NULL);
		int64_t seconds = (at_ns - begin_ns) / CLOCK_NS_PER_SEC;
		ok(seconds >= cases[i].seconds_min && seconds <= cases[i].seconds_max,
		   "%s, and begins nothing: given up after %lld s", cases[i].what, (long long)seconds);
		rig_fini(&rig);
	}
	begin(1);
	rig_start_all(&rig);
	rig_add(&rig, 2);
	rig_start_all(&rig);
	while (window_next_pending(&rig.window))
		worker_send(worker(1), window_next_pending(&rig.window));
	rig_begin(&rig, 1, 1);
	int64_t now_ns = clock_now_ns();
	for (int64_t at_ns = now_ns; at_ns < now_ns + 100 * CLOCK_NS_PER_SEC; at_ns += 250 * CLOCK_NS_PER_MS)
		watchdog_look(&rig.watchdog, at_ns, true, NULL);
	ok(!worker(1)->is_broken, "one that is at an item isn't, however long it takes");
	rig_fini(&rig);
}

/* What is told of a worker that is gone isn't about the one in its place. */
static void test_generations(void)
{
	struct err err;
	begin(1);
	rig_start_all(&rig);
	uint64_t before = rig.hands[1].generation;
	rig_die(&rig, 1, SIGABRT, false);
	rig_start_all(&rig);
	must(rig.hands[1].generation != before);
	worker_send(worker(1), rig_add(&rig, 6));
	err_set(&err, ERR_RESOURCE, "no process today");
	rig.tell.died(rig.tell.arg, 1, before, SIGSEGV, false);
	rig.tell.not_started(rig.tell.arg, 1, before, &err);
	rig.tell.started(rig.tell.arg, 1, before, getpid());
	is_int(worker(1)->phase, WORKER_IS_READY, "a second death of the one before isn't the next one's");
	is_int(worker(1)->pid, 0, "nor is its process");
	is_int(rig.crew.n_deaths, 1, "and doesn't count");
	finish("ONE\nTWO\nTHREE\nFOUR\nFIVE\nSIX\n", "after news of the dead");
	rig_fini(&rig);
}

/* A fork server, in which a plugin has run, may say anything of a worker that it has started. */
static void test_started_after_all(void)
{
	struct err err;
	begin(1);
	rig_start_all(&rig);
	worker_send(worker(1), rig_add(&rig, 6));
	err_set(&err, ERR_RESOURCE, "no process today");
	rig.tell.not_started(rig.tell.arg, 1, rig.hands[1].generation, &err);
	is_int(worker(1)->phase, WORKER_IS_READY, "a worker that is ready was started, whoever denies it");
	is_int(worker(1)->flight.n_items, 6, "and holds what it held");
	crew_stop(&rig.crew);
	rig.tell.not_started(rig.tell.arg, 1, rig.hands[1].generation, &err);
	is_int(worker(1)->phase, WORKER_IS_LEAVING, "so was one with items that is leaving");
	rig_work(&rig, 1, 6, 1);
	rig_collect(&rig);
	is_int(tally_finished(&rig.tally), 6, "each item has its outcome");
	rig_fini(&rig);
}

/* Where processes aren't to be had threads take over: of a plugin that isn't thread-safe one, then and later. */
static void test_one_thread(void)
{
	static const bool kinds[] = {true, false};
	for (size_t i = 0; i < 2; i++) {
		struct backend_ops threads = rig_backend;
		rig_init(&rig, 2, true, LINES);
		rig.plan.backend = BACKEND_AUTO;
		rig.info.is_thread_safe = kinds[i];
		rig.refuses_open = ERR_RESOURCE;
		for (int n = 0; rig.crew.env.ops == &rig_backend && n < 20; n++) {
			rig.crew.not_before_ns = 0;
			crew_open(&rig.crew);
		}
		ok(rig.crew.env.ops == &backend_thread, "threads take over");
		is_int(rig.crew.n_workers, kinds[i] ? 2 : 1, "as many as the plugin bears");
		is_int(crew_setup(&rig.crew)->n_workers, kinds[i] ? 2 : 1, "which the plugin is told");
		threads.has_processes = false;
		rig.crew.env.ops = &threads;
		rig.crew.n_workers = 1;
		crew_resize(&rig.crew, 1);
		is_int(rig.crew.n_workers, kinds[i] ? 2 : 1, "nor are there more when more are asked for");
		rig_fini(&rig);
	}
}

/* The plugin's file is another than the one that the run began with. */
static void test_rebuilt(void)
{
	char path[TAP_PATH_BYTES];
	int fd = rig_file(path);
	struct filestamp stamp = filestamp_take(path);
	must(stamp.inode != 0);
	for (int i = 0; i < 2; i++) {
		rig_plan(&rig, 1, true);
		rig.info.file = path;
		rig.info.stamp = stamp;
		rig_build(&rig, LINES, strlen(LINES));
		if (i == 1)
			must(write(fd, "new", 3) == 3);
		rig_load(&rig);
		is_int(rig_gave_up(&rig) != NULL, i, "a plugin that was %s",
		       i ? "rebuilt ends the run" : "left alone is loaded");
		is_int(rig.crew.is_loaded, !i, "so workers may start, or not");
		rig_fini(&rig);
	}
	must(close(fd) == 0 && unlink(path) == 0);
}

/* Fewer: the last one leaves when it's done; one stays. More: as many as there are places. */
static void test_resize(void)
{
	begin(3);
	rig_start_all(&rig);
	crew_resize(&rig.crew, -1);
	ok(worker(3)->is_retiring && !worker(2)->is_retiring && !worker(1)->is_retiring, "one fewer: the last is to leave");
	crew_resize(&rig.crew, -1);
	ok(worker(2)->is_retiring && !worker(1)->is_retiring, "and then the one before");
	crew_resize(&rig.crew, -1);
	ok(rig.crew.n_workers == 1 && !worker(1)->is_retiring, "one stays");
	for (int i = 0; i < 30; i++)
		crew_resize(&rig.crew, 1);
	is_int(rig.crew.n_workers, 3 + 16, "and there are never more than there is place for");
	rig_fini(&rig);
}

/* Who wants to sleep hears of what had come before it asked to be rung for. */
static void test_sleep(void)
{
	begin(2);
	rig_load(&rig);
	must(crew_want(&rig.crew));
	ok(!crew_sleep_begin(&rig.crew, NULL), "one that only starts is no reason to stay awake");
	crew_sleep_end(&rig.crew);
	rig.tell.started(rig.tell.arg, 1, rig.hands[1].generation, 0);
	port_set_state(&rig.hands[1].port, WORKER_READY);
	ok(crew_sleep_begin(&rig.crew, NULL), "one that became ready before is");
	crew_sleep_end(&rig.crew);
	crew_poll(&rig.crew);
	ok(!crew_sleep_begin(&rig.crew, NULL), "once that is known it isn't");
	crew_sleep_end(&rig.crew);
	rig_start_all(&rig);
	worker_send(worker(1), rig_add(&rig, 2));
	worker_send(worker(2), rig_add(&rig, 4));
	rig_work(&rig, 1, 2, 1);
	ok(crew_sleep_begin(&rig.crew, NULL), "a batch that was done before is");
	ok(crew_has_news(&rig.crew, worker(1)), "of the one that did it");
	crew_sleep_end(&rig.crew);
	ok(!crew_sleep_begin(&rig.crew, worker(2)), "but not where only the other may be listened to");
	crew_sleep_end(&rig.crew);
	rig_collect(&rig);
	ok(!crew_sleep_begin(&rig.crew, NULL), "and not once it is collected");
	crew_sleep_end(&rig.crew);
	rig_fini(&rig);
}

/* How long it was busy is the worker's word: not longer than it was there. */
static void test_busy(void)
{
	begin(1);
	rig_start_all(&rig);
	worker(1)->ready_since_ns -= 100 * CLOCK_NS_PER_SEC;
	atomic_store(&worker(1)->channel->up->busy_ns, (uint64_t)CLOCK_NS_PER_SEC);
	rig_die(&rig, 1, SIGABRT, false);
	is_int(rig.crew.busy_ns, CLOCK_NS_PER_SEC, "what a worker was busy is counted");
	ok(rig.crew.ready_ns >= (uint64_t)(100 * CLOCK_NS_PER_SEC), "and how long it could be");
	rig_start_all(&rig);
	atomic_store(&worker(1)->channel->up->busy_ns, UINT64_MAX / 2);
	rig_die(&rig, 1, SIGABRT, false);
	ok(rig.crew.busy_ns <= rig.crew.ready_ns, "no more than that is believed");
	rig_fini(&rig);
}

/* Threads that can't be ended go on with their channels, and ring. */
static void test_left_threads(void)
{
	const uint64_t once = 1;
	struct channel *channels[2];
	struct err err;
	begin(2);
	rig_load(&rig);
	rig_start_all(&rig);
	rig.leaves_threads = true;
	for (unsigned i = 0; i < 2; i++) {
		channels[i] = worker(i + 1)->channel;
		must(channels[i] && write(channels[i]->bell_fd, &once, sizeof once) == (ssize_t)sizeof once);
	}
	crew_fini(&rig.crew);
	ok(rig.crew.has_left_threads && !rig.crew.workers, "a crew ends, its threads don't");
	is_int(loop_wait(rig.loop, 0, &err), 0, "whoever rings then isn't heard");
	for (unsigned i = 0; i < 2; i++) {
		port_detach(&rig.hands[i + 1].port);
		rig.hands[i + 1].channel = NULL;
		channel_destroy(&channels[i]);
	}
	rig_fini(&rig);
}

int main(void)
{
	log_init(LOG_NORMAL);
	test_life();
	test_blame();
	test_broken();
	test_lost();
	test_lost_again();
	test_failed_starts();
	test_refusal();
	test_undone();
	test_forged_refusal();
	test_uncharged();
	test_no_starts();
	test_take_back();
	test_take_back_and_send_again();
	test_stuck();
	test_generations();
	test_started_after_all();
	test_one_thread();
	test_rebuilt();
	test_resize();
	test_sleep();
	test_busy();
	test_left_threads();
	return tap_done();
}
