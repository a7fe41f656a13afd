/* SPDX-License-Identifier: Apache-2.0 */
/* channel and port, both ends in one thread: batches, answers, events, taking back; and words that can't be true. */
#include "config.h"

#include "shm/channel.h"

#include "talk.h"
#include "tests/tap.h"

#include "core/base/spin.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/eventfd.h>

static struct channel_event event;

static bool has_rung(void)
{
	eventfd_t value;
	return eventfd_read(channel()->bell_fd, &value) == 0;
}

static void test_way(void)
{
	ends_init(&ends);
	is_int(port()->worker_number, 7, "the worker knows its number");
	is_int(channel_state(channel()), WORKER_STARTING, "it starts");
	port_set_state(port(), WORKER_READY);
	is_int(channel_state(channel()), WORKER_READY, "it is ready");
	is_int(ends_send(&ends, 100, "a\nbb\n\n"), 0, "three items");
	is_int(ends_send(&ends, 103, "d\n"), 0, "one more");
	ok(!channel_is_sending(channel()), "all is sent");
	is_int(channel_begun(channel()), 0, "none has begun");
	next_batch();
	is_mem(batch.bytes, batch.n_bytes, "a\nbb\n\n", 6, "the items");
	is_int(batch.seq, 100, "the first one's number");
	is_int(batch.n_items, 3, "how many");
	is_int(batch.attempt, 1, "the attempt");
	ok(port_claim(port()), "the first is begun");
	is_int(channel_begun(channel()), 1, "which can be seen");
	memcpy(port_out(port()), "A\n", 2);
	port_answer(port(), 2, false);
	is_int(channel_begun(channel()), 0, "answered is not begun any more");
	is_int(channel_look(channel(), &n_bytes, &n_items), 0, "a look");
	is_int(n_items, 1, "one answer");
	is_mem(channel_data(channel()), n_bytes, "A\n", 2, "its result");
	answer("BB\n", false);
	answer("\n", true);
	port_end_batch(port(), 500);
	next_batch();
	answer("D\n", true);
	port_end_batch(port(), 70);
	channel_look(channel(), &n_bytes, &n_items);
	is_int(n_items, 4, "four answers");
	is_mem(channel_data(channel()), n_bytes, "A\nBB\n\nD\n", 8, "their results");
	is_int(channel_bytes_to_cut(channel(), 0), 6, "where the first batch ends");
	is_int(channel_bytes_to_cut(channel(), 1), 8, "where the second does");
	is_int(channel_busy_ns(channel()), 570, "the time it took");
	channel_take(channel(), 6, 3);
	is_int(channel_position(channel()), 6, "the position after taking");
	is_int(channel_bytes_to_cut(channel(), 1), 2, "the cut is told from there");
	channel_take(channel(), 2, 1);
	channel_release(channel());
	ok(!channel_has_news(channel()), "no news");
	ends_fini(&ends);
	ok(!ends.channel, "destroy nulls");
	channel_destroy(&ends.channel);
}

/* Numbers mod 2^24: the counters are set near the edge. */
static void test_counts_wrap(void)
{
	ends_init(&ends);
	const uint32_t start = RING_MARK_MASK - 2;
	channel()->granted = channel()->answered = channel()->begun = start;
	channel()->result.taken_marks = port()->begun = start;
	port()->result.marks = start;
	atomic_store(&channel()->up->result_head, ring_word(0, start));
	channel()->cut = start;
	atomic_store(&channel()->down->take_back, claim_word(start, CLAIM_EPOCH_FIRST));
	atomic_store(&channel()->up->claim, claim_word(start, CLAIM_EPOCH_FIRST));
	for (int i = 0; i < 3; i++) {
		is_int(ends_send(&ends, 1, "a\nb\nc\n"), 0, "batch %d over the edge", i);
		next_batch();
		answer("A\n", false);
		must(port_claim(port()));
		is_int(channel_begun(channel()), 1, "one is begun");
		port_answer(port(), 0, false);
		uint32_t n_back;
		is_int(channel_take_back(channel(), &n_back), 0, "taken back");
		is_int(n_back, 1, "the third");
		ok(!port_claim(port()), "which can't be begun");
		port_end_batch(port(), 0);
		is_int(channel_look(channel(), &n_bytes, &n_items), 0, "looked at");
		is_int(n_items, 2, "two answers");
		channel_take(channel(), n_bytes, n_items);
		channel_release(channel());
	}
	ends_fini(&ends);
}

