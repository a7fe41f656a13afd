/* SPDX-License-Identifier: Apache-2.0 */
/* dispatch - see dispatch.h. */
#include "config.h"

#include "core/base/clock.h"
#include "core/dispatch/dispatch.h"

#include <stdio.h>

#define DEPTH_SMALL 4u /* batches in a worker's hands while they are short */
#define DEPTH_PAIR 3u  /* two that it rings for together, and one to go on with meanwhile */
#define DEPTH_LARGE 2u
#define PAIR_NS (BATCH_NS + BATCH_NS / 4) /* what takes longer than this isn't to be held back for another one */
#define SMALL_NS 150000                   /* a batch that takes less than this is short */
#define SHORT_NS 600000 /* a batch that takes less than this may wait in the hands of somebody who is at work */
#define PATIENCE_NS (8 * CLOCK_NS_PER_MS) /* a few of the scheduler's slices */
#define STEAL_IDLE_NS \
	CLOCK_NS_PER_MS /* how long a worker has shown nothing, before what it hasn't begun is taken back */
#define READS_A_TURN 16
#define SUM_ITEM_NS 10000 /* an item that takes so long bears a sum of so many bytes */
#define SUM_BYTES 4096
#define BATCH_ITEMS_TIMED 256u /* where each item is looked for in its batch (the job log) */

void dispatch_init(struct dispatch *dispatch, const struct parts *parts)
{
	const struct job *plan = parts->plan;
	*dispatch = (struct dispatch){.plan = plan,
	                              .feed = parts->feed,
	                              .window = parts->window,
	                              .crew = parts->crew,
	                              .tally = parts->tally,
	                              .report = parts->report,
	                              .checkpoint = parts->checkpoint,
	                              .resume = parts->resume,
	                              .retry = parts->retry,
	                              .verify = plan->output.kind == ENDPOINT_NONE ? VERIFY_NEVER : plan->verify,
	                              .is_single = plan->runs_commands && plan->halt.when != HALT_NEVER,
	                              .items_max = 1};
	gate_init(&dispatch->gate, plan, NULL);
	dispatch->is_single = dispatch->is_single || gate_is_on(&dispatch->gate);
}

void dispatch_close(struct dispatch *dispatch)
{
	dispatch->is_closed = true;
}

void dispatch_hear_source(struct dispatch *dispatch)
{
	dispatch->is_source_waiting = false;
}

uint64_t dispatch_held_bytes(const struct dispatch *dispatch)
{
	return feed_held_bytes(dispatch->feed) + window_bytes(dispatch->window);
}

bool dispatch_is_at_end(const struct dispatch *dispatch)
{
	return dispatch->is_closed || feed_is_at_end(dispatch->feed);
}

/* Is there room for more in the window? Always, when it is empty: the next item must go on whatever its size. */
static bool has_budget(const struct dispatch *dispatch)
{
	if (dispatch->window->n_batches == 0)
		return true;
	return dispatch->window->n_items < WINDOW_ITEMS_MAX &&
	       dispatch_held_bytes(dispatch) < (uint64_t)dispatch->plan->window_bytes;
}

/* --- how many items ----------------------------------------------------------------------------------------------- */

/*
 * The mean of what items took, each weighing as much as any other and all less with each sample that comes after it: a
 * worker's first items take a thousand times as long as the others when these are tiny.
 */
static void weigh_in(struct dispatch *dispatch, uint64_t busy_ns, uint64_t n_items)
{
	/* the word is the worker's: what can't be true only makes batches of a wrong size */
	if (busy_ns / n_items > UINT64_C(3600) * CLOCK_NS_PER_SEC)
		busy_ns = n_items;
	dispatch->weighed_ns += (double)busy_ns - dispatch->weighed_ns / 4;
	dispatch->weighed_items += (double)n_items - dispatch->weighed_items / 4;
	dispatch->item_ns = (int64_t)(dispatch->weighed_ns / dispatch->weighed_items) + 1;
}

static void measure(struct dispatch *dispatch)
{
	for (unsigned i = 0; i < dispatch->crew->n_top; i++) {
		struct worker *worker = &dispatch->crew->workers[i];
		uint64_t busy_ns, n_items;
		if (!worker_measure(worker, &busy_ns, &n_items))
			continue;
		weigh_in(dispatch, busy_ns, n_items);
		if (dispatch->items_max < BATCH_ITEMS_MAX)
			dispatch->items_max *= 4;
	}
}

