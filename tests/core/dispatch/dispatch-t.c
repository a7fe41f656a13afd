/* SPDX-License-Identifier: Apache-2.0 */
/* dispatch: how many items at a time, to whom, and what is taken back and shared when workers have nothing. */
#include "config.h"

#include "core/dispatch/dispatch.h"

#include "core/base/clock.h"
#include "tests/core/rig.h"
#include "tests/tap.h"

#define TURNS_MAX 200000

static struct rig rig;
static char *lines, *capitals; /* n lines, and what becomes of them */

static struct worker *worker(unsigned number)
{
	return &rig.crew.workers[number - 1];
}

static void begin(unsigned n_workers, bool is_ordered, unsigned n_lines)
{
	lines = malloc(n_lines * 16 + 1);
	capitals = malloc(n_lines * 16 + 1);
	must(lines && capitals);
	size_t n = 0;
	for (unsigned i = 1; i <= n_lines; i++)
		n += (size_t)sprintf(lines + n, "x%u\n", i);
	for (size_t i = 0; i <= n; i++)
		capitals[i] = n > 0 && i < n ? (char)toupper((unsigned char)lines[i]) : '\0';
	rig_plan(&rig, n_workers, is_ordered);
	rig_build(&rig, lines, n);
}

/* All are there, and what an item takes is known. */
static void time_items(int64_t item_ns, uint32_t items_max)
{
	rig_start_all(&rig);
	rig.dispatch.item_ns = item_ns;
	rig.dispatch.items_max = items_max;
}

static void begin_timed(unsigned n_workers, bool is_ordered, unsigned n_lines, int64_t item_ns, uint32_t items_max)
{
	begin(n_workers, is_ordered, n_lines);
	time_items(item_ns, items_max);
}

static void end(void)
{
	rig_fini(&rig);
	free(lines);
	free(capitals);
}

/* The supervisor's turn. */
static int turn(void)
{
	rig_collect(&rig);
	crew_poll(&rig.crew);
	crew_open(&rig.crew);
	int result = dispatch_step(&rig.dispatch, false, &rig.err);
	must(result >= 0);
	crew_flush_wakes(&rig.crew);
	return result;
}

/* Turns until nothing more is done. */
static void settle(void)
{
	for (int i = 0; turn() > 0; i++)
		must(i < TURNS_MAX);
}

static bool is_over(void)
{
	return dispatch_is_at_end(&rig.dispatch) && rig.window.n_batches == 0;
}

/* Everything the hands have, all at once, until all is done. busy_ns: an item. */
static void run_to_end(uint64_t busy_ns)
{
	for (int i = 0; !is_over(); i++) {
		must(i < TURNS_MAX);
		settle();
		for (unsigned k = 1; k <= rig.crew.n_workers; k++)
			if (rig.hands[k].channel)
				rig_work(&rig, k, UINT32_MAX, busy_ns);
		rig_collect(&rig);
	}
}

static void test_starts(void)
{
	begin(4, true, 2);
	settle();
	is_int(rig.n_opens, 1, "the plugin begins to be loaded");
	is_int(rig.n_starts, 0, "and nobody starts yet");
	rig.tell.loaded(rig.tell.arg, 0);
	settle();
	is_int(rig.n_starts, 2, "as many start as there are items");
	rig_ready(&rig, 1);
	rig_ready(&rig, 2);
	settle();
	is_int(worker(1)->flight.n_items, 1, "one each");
	is_int(worker(2)->flight.n_items, 1, "one each");
	run_to_end(1000);
	is_str(rig_output(&rig), capitals, "in order");
	is_int(rig.n_starts, 2, "and nobody more was started");
	is_int(rig.tally.n_outcomes[OUTCOME_OK], 2, "all are ok");
	end();
	begin(4, true, 0);
	rig_load(&rig);
	settle();
	is_int(rig.n_starts, 0, "nobody for nothing");
	ok(is_over(), "which is over at once");
	end();
}