/* Five items in two batches are taken back after 0 to 5 were begun and all, or all but the last, answered. */
static void test_take_back(void)
{
	static const char *const items[] = {"1\n", "2\n", "3\n", "4\n", "5\n"};
	for (uint32_t n_begun = 0; n_begun <= 5; n_begun++) {
		for (uint32_t n_open = 0; n_open <= (n_begun > 0); n_open++) {
			char name[48];
			snprintf(name, sizeof name, "%u begun, %u of them open", n_begun, n_open);
			ends_init(&ends);
			ends_send(&ends, 1, "1\n2\n3\n");
			ends_send(&ends, 4, "4\n5\n");
			next_batch();
			for (uint32_t i = 0; i < n_begun; i++) {
				if (i == 3) {
					port_end_batch(port(), 0);
					next_batch();
				}
				must(port_claim(port()));
				if (i + n_open < n_begun) {
					memcpy(port_out(port()), items[i], 2);
					port_answer(port(), 2, i == 2 || i == 4);
				}
			}
			uint32_t n_back;
			is_int(channel_take_back(channel(), &n_back), 0, "%s: taken back", name);
			is_int(n_back, 5 - n_begun, "%s: what hadn't begun", name);
			is_int(channel_begun(channel()), n_open, "%s: what is open can be seen", name);
			if (n_open)
				port_answer(port(), 0, n_begun == 3 || n_begun == 5);
			bool has_more = n_begun != 3 && n_begun != 5 && port_claim(port());
			ok(!has_more, "%s: no more can be begun", name);
			port_end_batch(port(), 0);
			is_int(channel_look(channel(), &n_bytes, &n_items), 0, "%s: looked at", name);
			is_int(n_items, n_begun, "%s: so many answers", name);
			channel_take(channel(), n_bytes, n_items);
			channel_release(channel());
			/* what comes next isn't mistaken for what was taken back */
			ends_send(&ends, 9, "again\n");
			next_batch();
			is_mem(batch.bytes, batch.n_bytes, "again\n", 6, "%s: the next batch is the new one", name);
			is_int(batch.seq, 9, "%s: with its number", name);
			ok(port_claim(port()), "%s: and can be begun", name);
			ends_fini(&ends);
		}
	}
}

/* What the worker does first when it begins an item, and then it's a while until it goes on. */
static void claim_and_wait(void)
{
	uint32_t count = (port()->begun + 1) & RING_MARK_MASK;
	atomic_store(&port()->up->claim, claim_word(count, port()->batch.epoch));
}

/* Who has two more batches leaves the bell to the next. */
static void test_bell_for_two(void)
{
	ends_init(&ends);
	for (int i = 1; i <= 3; i++)
		ends_send(&ends, (uint64_t)i, "a\n");
	channel_sleep_begin(channel());
	for (int n_left = 2; n_left >= 0; n_left--) {
		next_batch();
		answer("A\n", true);
		port_end_batch(port(), 0);
		is_int(atomic_load(&channel()->down->wants_bell) == 0, n_left < 2, "the bell, with %d more in hand", n_left);
	}
	channel_sleep_end(channel());
	ends_fini(&ends);
}

/* An item that wrote zeros over all that it shares with the supervisor is the last that this worker begins. */
static void test_zeros(void)
{
	ends_init(&ends);
	ends_send(&ends, 1, "1\n2\n3\n");
	next_batch();
	ok(port_claim(port()), "an item is begun");
	memset(channel()->down, 0, sizeof *channel()->down);
	memset(channel()->up, 0, sizeof *channel()->up);
	port_answer(port(), 0, false);
	ok(!port_claim(port()), "over zeros no other is");
	ends_fini(&ends);
	uint32_t n_back;
	ends_init(&ends);
	channel()->epoch = CLAIM_EPOCH_MASK - 1;
	atomic_store(&channel()->down->take_back, claim_word(0, channel()->epoch));
	ends_send(&ends, 1, "1\n2\n3\n");
	next_batch();
	ok(port_claim(port()), "begun in the last epoch");
	is_int(channel_take_back(channel(), &n_back), 0, "which ends");
	is_int(channel()->epoch, CLAIM_EPOCH_FIRST, "and the next isn't that of zeros");
	ends_fini(&ends);
}

