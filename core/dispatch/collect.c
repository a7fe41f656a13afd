/* SPDX-License-Identifier: Apache-2.0 */
/* collect - see collect.h. Nothing here trusts a number of the worker's: each is held against what it owes. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/dispatch/collect.h"

#include <stdio.h>
#include <string.h>

/* What is still to be taken of one look. */
struct look {
	uint64_t n_bytes;
	uint32_t n_items;
};

static int fail(struct collector *collector)
{
	collector->has_failed = true;
	return CHANNEL_BROKEN;
}

/* n_items of the worker's first batch have their outcome, n_bytes are their results. */
static int give(struct collector *collector, struct worker *worker, const void *bytes, uint64_t n_bytes,
                uint32_t n_items)
{
	if (flight_answer(&worker->flight, bytes, n_bytes, n_items, &collector->err) != 0)
		return fail(collector);
	worker_note_answered(worker, n_items);
	crew_note_given(collector->crew, n_items, n_bytes);
	return 0;
}

/*
 * How many of n_bytes belong to the worker's first batch, of which n_items more are answered: all, unless it ends
 * here.
 */
static int bytes_of_first(const struct worker *worker, const struct look *look, uint32_t n_items, uint64_t *ret)
{
	const struct batch *batch = worker->flight.first;
	uint64_t n_bytes = look->n_bytes;
	bool ends = n_items == flight_left_of_first(&worker->flight);
	/* a batch that was cut short has no cut: nothing was sent behind it */
	if (ends && !(worker->flight.is_cut_short && worker->flight.n_batches == 1))
		n_bytes = channel_bytes_to_cut(worker->channel, batch->number);
	if (n_bytes > look->n_bytes)
		return CHANNEL_BROKEN;
	*ret = n_bytes;
	return 0;
}

/* What the worker has told of an item's time, if it has. */
static struct item_time time_of(const struct worker *worker, uint64_t seq)
{
	return seq == worker->time_seq ? worker->time : (struct item_time){.runtime_ns = -1};
}

/* Each of n_items items of the worker's first batch is ok. */
static void report_each(const struct collector *collector, const struct worker *worker, uint32_t n_items)
{
	const struct batch *batch = worker->flight.first;
	for (uint32_t i = batch->n_answered; i < batch->n_answered + n_items; i++) {
		size_t n_bytes;
		const char *item = slice_item(&batch->slice, i, collector->window->delimiter, &n_bytes);
		uint64_t seq = batch->slice.seq + i;
		struct item_time time = time_of(worker, seq);
		report_ok(collector->report, seq, item, n_bytes, &time);
	}
}

/* A result that has no end would go on in somebody else's. A part is a copy of ours. */
static bool has_end(const struct collector *collector, const struct batch *batch, const unsigned char *data,
                    uint64_t n_bytes)
{
	const struct setup *setup = collector->setup;
	if (setup->frame == FRAME_NONE || setup->frame == FRAME_RAW || (n_bytes == 0 && batch->part.len == 0))
		return true;
	char last = n_bytes > 0 ? (char)data[n_bytes - 1] : batch->part.bytes[batch->part.len - 1];
	return last == setup->frame_byte;
}

/*
 * The bytes of the worker's first batch, which has sums, as a copy of ours; n_items more are answered with them. NULL:
 * memory is short (noted), or they aren't what the worker published (it is given up).
 */
static const unsigned char *copy_checked(struct collector *collector, struct worker *worker, const unsigned char *data,
                                         uint64_t n_bytes, uint32_t n_items)
{
	const struct batch *batch = worker->flight.first;
	worker_sum_batch(worker, batch);
	buf_clear(&collector->copy);
	if (buf_reserve(&collector->copy, n_bytes + 1) != 0 || buf_append(&collector->copy, data, n_bytes) != 0) {
		err_set(&collector->err, ERR_RESOURCE, "out of memory");
		fail(collector);
		return NULL;
	}
	const unsigned char *copy = (const unsigned char *)collector->copy.bytes;
	if (n_bytes > 0)
		digest_add(worker->sum, copy, n_bytes);
	if (n_items == 0 || digest_value(worker->sum).low == channel_sum(worker->channel, n_items))
		return copy;
	worker_give_up(worker, "has results that changed after they were made");
	return NULL;
}

