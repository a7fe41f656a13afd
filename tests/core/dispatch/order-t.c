/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channel's two ends, and what the crew does before it sleeps, step by step (tests/shm/stepper.h): nobody waits for
 * ever, and each item is run once, also where memory is weaker than this machine's. Nothing here looks by time, so what
 * the watchdog would put right shows.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* From here on atomics and memcpy are steps: also those that stand in headers. */
#include "tests/shm/stepper.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/base/spin.h"
#include "core/crew/blame.h"
#include "core/crew/crew.h"
#include "shm/channel.h"
#include "shm/fence.h"
#include "shm/port.h"
#include "shm/wake.h"

static int put_bell(int fd, const void *bytes, size_t n_bytes);
#define write(fd, bytes, n_bytes) put_bell((fd), (bytes), (n_bytes))
/* NOLINTBEGIN(bugprone-suspicious-include): that their atomics are ours is the point */
#include "core/crew/crew.c"
#include "shm/channel.c"
#include "shm/port.c"
/* NOLINTEND(bugprone-suspicious-include) */
#undef write

#define RING_BYTES 4096
#define ITEMS_MAX 4
#define LARGE_BYTES 2000 /* of one result: nobody waits for more than half a ring, and a third has no room */
#define NAME_BYTES 3000  /* of a counter: a second one has no room beside it */

/* --- the kernel's ------------------------------------------------------------------------------------------------- */

static unsigned n_posts, n_rings;
static bool has_heavy; /* what the other side's fence is */

int wake_init(struct wake *wake, void *shared_page, struct err *err)
{
	(void)wake, (void)shared_page, (void)err;
	return 0;
}

void wake_fini(struct wake *wake)
{
	(void)wake;
}

int wake_post(struct wake *wake)
{
	(void)wake;
	stepper_step();
	stepper_flush(stepper_self());
	n_posts++;
	return 0;
}

static bool is_posted(void)
{
	return n_posts > 0;
}

void wake_wait(void *shared_page)
{
	(void)shared_page;
	stepper_await(is_posted);
	n_posts--;
}

static int put_bell(int fd, const void *bytes, size_t n_bytes)
{
	(void)fd, (void)bytes;
	stepper_step();
	stepper_flush(stepper_self());
	n_rings++;
	return (int)n_bytes;
}

static bool has_rung(void)
{
	return n_rings > 0;
}

bool fence_has_heavy(void)
{
	return true;
}

bool fence_register(void)
{
	return true;
}

int fence_heavy(bool is_for_both)
{
	stepper_step();
	for (int i = 0; i < 2; i++)
		if (is_for_both || &stepper.threads[i] == stepper_self())
			stepper_flush(&stepper.threads[i]);
	return 0;
}

/* --- both ends, as they were at first ----------------------------------------------------------------------------- */

static struct channel *channel, first_channel;
static struct port port, first_port;
static struct crew crew;
static struct worker worker;
static struct batch batch;
static char items[2 * RING_BYTES];
static unsigned n_run[ITEMS_MAX + 1], n_heard[ITEMS_MAX + 1], n_counted;
static size_t result_bytes;
static bool counts; /* an item counts, too: more than there is room for at once */
static const char *wrong;

static void create(void)
{
	const struct channel_sizes sizes = {RING_BYTES, RING_BYTES, RING_BYTES, 0};
	const char *why;
	struct err err;
	if (channel_create(&channel, 1, &sizes, &why, &err) != 0 ||
	    port_attach_map(&port, &channel->map, channel->bell_fd, &err) != 0) {
		printf("Bail out! %s\n", err.text);
		exit(EXIT_FAILURE);
	}
	stepper_flush(&stepper.threads[0]);
	first_channel = *channel;
	first_port = port;
}

static void begin(void)
{
	*channel = first_channel;
	port = first_port;
	channel->has_heavy_fence = port.has_light_fence = has_heavy;
	memset(channel->down, 0, sizeof *channel->down);
	memset(channel->up, 0, sizeof *channel->up);
	channel->down->take_back = claim_word(0, CLAIM_EPOCH_FIRST);
	worker = (struct worker){.env = &crew.env, .number = 1, .phase = WORKER_IS_READY, .channel = channel};
	crew = (struct crew){.workers = &worker, .n_top = 1};
	batch = (struct batch){.state = BATCH_OUT};
	n_posts = n_rings = n_counted = 0;
	memset(n_run, 0, sizeof n_run);
	memset(n_heard, 0, sizeof n_heard);
	wrong = NULL;
}

/* --- the worker, as loop.c has it --------------------------------------------------------------------------------- */

static void run_item(uint64_t seq, bool is_last)
{
	static const char name[NAME_BYTES];
	n_run[seq]++;
	for (int i = 0; counts && i < 2; i++)
		port_say(&port, EVENT_COUNT, 1, name, sizeof name);
	port_wait_room(&port, result_bytes);
	memcpy(port_out(&port), &seq, sizeof seq);
	port_answer(&port, result_bytes, is_last);
}

static void work(void)
{
	struct port_batch taken;
	struct err err;
	while (port_next_batch(&port, &taken, &err) > 0) {
		uint32_t place = 0;
		while (place < taken.n_items && port_claim(&port)) {
			uint64_t seq = taken.seq + place++;
			run_item(seq, place == taken.n_items);
		}
		port_end_batch(&port, 0);
	}
}

/* --- the supervisor ----------------------------------------------------------------------------------------------- */