static void test_claim_and_take_back(void)
{
	uint32_t n_back;
	ends_init(&ends);
	ends_send(&ends, 1, "1\n2\n3\n");
	next_batch();
	claim_and_wait();
	is_int(channel_take_back(channel(), &n_back), 0, "the claim was first: taken back");
	is_int(n_back, 2, "all but that item");
	ok(port_claim(port()), "which is begun");
	port_answer(port(), 0, false);
	ok(!port_claim(port()), "no other is");
	is_int(channel_begun(channel()), 0, "which the supervisor sees");
	port_end_batch(port(), 0);
	channel_look(channel(), &n_bytes, &n_items);
	channel_take(channel(), n_bytes, n_items);

	/* the worker is slow: much is given and taken back before it finds out */
	ends_send(&ends, 2, "2\n3\n");
	next_batch();
	is_int(channel_take_back(channel(), &n_back), 0, "the claim comes late: taken back");
	is_int(n_back, 2, "both");
	claim_and_wait();
	is_int(channel_begun(channel()), 0, "it is none");
	for (int i = 0; i < 3; i++) {
		ends_send(&ends, 4, "4\n");
		is_int(channel_begun(channel()), 0, "nor one of the next batch's");
		is_int(channel_take_back(channel(), &n_back), 0, "which is taken back");
		is_int(n_back, 1, "whole");
	}
	ends_send(&ends, 5, "5\n");
	ok(!port_claim(port()), "it finds out");
	port_end_batch(port(), 0);
	next_batch();
	is_int(batch.seq, 5, "and goes on with what it is to do");
	ok(port_claim(port()), "which it begins");
	is_int(channel_begun(channel()), 1, "as can be seen");
	is_int(channel_take_back(channel(), &n_back), 0, "nothing to take back");
	is_int(n_back, 0, "nothing is");
	ends_fini(&ends);
}

static void test_events(void)
{
	ends_init(&ends);
	ends_send(&ends, 1, "1\n2\n3\n");
	next_batch();
	answer("one\n", false);
	must(port_claim(port()));
	port_say(port(), EVENT_LOG, 0, "hello", 5);
	port_say(port(), EVENT_COUNT, -3, "things", 6);
	memcpy(port_out(port()), "part", 4);
	port_part(port(), 4);
	memcpy(port_out(port()), "more", 4);
	port_part(port(), 4);
	port_fail(port(), FAILURE_AGAIN, 0x300, false, "later", 5);
	port_answer(port(), 0, false);
	answer("three\n", true);
	is_int(channel_look(channel(), &n_bytes, &n_items), 0, "looked at");
	is_int(n_items, 3, "three answers");
	is_mem(channel_data(channel()), n_bytes, "one\npartmorethree\n", 18, "with what was published in parts");
	static const struct {
		enum event_kind kind;
		uint64_t position;
		uint32_t detail;
		int wait_status;
		const char *text;
	} want[] = {{EVENT_LOG, 0, 0, 0, "hello"},
	            {EVENT_COUNT, (uint64_t)-3, 0, 0, "things"},
	            {EVENT_PART, 4, 0, 0, ""},
	            {EVENT_FAILED, 12, FAILURE_AGAIN, 0x300, "later"}};
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		is_int(channel_event(channel(), &event), 1, "event %zu", i);
		is_int(channel_event(channel(), &event), 1, "stays until it is done");
		is_int(event.kind, want[i].kind, "its kind");
		is_int(event.item, 1, "its item");
		ok(event.position == want[i].position, "its position");
		is_int(event.wait_status, want[i].wait_status, "its command's wait status");
		is_int(event.detail, want[i].detail, "its detail");
		is_str(event.text, want[i].text, "its text");
		channel_event_done(channel(), &event);
	}
	is_int(channel_event(channel(), &event), 0, "no more");
	ends_fini(&ends);
}

