/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forge - says on order, in the words of its worker's own channel, what may not be said at that time: `fault` says
 * what, `when` at which item (its text). It knows the worker's end as rota itself does; an item gone astray by chance.
 *
 *   rota map tests/bad/forge.so fault=left when=7
 */
#include "config.h"

#include "core/worker/task.h"
#include "shm/port.h"
#include "shm/ring.h"

#include <rota/plugin.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAPS_MAX 64

static const char *fault, *when;
static int64_t pause_us; /* what each item takes */
static bool is_smearing;

static struct port *port_of(struct rota_task *task)
{
	return ((struct task *)(void *)task)->port;
}

static void put_event(struct port *port, uint32_t kind, const char *text)
{
	struct event_shm event = {.kind = kind,
	                          .item = (port->begun - 1) & RING_MARK_MASK,
	                          .n_bytes = (uint32_t)strlen(text)};
	uint64_t n_bytes = sizeof event + event.n_bytes;
	while (ring_room(&port->event, n_bytes) < (int64_t)n_bytes)
		usleep(1000);
	memcpy(ring_at(&port->event), &event, sizeof event);
	memcpy(ring_at(&port->event) + sizeof event, text, event.n_bytes);
	ring_put(&port->event, n_bytes);
	ring_publish(&port->event, 1);
	const uint64_t one = 1;
	if (write(port->bell_fd, &one, sizeof one) < 0)
		abort();
}

/* As if the item that it is in hadn't begun. */
static void unclaim(struct port *port)
{
	atomic_store(&port->up->claim, port->claim_epoch | (port->result.marks & RING_MARK_MASK));
}

static void zeros_everywhere(void)
{
	unsigned long first[MAPS_MAX], end[MAPS_MAX];
	int n = 0;
	char line[512], mode[8];
	FILE *maps = fopen("/proc/self/maps", "re");
	while (maps && n < MAPS_MAX && fgets(line, sizeof line, maps))
		n += sscanf(line, "%lx-%lx %7s", &first[n], &end[n], mode) == 3 && strcmp(mode, "rw-s") == 0;
	for (int i = 0; i < n; i++)
		memset((void *)first[i], 0, end[i] - first[i]);
}

/* A result whose end is missing, published by hand; nothing comes behind it. */
static void answer_without_end(struct port *port)
{
	memcpy(ring_at(&port->result), "evil", 4);
	ring_put(&port->result, 4);
	atomic_store(&port->up->cuts[port->batch.number % CHANNEL_BATCHES_MAX],
	             port->result.put_bytes & RING_POSITION_MASK);
	ring_publish(&port->result, 1);
	const uint64_t one = 1;
	if (write(port->bell_fd, &one, sizeof one) < 0)
		abort();
	for (;;)
		pause();
}

static void forge(struct port *port)
{
	if (strcmp(fault, "zeros-die") == 0) {
		zeros_everywhere();
		raise(SIGKILL);
	} else if (strcmp(fault, "unclaim-die") == 0) {
		unclaim(port);
		raise(SIGKILL);
	} else if (strcmp(fault, "left") == 0) {
		unclaim(port);
		atomic_store(&port->up->state, WORKER_LEFT);
		_exit(0);
	} else if (strcmp(fault, "refused") == 0) {
		put_event(port, EVENT_REFUSED, "not today");
		atomic_store(&port->up->state, WORKER_REFUSED);
		_exit(0);
	} else if (strcmp(fault, "no-end") == 0) {
		answer_without_end(port);
	} else if (strcmp(fault, "smear") == 0) {
		is_smearing = true;
	} else if (strcmp(fault, "evade") == 0) {
		unclaim(port);
		for (;;) {
			put_event(port, EVENT_COUNT, "x");
			usleep(100000);
		}
	}
}

/* The last byte of the result before, its end left alone, as soon as there is one that waits in the ring. */
static void smear(struct port *port)
{
	uint64_t at = port->result.put_bytes - 2;
	if (port->result.put_bytes < 2 || atomic_load(&port->down->result_tail) > at)
		return;
	port->result.bytes[at & (port->result.size_bytes - 1)] = '~';
	is_smearing = false;
}

static int forge_open(struct rota_worker *worker, void **state)
{
	(void)state;
	fault = rota_option_string(worker, "fault");
	when = rota_option_string(worker, "when");
	pause_us = rota_option_int(worker, "us");
	return ROTA_OK;
}

static int forge_run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	if (pause_us > 0)
		usleep((useconds_t)pause_us);
	if (strlen(when) == n_bytes && memcmp(when, item, n_bytes) == 0)
		forge(port_of(task));
	if (is_smearing)
		smear(port_of(task));
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "forge", .version = "1.0", .summary = "says what may not be said now",
            .flags = ROTA_THREAD_SAFE | ROTA_PURE,
            .options = (const struct rota_option[]){{"fault", ROTA_STRING, "none", "what is said"},
                                                    {"when", ROTA_STRING, "", "at which item"},
                                                    {"us", ROTA_INT, "0", "what each item takes"},
                                                    {NULL}},
            .open = forge_open, .run = forge_run);
