/* SPDX-License-Identifier: Apache-2.0 */
/* collect: what workers publish becomes results and failures, in order; what can't be true never does. */
#include "config.h"

#include "core/dispatch/collect.h"

#include "core/base/clock.h"
#include "tests/core/rig.h"
#include "tests/tap.h"

#include <pthread.h>
#include <sched.h>

#define LINES "one\ntwo\nthree\nfour\nfive\n"

static struct rig rig;

/* One worker that has all five lines in one batch. */
static void give_five(bool is_ordered)
{
	rig_init(&rig, 1, is_ordered, LINES);
	rig_start_all(&rig);
	worker_send(&rig.crew.workers[0], rig_add(&rig, 5));
}

static struct worker *first(void)
{
	return &rig.crew.workers[0];
}

static void test_results(void)
{
	give_five(true);
	is_int(rig_collect_one(&rig, 1), 0, "nothing yet");
	rig_work(&rig, 1, 2, 1);
	is_int(rig_collect_one(&rig, 1), 1, "two items");
	is_str(rig_output(&rig), "ONE\nTWO\n", "results of a batch that isn't done leave");
	ok(first()->needs_wake, "the worker is told of the room");
	is_int(first()->flight.n_items, 3, "three are owed");
	rig_begin(&rig, 1, 1);
	rig_part(&rig, 1, "THR", 3);
	is_int(rig_collect_one(&rig, 1), 1, "a part");
	is_str(rig_output(&rig), "ONE\nTWO\n", "a part doesn't leave");
	is_int(rig.window.held_bytes, 3, "it is held");
	rig_answer(&rig, 1, "EE\n", 3);
	rig_work(&rig, 1, 2, 1);
	first()->needs_wake = false;
	is_int(rig_collect_one(&rig, 1), 1, "the rest");
	ok(!first()->needs_wake, "who owes nothing waits for no room: it isn't woken");
	is_str(rig_output(&rig), "ONE\nTWO\nTHREE\nFOUR\nFIVE\n", "all in order");
	is_int(rig.tally.n_outcomes[OUTCOME_OK], 5, "five are ok");
	is_int(first()->flight.n_batches, 0, "nothing is owed");
	is_int(rig.window.n_batches, 0, "the window is empty");
	is_int(rig.window.held_bytes, 0, "and holds nothing");
	rig_fini(&rig);
}

static void test_failures(void)
{
	give_five(true);
	rig_work(&rig, 1, 1, 1);
	rig_begin(&rig, 1, 1);
	rig_fail(&rig, 1, "no such word");
	rig_begin(&rig, 1, 1);
	rig_part(&rig, 1, "void", 4);
	rig_fail(&rig, 1, "changed its mind");
	rig_begin(&rig, 1, 1);
	port_fail(&rig.hands[1].port, FAILURE_MAX_RESULT, 0, false, "too much", 8);
	rig_answer(&rig, 1, "", 0);
	rig_begin(&rig, 1, 1);
	port_fail(&rig.hands[1].port, FAILURE_AGAIN, 0, false, "busy", 4);
	rig_answer(&rig, 1, "", 0);
	rig_collect(&rig);
	is_str(rig_output(&rig), "ONE\n", "only the good one has a result");
	is_int(rig.tally.n_outcomes[OUTCOME_FAILED], 3, "three failed");
	is_int(rig.tally.n_outcomes[OUTCOME_OVER_LIMIT], 1, "one was over a limit");
	is_int(rig.tally.n_outcomes[OUTCOME_OK], 1, "one is ok");
	ok(strstr(rig_said(&rig), "item 2 \"two\": failed: no such word"), "the failure is named");
	ok(strstr(rig_said(&rig), "item 3 \"three\": failed: changed its mind"), "the one after a part too");
	ok(strstr(rig_said(&rig), "item 4 \"four\": over limit: too much"), "the one over the limit too");
	ok(strstr(rig_said(&rig), "asked for another attempt: busy"), "and the one that wanted another attempt");
	is_int(rig.window.held_bytes, 0, "nothing is held");
	rig_fini(&rig);
}