static void test_times(void)
{
	const struct time_shm time = {.runtime_ns = 5};
	int64_t start_ns = 7, seen_ns;
	struct time_shm seen;
	ends_init(&ends);
	ends_send(&ends, 1, "1\n2\n");
	next_batch();
	answer("one\n", false);
	must(port_claim(port()));
	port_begun(port(), start_ns);
	port_ended(port(), &time);
	must(channel_event(channel(), &event) == 1 && event.n_bytes == sizeof seen_ns);
	memcpy(&seen_ns, event.text, sizeof seen_ns);
	ok(event.kind == EVENT_BEGUN && event.item == 1 && event.position == 4 && seen_ns == 7, "when it began");
	channel_event_done(channel(), &event);
	must(channel_event(channel(), &event) == 1 && event.n_bytes == sizeof seen);
	memcpy(&seen, event.text, sizeof seen);
	ok(event.kind == EVENT_ENDED && event.item == 1 && seen.runtime_ns == 5, "how long it took");
	channel_event_done(channel(), &event);
	ends_fini(&ends);
}

/* The worker's waiting is the supervisor's turn: it takes the oldest. */
static void take_event(struct port *waiting, void *arg)
{
	(void)waiting;
	int *n_taken = arg;
	must(channel_event(channel(), &event) == 1 && event.position == (uint64_t)*n_taken);
	channel_event_done(channel(), &event);
	++*n_taken;
}

static void test_many_events(void)
{
	int n_taken = 0, n_said = 2 * ENDS_EVENT_BYTES / (int)sizeof(struct event_shm);
	ends_init(&ends);
	ends_send(&ends, 1, "1\n");
	next_batch();
	must(port_claim(port()));
	port()->wait = take_event;
	port()->wait_arg = &n_taken;
	for (int i = 0; i < n_said; i++)
		port_say(port(), EVENT_COUNT, i, "n", 1);
	ok(n_taken > 0, "who says more than the ring holds waits for room");
	while (channel_events(channel()) > 0)
		take_event(port(), &n_taken);
	is_int(n_taken, n_said, "and all of it comes, in order");
	ends_fini(&ends);
}

static void test_bell(void)
{
	ends_init(&ends);
	ends_send(&ends, 1, "1\n2\n");
	next_batch();
	answer("one\n", false);
	answer("two\n", true);
	port_end_batch(port(), 0);
	ok(!has_rung(), "nobody wants the bell");
	channel_sleep_begin(channel());
	ok(channel_has_news(channel()), "who is about to sleep sees the news");
	channel_sleep_end(channel());
	channel_look(channel(), &n_bytes, &n_items);
	channel_take(channel(), n_bytes, n_items);
	channel_release(channel());
	channel_sleep_begin(channel());
	ok(!channel_has_news(channel()), "now there is none");
	ends_send(&ends, 3, "3\n4\n");
	next_batch();
	answer("three\n", false);
	ok(!has_rung(), "an answer within a batch doesn't ring");
	answer("four\n", true);
	port_end_batch(port(), 0);
	ok(has_rung(), "the batch's end does");
	ends_send(&ends, 5, "5\n");
	next_batch();
	answer("five\n", true);
	port_end_batch(port(), 0);
	ok(!has_rung(), "but once only, until it is wanted again");
	channel_sleep_begin(channel());
	port_set_state(port(), WORKER_LEFT);
	ok(has_rung(), "a change of state rings");
	must(eventfd_write(channel()->bell_fd, UINT64_MAX - 1) == 0);
	channel_sleep_begin(channel());
	port_ring(port());
	ok(has_rung(), "who rings a bell that holds no more doesn't wait for it");
	ends_fini(&ends);
}

