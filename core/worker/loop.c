/* SPDX-License-Identifier: Apache-2.0 */
/* loop - see loop.h. */
#include "config.h"

#include "core/base/clock.h"
#include "core/worker/loop.h"
#include "core/worker/task.h"

#include <string.h>

/* One batch, item after item, each claimed before it is begun. Returns how many weren't ok. */
static uint64_t run_batch(const struct host *host, const struct setup *setup, struct task *task, void *state,
                          const struct port_batch *batch)
{
	uint64_t n_not_ok = 0;
	const char *at = batch->bytes, *end = batch->bytes + batch->n_bytes;
	for (uint32_t place = 0; place < batch->n_items; place++) {
		const char *stop = memchr(at, setup->delimiter, (size_t)(end - at));
		if (!stop || !port_claim(task->port))
			break;
		task_begin(task, at, (size_t)(stop - at), batch->seq + place, batch->attempt);
		int status = host->plugin.run(&task->pub, state);
		if (!task_end(task, status, place + 1 == batch->n_items))
			n_not_ok++;
		at = stop + 1;
	}
	return n_not_ok;
}

int worker_live(const struct host *host, const struct setup *setup, struct port *port, uint64_t *ret_not_ok)
{
	struct host_worker worker;
	struct err err;
	if (host_open_worker(host, &worker, port->worker_number, &err) != 0) {
		port_say(port, EVENT_REFUSED, 0, err.text, strlen(err.text));
		port_set_state(port, WORKER_REFUSED);
		return -1;
	}
	port_set_state(port, WORKER_READY);
	struct task task;
	task_init(&task, port, setup);
	uint64_t n_not_ok = 0;
	struct port_batch batch;
	int more;
	while ((more = port_next_batch(port, &batch, &err)) > 0) {
		int64_t begin_ns = clock_now_ns();
		n_not_ok += run_batch(host, setup, &task, worker.state, &batch);
		port_end_batch(port, (uint64_t)(clock_now_ns() - begin_ns));
	}
	task_fini(&task);
	host_close_worker(&worker);
	if (ret_not_ok)
		*ret_not_ok = n_not_ok;
	if (more < 0) {
		port_say(port, EVENT_LOG, 0, err.text, strlen(err.text));
		return -1;
	}
	port_set_state(port, WORKER_LEFT);
	return 0;
}