/* Items from seq on, each of so many bytes. */
static void send_items(uint64_t seq, uint32_t n_items, size_t item_bytes)
{
	const struct channel_batch sent = {
		.seq = seq, .n_items = n_items, .attempt = 1, .bytes = items, .n_bytes = n_items * item_bytes};
	batch.slice = (struct slice){.seq = seq, .n_items = n_items};
	batch.n_answered = 0;
	worker.flight.first = &batch;
	worker.needs_wake = true;
	if (channel_send(channel, &sent) != 0)
		wrong = "the task ring's indices can't be true";
	crew_flush_wakes(&crew);
}

/* As collect does: what is there is taken, and room given back. How many items. */
static uint32_t hear(void)
{
	static struct channel_event event;
	uint64_t n_bytes, seq;
	uint32_t n_items;
	if (channel_look(channel, &n_bytes, &n_items) != 0) {
		wrong = "the worker's words can't be true";
		return ITEMS_MAX;
	}
	/* after the look, so that those of these items are there */
	for (uint32_t n = channel_events(channel); n > 0 && channel_event(channel, &event) > 0; n--) {
		channel_event_done(channel, &event);
		n_counted++;
		worker.needs_wake = true;
	}
	for (uint32_t i = 0; i < n_items; i++) {
		memmove(&seq, channel_data(channel), sizeof seq);
		if (seq == 0 || seq > ITEMS_MAX) {
			wrong = "a result that isn't there";
			return ITEMS_MAX;
		}
		n_heard[seq]++;
		channel_take(channel, result_bytes, 1);
	}
	if (n_items > 0) {
		channel_release(channel);
		worker.needs_wake = true;
		batch.n_answered += n_items;
	}
	return n_items;
}

static void hear_items(uint32_t n_items)
{
	while (n_items > 0 && !wrong) {
		uint32_t n = hear();
		n_items -= n < n_items ? n : n_items;
		crew_flush_wakes(&crew);
		if (n > 0 || n_items == 0)
			continue;
		if (!crew_sleep_begin(&crew, NULL)) {
			stepper_await(has_rung);
			n_rings = 0;
		}
		crew_sleep_end(&crew);
	}
}

static void stop(void)
{
	channel_stop(channel);
}

static const char *each_once(void)
{
	if (wrong)
		return wrong;
	for (int i = 1; i <= ITEMS_MAX; i++)
		if (n_run[i] > 1 || n_run[i] != n_heard[i])
			return "an item was run twice, or its result isn't there";
	return NULL;
}

/* --- the scenarios ------------------------------------------------------------------------------------------------ */

static void ask_twice(void)
{
	send_items(1, 1, 8);
	hear_items(1);
	send_items(2, 1, 8);
	hear_items(1);
	stop();
}

static void ask_for_large_results(void)
{
	send_items(1, 3, 8);
	hear_items(3);
	stop();
}

static void ask_for_counts(void)
{
	send_items(1, 1, 8);
	hear_items(1);
	stop();
}

static void send_large(void)
{
	send_items(1, 1, RING_BYTES + 100);
	hear_items(1);
	stop();
}

/* What comes back is sent again, when the rest was heard. */
static void take_back(void)
{
	uint32_t n_back = 0;
	send_items(1, 2, 8);
	if (channel_take_back(channel, &n_back) != 0 || n_back > 2)
		wrong = "what was taken back can't be true";
	batch.slice.n_items -= n_back; /* as worker_take_back does */
	hear_items(2 - n_back);
	if (n_back > 0) {
		send_items(3 - n_back, n_back, 8);
		hear_items(n_back);
	}
	stop();
}

/* Items 1 to n, and no other. */
static const char *are_there(int n)
{
	for (int i = 1; i <= n; i++)
		if (n_heard[i] == 0)
			return wrong ? wrong : "an item is missing";
	return each_once();
}

static const char *one_is_there(void)
{
	return are_there(1);
}

static const char *two_are_there(void)
{
	return are_there(2);
}

static const char *three_are_there(void)
{
	return are_there(3);
}

static const char *counts_are_there(void)
{
	return n_counted != 2 ? "a count is missing" : one_is_there();
}

int main(void)
{
	static const struct {
		const char *what;
		void (*ask)(void);
		const char *(*end)(void);
		size_t result_bytes;
		bool has_heavy, counts;
	} all[] = {
		{"one item, and another", ask_twice, two_are_there, 8, true, false},
		{"results that wait for room", ask_for_large_results, three_are_there, LARGE_BYTES, true, false},
		{"counts that wait for room", ask_for_counts, counts_are_there, 8, true, true},
		{"an item larger than the ring", send_large, one_is_there, 8, true, false},
		{"taking back, one fence for both", take_back, two_are_there, 8, true, false},
		{"taking back, a fence for each", take_back, two_are_there, 8, false, false},
	};
	const char *set = getenv("ROTA_TESTS");
	const unsigned n_switches_max = set && strcmp(set, "quick") == 0 ? 2 : 3;
#ifdef __SANITIZE_THREAD__
	skip_all("the thread sanitizer follows threads, not contexts");
#endif
	create();
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		const struct stepper_scenario scenario = {.what = all[i].what,
		                                          .begin = begin,
		                                          .threads = {all[i].ask, work},
		                                          .end = all[i].end,
		                                          .shared = channel->map.base,
		                                          .n_shared = channel->map.mapped_bytes};
		result_bytes = all[i].result_bytes;
		has_heavy = all[i].has_heavy;
		counts = all[i].counts;
		stepper_explore(&scenario, n_switches_max);
	}
	return tap_done();
}