static void test_wake(void)
{
	ends_init(&ends);
	is_int(channel_wake(channel()), 0, "nobody sleeps");
	int value;
	must(sem_getvalue(channel()->wake.sem, &value) == 0);
	is_int(value, 0, "nothing is posted");
	atomic_store(&channel()->up->is_sleeping, 1);
	is_int(channel_wake(channel()), 0, "somebody does");
	must(sem_getvalue(channel()->wake.sem, &value) == 0);
	is_int(value, 1, "it is posted");
	is_int(channel_wake(channel()), 0, "once");
	must(sem_getvalue(channel()->wake.sem, &value) == 0);
	is_int(value, 1, "only");
	atomic_store(&channel()->up->is_sleeping, 1);
	is_int(channel_stop(channel()), 0, "stop");
	must(sem_getvalue(channel()->wake.sem, &value) == 0);
	is_int(value, 2, "wakes");
	is_int(port_next_batch(port(), &batch, &ends.err), 0, "and the worker leaves");
	atomic_store(&channel()->up->is_sleeping, 1);
	memset(channel()->wake.sem, 0, sizeof(sem_t));
	is_int(channel_wake(channel()), CHANNEL_BROKEN, "a semaphore that isn't what it was");
	ends_fini(&ends);
}

static void test_stop_after_work(void)
{
	ends_init(&ends);
	ends_send(&ends, 1, "1\n");
	channel_stop(channel());
	next_batch();
	answer("one\n", true);
	port_end_batch(port(), 0);
	is_int(port_next_batch(port(), &batch, &ends.err), 0, "what is granted is done before leaving");
	ends_fini(&ends);
}

static void test_cancel(void)
{
	ends_init(&ends);
	ends_send(&ends, 1, "1\n2\n");
	next_batch();
	must(port_claim(port()));
	ok(!port_is_cancelled(port()), "not given up");
	channel_cancel(channel());
	ok(port_is_cancelled(port()), "given up");
	port_answer(port(), 0, false);
	must(port_claim(port()));
	ok(!port_is_cancelled(port()), "the next item isn't");
	must(channel_look(channel(), &n_bytes, &n_items) == 0);
	channel_take(channel(), n_bytes, n_items);
	is_int(atomic_load(&channel()->down->cancel), 0, "the word goes when its item was taken");
	port_answer(port(), 0, true);
	must(channel_look(channel(), &n_bytes, &n_items) == 0);
	channel_take(channel(), n_bytes, n_items);
	channel_cancel(channel());
	is_int(atomic_load(&channel()->down->cancel), 0, "where nothing has begun nothing is given up");
	ends_fini(&ends);
}

/* So many items later one has the same count. */
static void test_cancel_comes_round(void)
{
	enum { N_A_BATCH = 2048 };
	static char text[N_A_BATCH + 1];
	uint32_t n_cancelled = 0, n_done = 0;
	memset(text, '\n', N_A_BATCH);
	ends_init(&ends);
	while (n_done <= RING_MARK_MASK + 1) {
		ends_send(&ends, n_done + 1, text);
		next_batch();
		for (int i = 0; i < N_A_BATCH; i++) {
			must(port_claim(port()));
			if (n_done++ == 0)
				channel_cancel(channel());
			n_cancelled += port_is_cancelled(port());
			port_answer(port(), 0, i == N_A_BATCH - 1);
		}
		port_end_batch(port(), 0);
		must(channel_look(channel(), &n_bytes, &n_items) == 0);
		channel_take(channel(), n_bytes, n_items);
		channel_release(channel());
	}
	is_int(n_cancelled, 1, "of 2^24 + some items only the one that was given up finds so");
	ends_fini(&ends);
}

/* What has been seen to have begun can't be unbegun. */
static void test_claim_goes_back(void)
{
	ends_init(&ends);
	ends_send(&ends, 1, "1\n2\n");
	next_batch();
	uint64_t before = atomic_load(&channel()->up->claim);
	must(port_claim(port()));
	atomic_store(&channel()->up->claim, claim_word(0, CLAIM_EPOCH_FIRST));
	is_int(channel_begun(channel()), 0, "a claim that nobody saw is as none");
	atomic_store(&channel()->up->claim, claim_word(1, CLAIM_EPOCH_FIRST));
	is_int(channel_begun(channel()), 1, "one is seen");
	atomic_store(&channel()->up->claim, claim_word(0, CLAIM_EPOCH_FIRST));
	is_int(channel_begun(channel()), CHANNEL_BROKEN, "and doesn't go back");
	is_int(channel_look(channel(), &n_bytes, &n_items), CHANNEL_BROKEN, "nor for a look");
	atomic_store(&channel()->up->claim, before);
	is_int(channel_begun(channel()), CHANNEL_BROKEN, "nor to before the first");
	ends_fini(&ends);
}

