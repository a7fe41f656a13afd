/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port - see port.h. The order of the stores is the protocol: an item's events, then (last of its batch) the cut, then
 * the result word with its mark; after the batch the bell, if it is wanted and there is not much more to do.
 */
#include "config.h"

#include "core/base/spin.h"
#include "shm/port.h"
#include "shm/wake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool is_ring_size(uint64_t n_bytes, uint32_t page_bytes)
{
	return n_bytes >= page_bytes && n_bytes <= UINT32_MAX && (n_bytes & (n_bytes - 1)) == 0;
}

/* Nothing of it is used before. The rings stand so often in what there is. */
static int check(const struct fixed_shm *fixed, uint64_t n_bytes, unsigned times, struct err *err)
{
	if (fixed->magic != CHANNEL_MAGIC || fixed->version != CHANNEL_VERSION)
		return err_set(err, ERR_RUN, "the channel has version %u, but this worker has %u: reinstall rota",
		               fixed->version, CHANNEL_VERSION);
	const uint32_t page_bytes = fixed->page_bytes;
	const uint64_t n_rings_bytes = times * (fixed->task_bytes + fixed->result_bytes + fixed->event_bytes);
	if (page_bytes != segment_page_bytes())
		return err_set(err, ERR_RUN, "the channel has pages of %u bytes, but this worker's have %zu", page_bytes,
		               segment_page_bytes());
	if (!is_ring_size(fixed->task_bytes, page_bytes) || !is_ring_size(fixed->result_bytes, page_bytes) ||
	    !is_ring_size(fixed->event_bytes, page_bytes) || channel_control_bytes(page_bytes) + n_rings_bytes != n_bytes)
		return err_set(err, ERR_RUN, "the channel doesn't have the size that it says");
	return 0;
}

static void attach(struct port *port, const struct fixed_shm *fixed, unsigned char *base)
{
	port->worker_number = fixed->worker_number;
	port->has_light_fence = fixed->has_heavy_fence && fence_register();
	port->down = (struct down_shm *)(void *)(base + channel_down_at(fixed->page_bytes));
	port->up = (struct up_shm *)(void *)(base + channel_up_at(fixed->page_bytes));
	port->sem_page = base + channel_sem_at(fixed->page_bytes);
	port->sums = (struct sums_shm *)(void *)(base + channel_sums_at(fixed->page_bytes));
	unsigned char *task = base + channel_control_bytes(fixed->page_bytes);
	unsigned char *result = task + 2 * fixed->task_bytes;
	unsigned char *event = result + 2 * fixed->result_bytes;
	ring_consumer_init(&port->task, task, fixed->task_bytes, &port->down->task_head, &port->up->task_tail);
	ring_producer_init(&port->result, result, fixed->result_bytes, &port->up->result_head, &port->down->result_tail);
	ring_producer_init(&port->event, event, fixed->event_bytes, &port->up->event_head, &port->down->event_tail);
}

int port_attach(struct port *port, int take_fd, int take_bell_fd, struct err *err)
{
	memset(port, 0, sizeof *port);
	port->bell_fd = take_bell_fd;
	port->owns_map = true;
	struct fixed_shm fixed;
	struct stat status;
	unsigned char *rings[3];
	int result = -1;
	errno = EIO; /* a short count sets none */
	if (fstat(take_fd, &status) != 0 || pread(take_fd, &fixed, sizeof fixed, 0) != (ssize_t)sizeof fixed) {
		err_set_errno(err, ERR_RUN, errno, "cannot read the channel's first page");
		goto out;
	}
	if (check(&fixed, (uint64_t)status.st_size, 1, err) != 0)
		goto out;
	const size_t ring_bytes[3] = {fixed.task_bytes, fixed.result_bytes, fixed.event_bytes};
	result = segment_map(take_fd, channel_control_bytes(fixed.page_bytes), ring_bytes, 3, &port->map, rings, err);
	if (result == 0)
		attach(port, &fixed, port->map.base);
out:
	close(take_fd);
	if (result != 0)
		port_detach(port);
	return result;
}

int port_attach_map(struct port *port, const struct segment_map *map, int bell_fd, struct err *err)
{
	struct fixed_shm fixed;
	memset(port, 0, sizeof *port);
	port->map = *map;
	port->bell_fd = bell_fd;
	memcpy(&fixed, map->base, sizeof fixed);
	if (check(&fixed, map->mapped_bytes, 2, err) != 0)
		return -1;
	attach(port, &fixed, map->base);
	return 0;
}

void port_detach(struct port *port)
{
	free(port->large);
	port->large = NULL;
	if (port->owns_map) {
		segment_unmap(&port->map);
		if (port->bell_fd >= 0)
			close(port->bell_fd);
	}
	port->bell_fd = -1;
}