/* Are sums worth their time? Where an item takes long, and longer than it would take to go over its result. */
static bool is_summing(const struct dispatch *dispatch)
{
	if (dispatch->verify != VERIFY_AUTO || dispatch->item_ns == 0)
		return dispatch->verify != VERIFY_NEVER;
	uint64_t result_bytes = crew_result_bytes(dispatch->crew);
	return dispatch->item_ns >= SUM_ITEM_NS && (uint64_t)dispatch->item_ns / SUM_ITEM_NS >= result_bytes / SUM_BYTES;
}

static uint32_t batch_items(const struct dispatch *dispatch)
{
	if (dispatch->item_ns == 0 || dispatch->is_single)
		return 1;
	int64_t n = BATCH_NS / dispatch->item_ns;
	uint32_t most =
		dispatch->report->joblog && dispatch->items_max > BATCH_ITEMS_TIMED ? BATCH_ITEMS_TIMED : dispatch->items_max;
	if (dispatch->verify == VERIFY_ALWAYS && most > CHANNEL_SUMS / DEPTH_SMALL)
		most = CHANNEL_SUMS / DEPTH_SMALL;
	return n < 1 ? 1 : n > most ? most : (uint32_t)n;
}

/*
 * Batches that take a worker no longer than they take us: as long as we have other things to do, we are what the run
 * waits for, and another worker would be woken only to take a CPU from us, or to sleep again. So they go to those who
 * are at work, the first first, and one by one; to somebody else when these have enough and we have time to spare.
 */
static bool is_short(const struct dispatch *dispatch)
{
	return dispatch->batch_ns > 0 && dispatch->batch_ns < SHORT_NS;
}

static uint32_t depth(const struct dispatch *dispatch)
{
	int64_t batch_ns = dispatch->item_ns * batch_items(dispatch);
	if (dispatch->is_single)
		return 1;
	if (batch_ns > 0 && batch_ns < SMALL_NS)
		return DEPTH_SMALL;
	return batch_ns > 0 && batch_ns <= PAIR_NS && !is_short(dispatch) ? DEPTH_PAIR : DEPTH_LARGE;
}

/* --- who ---------------------------------------------------------------------------------------------------------- */

static bool may_take(const struct worker *worker, uint32_t n_batches_max)
{
	return worker->phase == WORKER_IS_READY && !worker->is_broken && !worker->flight.is_cut_short &&
	       !worker->is_retiring && worker->ending == ENDING_NONE && worker->flight.n_batches < n_batches_max &&
	       !channel_is_sending(worker->channel) && flight_suspicions(&worker->flight) == 0;
}

/* The one with the least in hand, of those that have room for so many bytes. */
static struct worker *find_taker(const struct dispatch *dispatch, size_t n_bytes)
{
	struct worker *taker = NULL;
	uint32_t most = depth(dispatch);
	for (unsigned i = 0; i < dispatch->crew->n_top; i++) {
		struct worker *worker = &dispatch->crew->workers[i];
		if (!may_take(worker, most) || !worker_has_room(worker, n_bytes))
			continue;
		taker = worker;
		most = worker->flight.n_batches;
		if (most == 0)
			break;
	}
	return taker;
}