/* A failed item whose result is kept: if it is attempted no more. */
static void test_kept(void)
{
	give_five(true);
	rig.plan.n_retries = 1;
	rig_begin(&rig, 1, 1);
	rig_part(&rig, 1, "first", 5);
	rig_part(&rig, 1, " bad\n", 5);
	port_fail(&rig.hands[1].port, FAILURE_FAILED, 0x100, true, "no", 2);
	rig_answer(&rig, 1, "", 0);
	rig_work(&rig, 1, 1, 1);
	rig_begin(&rig, 1, 1);
	rig_part(&rig, 1, "void\n", 5);
	port_fail(&rig.hands[1].port, FAILURE_AGAIN, 0x100, true, "busy", 4);
	rig_answer(&rig, 1, "", 0);
	rig_collect(&rig);
	is_str(rig_output(&rig), "first bad\nTWO\n", "in its place, once; none of another attempt's");
	is_int(rig.tally.n_outcomes[OUTCOME_FAILED], 1, "and it has failed");
	rig_begin(&rig, 1, 1);
	rig_part(&rig, 1, "no end", 6);
	port_fail(&rig.hands[1].port, FAILURE_FAILED, 0, true, "no", 2);
	rig_answer(&rig, 1, "", 0);
	is_int(collect(&rig.collector, first()), CHANNEL_BROKEN, "one that has no end is nobody's");
	rig_fini(&rig);
}

/* A failed item whose parts were collected one turn before its failure. */
static void test_failure_after_collected_part(void)
{
	give_five(true);
	rig_begin(&rig, 1, 1);
	rig_part(&rig, 1, "gone", 4);
	rig_collect(&rig);
	is_int(rig.window.held_bytes, 4, "a part is held");
	rig_fail(&rig, 1, "no");
	rig_work(&rig, 1, 4, 1);
	rig_collect(&rig);
	is_str(rig_output(&rig), "TWO\nTHREE\nFOUR\nFIVE\n", "the part is void");
	is_int(rig.window.held_bytes, 0, "nothing is held");
	rig_fini(&rig);
}

static void test_words(void)
{
	give_five(true);
	rig_work(&rig, 1, 1, 1);
	rig_begin(&rig, 1, 1);
	port_say(&rig.hands[1].port, EVENT_LOG, 0, "hello", 5);
	port_say(&rig.hands[1].port, EVENT_COUNT, 3, "seen", 4);
	port_say(&rig.hands[1].port, EVENT_COUNT, -1, "seen", 4);
	rig_answer(&rig, 1, "TWO\n", 4);
	rig_collect(&rig);
	ok(strstr(rig_said(&rig), "item 2: hello"), "a line is said with its item's number");
	is_int(rig.tally.n_counters, 1, "one counter");
	is_str(rig.tally.counters[0].name, "seen", "its name");
	is_int(rig.tally.counters[0].value, 2, "its sum");
	rig_fini(&rig);
}

/* Only events, no result: the worker may be asleep for room in the event ring. */
static void test_events_alone(void)
{
	give_five(true);
	rig_begin(&rig, 1, 1);
	first()->needs_wake = false;
	port_say(&rig.hands[1].port, EVENT_LOG, 0, "hello", 5);
	is_int(rig_collect_one(&rig, 1), 1, "an event alone is news");
	ok(first()->needs_wake, "a worker that waits for room for events is woken");
	rig_fini(&rig);
}

/* Words are no progress: what a worker says doesn't make it one that does something. */
static void test_events_are_no_progress(void)
{
	give_five(true);
	rig_begin(&rig, 1, 1);
	first()->progress_ns = 1;
	port_say(&rig.hands[1].port, EVENT_COUNT, 1, "seen", 4);
	is_int(rig_collect_one(&rig, 1), 1, "an event is news");
	is_int(first()->progress_ns, 1, "and no progress");
	rig_answer(&rig, 1, "ONE\n", 4);
	rig_collect(&rig);
	ok(first()->progress_ns > 1, "an answer is");
	rig_fini(&rig);
}

/* Events of EVENT_BYTES (a power of two) fill the ring; then only the head is moved, as soon as there is room. */
#define EVENT_BYTES 64u
#define FLOOD_EVENTS 2000000u

static _Atomic bool has_heard;