/* Rings if the supervisor has said that it sleeps. */
void port_ring(struct port *port)
{
	port->rung_bytes = port->result.put_bytes;
	/* pairs with the supervisor's fence between wanting the bell and looking once more */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&port->down->wants_bell, memory_order_relaxed) == 0)
		return;
	atomic_store_explicit(&port->down->wants_bell, 0, memory_order_relaxed);
	const uint64_t one = 1;
	while (write(port->bell_fd, &one, sizeof one) < 0) {
		if (errno == EAGAIN) /* rung 2^64 times and never heard: it will be */
			break;
		if (errno != EINTR) {
			port->is_mute = true;
			break;
		}
	}
}

/* After the bell and before an item sleeps: a supervisor that wasn't rung may sleep, too. */
static void end_if_mute(struct port *port)
{
	if (!port->is_mute)
		return;
	atomic_store_explicit(&port->up->state, WORKER_MUTE, memory_order_release);
	_exit(125);
}

/* Bytes in the task ring. */
static uint64_t task_bytes(const struct port *port)
{
	uint64_t n_bytes = 0;
	uint32_t n_batches;
	return ring_look(&port->task, &n_bytes, &n_batches) == 0 ? n_bytes : 0;
}

static uint32_t batches_in_hand(const struct port *port)
{
	uint64_t n_bytes;
	uint32_t n_batches = 0;
	return ring_look(&port->task, &n_bytes, &n_batches) == 0 ? n_batches : 0;
}

static bool has_task(const struct port *port)
{
	return task_bytes(port) > 0;
}

static bool is_stopping(const struct port *port)
{
	return atomic_load_explicit(&port->down->is_stopping, memory_order_acquire) != 0;
}

typedef bool come_f(struct port *port, uint64_t wanted);

static bool has_come_soon(struct port *port, come_f *has_come, uint64_t wanted)
{
	struct spin spin;
	bool has;
	spin_begin(&spin);
	do
		has = has_come(port, wanted);
	while (!has && spin_goes_on(&spin));
	return has;
}

/* One nap, unless what is waited for has come while we said that we'd sleep. */
static void sleep_until(struct port *port, come_f *has_come, uint64_t wanted)
{
	while (!has_come(port, wanted)) {
		if (port->wait) {
			port->wait(port, port->wait_arg);
			continue;
		}
		if (port->spins && has_come_soon(port, has_come, wanted))
			return;
		atomic_store_explicit(&port->up->is_sleeping, 1, memory_order_relaxed);
		atomic_thread_fence(memory_order_seq_cst);
		if (!has_come(port, wanted))
			wake_wait(port->sem_page);
		/* a post that is still on its way makes one later sleep shorter: harmless */
		atomic_store_explicit(&port->up->is_sleeping, 0, memory_order_relaxed);
	}
}

static bool task_has_come(struct port *port, uint64_t wanted)
{
	(void)wanted;
	return has_task(port) || is_stopping(port);
}

static bool fragment_has_come(struct port *port, uint64_t wanted)
{
	(void)wanted;
	return has_task(port);
}

static bool result_room_has_come(struct port *port, uint64_t wanted)
{
	return ring_room(&port->result, wanted) >= (int64_t)wanted;
}

static bool event_room_has_come(struct port *port, uint64_t wanted)
{
	return ring_room(&port->event, wanted) >= (int64_t)wanted;
}

/*
 * A batch that isn't there as a whole, as when it is larger than the ring: its bytes are put together in memory of
 * our own as they come.
 */
static int gather(struct port *port, struct err *err)
{
	port->large = malloc(port->batch.n_bytes + 1);
	if (!port->large)
		return err_set(err, ERR_RESOURCE, "out of memory: an item of %llu bytes",
		               (unsigned long long)port->batch.n_bytes);
	for (uint64_t got = 0; got < port->batch.n_bytes;) {
		uint64_t n = 0;
		uint32_t n_batches;
		sleep_until(port, fragment_has_come, 0);
		if (ring_look(&port->task, &n, &n_batches) != 0)
			_exit(125); /* the supervisor's own index can't be true: this process's memory is no longer ours */
		if (n > port->batch.n_bytes - got)
			n = port->batch.n_bytes - got;
		memcpy(port->large + got, ring_data(&port->task), n);
		got += n;
		ring_take(&port->task, n, 0);
		ring_release(&port->task);
		port_ring(port);
		end_if_mute(port);
	}
	return 0;
}

/* The item's count follows from the batch, so a batch that was taken back whole leaves no hole. */
int port_next_batch(struct port *port, struct port_batch *ret, struct err *err)
{
	for (;;) {
		if (port->is_mute)
			return 0;
		sleep_until(port, task_has_come, 0);
		if (!has_task(port))
			return 0;
		memcpy(&port->batch, ring_data(&port->task), sizeof port->batch);
		ring_take(&port->task, sizeof port->batch, 1);
		if (task_bytes(port) < port->batch.n_bytes && gather(port, err) != 0)
			return -1;
		uint64_t word = atomic_load_explicit(&port->down->take_back, memory_order_acquire);
		if (claim_epoch(word) == port->batch.epoch)
			break;
		port_end_batch(port, 0);
	}
	port->claim_epoch = claim_word(0, port->batch.epoch);
	*ret = (struct port_batch){.bytes = port->large ? port->large : (const char *)ring_data(&port->task),
	                           .n_bytes = port->batch.n_bytes,
	                           .seq = port->batch.seq,
	                           .n_items = port->batch.n_items,
	                           .attempt = port->batch.attempt,
	                           .is_summed = port->batch.is_summed};
	return 1;
}

