/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel - see channel.h. Invariants of the private copies: answered <= begun <= granted as differences, at most
 * CHANNEL_BATCHES_MAX batches unanswered (the caller keeps it), put and taken positions never read from shared memory.
 */
#include "config.h"

#include "shm/channel.h"
#include "shm/fence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void init_rings(struct channel *channel, unsigned char *const *rings, const size_t ring_bytes[3])
{
	struct down_shm *down = channel->down;
	struct up_shm *up = channel->up;
	ring_producer_init(&channel->task, rings[0], ring_bytes[0], &down->task_head, &up->task_tail);
	ring_consumer_init(&channel->result, rings[1], ring_bytes[1], &up->result_head, &down->result_tail);
	ring_consumer_init(&channel->event, rings[2], ring_bytes[2], &up->event_head, &down->event_tail);
}

/* A page is a power of two as well. */
static size_t whole_pages(size_t ring_bytes, size_t page_bytes)
{
	return ring_bytes < page_bytes ? page_bytes : ring_bytes;
}

static void store_take_back(struct channel *channel, uint32_t epoch)
{
	atomic_store_explicit(&channel->down->take_back, claim_word(channel->cut, epoch), memory_order_release);
}

int channel_create(struct channel **ret, unsigned worker_number, const struct channel_sizes *sizes,
                   const char **ret_why_memfd, struct err *err)
{
	struct channel *channel = calloc(1, sizeof *channel);
	if (!channel)
		return err_set(err, ERR_RESOURCE, "out of memory");
	channel->fd = channel->bell_fd = -1;
	const size_t page_bytes = segment_page_bytes(), control_bytes = channel_control_bytes(page_bytes);
	const size_t ring_bytes[3] = {whole_pages(sizes->task_bytes, page_bytes),
	                              whole_pages(sizes->result_bytes, page_bytes),
	                              whole_pages(sizes->event_bytes, page_bytes)};
	unsigned char *rings[3];
	size_t n_bytes = control_bytes + ring_bytes[0] + ring_bytes[1] + ring_bytes[2];
	/* what the worker reads is near to the worker, what the supervisor reads near to the supervisor */
	struct segment_near near = {.n_bytes = control_bytes + ring_bytes[0], .nodes = sizes->task_nodes};
	if (segment_create(n_bytes, &near, &channel->fd, ret_why_memfd, err) != 0 ||
	    segment_map(channel->fd, control_bytes, ring_bytes, 3, &channel->map, rings, err) != 0)
		goto fail;
	unsigned char *base = channel->map.base;
	channel->down = (struct down_shm *)(void *)(base + channel_down_at(page_bytes));
	channel->up = (struct up_shm *)(void *)(base + channel_up_at(page_bytes));
	channel->sums = (struct sums_shm *)(void *)(base + channel_sums_at(page_bytes));
	if (wake_init(&channel->wake, base + channel_sem_at(page_bytes), err) != 0)
		goto fail;
	channel->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (channel->bell_fd < 0) {
		err_set_errno(err, ERR_RESOURCE, errno, "cannot create an eventfd");
		goto fail;
	}
	init_rings(channel, rings, ring_bytes);
	channel->epoch = CLAIM_EPOCH_FIRST;
	store_take_back(channel, channel->epoch);
	channel->has_heavy_fence = fence_has_heavy();
	*(struct fixed_shm *)(void *)base = (struct fixed_shm){.magic = CHANNEL_MAGIC,
	                                                       .version = CHANNEL_VERSION,
	                                                       .worker_number = worker_number,
	                                                       .task_bytes = ring_bytes[0],
	                                                       .result_bytes = ring_bytes[1],
	                                                       .event_bytes = ring_bytes[2],
	                                                       .has_heavy_fence = channel->has_heavy_fence,
	                                                       .page_bytes = (uint32_t)page_bytes};
	*ret = channel;
	return 0;
fail:
	channel_destroy(&channel);
	return -1;
}

void channel_close_fd(struct channel *channel)
{
	if (channel->fd >= 0)
		close(channel->fd);
	channel->fd = -1;
}