/* Who takes a short batch. is_busy: somebody else is woken only when nobody is at work. */
static struct worker *find_short_taker(const struct dispatch *dispatch, size_t n_bytes, bool is_busy)
{
	bool is_any_at_work = false;
	uint32_t most = depth(dispatch);
	for (unsigned i = 0; i < dispatch->crew->n_top; i++) {
		struct worker *worker = &dispatch->crew->workers[i];
		if (worker->flight.n_batches == 0)
			continue;
		is_any_at_work = true;
		if (may_take(worker, most) && worker_has_room(worker, n_bytes))
			return worker;
	}
	return is_any_at_work && is_busy ? NULL : find_taker(dispatch, n_bytes);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* An item over max-item has its outcome without ever having been in a worker's hands. */
static int refuse_too_long(struct dispatch *dispatch, struct slice *take_slice, struct err *err)
{
	struct window_note *note;
	struct note_list notes = {0};
	struct failure failure = {.seq = take_slice->seq, .cause.kind = CAUSE_MAX_ITEM};
	failure.item = slice_item(take_slice, 0, dispatch->window->delimiter, &failure.item_bytes);
	report_failure(dispatch->report, &failure);
	dispatch->tally->n_outcomes[OUTCOME_OVER_LIMIT]++;
	if (checkpoint_note(dispatch->checkpoint, &failure, &note, err) != 0) {
		slice_drop(take_slice);
		return -1;
	}
	if (note)
		note_list_add(&notes, note);
	return window_add_done(dispatch->window, take_slice, &notes, err);
}

/* What an earlier run has taken is gone over; what was just read goes into the window. */
static int take(struct dispatch *dispatch, struct slice *take_slice, struct err *err)
{
	struct resume *resume = dispatch->resume;
	bool is_refused = take_slice->is_too_long;
	dispatch->tally->n_read += take_slice->n_items;
	if (retry_is_on(dispatch->retry))
		return retry_take(dispatch->retry, dispatch->window, dispatch->tally, dispatch->report, take_slice, err);
	checkpoint_take_input(dispatch->checkpoint, take_slice);
	if (is_refused && (!resume_is_on(resume) || resume_is_unfinished(resume, take_slice)) &&
	    refuse_too_long(dispatch, take_slice, err) != 0)
		return -1;
	if (resume_is_on(resume))
		return resume_take(resume, dispatch->checkpoint, dispatch->window, take_slice, err);
	return is_refused ? 0 : window_add(dispatch->window, take_slice, err);
}

/* How many items may be taken at once. */
static uint32_t slice_items(const struct dispatch *dispatch)
{
	if (retry_is_on(dispatch->retry))
		return 1; /* their numbers aren't consecutive */
	if (!resume_is_on(dispatch->resume))
		return batch_items(dispatch);
	uint64_t left = resume_left_items(dispatch->resume, dispatch->checkpoint);
	return left < BATCH_ITEMS_MAX ? (uint32_t)left : BATCH_ITEMS_MAX;
}

/* One more batch from the source. 1: it is pending; 0: nothing there now; -1. */
static int read_batch(struct dispatch *dispatch, struct err *err)
{
	struct slice slice;
	for (int i = 0; !feed_has_item(dispatch->feed); i++) {
		if (feed_is_at_end(dispatch->feed) && resume_is_on(dispatch->resume))
			return resume_fail_short(dispatch->resume, dispatch->checkpoint, err);
		if (dispatch->is_source_waiting || feed_is_at_end(dispatch->feed))
			return 0;
		if (i >= READS_A_TURN)
			return 1; /* a long item: others have their turn, too */
		int result = feed_read(dispatch->feed, err);
		if (result == -1) {
			dispatch->has_source_failed = dispatch->is_closed = true;
			return -1;
		}
		dispatch->is_source_waiting = result == SOURCE_WAIT;
	}
	if (!feed_take(dispatch->feed, slice_items(dispatch), BATCH_BYTES, &slice))
		return 0;
	dispatch->batch_ns = (int64_t)slice.n_items * dispatch->item_ns;
	return take(dispatch, &slice, err) == 0 ? 1 : -1;
}

/* Is more to be read now? */
static bool wants_more(const struct dispatch *dispatch, size_t n_wanted)
{
	if (dispatch->is_closed)
		return false;
	return resume_is_on(dispatch->resume) || (dispatch->window->n_pending < n_wanted && has_budget(dispatch));
}

/* --- taking back -------------------------------------------------------------------------------------------------- */

/* Who goes on while somebody else has the oldest batch. */
struct ahead {
	struct worker *holder; /* of the oldest batch, or NULL */
	bool has_room_at_work; /* another one that has something could have more */
	size_t n_held_batches; /* finished, and waiting for older ones */
};

/* May something be taken back from it? */
static bool may_lose(const struct worker *worker)
{
	return worker->phase == WORKER_IS_READY && !worker->is_broken && !worker->flight.is_cut_short &&
	       worker->flight.n_items >= 2 && !channel_is_sending(worker->channel);
}

/*
 * Most unbegun work, of those who have shown nothing for a while, or are at work and have much left. Who has begun
 * nothing has the while, however much it is: what is taken back at once may come to it again, and so on.
 */
static struct worker *find_victim(const struct dispatch *dispatch)
{
	struct worker *victim = NULL;
	int64_t now_ns = clock_now_ns();
	for (unsigned i = 0; i < dispatch->crew->n_top; i++) {
		struct worker *worker = &dispatch->crew->workers[i];
		if (!may_lose(worker))
			continue;
		bool is_late =
			now_ns - worker->progress_ns > STEAL_IDLE_NS ||
			((int64_t)worker->flight.n_items * dispatch->item_ns > BATCH_NS && channel_begun(worker->channel) > 0);
		if (is_late && (!victim || worker->flight.n_items > victim->flight.n_items))
			victim = worker;
	}
	return victim;
}

/* A share for each worker that has nothing, and one for who it was taken from. */
static int share(struct dispatch *dispatch, struct err *err)
{
	struct batch *batch = window_next_pending(dispatch->window);
	uint32_t n_shares = 1;
	for (unsigned i = 0; i < dispatch->crew->n_top; i++)
		if (may_take(&dispatch->crew->workers[i], 1))
			n_shares++;
	while (batch) {
		uint32_t n_items = (batch->slice.n_items + n_shares - 1) / n_shares;
		if (window_cut(dispatch->window, batch, n_items, err) != 0)
			return -1;
		/* what was cut off is the next in the list: it has one share less to give */
		batch = n_shares > 1 ? batch->next_pending : NULL;
		n_shares--;
	}
	return 0;
}

/*
 * Somebody who has the oldest short batch may show nothing, because it waits for a CPU, while another goes on: all
 * that this one finishes has to be held. What the first hasn't begun is taken back when the other has room for it, and
 * before that is filled with something newer.
 */
static int reclaim(const struct ahead *ahead, int64_t now_ns)
{
	return ahead->holder && ahead->has_room_at_work && may_lose(ahead->holder) &&
	       now_ns - ahead->holder->progress_ns > STEAL_IDLE_NS && worker_take_back(ahead->holder);
}

/*
 * And what it has begun is waited for when much is held; but not for long: it may be an item that takes its time, and
 * then the window is there to be filled.
 */
static bool must_wait_for_holder(const struct ahead *ahead, int64_t now_ns)
{
	return ahead->holder && ahead->n_held_batches > DISPATCH_AHEAD_MAX &&
	       now_ns - ahead->holder->progress_ns < PATIENCE_NS;
}

/* In order, and with short batches; else there is no holder. */
static struct ahead look_ahead(const struct dispatch *dispatch)
{
	const struct window *window = dispatch->window;
	struct ahead ahead = {.n_held_batches = window->n_batches - window->n_pending};
	for (unsigned i = 0; window->is_ordered && is_short(dispatch) && i < dispatch->crew->n_top; i++) {
		struct worker *worker = &dispatch->crew->workers[i];
		ahead.n_held_batches -= worker->flight.n_batches;
		if (flight_has_oldest(&worker->flight))
			ahead.holder = worker;
		else if (!flight_is_empty(&worker->flight) && may_take(worker, depth(dispatch)))
			ahead.has_room_at_work = true;
	}
	return ahead;
}

static int steal(struct dispatch *dispatch, struct err *err)
{
	struct worker *taker = find_taker(dispatch, 0);
	if (!taker || taker->flight.n_batches > 0 || dispatch->window->n_pending > 0)
		return 0;
	struct worker *victim = find_victim(dispatch);
	if (!victim || !worker_take_back(victim))
		return 0;
	return share(dispatch, err) == 0 ? 1 : -1;
}

/* --- the turn ----------------------------------------------------------------------------------------------------- */

/*
 * A worker that has something in hand gets more only when nobody is to come who has nothing: workers that are starting,
 * and workers that could be started, are to have the oldest items.
 */
static bool is_for_others(const struct dispatch *dispatch, const struct worker *taker)
{
	const struct crew *crew = dispatch->crew;
	unsigned n_coming = crew->n_live - crew->n_ready;
	if (crew_may_start(crew))
		n_coming += crew->n_workers - crew->n_live;
	return taker->flight.n_batches > 0 && n_coming > 0;
}

/*
 * Nobody knows at which item a suspect's worker was lost: it is run alone in the whole crew, so that what happens next
 * says who it was. true: the next batch has to wait for that.
 */
static bool must_wait(const struct dispatch *dispatch, const struct batch *batch)
{
	bool is_busy = false;
	for (unsigned i = 0; i < dispatch->crew->n_top; i++) {
		const struct worker *worker = &dispatch->crew->workers[i];
		is_busy = is_busy || !flight_is_empty(&worker->flight);
		if (flight_suspicions(&worker->flight) > 0)
			return true;
	}
	return batch->n_suspected > 0 && is_busy;
}

/* How many items of a batch may go to this worker: a suspect one by one, and no more than until it is recycled. */
static uint32_t allowance(const struct dispatch *dispatch, const struct worker *worker, const struct batch *batch)
{
	int64_t left = dispatch->plan->recycle_items - (int64_t)worker->n_sent_items;
	if (batch->n_suspected > 0 || gate_is_on(&dispatch->gate))
		return 1;
	if (dispatch->plan->recycle_items == 0 || left >= (int64_t)batch->slice.n_items)
		return batch->slice.n_items;
	return left > 1 ? (uint32_t)left : 1;
}

/* Must the next item wait for its time, whoever could take it? */
static bool is_shut(struct dispatch *dispatch, int64_t now_ns)
{
	dispatch->is_gate_shut = gate_is_on(&dispatch->gate) && !gate_is_open(&dispatch->gate, now_ns);
	return dispatch->is_gate_shut;
}

int64_t dispatch_due_ns(const struct dispatch *dispatch)
{
	return dispatch->is_gate_shut && !dispatch->is_closed ? gate_due_ns(&dispatch->gate) : -1;
}

/* Gives pending batches to those who may take one. is_busy: see is_short. -1, or how many were sent. */
static int send_all(struct dispatch *dispatch, bool is_busy, struct err *err)
{
	int n_sent = 0;
	struct batch *batch;
	dispatch->is_gate_shut = false;
	while ((batch = window_next_pending(dispatch->window)) && !must_wait(dispatch, batch)) {
		size_t n_bytes = batch->slice.n_bytes;
		bool is_one_by_one = is_short(dispatch);
		struct worker *taker =
			is_one_by_one ? find_short_taker(dispatch, n_bytes, is_busy) : find_taker(dispatch, n_bytes);
		if (!taker || (!is_one_by_one && is_for_others(dispatch, taker)) || is_shut(dispatch, clock_now_ns()))
			break;
		if (window_cut(dispatch->window, batch, allowance(dispatch, taker, batch), err) != 0)
			return -1;
		worker_send(taker, batch);
		gate_pass(&dispatch->gate, clock_now_ns());
		if (dispatch->plan->recycle_items > 0 && (int64_t)taker->n_sent_items >= dispatch->plan->recycle_items)
			worker_retire(taker);
		n_sent++;
	}
	return n_sent;
}

/* Workers that aren't there yet and that there is work for. */
static int start_workers(struct dispatch *dispatch)
{
	struct crew *crew = dispatch->crew;
	int n_started = 0;
	while (dispatch->window->n_pending > crew->n_live - crew->n_ready && crew_want(crew))
		n_started++;
	return n_started;
}

/*
 * How many batches somebody would take at once, workers that aren't started counted for one each; short ones: 0 or 1.
 * *ret_holds_back: it would be more if we weren't busy.
 */
static size_t wanted_batches(const struct dispatch *dispatch, bool is_busy, bool *ret_holds_back)
{
	const struct crew *crew = dispatch->crew;
	size_t n_others = crew->n_workers > crew->n_ready ? crew->n_workers - crew->n_ready : 0, n_by_those_at_work = 0;
	uint32_t most = depth(dispatch);
	bool is_any_at_work = false;
	for (unsigned i = 0; i < crew->n_top; i++) {
		const struct worker *worker = &crew->workers[i];
		bool is_at_work = worker->flight.n_batches > 0;
		size_t n = may_take(worker, most) ? most - worker->flight.n_batches : 0;
		*(is_at_work ? &n_by_those_at_work : &n_others) += n;
		is_any_at_work = is_any_at_work || is_at_work;
	}
	*ret_holds_back = false;
	if (!is_short(dispatch))
		return n_others + n_by_those_at_work;
	*ret_holds_back = n_by_those_at_work == 0 && n_others > 0 && is_any_at_work && is_busy;
	return n_by_those_at_work > 0 || (n_others > 0 && !*ret_holds_back);
}

int dispatch_step(struct dispatch *dispatch, bool is_busy, struct err *err)
{
	int64_t now_ns = clock_now_ns();
	bool holds_back = false;
	measure(dispatch);
	crew_use_sums(dispatch->crew, is_summing(dispatch));
	window_wake(dispatch->window, now_ns);
	struct ahead ahead = look_ahead(dispatch);
	int n_done = reclaim(&ahead, now_ns), result = 1;
	size_t n_wanted = must_wait_for_holder(&ahead, now_ns) ? 0 : wanted_batches(dispatch, is_busy, &holds_back);
	while (wants_more(dispatch, n_wanted) && result > 0) {
		uint64_t n_taken = feed_taken_items(dispatch->feed);
		result = read_batch(dispatch, err);
		n_done += result > 0;
		if (feed_taken_items(dispatch->feed) == n_taken && result > 0)
			break; /* busy with a long item */
	}
	/* nothing is begun before it's certain that the input is what it was */
	if (result >= 0 && resume_is_on(dispatch->resume))
		return n_done > 0;
	if (result >= 0)
		result = send_all(dispatch, is_busy, err);
	if (result >= 0) {
		n_done += result + start_workers(dispatch);
		result = steal(dispatch, err);
		n_done += result > 0;
	}
	return result < 0 ? -1 : n_done > 0 || holds_back;
}
