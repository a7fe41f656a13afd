/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words - a fuzzer that knows the channel's protocol: hands that do their work (rig.h), and now and then say something
 * that may be said, at a time when it may not: claims, marks, cuts, states, events, parts, answers; and die, or leave.
 *
 *	FUZZ_SECONDS=600 FUZZ_SEED=1 tests/fuzz/words-t     (make check-fuzz)
 *
 * Each run has a seed of its own, one more than the last. What holds in every run: it comes to its end; each item has
 * one outcome; the run isn't given up; and an item that was never in the hands of a worker that lied is ok, has its
 * result as a line of its own and, in order, behind those before it. A finding says which seed it was.
 */
#include "config.h"

#include "tests/core/rig.h"
#include "tests/fuzz/fuzz.h"
#include "tests/tap.h"

#include <setjmp.h>

#define ITEMS_MAX 60u
#define TURNS_MAX 20000u
#define LIES_MAX 6u /* by chance, beside those of items that lie whenever they are run: each may cost a worker */
#define TURN_NS (50 * CLOCK_NS_PER_MS)
#define TIMEOUT_NS (20 * CLOCK_NS_PER_SEC)

static struct rig rig;
static unsigned n_items, n_lies_left;
static bool is_touched[ITEMS_MAX + 1];   /* by number: it was in the hands of one that lied */
static bool is_liar[ITEMS_MAX + 1];      /* it lies whenever it is run */
static bool has_lied[RIG_HANDS_MAX + 1]; /* by worker */
static jmp_buf stuck;
static unsigned long n_lies;

/* --- who has touched what ----------------------------------------------------------------------------------------- */

static void touch(unsigned number)
{
	for (const struct batch *batch = rig.crew.workers[number - 1].flight.first; batch; batch = batch->next_owed)
		for (uint32_t i = batch->n_answered; i < batch->slice.n_items; i++)
			is_touched[batch->slice.seq + i] = true;
}

/* --- lies --------------------------------------------------------------------------------------------------------- */

static void put_event(struct port *port)
{
	static const char text[] = "~~~~~~~~~~~~~~~~";
	struct event_shm event = {.kind = 1 + fuzz_below(7),
	                          .item = (port->begun - 1 + fuzz_below(4) - 1) & RING_MARK_MASK,
	                          .position = port->result.put_bytes + fuzz_below(8) - 4,
	                          .detail = fuzz_below(4),
	                          .n_bytes = fuzz_below(sizeof text)};
	uint64_t n_bytes = sizeof event + event.n_bytes;
	if (ring_room(&port->event, n_bytes) < (int64_t)n_bytes)
		return;
	memcpy(ring_at(&port->event), &event, sizeof event);
	memcpy(ring_at(&port->event) + sizeof event, text, event.n_bytes);
	ring_put(&port->event, n_bytes);
	ring_publish(&port->event, fuzz_below(8) > 0);
}

/* Bytes without the end that each result has, or with it; marked or not. */
static void put_result(struct port *port, const char *bytes, uint32_t n_marks)
{
	size_t n_bytes = strlen(bytes);
	if (ring_room(&port->result, n_bytes) < (int64_t)n_bytes)
		return;
	memcpy(ring_at(&port->result), bytes, n_bytes);
	ring_put(&port->result, n_bytes);
	if (fuzz_below(2))
		atomic_store(&port->up->cuts[port->batch.number % CHANNEL_BATCHES_MAX],
		             port->result.put_bytes & RING_POSITION_MASK);
	ring_publish(&port->result, n_marks);
}

static void lie_of_claim(struct port *port)
{
	uint64_t claim = atomic_load(&port->up->claim);
	uint32_t count = claim_count(claim), epoch = claim_epoch(claim);
	switch (fuzz_below(5)) {
	case 0:
		claim = claim_word(port->result.marks, epoch);
		break;
	case 1:
		claim = claim_word(count + 1 + fuzz_below(3), epoch);
		break;
	case 2:
		claim = claim_word(count + fuzz_below(3) - 1, epoch + fuzz_below(5) - 2);
		break;
	case 3:
		claim = 0;
		break;
	default:
		claim ^= UINT64_C(1) << fuzz_below(64);
	}
	atomic_store(&port->up->claim, claim);
}