static void *flood(void *arg)
{
	struct port *port = arg;
	uint64_t size = port->event.size_bytes, n_events = 0;
	struct event_shm event = {.kind = EVENT_COUNT, .position = 1, .n_bytes = EVENT_BYTES - sizeof event};
	for (uint64_t at = 0; at < size; at += EVENT_BYTES) {
		memcpy(port->event.bytes + at, &event, sizeof event);
		memcpy(port->event.bytes + at + sizeof event, "a flood", sizeof "a flood");
	}
	while (n_events < FLOOD_EVENTS && !atomic_load(&has_heard)) {
		uint64_t tail = atomic_load_explicit(&port->down->event_tail, memory_order_relaxed);
		n_events = (tail + size) / EVENT_BYTES;
		atomic_store_explicit(&port->up->event_head, ring_word(n_events * EVENT_BYTES, (uint32_t)n_events),
		                      memory_order_release);
	}
	return NULL;
}

static void test_flood_of_events(void)
{
	const int64_t end_ns = clock_now_ns() + 50 * CLOCK_NS_PER_MS;
	const int64_t n_in_ring = 4096 / EVENT_BYTES;
	int64_t most = 0, before = 0;
	pthread_t thread;
	give_five(true);
	rig_begin(&rig, 1, 1);
	must(first()->channel->event.size_bytes == 4096);
	must(pthread_create(&thread, NULL, flood, &rig.hands[1].port) == 0);
	while (!channel_has_news(first()->channel))
		sched_yield();
	while (most <= n_in_ring && (before == 0 || clock_now_ns() < end_ns)) {
		must(rig_collect_one(&rig, 1) >= 0);
		int64_t n = rig.tally.counters[0].value;
		most = n - before > most ? n - before : most;
		before = n;
	}
	ok(most <= n_in_ring, "a turn takes no more than the ring held, however fast it's filled again: %lld",
	   (long long)most);
	atomic_store(&has_heard, true);
	must(pthread_join(thread, NULL) == 0);
	while (rig_collect_one(&rig, 1) > 0)
		;
	ok(!first()->is_broken, "nothing of it was untrue");
	rig_fini(&rig);
}

/* What the loop of a worker says when it is at no item (out of memory for a large one, say). */
static void test_words_between_items(void)
{
	give_five(true);
	rig_work(&rig, 1, 2, 1);
	rig_collect(&rig);
	port_say(&rig.hands[1].port, EVENT_LOG, 0, "out of memory", 13);
	rig_collect(&rig);
	ok(strstr(rig_said(&rig), "out of memory"), "a line between two items is said");
	ok(!channel_has_news(first()->channel), "and doesn't keep the supervisor awake");
	rig_begin(&rig, 1, 1);
	rig_fail(&rig, 1, "a failure behind it");
	rig_collect(&rig);
	is_int(rig.tally.n_outcomes[OUTCOME_FAILED], 1, "what comes behind it counts");
	is_int(rig.tally.n_outcomes[OUTCOME_OK], 2, "and isn't taken for ok");
	rig_fini(&rig);
}

/* What an item gave has its end, or isn't believed: it would go on in the next one's line. */
static void test_results_without_end(void)
{
	static const struct {
		const char *part, *bytes;
		enum setup_frame frame;
		bool is_good;
	} cases[] = {
		{"", "evil", FRAME_ALWAYS, false},   {"", "good\n", FRAME_ALWAYS, true}, {"", "", FRAME_ALWAYS, true},
		{"ev", "il", FRAME_ALWAYS, false},   {"go", "od\n", FRAME_ALWAYS, true}, {"evil", "", FRAME_ALWAYS, false},
		{"good\n", "", FRAME_MISSING, true}, {"evil", "", FRAME_MISSING, false}, {"", "evil", FRAME_MISSING, false},
		{"", "good\n", FRAME_MISSING, true}, {"", "", FRAME_MISSING, true},      {"", "what", FRAME_NONE, true},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		rig_plan(&rig, 1, true);
		rig.plan.runs_commands = cases[i].frame == FRAME_MISSING;
		if (cases[i].frame == FRAME_NONE)
			rig.plan.output.kind = ENDPOINT_NONE;
		rig_build(&rig, LINES, strlen(LINES));
		must(crew_setup(&rig.crew)->frame == cases[i].frame);
		rig_start_all(&rig);
		worker_send(first(), rig_add(&rig, 5));
		rig_begin(&rig, 1, 1);
		if (cases[i].part[0] != '\0')
			rig_part(&rig, 1, cases[i].part, strlen(cases[i].part));
		rig_answer(&rig, 1, cases[i].bytes, strlen(cases[i].bytes));
		rig_collect(&rig);
		is_int(!first()->is_broken, cases[i].is_good, "case %zu: \"%s\" and \"%s\"", i, cases[i].part, cases[i].bytes);
		is_int(rig.tally.n_outcomes[OUTCOME_OK], cases[i].is_good, "case %zu: it counts, or not", i);
		rig_fini(&rig);
	}
}