/* The supervisor is between two stores: it isn't long, unless it is stopped there. */
bool port_claim_late(struct port *port, uint32_t count)
{
	const struct timespec nap = {.tv_nsec = 50000};
	uint64_t word = atomic_load_explicit(&port->down->take_back, memory_order_acquire);
	while (claim_epoch(word) % 2 != 0) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
		word = atomic_load_explicit(&port->down->take_back, memory_order_acquire);
	}
	return claim_count(word) == count;
}

bool port_is_cancelled(const struct port *port)
{
	return atomic_load_explicit(&port->down->cancel, memory_order_relaxed) == port->begun + 1;
}

void port_wait_room(struct port *port, size_t n_bytes)
{
	if (!result_room_has_come(port, n_bytes)) {
		port_ring(port);
		end_if_mute(port);
		sleep_until(port, result_room_has_come, n_bytes);
	}
}

static void put_event(struct port *port, const struct event_shm *header, const char *text)
{
	uint64_t n_bytes = sizeof *header + header->n_bytes;
	if (ring_room(&port->event, n_bytes) < (int64_t)n_bytes) {
		port_ring(port);
		end_if_mute(port);
		sleep_until(port, event_room_has_come, n_bytes);
	}
	unsigned char *at = ring_at(&port->event);
	memcpy(at, header, sizeof *header);
	if (header->n_bytes > 0)
		memcpy(at + sizeof *header, text, header->n_bytes);
	ring_put(&port->event, n_bytes);
	ring_publish(&port->event, 1);
}

/* The item that is being run: the one begun last. */
static uint32_t current_item(const struct port *port)
{
	return (port->begun - 1) & RING_MARK_MASK;
}

uint64_t port_current_seq(const struct port *port)
{
	bool is_in_item = ((port->begun - port->result.marks) & RING_MARK_MASK) == 1;
	return is_in_item ? port->batch.seq + ((port->begun - 1 - port->batch.start) & RING_MARK_MASK) : 0;
}

void port_part(struct port *port, size_t n_bytes)
{
	if (!port->is_in_part) {
		struct event_shm header = {.kind = EVENT_PART,
		                           .item = current_item(port),
		                           .position = port->result.put_bytes & RING_POSITION_MASK};
		put_event(port, &header, NULL);
		port->is_in_part = true;
	}
	ring_put(&port->result, n_bytes);
	ring_publish(&port->result, 0);
	port_ring(port);
	port_wait_room(port, port->result.size_bytes / 4);
}

void port_fail(struct port *port, enum event_failure failure, int wait_status, bool keeps_result, const char *text,
               size_t n_bytes)
{
	struct event_shm header = {.kind = EVENT_FAILED,
	                           .item = current_item(port),
	                           .position = port->result.put_bytes & RING_POSITION_MASK,
	                           .detail = failure,
	                           .wait_status = wait_status,
	                           .keeps_result = keeps_result,
	                           .n_bytes = n_bytes > EVENT_TEXT_MAX ? EVENT_TEXT_MAX : (uint32_t)n_bytes};
	put_event(port, &header, text);
}

void port_say(struct port *port, enum event_kind kind, int64_t value, const char *text, size_t n_bytes)
{
	struct event_shm header = {.kind = kind,
	                           .item = current_item(port),
	                           .position = (uint64_t)value,
	                           .n_bytes = n_bytes > EVENT_TEXT_MAX ? EVENT_TEXT_MAX : (uint32_t)n_bytes};
	put_event(port, &header, text);
	if (kind != EVENT_COUNT)
		port_ring(port);
}

void port_begun(struct port *port, int64_t start_ns)
{
	struct event_shm header = {.kind = EVENT_BEGUN,
	                           .item = current_item(port),
	                           .position = port->result.put_bytes & RING_POSITION_MASK,
	                           .n_bytes = sizeof start_ns};
	put_event(port, &header, (const char *)&start_ns);
}

void port_ended(struct port *port, const struct time_shm *time)
{
	struct event_shm header = {.kind = EVENT_ENDED, .item = current_item(port), .n_bytes = sizeof *time};
	put_event(port, &header, (const char *)time);
}

void port_end_batch(struct port *port, uint64_t busy_ns)
{
	if (port->large) {
		free(port->large);
		port->large = NULL;
	} else {
		ring_take(&port->task, port->batch.n_bytes, 0);
	}
	ring_release(&port->task);
	uint64_t so_far = atomic_load_explicit(&port->up->busy_ns, memory_order_relaxed);
	atomic_store_explicit(&port->up->busy_ns, so_far + busy_ns, memory_order_relaxed);
	/* who has two more is in no hurry: the bell behind the next tells of both */
	if (batches_in_hand(port) <= 1)
		port_ring(port);
}

void port_set_state(struct port *port, enum worker_state state)
{
	atomic_store_explicit(&port->up->state, state, memory_order_release);
	port_ring(port);
}