static void lie_of_rings(struct port *port)
{
	struct up_shm *up = port->up;
	switch (fuzz_below(6)) {
	case 0:
		atomic_fetch_add(&up->result_head, UINT64_C(1) << RING_POSITION_BITS);
		break;
	case 1:
		atomic_fetch_add(&up->result_head, fuzz_below(40));
		break;
	case 2:
		atomic_fetch_sub(&up->result_head, 1 + fuzz_below(4));
		break;
	case 3:
		atomic_fetch_add(&up->event_head, fuzz_below(2) ? UINT64_C(1) << RING_POSITION_BITS : fuzz_below(64));
		break;
	case 4:
		atomic_fetch_add(&up->task_tail, fuzz_below(200) - 100);
		break;
	default:
		atomic_store(&up->cuts[fuzz_below(CHANNEL_BATCHES_MAX)], port->result.put_bytes + fuzz_below(64) - 32);
	}
}

/* A byte anywhere in what the worker has mapped, but for the semaphore. */
static void lie_of_bytes(struct port *port)
{
	size_t n_bytes = port->map.mapped_bytes, at;
	do
		at = (size_t)(fuzz_next() % n_bytes);
	while (at / segment_page_bytes() == 3);
	((unsigned char *)port->map.base)[at] ^= (unsigned char)(1u << fuzz_below(8));
}

static void die(unsigned number, int wait_status)
{
	if (has_lied[number])
		touch(number);
	has_lied[number] = false;
	rig_die(&rig, number, wait_status, false);
	if (rig.last_charged > 0 && !is_touched[rig.last_charged])
		fuzz_check(false, "an item is charged that nobody who lied has had");
}

/* true: the worker lives on. */
static bool lie(unsigned number)
{
	static const int statuses[] = {SIGSEGV, SIGKILL, SIGABRT, 0, 3 << 8};
	struct port *port = &rig.hands[number].port;
	n_lies++;
	has_lied[number] = true;
	touch(number);
	switch (fuzz_below(10)) {
	case 0:
	case 1:
		lie_of_claim(port);
		break;
	case 2:
		atomic_store(&port->up->state, fuzz_below(6));
		break;
	case 3:
	case 4:
		put_event(port);
		break;
	case 5:
		lie_of_rings(port);
		break;
	case 6:
		put_result(port, fuzz_below(2) ? "~~" : "~\n", fuzz_below(3));
		break;
	case 7:
		for (uint32_t i = 0, n = 1 + fuzz_below(30); i < n; i++)
			lie_of_bytes(port);
		break;
	case 8:
		atomic_store(&port->up->is_sleeping, fuzz_below(3));
		atomic_store(&port->up->busy_ns, fuzz_next());
		break;
	default:
		if (fuzz_below(2))
			lie_of_claim(port);
		if (fuzz_below(3) == 0)
			atomic_store(&port->up->state, WORKER_LEFT);
		die(number, statuses[fuzz_below(sizeof statuses / sizeof statuses[0])]);
		return false;
	}
	return true;
}

/* --- work --------------------------------------------------------------------------------------------------------- */

/* A worker that waits for room has lied, or the supervisor doesn't hear it any more. */
static void on_wait(struct port *port, void *arg)
{
	(void)port, (void)arg;
	longjmp(stuck, 1);
}

static bool may_lie(unsigned number)
{
	const struct hand *hand = &rig.hands[number];
	const struct worker *worker = &rig.crew.workers[number - 1];
	if (!worker->flight.first)
		return false;
	if (hand->has_batch && hand->batch.seq + hand->place <= n_items && is_liar[hand->batch.seq + hand->place])
		return true;
	if (n_lies_left == 0 || fuzz_below(40) > 0)
		return false;
	n_lies_left--;
	return true;
}

static void do_items(unsigned number)
{
	struct hand *hand = &rig.hands[number];
	for (uint32_t n = fuzz_below(4); n > 0 && hand->channel; n--) {
		if (!rig_begin(&rig, number, 1000))
			break;
		if (may_lie(number)) {
			if (!lie(number))
				return;
			n = 1; /* its own words can't be believed any more: it answers, or not, and begins nothing */
		}
		if (fuzz_below(8) == 0) {
			rig_part(&rig, number, hand->at, hand->n_bytes);
			rig_answer(&rig, number, "\n", 1);
		} else {
			rig_answer(&rig, number, hand->at, hand->n_bytes + 1);
		}
	}
}