/* The first page says of which size the rings are: nothing is mapped that isn't there. */
static void test_attach_checks_sizes(void)
{
	static const struct {
		uint64_t task_bytes, result_bytes, event_bytes;
		const char *what;
	} cases[] = {
		{0, ENDS_RESULT_BYTES, ENDS_EVENT_BYTES, "no task ring"},
		{ENDS_TASK_BYTES, ENDS_RESULT_BYTES + 4096, ENDS_EVENT_BYTES, "no power of two"},
		{ENDS_TASK_BYTES, ENDS_RESULT_BYTES, 2 * ENDS_EVENT_BYTES, "more than the file has"},
		{ENDS_TASK_BYTES, ENDS_RESULT_BYTES, 2048, "less than a page"},
		{UINT64_C(1) << 63, ENDS_RESULT_BYTES, ENDS_EVENT_BYTES, "2^63"},
		{ENDS_EVENT_BYTES - UINT64_C(8192), UINT64_C(8192) + 8192, ENDS_EVENT_BYTES, "a sum that wraps"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct port other;
		ends_init(&ends);
		struct fixed_shm *fixed = channel()->map.base;
		fixed->task_bytes = cases[i].task_bytes;
		fixed->result_bytes = cases[i].result_bytes;
		fixed->event_bytes = cases[i].event_bytes;
		int fd = dup(channel()->fd), bell_fd = dup(channel()->bell_fd);
		is_int(port_attach(&other, fd, bell_fd, &ends.err), -1, "%s: refused", cases[i].what);
		ok(!other.map.base, "%s: nothing is mapped", cases[i].what);
		is_int(port_attach_map(&other, &channel()->map, -1, &ends.err), -1, "%s: as a thread, too", cases[i].what);
		ends_fini(&ends);
	}
	struct port other;
	ends_init(&ends);
	((struct fixed_shm *)channel()->map.base)->version++;
	is_int(port_attach_map(&other, &channel()->map, -1, &ends.err), -1, "another version: refused");
	ok(strstr(ends.err.text, "reinstall"), "%s", ends.err.text);
	ends_fini(&ends);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	is_int(port_attach(&other, null, -1, &ends.err), -1, "a file without a first page: refused");
	ok(strstr(ends.err.text, "first page"), "%s", ends.err.text);
}

/* Two items are sent, one is answered with 4 bytes, the second begun; then a word is changed. */
static void test_hostile(void)
{
	enum { RESULT_HEAD, EVENT_HEAD, CLAIM, CLAIM_OF_ANSWERED };
#define NOW ((uint64_t)CLAIM_EPOCH_FIRST << CLAIM_EPOCH_SHIFT)
	static const struct {
		int word;
		uint64_t value;
		const char *what;
	} cases[] = {
		{RESULT_HEAD, UINT64_MAX, "results: all ones"},
		{RESULT_HEAD, (UINT64_C(1) << 40) + ENDS_RESULT_BYTES + 1, "results: more bytes than the ring has"},
		{RESULT_HEAD, (UINT64_C(3) << 40) + 4, "results: more answers than grants"},
		{RESULT_HEAD, (UINT64_C(0xffffff) << 40) + 4, "results: an answer taken back"},
		{EVENT_HEAD, UINT64_MAX, "events: all ones"},
		{EVENT_HEAD, UINT64_C(1) << 40, "events: one without bytes"},
		{EVENT_HEAD, (UINT64_C(1) << 40) + 23, "events: one shorter than its header"},
		{EVENT_HEAD, (UINT64_C(1) << 40) + 24, "events: of kind 0"},
		{EVENT_HEAD, 24, "events: bytes without one"},
		{EVENT_HEAD, (UINT64_C(1) << 40) + ENDS_EVENT_BYTES + 1, "events: more bytes than the ring has"},
		{CLAIM, UINT64_MAX, "claim: all ones"},
		{CLAIM, NOW + 3, "claim: more begun than granted"},
		{CLAIM, NOW + RING_MARK_MASK, "claim: begun taken back"},
		{CLAIM, (UINT64_C(3) << 24) + 2, "claim: an epoch that no batch has"},
		{CLAIM, (UINT64_C(4) << 24) + 2, "claim: another epoch, and more than could be begun in it"},
		{CLAIM_OF_ANSWERED, NOW, "claim: nothing begun"},
		{CLAIM_OF_ANSWERED, 0, "claim: zeros"},
		{CLAIM_OF_ANSWERED, (UINT64_C(4) << 24) + 1, "claim: another epoch"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ends_init(&ends);
		ends_send(&ends, 1, "1\n2\n");
		next_batch();
		answer("one\n", false);
		must(port_claim(port()));
		is_int(channel_look(channel(), &n_bytes, &n_items), 0, "%s: all is well before", cases[i].what);
		_Atomic uint64_t *word = cases[i].word == RESULT_HEAD  ? &channel()->up->result_head
		                         : cases[i].word == EVENT_HEAD ? &channel()->up->event_head
		                                                       : &channel()->up->claim;
		atomic_store(word, cases[i].value);
		if (cases[i].word == EVENT_HEAD)
			ok(channel_event(channel(), &event) == CHANNEL_BROKEN && channel_events(channel()) == 1, "%s",
			   cases[i].what);
		else
			is_int(channel_look(channel(), &n_bytes, &n_items), CHANNEL_BROKEN, "%s", cases[i].what);
		ok(channel_has_news(channel()) || cases[i].value == 24 || cases[i].word >= CLAIM, "and it is news");
		uint32_t n_back;
		if (cases[i].word == CLAIM)
			is_int(channel_take_back(channel(), &n_back), CHANNEL_BROKEN, "nor can anything be taken back");
		ends_fini(&ends);
	}
	ends_init(&ends);
	atomic_store(&channel()->up->state, 77);
	is_int(channel_state(channel()), WORKER_STARTING, "an unknown state is none");
	atomic_store(&channel()->up->task_tail, 1);
	channel()->task.tail_bytes = channel()->task.put_bytes - ENDS_TASK_BYTES;
	is_int(ends_send(&ends, 1, "1\n"), CHANNEL_BROKEN, "a task tail before its head");
	ends_fini(&ends);
	static char large[ENDS_TASK_BYTES + 1];
	memset(large, '\n', ENDS_TASK_BYTES);
	ends_init(&ends);
	atomic_store(&channel()->up->task_tail, 1000);
	is_int(ends_send(&ends, 1, large), CHANNEL_BROKEN, "which is seen when its room is needed");
	ends_fini(&ends);
}

/* Words that are of their range, and yet can't be said. */
static void test_forged_events(void)
{
	static const struct {
		uint32_t kind, n_bytes;
		uint64_t n_there;
		int wanted;
		const char *what;
	} cases[] = {
		{EVENT_LOG, 5, 5, 1, "a log line"},
		{EVENT_LOG, EVENT_TEXT_MAX, EVENT_TEXT_MAX, 1, "the longest"},
		{EVENT_LOG, EVENT_TEXT_MAX + 1, EVENT_TEXT_MAX + 1, CHANNEL_BROKEN, "a longer one"},
		{EVENT_LOG, 6, 5, CHANNEL_BROKEN, "one that reaches behind what was written"},
		{0, 5, 5, CHANNEL_BROKEN, "of kind 0"},
		{EVENT_ENDED + 1, 5, 5, CHANNEL_BROKEN, "of a kind that there isn't"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ends_init(&ends);
		const struct event_shm header = {.kind = cases[i].kind, .n_bytes = cases[i].n_bytes};
		memcpy(port()->event.bytes, &header, sizeof header);
		atomic_store(&channel()->up->event_head, (UINT64_C(1) << 40) + sizeof header + cases[i].n_there);
		is_int(channel_event(channel(), &event), cases[i].wanted, "events: %s", cases[i].what);
		ends_fini(&ends);
	}
	ends_init(&ends);
	atomic_store(&channel()->up->event_head, (UINT64_C(100000) << 40) + 64);
	ok(channel_events(channel()) <= ENDS_EVENT_BYTES / sizeof(struct event_shm),
	   "events: no more than there is room for");
	ends_fini(&ends);
}

static void test_forged_claims(void)
{
	static const struct {
		uint32_t count, epoch;
		int wanted;
		const char *what;
	} cases[] = {
		{1, CLAIM_EPOCH_FIRST, 1, "one item"},
		{2, CLAIM_EPOCH_FIRST, CHANNEL_BROKEN, "two at once"},
		{0, CLAIM_EPOCH_FIRST + 1, CHANNEL_BROKEN, "an odd epoch"},
		{1, CLAIM_EPOCH_FIRST + 2, 0, "an epoch that has passed, the next item"},
		{2, CLAIM_EPOCH_FIRST + 2, CHANNEL_BROKEN, "an epoch that has passed, the one behind it"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ends_init(&ends);
		ends_send(&ends, 1, "1\n2\n3\n");
		atomic_store(&channel()->up->claim, claim_word(cases[i].count, cases[i].epoch));
		is_int(channel_begun(channel()), cases[i].wanted, "claims: %s", cases[i].what);
		ends_fini(&ends);
	}
}

static void test_edges(void)
{
	ends_init(&ends);
	ends_send(&ends, 1, "1\n");
	size_t room = (size_t)ring_known_room(&channel()->task);
	is_int(channel_has_room(channel(), room - sizeof(struct batch_shm)), 1, "a batch that just fits has room");
	is_int(channel_has_room(channel(), room - sizeof(struct batch_shm) + 1), 0, "a byte more has none");
	channel()->result.taken_bytes = (UINT64_C(1) << 40) + 3;
	atomic_store(&channel()->up->cuts[0], 5);
	is_int(channel_bytes_to_cut(channel(), 0), 2, "where a batch ends is told mod 2^40");
	channel()->result.taken_bytes = 0;
	ok(!channel_has_news(channel()), "nothing is new");
	atomic_store(&channel()->up->result_head, 10);
	ok(channel_has_news(channel()), "bytes without an answer are");
	ends_fini(&ends);
}

static void *wait_for_work(void *arg)
{
	struct port_batch taken;
	struct err err;
	(void)arg;
	must(port_next_batch(port(), &taken, &err) == 0);
	return NULL;
}

/* Who spins looks for SPIN_NS before it says that it sleeps; then it is woken as ever. */
static void test_spin(void)
{
	pthread_t waiter;
	ends_init(&ends);
	port()->wait = NULL;
	port()->spins = true;
	int64_t begin_ns = clock_now_ns();
	must(pthread_create(&waiter, NULL, wait_for_work, NULL) == 0);
	while (atomic_load(&channel()->up->is_sleeping) == 0)
		sched_yield();
	int64_t spun_ns = clock_now_ns() - begin_ns;
	ok(spun_ns >= SPIN_NS, "a worker that spins doesn't sleep at once: after %lld ns", (long long)spun_ns);
	is_int(channel_stop(channel()), 0, "asleep, it is told to stop");
	must(pthread_join(waiter, NULL) == 0);
	ok(true, "and hears it");
	ends_fini(&ends);
}

int main(void)
{
	test_way();
	test_counts_wrap();
	test_take_back();
	test_claim_and_take_back();
	test_zeros();
	test_bell_for_two();
	test_events();
	test_times();
	test_many_events();
	test_bell();
	test_wake();
	test_stop_after_work();
	test_cancel();
	test_cancel_comes_round();
	test_claim_goes_back();
	test_attach_checks_sizes();
	test_hostile();
	test_forged_events();
	test_forged_claims();
	test_edges();
	test_spin();
	return tap_done();
}