/* What waits in the ring is changed before it is taken: by one byte, in the first result, in a part, in the last. */
static void test_changed_results(void)
{
	static const struct {
		const char *what;
		int at; /* which byte; -1: none */
		bool is_summed, is_good;
	} cases[] = {{"nothing", -1, true, true},
	             {"the first byte", 0, true, false},
	             {"a byte of a part", 5, true, false},
	             {"the last but the end", 8, true, false},
	             {"a byte, without sums", 0, false, true}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		rig_init(&rig, 1, true, LINES);
		crew_use_sums(&rig.crew, cases[i].is_summed);
		rig_start_all(&rig);
		worker_send(first(), rig_add(&rig, 5));
		rig_work(&rig, 1, 1, 1);
		rig_begin(&rig, 1, 1);
		rig_part(&rig, 1, "tw", 2);
		rig_answer(&rig, 1, "o\n", 2);
		rig_begin(&rig, 1, 1);
		rig_fail(&rig, 1, "no");
		rig_work(&rig, 1, 1, 1);
		if (cases[i].at >= 0)
			rig.hands[1].port.result.bytes[cases[i].at] ^= 1;
		rig_collect(&rig);
		is_int(!first()->is_broken, cases[i].is_good, "%s is changed: it is believed, or not", cases[i].what);
		if (!cases[i].is_good)
			ok(strstr(rig_said(&rig), "changed after they were made"), "%s: which is said", cases[i].what);
		else if (cases[i].at < 0)
			is_str(rig_output(&rig), "ONE\ntwo\nFOUR\n", "%s: the results", cases[i].what);
		rig_fini(&rig);
	}
}

static void put_event(uint32_t kind, uint32_t item, uint64_t position, uint32_t detail, uint32_t n_bytes)
{
	struct ring_producer *ring = &rig.hands[1].port.event;
	struct event_shm event = {.kind = kind, .item = item, .position = position, .detail = detail, .n_bytes = n_bytes};
	memcpy(ring_at(ring), &event, sizeof event);
	ring_put(ring, sizeof event);
	ring_publish(ring, 1);
}