/* A hand's memory of its own may have been ruined by its lies: it isn't asked for more than an item's bytes. */
static void step(unsigned number)
{
	struct hand *hand = &rig.hands[number];
	struct worker *worker = &rig.crew.workers[number - 1];
	if (worker->phase == WORKER_IS_STARTING) {
		hand->port.wait = on_wait;
		rig_ready(&rig, number);
	} else if (hand->killed_by != 0 || (worker->phase == WORKER_IS_LEAVING && worker->flight.n_items == 0)) {
		die(number, hand->killed_by);
	} else if (setjmp(stuck) != 0) {
		has_lied[number] = true;
		die(number, SIGKILL);
	} else if (!has_lied[number]) {
		do_items(number);
	} else if (fuzz_below(3) == 0) {
		/* after a lie: another, or nothing, or the end */
		lie(number);
	} else if (fuzz_below(50) == 0) {
		die(number, fuzz_below(2) ? SIGSEGV : 0);
	}
}

static void turn(int64_t now_ns)
{
	rig.crew.not_before_ns = 0;
	if (!rig.crew.is_loaded)
		rig_load(&rig);
	crew_poll(&rig.crew);
	for (unsigned i = 1; i <= rig.crew.n_workers; i++) {
		if (has_lied[i])
			touch(i);
		rig_collect_one(&rig, i);
	}
	if (dispatch_step(&rig.dispatch, false, &rig.err) < 0)
		fuzz_check(false, "dispatch fails");
	crew_flush_wakes(&rig.crew);
	watchdog_look(&rig.watchdog, now_ns, true, NULL);
	for (unsigned i = 1; i <= rig.crew.n_workers; i++)
		if (rig.hands[i].channel)
			step(i);
	if (rig_gave_up(&rig))
		fuzz_check(false, "the run is given up");
	if (rig.collector.has_failed)
		fuzz_check(false, "collecting fails");
}

/* --- a run -------------------------------------------------------------------------------------------------------- */

/* Each item that nobody who lied has had is a line; in order, behind those before it. */
static void look_at_output(bool is_ordered)
{
	char want[32];
	const char *output = rig_output(&rig), *from = output;
	for (unsigned seq = 1; seq <= n_items; seq++) {
		if (is_touched[seq])
			continue;
		int n = snprintf(want, sizeof want, "=%u=\n", seq);
		const char *at = from;
		while ((at = strstr(at, want)) && at != output && at[-1] != '\n')
			at++;
		if (!at)
			fuzz_check(false, "a good result is missing, torn, or out of its place");
		else if (is_ordered)
			from = at + n;
	}
}

static void run_once(void)
{
	char text[ITEMS_MAX * 8] = "";
	bool is_ordered = fuzz_below(2);
	unsigned n_workers = 1 + fuzz_below(4), n_turns = 0;
	int64_t now_ns = clock_now_ns();
	n_items = 1 + fuzz_below(ITEMS_MAX);
	n_lies_left = fuzz_below(LIES_MAX);
	memset(is_touched, 0, sizeof is_touched);
	memset(is_liar, 0, sizeof is_liar);
	memset(has_lied, 0, sizeof has_lied);
	for (uint32_t i = fuzz_below(3); i > 0; i--)
		is_liar[1 + fuzz_below(n_items)] = true;
	for (unsigned i = 1; i <= n_items; i++)
		sprintf(text + strlen(text), "=%u=\n", i);
	rig_init(&rig, n_workers, is_ordered, text);
	rig.plan.timeout_ns = fuzz_below(2) ? TIMEOUT_NS : 0;
	while (!fuzz.finding && !(dispatch_is_at_end(&rig.dispatch) && rig.window.n_batches == 0)) {
		turn(now_ns);
		now_ns += TURN_NS;
		if (++n_turns == TURNS_MAX)
			fuzz_check(false, "the run doesn't come to its end");
	}
	if (!fuzz.finding && tally_finished(&rig.tally) != n_items)
		fuzz_check(false, "an item has no outcome, or two");
	if (!fuzz.finding)
		look_at_output(is_ordered);
	if (!fuzz.finding && rig.window.held_bytes != 0)
		fuzz_check(false, "bytes are held");
	if (fuzz.finding)
		diag("seed %llu: said so far: %s", (unsigned long long)fuzz.seed, rig_said(&rig));
	rig_fini(&rig);
}

int main(void)
{
	log_init(LOG_NORMAL);
	int status = fuzz_main("tests/fuzz/words-t", run_once);
	diag("%lu lies", n_lies);
	return status;
}