/* Brings in n_items items and n_bytes bytes, which are theirs (or, without items, a part of the next one's result). */
static int advance(struct collector *collector, struct worker *worker, struct look *look, uint32_t n_items,
                   uint64_t n_bytes)
{
	struct look here = {.n_bytes = n_bytes, .n_items = n_items};
	while (here.n_items > 0 || here.n_bytes > 0) {
		struct batch *batch = worker->flight.first;
		if (!batch)
			return CHANNEL_BROKEN;
		uint32_t left = flight_left_of_first(&worker->flight);
		uint32_t items = here.n_items < left ? here.n_items : left;
		uint64_t bytes;
		if (bytes_of_first(worker, &here, items, &bytes) != 0)
			return CHANNEL_BROKEN;
		const unsigned char *data = channel_data(worker->channel);
		if (batch->is_summed && !(data = copy_checked(collector, worker, data, bytes, items)))
			return CHANNEL_BROKEN;
		if (items == 0) {
			/* it may be one frame byte longer */
			if (!worker->flight.is_in_part || batch->part.len + bytes > (uint64_t)collector->plan->max_result_bytes + 1)
				return CHANNEL_BROKEN;
			if (window_part(collector->window, batch, data, bytes, &collector->err) != 0)
				return fail(collector);
		} else if (!has_end(collector, batch, data, bytes)) {
			return CHANNEL_BROKEN;
		} else {
			collector->tally->n_outcomes[OUTCOME_OK] += items;
			if (collector->report->joblog)
				report_each(collector, worker, items);
			if (give(collector, worker, data, bytes, items) != 0)
				return CHANNEL_BROKEN;
		}
		channel_take(worker->channel, bytes, items);
		here.n_bytes -= bytes;
		here.n_items -= items;
	}
	look->n_bytes -= n_bytes;
	look->n_items -= n_items;
	return 0;
}

static struct failure failure_of(const struct flight *flight, const struct cause *cause)
{
	struct failure failure = {.seq = flight_seq(flight, 0), .attempts = flight->first->attempt, .cause = *cause};
	failure.item = flight_item(flight, &failure.item_bytes);
	return failure;
}

/* When the next attempt may begin; 0: at once. */
static int64_t next_attempt_ns(const struct collector *collector, uint32_t attempts)
{
	const uint32_t doublings_max = 20;
	uint32_t doublings = attempts - 1 < doublings_max ? attempts - 1 : doublings_max;
	int64_t backoff_ns = collector->plan->backoff_ns;
	return backoff_ns == 0 ? 0 : clock_now_ns() + (backoff_ns << doublings);
}

/* The worker goes on, or is dead; the item is attempted once more, by whoever is free. */
static int retry(struct collector *collector, struct worker *worker)
{
	struct flight *flight = &worker->flight;
	if (flight_retry(flight, next_attempt_ns(collector, flight->first->attempt), &collector->err) != 0)
		return fail(collector);
	crew_note_progress(collector->crew);
	return 0;
}

/* keeps_result: what came as a part of the item is whole, and is its result if it is attempted no more. */
static int charge(struct collector *collector, struct worker *worker, const struct cause *cause, bool keeps_result)
{
	struct batch *batch = worker->flight.first;
	struct failure failure = failure_of(&worker->flight, cause);
	failure.time = time_of(worker, failure.seq);
	uint32_t attempts_max = (uint32_t)collector->plan->n_retries + 1;
	if (batch->attempt < attempts_max && retry_on_wants(&collector->plan->retry_on, cause)) {
		report_retry(collector->report, &failure, attempts_max);
		return retry(collector, worker);
	}
	/* another attempt is no longer to be had: how the command ended is why */
	if (cause->kind == CAUSE_AGAIN && cause->wait_status != 0)
		failure.cause.kind = CAUSE_FAILED;
	collector->tally->n_outcomes[outcome_of(cause->kind)]++;
	report_failure(collector->report, &failure);
	failure.output_bytes = keeps_result ? batch->part.len : 0;
	struct window_note *note;
	if (checkpoint_note(collector->checkpoint, &failure, &note, &collector->err) != 0)
		return fail(collector);
	if (note)
		window_note(batch, note);
	if (!keeps_result)
		window_drop_part(collector->window, batch);
	return give(collector, worker, NULL, 0, 1);
}