void channel_destroy(struct channel **channel)
{
	if (!*channel)
		return;
	int errnum = errno;
	wake_fini(&(*channel)->wake);
	channel_close_fd(*channel);
	if ((*channel)->bell_fd >= 0)
		close((*channel)->bell_fd);
	segment_unmap(&(*channel)->map);
	free(*channel);
	*channel = NULL;
	errno = errnum;
}

/*
 * How many items have begun: the claim word, checked against all that we know of it. What was seen to have begun has:
 * a claim that is taken back would hide the item whose time runs.
 */
static int read_begun(struct channel *channel, uint32_t *ret)
{
	uint64_t claim = atomic_load_explicit(&channel->up->claim, memory_order_acquire);
	uint32_t count = claim_count(claim);
	if (claim_epoch(claim) != channel->epoch) {
		/* since then it has begun nothing; one more than the cut is what it is about to find taken back */
		if (claim_epoch(claim) % 2 != 0 || ((count - channel->cut) & RING_MARK_MASK) > 1)
			return CHANNEL_BROKEN;
		count = channel->cut;
	}
	if (((count - channel->begun) & RING_MARK_MASK) > ((channel->granted - channel->begun) & RING_MARK_MASK))
		return CHANNEL_BROKEN;
	channel->begun = count;
	*ret = count;
	return 0;
}

int channel_send(struct channel *channel, const struct channel_batch *batch)
{
	struct batch_shm header = {.seq = batch->seq,
	                           .n_bytes = batch->n_bytes,
	                           .n_items = batch->n_items,
	                           .attempt = batch->attempt,
	                           .start = channel->granted,
	                           .epoch = channel->epoch,
	                           .number = channel->n_batches,
	                           .is_summed = batch->is_summed};
	if (ring_room(&channel->task, sizeof header) < (int64_t)sizeof header)
		return CHANNEL_BROKEN;
	channel->granted = (channel->granted + batch->n_items) & RING_MARK_MASK;
	memcpy(ring_at(&channel->task), &header, sizeof header);
	ring_put(&channel->task, sizeof header);
	int64_t room = ring_room(&channel->task, batch->n_bytes);
	if (room < 0)
		return CHANNEL_BROKEN;
	size_t n = (uint64_t)room < batch->n_bytes ? (size_t)room : batch->n_bytes;
	memcpy(ring_at(&channel->task), batch->bytes, n);
	ring_put(&channel->task, n);
	ring_publish(&channel->task, 1);
	channel->unsent = batch->bytes + n;
	channel->unsent_bytes = batch->n_bytes - n;
	channel->n_batches++;
	return 0;
}

int channel_send_more(struct channel *channel)
{
	if (channel->unsent_bytes == 0)
		return 0;
	int64_t n = ring_write(&channel->task, channel->unsent, channel->unsent_bytes);
	if (n < 0)
		return CHANNEL_BROKEN;
	channel->unsent += n;
	channel->unsent_bytes -= (size_t)n;
	return 0;
}

bool channel_is_sending(const struct channel *channel)
{
	return channel->unsent_bytes > 0;
}

bool channel_may_send_more(struct channel *channel)
{
	return channel->unsent_bytes > 0 && ring_room(&channel->task, 1) != 0;
}

int channel_has_room(struct channel *channel, size_t n_bytes)
{
	size_t wanted = sizeof(struct batch_shm) + n_bytes;
	if (wanted > channel->task.size_bytes)
		wanted = channel->task.size_bytes;
	int64_t room = ring_room(&channel->task, wanted);
	return room == RING_BROKEN ? CHANNEL_BROKEN : room >= (int64_t)wanted;
}

bool channel_is_drained(struct channel *channel)
{
	return ring_room(&channel->task, channel->task.size_bytes) == (int64_t)channel->task.size_bytes;
}

int channel_wake(struct channel *channel)
{
	/* pairs with the worker's fence between saying that it sleeps and looking once more */
	atomic_thread_fence(memory_order_seq_cst);
	uint32_t sleeps = atomic_load_explicit(&channel->up->is_sleeping, memory_order_relaxed);
	if (sleeps != 1 || !atomic_compare_exchange_strong_explicit(&channel->up->is_sleeping, &sleeps, 0,
	                                                            memory_order_acq_rel, memory_order_relaxed))
		return 0;
	return wake_post(&channel->wake) == 0 ? 0 : CHANNEL_BROKEN;
}