/* Events that no honest worker puts, while one item is answered (3 bytes) and a failure stands behind the event. */
static void test_hostile_events(void)
{
	static const struct {
		uint32_t kind, item;
		uint64_t position;
		uint32_t detail, n_bytes;
		const char *what;
	} cases[] = {
		{0, 0, 0, 0, 0, "kind 0"},
		{6, 0, 0, 0, 0, "kind 6"},
		{UINT32_MAX, 0, 0, 0, 0, "kind 2^32-1"},
		{EVENT_LOG, 0, 0, 0, EVENT_TEXT_MAX + 1, "a text over the limit"},
		{EVENT_LOG, 0, 0, 0, 100, "a text that isn't there"},
		{EVENT_LOG, 0, 0, 0, UINT32_MAX, "a text of 2^32-1 bytes"},
		{EVENT_FAILED, 0, 4, 0, 0, "a failure behind what is published"},
		{EVENT_FAILED, 0, UINT64_MAX, 0, 0, "a failure before what is published"},
		{EVENT_FAILED, 0, 0, FAILURE_MAX_RESULT + 1, 0, "an unknown failure"},
		{EVENT_FAILED, 0, 0, UINT32_MAX, 0, "a failure 2^32-1"},
		{EVENT_FAILED, 5, 3, 0, 0, "a failure of an item that wasn't granted"},
		{EVENT_FAILED, RING_MARK_MASK, 3, 0, 0, "a failure of an item long ago"},
		{EVENT_PART, 0, 4, 0, 0, "a part behind what is published"},
		{EVENT_PART, 6, 3, 0, 0, "a part of an item that wasn't granted"},
		{EVENT_LOG, 1000, 3, 0, 0, "a line about an item that wasn't granted"},
		{EVENT_COUNT, 0x800000, 3, 0, 0, "a counter of an item that wasn't granted"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		give_five(true);
		rig_begin(&rig, 1, 1);
		put_event(cases[i].kind, cases[i].item, cases[i].position, cases[i].detail, cases[i].n_bytes);
		port_fail(&rig.hands[1].port, FAILURE_FAILED, 0, false, "", 0);
		rig_answer(&rig, 1, "ab\n", 3);
		rig_collect(&rig);
		ok(first()->is_broken || rig.tally.n_outcomes[OUTCOME_OK] == 0, "%s: the failure behind it isn't lost",
		   cases[i].what);
		ok(first()->is_broken, "%s: the worker is given up", cases[i].what);
		is_int(rig.hands[1].killed_by, SIGKILL, "%s: and killed", cases[i].what);
		rig_die(&rig, 1, SIGKILL, false);
		rig_start_all(&rig);
		is_int(rig.tally.n_outcomes[OUTCOME_OK] + rig.tally.n_outcomes[OUTCOME_FAILED] + rig.window.n_items, 5,
		       "%s: no item is lost", cases[i].what);
		rig_fini(&rig);
	}
}

static void test_hostile_words(void)
{
	static const struct {
		uint64_t result_head; /* added to the true one */
		uint64_t cut;
		uint64_t claim_xor;
		uint32_t n_items;
		const char *what;
	} cases[] = {
		{UINT64_C(1) << 40, 0, 0, 1, "an answer too many"},
		{UINT64_C(7) << 40, 0, 0, 1, "more answers than items"},
		{UINT64_C(8193), 0, 0, 1, "more bytes than the ring has"},
		{UINT64_MAX, 0, 0, 0, "bytes taken back"},
		{0, 0, 3, 2, "fewer begun than answered"},
		{0, 0, UINT64_C(0x800000), 1, "begun beyond what is granted"},
		{0, 0, UINT64_C(1) << 24, 1, "an epoch that no batch has"},
		{0, 0, UINT64_C(1) << 25, 1, "epoch changed"},
		{0, 1, 0, 5, "a cut before the end"},
		{0, 100, 0, 5, "a cut behind what is published"},
		{0, UINT64_MAX, 0, 5, "a cut at 2^64-1"},
		{10, 0, 0, 0, "bytes, and no part"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		give_five(true);
		struct channel *channel = first()->channel;
		rig_work(&rig, 1, cases[i].n_items, 1);
		atomic_fetch_add(&channel->up->result_head, cases[i].result_head);
		if (cases[i].cut > 0)
			atomic_store(&channel->up->cuts[0], cases[i].cut);
		if (cases[i].claim_xor > 0)
			atomic_store(&channel->up->claim, atomic_load(&channel->up->claim) ^ cases[i].claim_xor);
		rig_collect(&rig);
		ok(first()->is_broken, "%s: the worker is given up", cases[i].what);
		rig_die(&rig, 1, SIGKILL, false);
		is_int(rig.tally.n_outcomes[OUTCOME_OK] + rig.window.n_items, 5, "%s: no item is lost", cases[i].what);
		is_int(rig.window.n_batches > 0, rig.window.n_items > 0, "%s: nor a batch", cases[i].what);
		rig_fini(&rig);
	}
}

/* A part that is published behind what there is: nothing of it is taken. */
static void test_part_from_nowhere(void)
{
	give_five(true);
	rig_begin(&rig, 1, 1);
	put_event(EVENT_PART, 0, 0, 0, 0);
	put_event(EVENT_PART, 0, 4, 0, 0);
	rig_answer(&rig, 1, "ab\n", 3);
	rig_collect(&rig);
	ok(first()->is_broken, "a part that isn't there: the worker is given up");
	is_int(rig.window.held_bytes, 0, "and nothing is taken for it");
	rig_fini(&rig);
}

/* The limit is for all parts together; what ends the result is one byte more. */
static void test_parts_over_limit(void)
{
	give_five(true);
	rig.plan.max_result_bytes = 10;
	rig_begin(&rig, 1, 1);
	rig_part(&rig, 1, "123456", 6);
	rig_collect(&rig);
	rig_part(&rig, 1, "7890\n", 5);
	rig_collect(&rig);
	ok(!first()->is_broken, "parts of a result that is as large as it may be");
	is_int(rig.window.held_bytes, 11, "are held, with its end");
	rig_part(&rig, 1, "x", 1);
	rig_collect(&rig);
	ok(first()->is_broken, "a byte more can't be true");
	is_int(rig.window.held_bytes, 11, "and isn't held");
	rig_fini(&rig);
}

/* Which failures are attempted again, and how often. */
static void test_attempts(void)
{
	give_five(true);
	rig.plan.n_retries = 2;
	rig_begin(&rig, 1, 1);
	rig_fail(&rig, 1, "no such word");
	rig_work(&rig, 1, 3, 1);
	rig_begin(&rig, 1, 1);
	rig_part(&rig, 1, "FI", 2);
	port_fail(&rig.hands[1].port, FAILURE_AGAIN, 0, false, "busy", 4);
	rig_answer(&rig, 1, "", 0);
	rig_collect(&rig);
	is_int(rig.tally.n_outcomes[OUTCOME_FAILED], 1, "what fails by itself has failed");
	struct batch *batch = window_next_pending(&rig.window);
	must(batch && rig.window.n_pending == 1);
	is_int(batch->slice.seq, 5, "what asks for another attempt is there once more");
	is_int(batch->attempt, 2, "for the second time");
	is_int(rig.window.held_bytes, 0, "with nothing of the first");
	worker_send(first(), batch);
	rig_begin(&rig, 1, 1);
	port_fail(&rig.hands[1].port, FAILURE_AGAIN, 0, false, "busy", 4);
	rig_answer(&rig, 1, "", 0);
	rig_collect(&rig);
	must(window_next_pending(&rig.window));
	worker_send(first(), window_next_pending(&rig.window));
	rig_begin(&rig, 1, 1);
	port_fail(&rig.hands[1].port, FAILURE_AGAIN, 0, false, "busy", 4);
	rig_answer(&rig, 1, "", 0);
	rig_collect(&rig);
	ok(!window_next_pending(&rig.window), "and the third attempt is the last");
	is_int(rig.tally.n_outcomes[OUTCOME_FAILED], 2, "of what has failed then");
	is_str(rig_output(&rig), "TWO\nTHREE\nFOUR\n", "all others are ok");
	rig_fini(&rig);
}

/* One was told to give up its item: what it says of that one is the time-out, what it says of the next is its own. */
static void test_late_failure(void)
{
	uint32_t item;
	give_five(true);
	rig_begin(&rig, 1, 1);
	must(channel_current_item(first()->channel, &item) > 0);
	worker_end(first(), ENDING_TIMED_OUT, item);
	rig_answer(&rig, 1, "ONE\n", 4);
	rig_begin(&rig, 1, 1);
	rig_fail(&rig, 1, "no such word");
	rig_collect(&rig);
	is_str(rig_output(&rig), "ONE\n", "the late item was answered all the same");
	is_int(rig.tally.n_outcomes[OUTCOME_TIMED_OUT], 0, "nothing has timed out");
	is_int(rig.tally.n_outcomes[OUTCOME_FAILED], 1, "the next one has failed by itself");
	rig_fini(&rig);
	give_five(true);
	rig_work(&rig, 1, 1, 1);
	rig_begin(&rig, 1, 1);
	must(channel_current_item(first()->channel, &item) > 0);
	worker_end(first(), ENDING_TIMED_OUT, item);
	rig_fail(&rig, 1, "was told to give up");
	rig_begin(&rig, 1, 1);
	rig_fail(&rig, 1, "no such word");
	rig_collect(&rig);
	is_int(rig.tally.n_outcomes[OUTCOME_TIMED_OUT], 1, "one that gives up has timed out");
	is_int(rig.tally.n_outcomes[OUTCOME_FAILED], 1, "and only that one");
	ok(strstr(rig_said(&rig), "item 2 \"two\": timed out"), "which is said");
	rig_fini(&rig);
}

/* At the end of a run all are told to give up what they have: that is nobody's failure. */
static void test_failure_at_the_end(void)
{
	give_five(true);
	rig_begin(&rig, 1, 1);
	rig.crew.env.is_stopping = rig.crew.is_ended = true;
	rig_fail(&rig, 1, "was told to give up");
	rig_collect(&rig);
	is_int(tally_finished(&rig.tally), 0, "an item that is given up at the end has no outcome");
	is_int(rig.window.n_items, 5, "it is still to do");
	ok(first()->is_broken, "its worker isn't heard any more");
	rig_fini(&rig);
}

/* A failure is told before its item is answered: it counts with the answer. */
static void test_failure_before_answer(void)
{
	give_five(true);
	rig_work(&rig, 1, 1, 1);
	rig_begin(&rig, 1, 1);
	port_fail(&rig.hands[1].port, FAILURE_FAILED, 0, false, "no", 2);
	rig_collect(&rig);
	ok(!first()->is_broken, "a failure whose item isn't answered yet is nothing untrue");
	is_int(rig.tally.n_outcomes[OUTCOME_FAILED], 0, "and doesn't count yet");
	is_str(rig_output(&rig), "ONE\n", "what is before it does");
	rig_answer(&rig, 1, "", 0);
	rig_work(&rig, 1, 3, 1);
	rig_collect(&rig);
	is_int(rig.tally.n_outcomes[OUTCOME_FAILED], 1, "then it does");
	is_str(rig_output(&rig), "ONE\nTHREE\nFOUR\nFIVE\n", "and what is behind it, too");
	rig_fini(&rig);
}

/* When an item began and how long it took is the worker's word: no time before it was there, none that is to come. */
static void test_times(void)
{
	const int64_t second = CLOCK_NS_PER_SEC;
	static const struct {
		int64_t start_s, runtime_s; /* start: from now on */
		bool is_start_good, is_runtime_good;
		const char *what;
	} cases[] = {
		{-10, 3, true, true, "honest"},
		{-10, -1, true, true, "one that doesn't know"},
		{-10, -2, true, false, "less than nothing"},
		{-10, 1000, true, false, "longer than since it began"},
		{-1000, 3, false, false, "begun before its worker"},
		{1000, 3, false, false, "begun in the time to come"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		give_five(true);
		rig_work(&rig, 1, 1, 1);
		rig_begin(&rig, 1, 1);
		int64_t now_ns = clock_now_ns();
		first()->ready_since_ns = now_ns - 100 * second;
		struct time_shm time = {.start_ns = now_ns + cases[i].start_s * second,
		                        .runtime_ns = cases[i].runtime_s < 0 ? cases[i].runtime_s : cases[i].runtime_s * second,
		                        .result_bytes = 7};
		port_begun(&rig.hands[1].port, now_ns);
		port_ended(&rig.hands[1].port, &time);
		rig_collect(&rig);
		is_int(first()->time_seq, 2, "%s: it is known of the item", cases[i].what);
		if (cases[i].is_start_good)
			is_int(first()->time.start_ns, time.start_ns, "%s: its begin is believed", cases[i].what);
		else
			ok(first()->time.start_ns >= now_ns && first()->time.start_ns <= clock_now_ns(),
			   "%s: its begin isn't believed", cases[i].what);
		is_int(first()->time.runtime_ns, cases[i].is_runtime_good ? time.runtime_ns : -1, "%s: how long it took",
		       cases[i].what);
		rig_fini(&rig);
	}
}

int main(void)
{
	log_init(LOG_NORMAL);
	test_results();
	test_failures();
	test_kept();
	test_failure_after_collected_part();
	test_words();
	test_events_alone();
	test_events_are_no_progress();
	test_flood_of_events();
	test_words_between_items();
	test_results_without_end();
	test_changed_results();
	test_hostile_events();
	test_hostile_words();
	test_part_from_nowhere();
	test_parts_over_limit();
	test_attempts();
	test_late_failure();
	test_failure_at_the_end();
	test_failure_before_answer();
	test_times();
	return tap_done();
}