int collect_charge(struct collector *collector, struct worker *worker, const struct cause *cause)
{
	return charge(collector, worker, cause, false);
}

/* Is what came of a failed item, and is to be kept, all and as the worker published it? */
static bool is_whole(const struct collector *collector, struct worker *worker)
{
	const struct batch *batch = worker->flight.first;
	if (!has_end(collector, batch, NULL, 0))
		return false;
	if (!batch->is_summed || worker->sum_number != (uint64_t)batch->number + 1 ||
	    digest_value(worker->sum).low == channel_sum(worker->channel, 1))
		return true;
	worker_give_up(worker, "has results that changed after they were made");
	return false;
}

/* Why, as the plugin says it. One that gives up because it was told to has timed out. */
static struct cause cause_of(const struct job *plan, const struct worker *worker, const struct channel_event *event)
{
	static const enum cause_kind kinds[] = {
		[FAILURE_FAILED] = CAUSE_FAILED, [FAILURE_AGAIN] = CAUSE_AGAIN, [FAILURE_MAX_RESULT] = CAUSE_MAX_RESULT};
	bool is_late = worker->ending == ENDING_TIMED_OUT && event->item == worker->ending_item;
	return (struct cause){.kind = is_late ? CAUSE_TIMED_OUT : kinds[event->detail],
	                      .worker = worker->number,
	                      .wait_status = event->wait_status,
	                      .limit_ns = is_late ? plan->timeout_ns : 0,
	                      .text = event->text};
}

/* The item is the one behind those answered; what it had published ends at the event's position. */
static int take_failure(struct collector *collector, struct worker *worker, struct look *look,
                        const struct channel_event *event, uint64_t bytes_before)
{
	if (event->detail > FAILURE_MAX_RESULT || look->n_items == 0 || flight_is_empty(&worker->flight))
		return CHANNEL_BROKEN;
	/* it gives up its item because all are given up: no failure, so nothing more is heard of it */
	if (collector->crew->is_ended) {
		worker_mute(worker);
		return CHANNEL_BROKEN;
	}
	if (advance(collector, worker, look, 0, bytes_before) != 0)
		return CHANNEL_BROKEN;
	struct cause cause = cause_of(collector->plan, worker, event);
	if (event->keeps_result && !is_whole(collector, worker))
		return CHANNEL_BROKEN;
	if (charge(collector, worker, &cause, event->keeps_result) != 0)
		return CHANNEL_BROKEN;
	channel_take(worker->channel, 0, 1);
	look->n_items--;
	return 0;
}

static void relay_log(struct worker *worker, unsigned long long seq, const struct channel_event *event)
{
	char what[32];
	if (event->position == EVENT_LOG_PLAIN) {
		log_relay("", event->text, event->n_bytes);
		return;
	}
	snprintf(what, sizeof what, "item %llu", seq);
	words_say(&worker->words, what, event->text, event->n_bytes);
}

/*
 * Of the item in hand: all before it have their outcome. One that the worker doesn't owe is nobody's. It began while
 * the worker was there, and hasn't taken longer than until now.
 */
static void take_time(struct worker *worker, const struct channel_event *event)
{
	struct time_shm time = {.runtime_ns = -1};
	int64_t now_ns = clock_now_ns();
	if (event->n_bytes > sizeof time)
		return;
	memcpy(&time, event->text, event->n_bytes);
	if (time.start_ns < worker->ready_since_ns || time.start_ns > now_ns)
		time.start_ns = now_ns;
	if (time.runtime_ns < -1 || time.runtime_ns > now_ns - time.start_ns)
		time.runtime_ns = -1;
	worker_note_time(worker, (struct item_time){.start_ns = time.start_ns,
	                                            .runtime_ns = time.runtime_ns,
	                                            .result_bytes = time.result_bytes});
}

/*
 * One event. 1: taken; 0: it is about an item that this look doesn't reach, so it waits for the next look; or
 * CHANNEL_BROKEN.
 */