int channel_look(struct channel *channel, uint64_t *ret_bytes, uint32_t *ret_items)
{
	uint64_t n_bytes;
	uint32_t n_items, begun;
	if (ring_look(&channel->result, &n_bytes, &n_items) != 0 ||
	    n_items > ((channel->granted - channel->answered) & RING_MARK_MASK) || read_begun(channel, &begun) != 0)
		return CHANNEL_BROKEN;
	/* the claim was read later: at least what is answered has begun */
	if (((begun - channel->answered) & RING_MARK_MASK) < n_items)
		return CHANNEL_BROKEN;
	*ret_bytes = n_bytes;
	*ret_items = n_items;
	return 0;
}

uint32_t channel_events(const struct channel *channel)
{
	uint64_t n_bytes;
	uint32_t n_events, n_most = (uint32_t)(channel->event.size_bytes / sizeof(struct event_shm));
	if (ring_look(&channel->event, &n_bytes, &n_events) != 0)
		return 1; /* what is wrong is found by looking at it */
	if (n_events == 0 && n_bytes > 0)
		return 1;
	return n_events < n_most ? n_events : n_most;
}

int channel_event(struct channel *channel, struct channel_event *ret)
{
	uint64_t n_bytes;
	uint32_t n_events;
	struct event_shm header;
	if (ring_look(&channel->event, &n_bytes, &n_events) != 0)
		return CHANNEL_BROKEN;
	if (n_events == 0)
		return n_bytes == 0 ? 0 : CHANNEL_BROKEN;
	if (n_bytes < sizeof header)
		return CHANNEL_BROKEN;
	memcpy(&header, ring_data(&channel->event), sizeof header);
	if (header.kind < EVENT_FAILED || header.kind > EVENT_ENDED || header.n_bytes > EVENT_TEXT_MAX ||
	    header.n_bytes > n_bytes - sizeof header)
		return CHANNEL_BROKEN;
	ret->kind = (enum event_kind)header.kind;
	ret->item = header.item & RING_MARK_MASK;
	ret->position = header.kind == EVENT_COUNT ? header.position : header.position & RING_POSITION_MASK;
	ret->detail = header.detail;
	ret->wait_status = header.wait_status;
	ret->keeps_result = header.kind == EVENT_FAILED && header.keeps_result != 0;
	ret->n_bytes = header.n_bytes;
	memcpy(ret->text, ring_data(&channel->event) + sizeof header, header.n_bytes);
	ret->text[header.n_bytes] = '\0';
	return 1;
}

void channel_event_done(struct channel *channel, const struct channel_event *event)
{
	ring_take(&channel->event, sizeof(struct event_shm) + event->n_bytes, 1);
	ring_release(&channel->event);
}

const unsigned char *channel_data(const struct channel *channel)
{
	return ring_data(&channel->result);
}

/* Its item is answered: one that has the same count, 2^24 items later, must not find the word. */
static void end_cancelling(struct channel *channel)
{
	if (((channel->answered - channel->cancelled) & RING_MARK_MASK) > RING_MARK_MASK / 2)
		return;
	channel->is_cancelling = false;
	atomic_store_explicit(&channel->down->cancel, 0, memory_order_relaxed);
}

void channel_take(struct channel *channel, uint64_t n_bytes, uint32_t n_items)
{
	ring_take(&channel->result, n_bytes, n_items);
	channel->answered = (channel->answered + n_items) & RING_MARK_MASK;
	if (__builtin_expect(channel->is_cancelling, 0))
		end_cancelling(channel);
}

uint64_t channel_position(const struct channel *channel)
{
	return channel->result.taken_bytes & RING_POSITION_MASK;
}

void channel_release(struct channel *channel)
{
	ring_release(&channel->result);
}

uint64_t channel_bytes_to_cut(const struct channel *channel, uint32_t batch_number)
{
	uint64_t cut = atomic_load_explicit(&channel->up->cuts[batch_number % CHANNEL_BATCHES_MAX], memory_order_relaxed);
	return (cut - channel->result.taken_bytes) & RING_POSITION_MASK;
}

