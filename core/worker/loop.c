/* SPDX-License-Identifier: Apache-2.0 */
/* loop - see loop.h. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/split.h"
#include "core/worker/affinity.h"
#include "core/worker/loop.h"
#include "core/worker/task.h"
#include "core/worker/tidy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

/* From here on each item is compared with how the first found the process; below it is each batch. */
#define TIDY_ITEM_NS 50000u

struct life {
	const struct host *host;
	const struct setup *setup;
	struct port *port;
	struct host_worker worker;
	struct task task;
	struct tidy tidy;
	uint64_t first_seq;   /* what is found now can be of this item or a later one */
	bool is_each_checked; /* items took long enough in the last batch; before the first, nobody knows */
	bool is_spoilt;
	uint64_t n_not_ok;
};

/* A channel of one's own is a process's; one that is polled is --try's, where nothing comes after. */
static enum tidy_scope scope_of(const struct life *life)
{
	const bool is_tidy = life->host->plugin.flags & ROTA_TIDY;
	if (life->port->wait)
		return TIDY_NONE;
	if (life->port->owns_map)
		return is_tidy ? TIDY_TREE : TIDY_PROCESS;
	return is_tidy ? TIDY_NONE : TIDY_THREAD;
}

/*
 * Before the item in hand is answered: what is said then stands under its number, and a death is charged to it. Without
 * an item in hand (the rest of the batch was taken back) what is to be said waits for the next.
 */
static void tidy_up(struct life *life, uint64_t seq, bool is_in_hand)
{
	char text[TIDY_NOTE_BYTES];
	if (life->tidy.scope == TIDY_NONE)
		return;
	life->is_spoilt = !tidy_check(&life->tidy, clock_now_ns());
	if (!is_in_hand)
		return;
	size_t n_bytes = tidy_note(&life->tidy, life->first_seq, seq, text);
	if (n_bytes > 0)
		port_say(life->port, EVENT_LOG, 0, text, n_bytes);
	life->first_seq = seq + 1;
}

/* The item in hand, with a word before and behind. */
static int run_timed(struct life *life)
{
	struct task *task = &life->task;
	struct time_shm time = {.start_ns = clock_now_ns()};
	port_begun(task->port, time.start_ns);
	int status = life->host->plugin.run(&task->pub, life->worker.state);
	time.runtime_ns = clock_now_ns() - time.start_ns;
	time.result_bytes = task->part_bytes + task->pub.out_bytes;
	port_ended(task->port, &time);
	return status;
}

/*
 * One batch, item after item, each claimed before it is begun. Returns how many were run. An item may have written over
 * those behind it: where the delimiter that was found is gone, nothing is begun any more.
 */
static uint32_t run_batch(struct life *life, const struct port_batch *batch)
{
	const struct rota_plugin *plugin = &life->host->plugin;
	struct task *task = &life->task;
	struct split split;
	const char *item = batch->bytes, *stop;
	const uint32_t n_items = batch->n_items;
	const char delimiter = life->setup->delimiter;
	const bool is_timed = life->setup->tells_times, is_each_checked = life->is_each_checked;
	uint32_t place = 0;
	bool is_checked = true;
	if (life->tidy.found == 0)
		life->first_seq = batch->seq;
	task_begin_batch(task, batch->attempt, batch->is_summed);
	task_watch(task);
	split_begin(&split, batch->bytes, batch->n_bytes, delimiter);
	while (place < n_items && !life->is_spoilt && (stop = split_next(&split)) && *stop == delimiter &&
	       port_claim(task->port)) {
		uint64_t seq = batch->seq + place++;
		bool is_last = place == n_items;
		task_begin(task, item, (size_t)(stop - item), seq);
		int status = is_timed ? run_timed(life) : plugin->run(&task->pub, life->worker.state);
		is_checked = is_last || is_each_checked;
		if (is_checked)
			tidy_up(life, seq, true);
		if (!task_end(task, status, is_last))
			life->n_not_ok++;
		item = stop + 1;
	}
	if (!is_checked)
		tidy_up(life, batch->seq + place - 1, false);
	return place;
}

/* Until told to stop or spoilt. 0, or -1 when memory is short. */
static int run_batches(struct life *life, struct err *err)
{
	struct port_batch batch;
	int more = 0;
	while (!life->is_spoilt && (more = port_next_batch(life->port, &batch, err)) > 0) {
		int64_t begin_ns = clock_now_ns();
		uint32_t n_run = run_batch(life, &batch);
		uint64_t busy_ns = (uint64_t)(clock_now_ns() - begin_ns);
		port_end_batch(life->port, busy_ns);
		if (n_run > 0)
			life->is_each_checked = busy_ns / n_run >= TIDY_ITEM_NS;
	}
	return more < 0 ? -1 : 0;
}

/* Before the plugin opens: what it allocates then is near. Where it can't be, the work is done all the same. */
static void stay(const struct setup *setup, struct port *port)
{
	struct err err;
	if (port->worker_number > 0 && port->worker_number <= setup->n_pins &&
	    affinity_set(setup->pins[port->worker_number - 1], &err) != 0)
		port_say(port, EVENT_LOG, 0, err.text, strlen(err.text));
}

/* In Linux a niceness belongs to a thread, and what that starts inherits it: so this is for both backends. */
static void be_nice(const struct setup *setup, struct port *port)
{
	struct err err;
	errno = 0;
	int niceness = getpriority(PRIO_PROCESS, 0);
	if (errno == 0 && setup->duty.niceness > 0)
		(void)setpriority(PRIO_PROCESS, 0, niceness + (int)setup->duty.niceness);
	if (errno == 0)
		return;
	err_set_errno(&err, ERR_RUN, errno, "cannot raise the niceness");
	port_say(port, EVENT_LOG, 0, err.text, strlen(err.text));
}

/*
 * A plugin whose open closes what isn't its own would do so in every worker. The supervisor can't be rung any more: it
 * finds this when the process has ended.
 */
static int refuse_without_bell(const struct host *host, struct port *port)
{
	struct err err;
	if (!port->owns_map || fcntl(port->bell_fd, F_GETFD) >= 0)
		return 0;
	err_set(&err, ERR_RUN, "plugin %s: its open closed descriptors that aren't its own", host->plugin.name);
	port_say(port, EVENT_REFUSED, 0, err.text, strlen(err.text));
	port_set_state(port, WORKER_REFUSED);
	return -1;
}

int worker_live(const struct host *host, const struct setup *setup, struct port *port, uint64_t *ret_not_ok)
{
	struct life life = {.host = host, .setup = setup, .port = port, .is_each_checked = true};
	struct err err;
	stay(setup, port);
	be_nice(setup, port);
	if (host_open_worker(host, &life.worker, port->worker_number, &err) != 0) {
		port_say(port, EVENT_REFUSED, 0, err.text, strlen(err.text));
		port_set_state(port, WORKER_REFUSED);
		return -1;
	}
	if (refuse_without_bell(host, port) != 0)
		return -1;
	port->spins = setup->duty.spins;
	tidy_init(&life.tidy, scope_of(&life), port->bell_fd);
	port_set_state(port, WORKER_READY);
	task_init(&life.task, port, setup, host->plugin.name);
	int result = run_batches(&life, &err);
	task_fini(&life.task);
	tidy_fini(&life.tidy);
	host_close_worker(&life.worker);
	if (ret_not_ok)
		*ret_not_ok = life.n_not_ok;
	if (result != 0) {
		port_say(port, EVENT_LOG, 0, err.text, strlen(err.text));
		return -1;
	}
	port_set_state(port, WORKER_LEFT);
	return 0;
}