static int take_event(struct collector *collector, struct worker *worker, struct look *look,
                      const struct channel_event *event)
{
	struct channel *channel = worker->channel;
	if (event->kind == EVENT_REFUSED) {
		/* who has opened, or has had an item in hand, can't say so any more */
		enum worker_state state = channel_state(channel);
		if (worker->n_sent_items > 0 || (state != WORKER_STARTING && state != WORKER_REFUSED))
			return CHANNEL_BROKEN;
		worker_note_refusal(worker, event->text);
		return 1;
	}
	/* items before the event's own; positions are told by failures and parts */
	uint32_t before = (event->item - channel->answered) & RING_MARK_MASK;
	bool is_failure = event->kind == EVENT_FAILED, is_part = event->kind == EVENT_PART;
	bool is_begun = event->kind == EVENT_BEGUN, is_ended = event->kind == EVENT_ENDED;
	/* what is said between items carries the count of the one that was answered last */
	bool is_between = before == RING_MARK_MASK && !is_failure && !is_part && !is_begun;
	if (before >= worker->flight.n_items && !is_between)
		return CHANNEL_BROKEN;
	if (is_between)
		before = 0;
	if (before > look->n_items || (is_failure && before == look->n_items))
		return 0;
	if (is_failure || is_part || is_begun) {
		uint64_t bytes = (event->position - channel_position(channel)) & RING_POSITION_MASK;
		if (bytes > look->n_bytes)
			return CHANNEL_BROKEN;
		if (is_failure && worker->flight.is_in_part && before == 0)
			return take_failure(collector, worker, look, event, bytes) == 0 ? 1 : CHANNEL_BROKEN;
		if (advance(collector, worker, look, before, bytes) != 0)
			return CHANNEL_BROKEN;
		if (is_failure)
			return take_failure(collector, worker, look, event, 0) == 0 ? 1 : CHANNEL_BROKEN;
		if (is_part)
			flight_note_part(&worker->flight);
		if (is_begun && !flight_is_empty(&worker->flight))
			take_time(worker, event);
		return !flight_is_empty(&worker->flight) ? 1 : CHANNEL_BROKEN;
	}
	if (is_ended) {
		if (before == 0 && !flight_is_empty(&worker->flight))
			take_time(worker, event);
		return 1;
	}
	if (event->kind == EVENT_COUNT)
		tally_count(collector->tally, event->text, (int64_t)event->position);
	else
		relay_log(worker, flight_seq(&worker->flight, before), event);
	return 1;
}

static int take_events(struct collector *collector, struct worker *worker, struct look *look)
{
	struct channel_event event;
	int n_taken = 0, result = 0;
	/* those that were there when the look was done: what the worker goes on to say has its turn later */
	for (uint32_t n_left = channel_events(worker->channel);
	     n_left > 0 && (result = channel_event(worker->channel, &event)) > 0; n_left--) {
		result = take_event(collector, worker, look, &event);
		if (result < 0)
			return CHANNEL_BROKEN;
		if (result == 0)
			break;
		channel_event_done(worker->channel, &event);
		n_taken++;
	}
	return result < 0 ? CHANNEL_BROKEN : n_taken;
}

int collect(struct collector *collector, struct worker *worker)
{
	struct look look;
	struct channel *channel = worker->channel;
	if (channel_look(channel, &look.n_bytes, &look.n_items) != 0)
		return CHANNEL_BROKEN;
	bool has_news = look.n_bytes > 0 || look.n_items > 0, has_answers = look.n_items > 0;
	int n_events = take_events(collector, worker, &look);
	if (n_events < 0 || advance(collector, worker, &look, look.n_items, look.n_bytes) != 0)
		return CHANNEL_BROKEN;
	if (!has_news && n_events == 0)
		return 0;
	/* room in either ring may be what the worker waits for: for an item's result, or to say something at any time */
	channel_release(channel);
	worker_note_room(worker, !flight_is_empty(&worker->flight) || n_events > 0);
	/* words alone are none */
	if (has_answers)
		worker_note_progress(worker);
	return 1;
}

void collect_init(struct collector *collector, const struct parts *parts)
{
	*collector = (struct collector){.plan = parts->plan,
	                                .window = parts->window,
	                                .tally = parts->tally,
	                                .report = parts->report,
	                                .crew = parts->crew,
	                                .checkpoint = parts->checkpoint,
	                                .setup = crew_setup(parts->crew)};
}

void collect_fini(struct collector *collector)
{
	buf_fini(&collector->copy);
}