/* A fork server isn't sent more requests than it can have unread. */
static void test_many_starts(void)
{
	begin(RIG_HANDS_MAX, true, RIG_HANDS_MAX);
	rig_load(&rig);
	settle();
	is_int(rig.n_starts, CREW_STARTS_MAX, "of many workers that there are items for, so many start at a time");
	rig_ready(&rig, 1);
	rig_ready(&rig, 2);
	settle();
	is_int(rig.n_starts, CREW_STARTS_MAX + 2, "and another for each that is ready");
	for (unsigned i = 3; i <= RIG_HANDS_MAX; i++) {
		rig_ready(&rig, i);
		settle();
	}
	is_int(rig.n_starts, RIG_HANDS_MAX, "until all are there");
	end();
}

/* The largest batch that a worker gets, when items take so long. */
static void test_batch_sizes(void)
{
	static const struct {
		uint64_t item_ns;
		uint32_t least, most;
		const char *what;
	} cases[] = {
		{100, 1000, BATCH_ITEMS_MAX, "tiny items by the thousand"},
		{5000, 150, 210, "5 us: about 200"},
		{100000, 6, 11, "100 us: a few"},
		{2 * BATCH_NS, 1, 1, "2 ms: one at a time"},
		{10 * (uint64_t)CLOCK_NS_PER_SEC, 1, 1, "10 s: one at a time"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint32_t largest = 0, before = 0;
		bool grows_gently = true;
		begin(1, true, 60000);
		rig.crew.env.sizes =
			(struct channel_sizes){.task_bytes = 1 << 18, .result_bytes = 1 << 19, .event_bytes = 4096};
		rig_start_all(&rig);
		for (int k = 0; !is_over() && k < 200; k++) {
			settle();
			for (struct batch *batch = worker(1)->flight.first; batch; batch = batch->next_owed) {
				uint32_t n = batch->slice.n_items;
				grows_gently = grows_gently && (before == 0 ? n == 1 : n <= 16 * before);
				before = n > before ? n : before;
				largest = n > largest ? n : largest;
			}
			rig_work(&rig, 1, worker(1)->flight.first ? worker(1)->flight.first->slice.n_items : 1, cases[i].item_ns);
			rig_collect(&rig);
		}
		ok(largest >= cases[i].least && largest <= cases[i].most, "%s (%u)", cases[i].what, largest);
		ok(grows_gently, "and grown step by step, from one item on");
		end();
	}
}

/* Everything at each speed, both orders, with one, two and seven workers. */
static void test_whole_runs(void)
{
	static const uint64_t speeds_ns[] = {0, 50, 4000, 400000};
	static const unsigned crews[] = {1, 2, 7};
	for (size_t i = 0; i < sizeof speeds_ns / sizeof speeds_ns[0]; i++) {
		for (size_t k = 0; k < sizeof crews / sizeof crews[0]; k++) {
			begin(crews[k], true, 5000);
			rig_start_all(&rig);
			run_to_end(speeds_ns[i]);
			ok(strcmp(rig_output(&rig), capitals) == 0, "%llu ns an item, %u workers: all in order",
			   (unsigned long long)speeds_ns[i], crews[k]);
			is_int(rig.tally.n_read, 5000, "each was read once");
			is_int(rig.tally.n_outcomes[OUTCOME_OK], 5000, "and is ok once");
			is_int(rig.window.held_bytes, 0, "nothing is held at the end");
			end();
		}
	}
	begin(3, false, 5000);
	rig_start_all(&rig);
	run_to_end(50);
	is_int(strlen(rig_output(&rig)), strlen(capitals), "unordered: as many bytes");
	end();
}

/* Who is given short batches, when the supervisor has much to do and when it hasn't; and long ones. */
static void test_short_batches(void)
{
	begin_timed(2, true, 600, 50, 64);
	is_int(dispatch_step(&rig.dispatch, true, &rig.err), 1, "busy");
	uint32_t n_batches = worker(1)->flight.n_batches;
	ok(n_batches > 1, "who is at work gets more");
	is_int(worker(2)->flight.n_batches, 0, "and the other sleeps");
	is_int(dispatch_step(&rig.dispatch, true, &rig.err), 1, "busy again: another turn before sleeping");
	is_int(worker(1)->flight.n_batches, n_batches, "one has as much as there may be");
	is_int(worker(2)->flight.n_batches, 0, "the other sleeps on");
	is_int(dispatch_step(&rig.dispatch, false, &rig.err), 1, "time to spare");
	ok(worker(2)->flight.n_batches > 0, "now the other is woken");
	settle();
	is_int(dispatch_step(&rig.dispatch, true, &rig.err), 0, "nothing is held back when both have enough");
	run_to_end(50);
	is_str(rig_output(&rig), capitals, "all in order");
	end();
	begin_timed(2, true, 600, 10000, 64);
	dispatch_step(&rig.dispatch, true, &rig.err);
	ok(worker(1)->flight.n_batches > 0 && worker(2)->flight.n_batches > 0, "long batches are for both, busy or not");
	run_to_end(10000);
	is_str(rig_output(&rig), capitals, "all in order, too");
	end();
}

/* The oldest short batch is with somebody who has no CPU, while the other finishes what has to wait for it. */
static void test_reclaiming(void)
{
	begin_timed(2, true, 600, 50, 64);
	settle();
	ok(worker(1)->flight.first == rig.window.oldest && worker(2)->flight.n_batches > 0, "both are at work");
	uint32_t n_batches = worker(1)->flight.n_batches;
	rig_work(&rig, 2, 64, 50);
	settle();
	is_int(worker(1)->flight.n_batches, n_batches, "nothing is taken from who has just been given it");
	worker(1)->progress_ns -= CLOCK_NS_PER_SEC;
	settle();
	is_int(worker(1)->flight.n_batches, n_batches, "nor while the other has enough");
	rig_work(&rig, 2, 64, 50);
	rig_collect(&rig);
	turn();
	ok(rig.window.oldest->state == BATCH_OUT && worker(1)->flight.first != rig.window.oldest, "then the other has it");
	run_to_end(50);
	is_str(rig_output(&rig), capitals, "all in order");
	end();
	begin_timed(2, false, 600, 50, 64);
	settle();
	n_batches = worker(1)->flight.n_batches;
	worker(1)->progress_ns -= CLOCK_NS_PER_SEC;
	settle();
	is_int(worker(1)->flight.n_batches, n_batches, "where nothing has to wait for it, it stays");
	run_to_end(50);
	end();
}

/* The oldest short batch is begun, and nothing more is heard of it. */
static void test_waiting_for_holder(void)
{
	begin_timed(2, true, 6000, 50, 16);
	settle();
	rig_begin(&rig, 1, 1);
	for (int i = 0; i < 100; i++) {
		worker(1)->progress_ns = clock_now_ns();
		rig_work(&rig, 2, 16, 50);
		settle();
		rig.dispatch.items_max = 16;
	}
	size_t n_held = rig.window.n_batches;
	ok(n_held > 16 && n_held < 40, "the other goes on for a while (%zu batches)", n_held);
	is_int(worker(2)->flight.n_batches, 0, "and then waits, too");
	for (int i = 0; i < 100; i++) {
		worker(1)->progress_ns = clock_now_ns() - CLOCK_NS_PER_SEC;
		rig_work(&rig, 2, 16, 50);
		settle();
		rig.dispatch.items_max = 16;
	}
	ok(rig.window.n_batches > 2 * n_held, "but not for long (%zu)", rig.window.n_batches);
	rig_answer(&rig, 1, "X1\n", 3);
	run_to_end(50);
	is_str(rig_output(&rig), capitals, "all in order");
	end();
}

/* One worker sits on a batch, the others have nothing: what it hasn't begun is shared. */
static void test_sharing(void)
{
	begin_timed(3, true, 30, 10000, BATCH_ITEMS_MAX);
	must(feed_read(rig.feed, &rig.err) > 0);
	struct batch *batch = rig_add(&rig, 30);
	worker_send(worker(1), batch);
	rig_begin(&rig, 1, 1);
	worker(1)->progress_ns = clock_now_ns();
	rig_collect(&rig);
	dispatch_step(&rig.dispatch, false, &rig.err);
	is_int(rig.window.n_pending, 0, "nothing is taken from one who has just been given it");
	worker(1)->progress_ns -= CLOCK_NS_PER_SEC;
	settle();
	is_int(worker(1)->flight.n_items, 1, "the item that was begun stays");
	ok(worker(2)->flight.n_items > 0 && worker(3)->flight.n_items > 0, "each of the others has a share");
	uint32_t n_pending = 0;
	for (batch = window_next_pending(&rig.window); batch; batch = batch->next_pending)
		n_pending += batch->slice.n_items;
	is_int(worker(2)->flight.n_items + worker(3)->flight.n_items + n_pending, 29, "no item is lost on the way");
	ok(worker(2)->flight.n_items <= 20 && worker(3)->flight.n_items <= 20, "and nobody has it all");
	rig_work(&rig, 2, 100, 10000);
	rig_work(&rig, 3, 100, 10000);
	settle();
	is_int(worker(1)->flight.n_items, 1, "while it is at its item nothing more is given to it");
	rig_answer(&rig, 1, "X1\n", 3);
	run_to_end(10000);
	is_str(rig_output(&rig), capitals, "all in order");
	end();
}

/* Two items that take long are with somebody who hasn't got a CPU yet, and another has nothing. */
static void test_sharing_late(void)
{
	begin_timed(2, true, 2, 10 * CLOCK_NS_PER_MS, BATCH_ITEMS_MAX);
	must(feed_read(rig.feed, &rig.err) > 0);
	worker_send(worker(1), rig_add(&rig, 2));
	worker(1)->progress_ns = clock_now_ns() + CLOCK_NS_PER_SEC; /* not to be late on a busy machine */
	for (int i = 0; i < 10; i++)
		turn();
	is_int(worker(1)->channel->n_batches, 1, "it keeps what it was just given, until it has begun");
	must(rig_begin(&rig, 1, 1));
	settle();
	is_int(worker(1)->flight.n_items, 1, "and then what it has begun");
	is_int(worker(2)->flight.n_items, 1, "the other has the rest at once");
	rig_answer(&rig, 1, "X1\n", 3);
	run_to_end(10000);
	is_str(rig_output(&rig), capitals, "all in order");
	end();
}

static void retires(void)
{
	worker_retire(worker(1));
}

static void is_ended(void)
{
	worker(1)->ending = ENDING_TIMED_OUT;
}

static void is_cut_short(void)
{
	worker(1)->flight.is_cut_short = true;
}

static void is_broken(void)
{
	worker_break(worker(1));
}

static void is_starting(void)
{
	worker(1)->phase = WORKER_IS_STARTING;
}

/* Who has nothing in hand, and is to have nothing: nor is anything read for it. */
static void test_who_may_take(void)
{
	static const struct {
		void (*become)(void);
		const char *what;
	} cases[] = {{retires, "is to leave"},
	             {is_ended, "is being ended"},
	             {is_cut_short, "was just taken something from"},
	             {is_broken, "can't be believed"},
	             {is_starting, "isn't ready"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin_timed(2, true, 40, 2 * BATCH_NS, BATCH_ITEMS_MAX);
		cases[i].become();
		settle();
		is_int(worker(1)->flight.n_items, 0, "who %s gets nothing", cases[i].what);
		ok(worker(2)->flight.n_items > 0, "the other does");
		end();
	}
}

/* A worker's items are counted: so many, and then another comes in its place. */
static void test_recycling(void)
{
	begin_timed(1, true, 12, 50, 64);
	rig.plan.recycle_items = 5;
	settle();
	is_int(worker(1)->flight.n_items, 5, "as many as it may have, though more are there");
	ok(worker(1)->is_retiring, "and then it is to leave");
	rig_work(&rig, 1, 100, 50);
	settle();
	is_int(worker(1)->flight.n_items, 0, "with nothing more");
	for (int i = 0; !is_over() && i < 10; i++) {
		port_set_state(&rig.hands[1].port, WORKER_LEFT);
		rig_die(&rig, 1, 0, false);
		rig_start_all(&rig);
		settle();
		ok(worker(1)->flight.n_items <= 5, "nor has the next one more: %u", worker(1)->flight.n_items);
		rig_work(&rig, 1, 100, 50);
		rig_collect(&rig);
	}
	is_int(rig.n_starts, 3, "three workers for twelve items");
	is_str(rig_output(&rig), capitals, "and all are done");
	end();
}

/* An item that has to wait for its time says until when; one that no worker could take anyway says nothing. */
static void test_pauses(void)
{
	const char items[] = "a\nb\nc\n";
	rig_plan(&rig, 2, true);
	rig.plan.delay_ns = 3600 * CLOCK_NS_PER_SEC;
	rig_build(&rig, items, sizeof items - 1);
	rig_start_all(&rig);
	settle();
	is_int(worker(1)->flight.n_items + worker(2)->flight.n_items, 1, "one item begins");
	ok(dispatch_due_ns(&rig.dispatch) > clock_now_ns(), "the next waits for its time");
	unsigned idle = worker(1)->flight.n_items == 0 ? 1 : 2;
	worker_retire(worker(idle));
	settle();
	is_int(dispatch_due_ns(&rig.dispatch), -1, "and for a worker, when there is none that could take it");
	rig_fini(&rig);
}

/* Nobody knows which of some items it was: each is alone in the whole crew, before and behind it. */
static void test_alone(void)
{
	begin_timed(3, true, 8, 10000, BATCH_ITEMS_MAX);
	must(feed_read(rig.feed, &rig.err) > 0);
	struct batch *one = rig_add(&rig, 1), *suspects = rig_add(&rig, 2);
	rig_add(&rig, 5);
	suspects->n_suspected = 1;
	worker_send(worker(1), one);
	settle();
	is_int(worker(2)->flight.n_items + worker(3)->flight.n_items, 0, "while another is at work a suspect waits");
	rig_work(&rig, 1, 1, 10000);
	for (int i = 0; i < 2; i++) {
		settle();
		uint32_t n_owed = worker(1)->flight.n_items + worker(2)->flight.n_items + worker(3)->flight.n_items;
		is_int(n_owed, 1, "then one is in somebody's hands, and nothing else in anybody's");
		for (unsigned k = 1; k <= 3; k++)
			rig_work(&rig, k, 1, 10000);
	}
	settle();
	uint32_t n_owed = worker(1)->flight.n_items + worker(2)->flight.n_items + worker(3)->flight.n_items;
	is_int(n_owed, 5, "then the rest goes on");
	run_to_end(10000);
	is_str(rig_output(&rig), capitals, "all in order");
	end();
}

/* A source that can't be read any further: that is told, and what was read is done. */
static void test_failing_source(void)
{
	begin(1, true, 3);
	rig_hold(&rig, lines, 1 << 20);
	time_items(10000, BATCH_ITEMS_MAX);
	rig_let(&rig, strlen(lines));
	rig_let_fail(&rig);
	int result = 1;
	for (int i = 0; i < 10 && result > 0; i++)
		result = dispatch_step(&rig.dispatch, false, &rig.err);
	is_int(result, -1, "it is an error");
	is_str(rig.err.text, "no more can be read", "the source's own");
	ok(rig.dispatch.has_source_failed && dispatch_is_at_end(&rig.dispatch), "and the end of it");
	run_to_end(10000);
	is_str(rig_output(&rig), capitals, "what had come is done");
	end();
}

/* Only one suspect item is in anybody's hands at a time. */
static void test_suspects(void)
{
	begin_timed(3, true, 6, 10000, BATCH_ITEMS_MAX);
	struct batch *batch = rig_add(&rig, 6);
	worker_send(worker(1), batch);
	rig_begin(&rig, 1, 1);
	atomic_store(&worker(1)->channel->up->result_head, UINT64_MAX);
	rig_collect(&rig);
	rig_die(&rig, 1, SIGKILL, false);
	bool is_one_at_a_time = true;
	for (int i = 0; !is_over() && i < 100; i++) {
		rig_start_all(&rig);
		settle();
		for (unsigned k = 1; k <= 3; k++) {
			struct worker *one = worker(k);
			if (flight_suspicions(&one->flight) > 0)
				is_one_at_a_time = is_one_at_a_time && one->flight.n_items == 1;
		}
		for (unsigned k = 1; k <= 3; k++)
			if (rig.hands[k].channel)
				rig_work(&rig, k, 1, 10000);
		rig_collect(&rig);
	}
	ok(is_one_at_a_time, "who has a suspect item has no other");
	is_str(rig_output(&rig), capitals, "all get done");
	end();
}

/*
 * An item that kills the fork server takes all workers along each time. The items that the others were at are innocent,
 * so suspects of that kind must be run one at a time in the whole crew.
 */
static void test_killer_of_the_fork_server(void)
{
	begin(3, true, 6);
	for (int i = 0; !is_over() && i < 100; i++) {
		bool is_killed = false;
		rig_start_all(&rig);
		settle();
		for (unsigned k = 1; k <= 3; k++)
			if (rig.hands[k].channel && rig_begin(&rig, k, 1))
				is_killed = is_killed || strncmp(rig.hands[k].at, "x2\n", 3) == 0;
		if (is_killed) {
			for (unsigned k = 1; k <= 3; k++)
				if (rig.hands[k].channel)
					rig_die(&rig, k, SIGKILL, true);
			rig_lose(&rig, "exit code 3", false);
			continue;
		}
		for (unsigned k = 1; k <= 3; k++) {
			struct hand *hand = &rig.hands[k];
			if (hand->channel && hand->has_batch && hand->place < hand->batch.n_items) {
				char text[16];
				int n = snprintf(text, sizeof text, "X%.*s\n", (int)hand->n_bytes - 1, hand->at + 1);
				rig_answer(&rig, k, text, (size_t)n);
			}
		}
		rig_collect(&rig);
	}
	is_str(rig.charged, " 2", "only the item that does it is charged");
	is_str(rig_output(&rig), "X1\nX3\nX4\nX5\nX6\n", "all others have their results");
	end();
}

/* The window is full: reading stops, but the oldest is done. */
static void test_budget(void)
{
	begin(2, true, 20000);
	rig.plan.window_bytes = 4096;
	rig_start_all(&rig);
	rig.dispatch.item_ns = 1000;
	rig.dispatch.items_max = 16;
	settle();
	ok(rig.window.n_items <= 64, "little is read ahead (%llu items)", (unsigned long long)rig.window.n_items);
	run_to_end(1000);
	ok(strcmp(rig_output(&rig), capitals) == 0, "and all is done");
	end();
}

static void test_too_long(void)
{
	static const char text[] = "a\nmuch too long for this\nb\n";
	rig_init(&rig, 1, true, text);
	feed_destroy(&rig.feed);
	must(feed_create(&rig.feed, rig.source, 10, &rig.err) == 0);
	rig_use_feed(&rig);
	rig_start_all(&rig);
	run_to_end(1000);
	is_str(rig_output(&rig), "A\nB\n", "an item over max-item is left out");
	is_int(rig.tally.n_outcomes[OUTCOME_OVER_LIMIT], 1, "and counted");
	is_int(rig.tally.n_read, 3, "as read");
	ok(strstr(rig_said(&rig), "item 2"), "and named");
	rig_fini(&rig);
}

/* An item larger than the task ring goes in fragments. */
static void test_large_items(void)
{
	static char text[100000], want[100000];
	memset(text, 'a', sizeof text - 1);
	memset(want, 'A', sizeof want - 1);
	static const size_t ends[] = {10, 4000, 4055, 4056, 4057, 8200, 50000, 99998};
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		text[ends[i]] = want[ends[i]] = '\n';
	rig_init(&rig, 1, true, text);
	rig_start_all(&rig);
	for (int i = 0; !is_over(); i++) {
		must(i < TURNS_MAX);
		settle();
		if (rig.hands[1].channel && rig_begin(&rig, 1, 1000)) {
			struct hand *hand = &rig.hands[1];
			char *item = malloc(hand->n_bytes + 1);
			must(item);
			for (size_t k = 0; k <= hand->n_bytes; k++)
				item[k] = (char)toupper((unsigned char)hand->at[k]);
			size_t n_left = hand->n_bytes + 1, n_done = 0;
			for (; n_left > 2048; n_left -= 2048, n_done += 2048)
				rig_part(&rig, 1, item + n_done, 2048);
			rig_answer(&rig, 1, item + n_done, n_left);
			free(item);
		}
		rig_collect(&rig);
	}
	ok(strcmp(rig_output(&rig), want) == 0, "items and results larger than their rings");
	is_int(rig.tally.n_outcomes[OUTCOME_OK], 8, "all are ok");
	rig_fini(&rig);
}

/* A worker's words that dispatch reads. */
static void test_hostile_words(void)
{
	static const struct {
		uint64_t tail; /* behind what was sent so far */
		const char *what;
	} tails[] = {
		{1, "more was read than was sent"},
		{UINT64_C(1) << 63, "2^63 bytes were read"},
		{UINT64_C(0) - 4096, "nothing was read of a whole ring"},
		{UINT64_C(0) - 4000, "nearly nothing was read of a whole ring"},
		{UINT64_C(0) - 5000, "more is in the ring than it holds"},
	};
	for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
		begin(2, true, 3000);
		rig_start_all(&rig);
		rig.dispatch.item_ns = 20000;
		rig.dispatch.items_max = BATCH_ITEMS_MAX;
		for (int k = 0; k < 6; k++) {
			settle();
			rig_work(&rig, 1, 1000, 20000);
			rig_work(&rig, 2, 1000, 20000);
			rig_collect(&rig);
		}
		must(!is_over() && worker(1)->flight.first == NULL);
		int64_t now_ns = clock_now_ns();
		for (int k = 0; k < 1000 && !is_over(); k++) {
			/* the first one does its work, but for this word */
			if (rig.hands[1].channel && rig.hands[1].generation == 1)
				atomic_store(&worker(1)->channel->up->task_tail, worker(1)->channel->task.put_bytes + tails[i].tail);
			settle();
			/* when nothing goes on, time passes */
			if (rig_work(&rig, 1, 1000, 20000) + rig_work(&rig, 2, 1000, 20000) == 0)
				watchdog_look(&rig.watchdog, now_ns += 250 * CLOCK_NS_PER_MS, true, NULL);
			rig_collect(&rig);
			if (rig.hands[1].channel && rig.hands[1].killed_by)
				rig_die(&rig, 1, rig.hands[1].killed_by, false);
			for (unsigned n = 1; n <= 2; n++)
				if (rig.hands[n].channel && worker(n)->phase == WORKER_IS_STARTING)
					rig_ready(&rig, n);
			rig.crew.not_before_ns = 0;
		}
		ok(is_over(), "%s: the run goes on to its end", tails[i].what);
		ok(strcmp(rig_output(&rig), capitals) == 0, "%s: with the right results", tails[i].what);
		end();
	}
	static const uint64_t times_ns[] = {1, UINT64_MAX, UINT64_C(1) << 63, 0};
	for (size_t i = 0; i < sizeof times_ns / sizeof times_ns[0]; i++) {
		begin(1, true, 3000);
		rig_start_all(&rig);
		settle();
		rig_work(&rig, 1, 1, 1000);
		atomic_store(&worker(1)->channel->up->busy_ns, times_ns[i]);
		settle();
		ok(rig.dispatch.item_ns >= 0 && rig.dispatch.item_ns <= 3600 * CLOCK_NS_PER_SEC,
		   "a time of %llu ns isn't believed, if it can't be true", (unsigned long long)times_ns[i]);
		run_to_end(1000);
		ok(strcmp(rig_output(&rig), capitals) == 0, "a time of %llu ns harms nobody", (unsigned long long)times_ns[i]);
		end();
	}
}

/* A batch for a worker that rings is read only when somebody would take it. */
static void test_closed(void)
{
	begin(2, true, 1000);
	rig_start_all(&rig);
	settle();
	uint64_t n_read = rig.tally.n_read;
	dispatch_close(&rig.dispatch);
	ok(dispatch_is_at_end(&rig.dispatch), "closed is the end");
	run_to_end(1000);
	is_int(rig.tally.n_read, n_read, "nothing more is read");
	is_int(rig.tally.n_outcomes[OUTCOME_OK], n_read, "what was read is done");
	end();
}

int main(void)
{
	log_init(LOG_NORMAL);
	test_starts();
	test_many_starts();
	test_batch_sizes();
	test_whole_runs();
	test_short_batches();
	test_reclaiming();
	test_waiting_for_holder();
	test_sharing();
	test_sharing_late();
	test_who_may_take();
	test_recycling();
	test_pauses();
	test_alone();
	test_failing_source();
	test_suspects();
	test_killer_of_the_fork_server();
	test_budget();
	test_too_long();
	test_large_items();
	test_hostile_words();
	test_closed();
	return tap_done();
}