uint64_t channel_sum(const struct channel *channel, uint32_t n)
{
	return atomic_load_explicit(&channel->sums->sums[(channel->answered + n - 1) % CHANNEL_SUMS], memory_order_relaxed);
}

int channel_current_item(struct channel *channel, uint32_t *ret_item)
{
	uint64_t n_bytes;
	uint32_t n_items, begun;
	/* claim first: what is answered after it was read can only make the difference smaller */
	if (read_begun(channel, &begun) != 0 || ring_look(&channel->result, &n_bytes, &n_items) != 0)
		return CHANNEL_BROKEN;
	uint32_t n_begun = (begun - channel->answered) & RING_MARK_MASK;
	if (n_begun <= n_items)
		return 0;
	*ret_item = (begun - 1) & RING_MARK_MASK;
	return n_begun - n_items == 1 ? 1 : CHANNEL_BROKEN;
}

int channel_begun(struct channel *channel)
{
	uint32_t item;
	return channel_current_item(channel, &item);
}

int channel_take_back(struct channel *channel, uint32_t *ret_items)
{
	uint32_t begun;
	if (channel_is_sending(channel))
		return CHANNEL_BROKEN;
	store_take_back(channel, channel->epoch + 1);
	int result = fence_heavy(channel->has_heavy_fence) == 0 ? read_begun(channel, &begun) : CHANNEL_BROKEN;
	if (result == 0) {
		*ret_items = (channel->granted - begun) & RING_MARK_MASK;
		channel->cut = channel->granted = begun;
	}
	/* in any case: a worker may be waiting for it, and a thread would for ever */
	channel->epoch = (channel->epoch + 2) & CLAIM_EPOCH_MASK;
	if (channel->epoch == 0)
		channel->epoch = CLAIM_EPOCH_FIRST;
	store_take_back(channel, channel->epoch);
	return result;
}

void channel_cancel(struct channel *channel)
{
	uint32_t begun;
	if (read_begun(channel, &begun) != 0 || begun == channel->answered)
		return;
	channel->is_cancelling = true;
	channel->cancelled = begun;
	atomic_store_explicit(&channel->down->cancel, begun + 1, memory_order_relaxed);
}

int channel_stop(struct channel *channel)
{
	atomic_store_explicit(&channel->down->is_stopping, 1, memory_order_release);
	return channel_wake(channel);
}

enum worker_state channel_state(const struct channel *channel)
{
	uint32_t state = atomic_load_explicit(&channel->up->state, memory_order_acquire);
	return state <= WORKER_MUTE ? (enum worker_state)state : WORKER_STARTING;
}

bool channel_is_dying(const struct channel *channel)
{
	return atomic_load_explicit(&channel->up->is_dying, memory_order_relaxed) != 0;
}

uint64_t channel_busy_ns(const struct channel *channel)
{
	return atomic_load_explicit(&channel->up->busy_ns, memory_order_relaxed);
}

void channel_sleep_begin(struct channel *channel)
{
	atomic_store_explicit(&channel->down->wants_bell, 1, memory_order_relaxed);
}

bool channel_has_news(const struct channel *channel)
{
	uint64_t n_bytes;
	uint32_t n_marks;
	if (ring_look(&channel->result, &n_bytes, &n_marks) != 0 || n_bytes > 0 || n_marks > 0)
		return true;
	return ring_look(&channel->event, &n_bytes, &n_marks) != 0 || n_marks > 0;
}

bool channel_has_answers(const struct channel *channel)
{
	uint64_t n_bytes;
	uint32_t n_marks;
	return ring_look(&channel->result, &n_bytes, &n_marks) != 0 || n_marks > 0;
}

bool channel_has_rung(const struct channel *channel, uint32_t n_items)
{
	uint64_t n_bytes;
	uint32_t n_marks;
	if (ring_look(&channel->result, &n_bytes, &n_marks) != 0 || (n_marks > 0 && n_marks >= n_items) ||
	    n_bytes > channel->result.size_bytes / 2)
		return true;
	return ring_look(&channel->event, &n_bytes, &n_marks) != 0 || n_marks > 0;
}

void channel_sleep_end(struct channel *channel)
{
	atomic_store_explicit(&channel->down->wants_bell, 0, memory_order_relaxed);
}
