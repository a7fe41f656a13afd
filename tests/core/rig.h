/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig - a job's scheduling without processes: real feed, window, crew, channels and collector, and a backend whose
 * workers are hands that the test moves, by way of the worker's own end of the channel (shm/port), in the one thread.
 *
 *	rig_init(&rig, n_workers, is_ordered, text)     the items are the lines of text; or in two steps, where the test's
 *	                                                plan isn't the usual one: rig_plan, rig_build
 *	rig_hold(&rig, text, max_item_bytes)            the items are these, and come only when they are let:
 *	rig_let(&rig, n_bytes), rig_let_end, rig_let_fail
 *	rig_ready(&rig, number)                         the hand's plugin has opened
 *	rig_work(&rig, number, n_items, busy_ns)        it does so many items: the result is the item in capitals
 *	rig_begin, rig_put, rig_fail, rig_answer        the same by steps
 *	rig_die(&rig, number, status, was_lost)         it dies, as the backend would tell, and is reaped
 *	rig_lose(&rig, how, is_outside)                 so does their fork server
 *	rig_collect(&rig), rig_output(&rig)             what the supervisor has of it
 *	rig_fini(&rig)
 *
 * What is charged and said is noted in the rig.
 */
#ifndef TESTS_CORE_RIG_H
#define TESTS_CORE_RIG_H

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/crew/crew.h"
#include "core/crew/watchdog.h"
#include "core/dispatch/collect.h"
#include "core/dispatch/dispatch.h"
#include "core/dispatch/reap.h"
#include "core/io/feed.h"
#include "core/io/sink.h"
#include "core/io/source.h"
#include "core/window/window.h"
#include "shm/port.h"
#include "tests/tap.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#define RIG_HANDS_MAX 80u
#define RIG_WAITS_MAX 1000 /* a hand that waits so often in a row waits for ever */

struct hand {
	struct channel *channel; /* the crew's; NULL: the hand isn't there */
	uint64_t generation;
	struct port port;
	struct port_batch batch;
	struct digest_state sum; /* of what it has published of the batch */
	bool has_batch;
	uint32_t place;
	const char *at;
	size_t n_bytes; /* of the item at `at` */
	int killed_by;
	unsigned n_signals[NSIG]; /* how often it was sent each */
	unsigned n_waits;
};

/* A source that gives what it is let. */
struct rig_source {
	struct source_head head;
	const char *text;
	size_t n_let;
	bool has_ended, has_failed;
};

struct rig {
	struct backend backend; /* first: the crew's */
	struct job plan;        /* the test may change its limits at any time */
	struct plugin_info info;
	struct channel_sizes sizes;
	struct loop *loop;
	struct source *source;
	struct feed *feed;
	struct sink *sink;
	struct window window;
	struct crew crew;
	struct checkpoint checkpoint; /* without a journal */
	struct resume resume;
	struct retry retry;
	struct parts parts;
	struct dispatch dispatch;
	struct collector collector;
	struct watchdog watchdog;
	struct tally tally;
	struct report report;
	struct err err;
	struct backend_events tell;
	struct hand hands[RIG_HANDS_MAX + 1]; /* by number, from 1 */
	enum err_code refuses_open, refuses_start;
	unsigned n_opens, n_starts, n_closes, n_abandons;
	bool leaves_threads;   /* closed, its hands go on */
	char charged[512];     /* " 3 7": their items' numbers */
	uint64_t last_charged; /* in the last rig_reap; 0: none */
	char *output, *said;
	int output_fd, said_fd, stderr_fd;
};

static struct rig *rig_now; /* the backend's open gets no argument of ours */

static int rig_backend_open(struct backend **ret, struct loop *loop, const struct setup *setup, const char *program,
                            struct server *spare, const struct backend_events *events, struct err *err)
{
	(void)loop, (void)setup, (void)program, (void)spare;
	rig_now->n_opens++;
	if (rig_now->refuses_open != ERR_NONE)
		return err_set(err, rig_now->refuses_open, "no backend today");
	rig_now->tell = *events;
	*ret = &rig_now->backend;
	return 0;
}

static void rig_port_waits(struct port *port, void *arg);

static int rig_backend_start(struct backend *backend, unsigned number, uint64_t generation, struct channel *channel,
                             int error_fd, struct err *err)
{
	struct rig *rig = (struct rig *)(void *)backend;
	struct hand *hand = &rig->hands[number];
	(void)error_fd;
	rig->n_starts++;
	if (rig->refuses_start != ERR_NONE)
		return err_set(err, rig->refuses_start, "no process today");
	*hand = (struct hand){.channel = channel, .generation = generation};
	if (port_attach_map(&hand->port, &channel->map, channel->bell_fd, err) != 0)
		return -1;
	hand->port.wait = rig_port_waits;
	hand->port.wait_arg = rig;
	return 0;
}

static bool rig_backend_kill(struct backend *backend, unsigned number, uint64_t generation, int signum)
{
	struct rig *rig = (struct rig *)(void *)backend;
	struct hand *hand = &rig->hands[number];
	if (hand->channel && hand->generation == generation) {
		hand->killed_by = signum;
		hand->n_signals[signum]++;
	}
	return true;
}

static bool rig_backend_close(struct backend **backend)
{
	struct rig *rig = (struct rig *)(void *)*backend;
	rig->n_closes++;
	*backend = NULL;
	return !rig->leaves_threads;
}

static void rig_backend_look(struct backend *backend, int64_t passed_ns)
{
	(void)backend, (void)passed_ns;
}

static void rig_backend_abandon(struct backend *backend, const char *why)
{
	(void)why;
	((struct rig *)(void *)backend)->n_abandons++;
}

static const struct backend_ops rig_backend = {.name = "hands",
                                               .has_processes = true,
                                               .open = rig_backend_open,
                                               .start = rig_backend_start,
                                               .kill = rig_backend_kill,
                                               .look = rig_backend_look,
                                               .abandon = rig_backend_abandon,
                                               .close = rig_backend_close};

/* One collection of a worker, as the run does it. */
__attribute__((unused)) static int rig_collect_one(struct rig *rig, unsigned number)
{
	struct worker *worker = &rig->crew.workers[number - 1];
	if (!worker->channel || worker->is_broken)
		return 0;
	int result = collect(&rig->collector, worker);
	if (result < 0 && !rig->collector.has_failed)
		worker_break(worker);
	return result;
}

__attribute__((unused)) static void rig_collect(struct rig *rig)
{
	for (unsigned i = 1; i <= rig->crew.n_workers; i++)
		while (rig_collect_one(rig, i) > 0)
			;
}

/* A hand waits for room or for the rest of a large batch: the supervisor has its turn. */
static void rig_port_waits(struct port *port, void *arg)
{
	struct rig *rig = arg;
	for (unsigned i = 1; i <= RIG_HANDS_MAX; i++)
		if (&rig->hands[i].port == port && ++rig->hands[i].n_waits > RIG_WAITS_MAX)
			must(!"a worker waits for what never comes");
	rig_collect(rig);
	crew_flush_wakes(&rig->crew);
}

/* What the crew was told, as the run takes it. */
static void rig_reap(struct rig *rig)
{
	uint64_t seq;
	rig->last_charged = 0;
	while (reap_next(&rig->collector, &seq)) {
		size_t n = strlen(rig->charged);
		if (seq > 0)
			snprintf(rig->charged + n, sizeof rig->charged - n, " %llu", (unsigned long long)seq);
		if (seq > 0)
			rig->last_charged = seq;
	}
}

/* Why the crew has given up; NULL: it hasn't. */
__attribute__((unused)) static const char *rig_gave_up(const struct rig *rig)
{
	const struct err *failure = crew_failure(&rig->crew);
	return failure ? failure->text : NULL;
}

/* A file that its opener has yet to take the name of. */
static int rig_file(char path[TAP_PATH_BYTES])
{
	tap_template(path, "rig");
	int fd = mkostemp(path, O_CLOEXEC | O_APPEND);
	must(fd >= 0);
	return fd;
}

static void rig_open_ends(struct rig *rig, const char *text, size_t n_bytes)
{
	char in_path[TAP_PATH_BYTES], out_path[TAP_PATH_BYTES];
	struct endpoint in = {.kind = ENDPOINT_LINES, .argument = in_path};
	struct endpoint out = {.kind = ENDPOINT_LINES, .argument = out_path};
	int fd = rig_file(in_path);
	must(write(fd, text, n_bytes) == (ssize_t)n_bytes && close(fd) == 0);
	must(source_open(&rig->source, &in, &rig->err) == 0 && unlink(in_path) == 0);
	must(feed_create(&rig->feed, rig->source, 1 << 30, &rig->err) == 0);
	rig->output_fd = rig_file(out_path);
	must(sink_open(&rig->sink, &out, &rig->err) == 0 && unlink(out_path) == 0);
}

/* The plan: what a test wants otherwise it changes before rig_build. */
static void rig_plan(struct rig *rig, unsigned n_workers, bool is_ordered)
{
	*rig = (struct rig){.backend.ops = &rig_backend,
	                    .info = {.file = (char[]){"hands.so"}},
	                    .sizes = {.task_bytes = 4096, .result_bytes = 8192, .event_bytes = 4096}};
	must(n_workers <= RIG_HANDS_MAX);
	rig->plan = (struct job){.name = (char[]){"rig"},
	                         .info = &rig->info,
	                         .input.kind = ENDPOINT_LINES,
	                         .output.kind = ENDPOINT_LINES,
	                         .n_workers = n_workers,
	                         .backend = BACKEND_PROCESS,
	                         .is_ordered = is_ordered,
	                         .max_result_bytes = 1 << 30,
	                         .window_bytes = 64 << 20,
	                         .retry_on.kinds = RETRY_ON_CRASH | RETRY_ON_TIMEOUT | RETRY_ON_LIMIT | RETRY_ON_AGAIN,
	                         .start_timeout_ns = 5 * CLOCK_NS_PER_SEC};
}

/* The rooms, by their own constructors, as a run makes them. */
static void rig_make_rooms(struct rig *rig)
{
	const struct crew_handed handed = {
		.loop = rig->loop, .window = &rig->window, .worker_program = "none", .ops = &rig_backend, .sizes = &rig->sizes};
	rig->parts = (struct parts){.plan = &rig->plan,
	                            .feed = rig->feed,
	                            .window = &rig->window,
	                            .crew = &rig->crew,
	                            .tally = &rig->tally,
	                            .report = &rig->report,
	                            .checkpoint = &rig->checkpoint,
	                            .resume = &rig->resume,
	                            .retry = &rig->retry};
	window_init(&rig->window, rig->sink, rig->plan.is_ordered, '\n', '\n');
	tally_init(&rig->tally);
	report_init(&rig->report, NULL);
	checkpoint_init(&rig->checkpoint, NULL, "rig");
	must(crew_init(&rig->crew, &rig->plan, &handed, &rig->err) == 0);
	collect_init(&rig->collector, &rig->parts);
	watchdog_init(&rig->watchdog, &rig->plan, &rig->crew);
	dispatch_init(&rig->dispatch, &rig->parts);
}

/* What is said on standard error goes to a file until rig_fini. */
static void rig_hush(struct rig *rig)
{
	char path[TAP_PATH_BYTES];
	rig->said_fd = rig_file(path);
	rig->stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	must(unlink(path) == 0 && rig->stderr_fd >= 0 && dup2(rig->said_fd, STDERR_FILENO) >= 0);
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_set_report_fd((void *)(intptr_t)rig->stderr_fd);
#endif
}

/* Before anything was read: it is read from rig->feed. */
__attribute__((unused)) static void rig_use_feed(struct rig *rig)
{
	rig->parts.feed = rig->feed;
	dispatch_init(&rig->dispatch, &rig->parts);
}

static void rig_build(struct rig *rig, const char *text, size_t n_bytes)
{
	rig_now = rig;
	must(loop_create(&rig->loop, &rig->err) == 0);
	rig_open_ends(rig, text, n_bytes);
	rig_make_rooms(rig);
	rig_hush(rig);
}

__attribute__((unused)) static void rig_init(struct rig *rig, unsigned n_workers, bool is_ordered, const char *text)
{
	rig_plan(rig, n_workers, is_ordered);
	rig_build(rig, text, strlen(text));
}

static char *rig_read(int fd)
{
	off_t n_bytes = lseek(fd, 0, SEEK_END);
	must(n_bytes >= 0);
	char *text = malloc((size_t)n_bytes + 1);
	must(text && pread(fd, text, (size_t)n_bytes, 0) == (ssize_t)n_bytes);
	text[n_bytes] = '\0';
	return text;
}

/* All that has got to the output so far. */
__attribute__((unused)) static const char *rig_output(struct rig *rig)
{
	must(sink_flush(rig->sink, true, &rig->err) == SINK_OK);
	free(rig->output);
	rig->output = rig_read(rig->output_fd);
	return rig->output;
}

/* All that was said on standard error so far. */
__attribute__((unused)) static const char *rig_said(struct rig *rig)
{
	free(rig->said);
	rig->said = rig_read(rig->said_fd);
	return rig->said;
}

__attribute__((unused)) static void rig_fini(struct rig *rig)
{
	for (unsigned i = 1; i <= RIG_HANDS_MAX; i++)
		port_detach(&rig->hands[i].port);
	crew_fini(&rig->crew);
	collect_fini(&rig->collector);
	window_fini(&rig->window);
	feed_destroy(&rig->feed);
	source_close(&rig->source);
	sink_close(&rig->sink);
	loop_destroy(&rig->loop);
	free(rig->output);
	free(rig->said);
	must(dup2(rig->stderr_fd, STDERR_FILENO) >= 0);
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_set_report_fd((void *)(intptr_t)STDERR_FILENO);
#endif
	close(rig->stderr_fd);
	close(rig->said_fd);
	close(rig->output_fd);
}

/* --- the source's end ------------------------------------------------------------------------------------ */

static ssize_t rig_source_read(struct source *base, char *dest, size_t room_bytes, struct err *err)
{
	struct rig_source *source = (struct rig_source *)(void *)base;
	size_t n_bytes = source->n_let < room_bytes ? source->n_let : room_bytes;
	if (n_bytes == 0 && source->has_failed)
		return err_set(err, ERR_RUN, "no more can be read");
	if (n_bytes == 0)
		return source->has_ended ? SOURCE_END : SOURCE_WAIT;
	memcpy(dest, source->text, n_bytes);
	source->text += n_bytes;
	source->n_let -= n_bytes;
	return (ssize_t)n_bytes;
}

static void rig_source_close(struct source *base)
{
	free(base);
}

/* Once, before anything was read. text stays the test's. */
__attribute__((unused)) static void rig_hold(struct rig *rig, const char *text, int64_t max_item_bytes)
{
	static const struct source_ops ops = {"held", rig_source_read, rig_source_close};
	struct endpoint endpoint = {.kind = ENDPOINT_LINES, .argument = (char[]){"held"}};
	struct rig_source *source = calloc(1, sizeof *source);
	must(source);
	feed_destroy(&rig->feed);
	source_close(&rig->source);
	must(source_head_init(&source->head, &ops, &endpoint, &rig->err) == 0);
	source->text = text;
	rig->source = (struct source *)(void *)source;
	must(feed_create(&rig->feed, rig->source, max_item_bytes, &rig->err) == 0);
	rig_use_feed(rig);
}

static struct rig_source *rig_held(struct rig *rig)
{
	dispatch_hear_source(&rig->dispatch);
	return (struct rig_source *)(void *)rig->source;
}

__attribute__((unused)) static void rig_let(struct rig *rig, size_t n_bytes)
{
	rig_held(rig)->n_let += n_bytes;
}

/* After what was let. */
__attribute__((unused)) static void rig_let_end(struct rig *rig)
{
	rig_held(rig)->has_ended = true;
}

__attribute__((unused)) static void rig_let_fail(struct rig *rig)
{
	rig_held(rig)->has_failed = true;
}

/* --- the window's ends ----------------------------------------------------------------------------------- */

/* The next n_items of the source as one pending batch. */
__attribute__((unused)) static struct batch *rig_add(struct rig *rig, uint32_t n_items)
{
	struct slice slice;
	while (!feed_take(rig->feed, n_items, 1 << 20, &slice))
		must(feed_read(rig->feed, &rig->err) > 0);
	must(slice.n_items == n_items);
	rig->tally.n_read += n_items;
	must(window_add(&rig->window, &slice, &rig->err) == 0);
	return rig->window.newest;
}

/* --- the backend's ends ---------------------------------------------------------------------------------- */

/* The plugin is loaded, all workers are started and ready. */
__attribute__((unused)) static void rig_ready(struct rig *rig, unsigned number)
{
	struct hand *hand = &rig->hands[number];
	must(hand->channel);
	rig->tell.started(rig->tell.arg, number, hand->generation, 0);
	port_set_state(&hand->port, WORKER_READY);
	crew_poll(&rig->crew);
}

__attribute__((unused)) static void rig_load(struct rig *rig)
{
	crew_open(&rig->crew);
	must(rig->crew.env.backend);
	rig->tell.loaded(rig->tell.arg, 0);
}

__attribute__((unused)) static void rig_start_all(struct rig *rig)
{
	if (!rig->crew.is_loaded)
		rig_load(rig);
	rig->crew.not_before_ns = 0;
	while (crew_want(&rig->crew))
		;
	for (unsigned i = 1; i <= rig->crew.n_workers; i++)
		if (rig->hands[i].channel && rig->crew.workers[i - 1].phase == WORKER_IS_STARTING)
			rig_ready(rig, i);
}

/* The crew is told, and nobody has taken it yet (rig_reap). */
static void rig_drop(struct rig *rig, unsigned number, int wait_status, bool was_lost)
{
	struct hand *hand = &rig->hands[number];
	must(hand->channel);
	free(hand->port.large);
	hand->port.large = NULL;
	hand->channel = NULL;
	hand->has_batch = false;
	rig->tell.died(rig->tell.arg, number, hand->generation, wait_status, was_lost);
}

__attribute__((unused)) static void rig_die(struct rig *rig, unsigned number, int wait_status, bool was_lost)
{
	rig_drop(rig, number, wait_status, was_lost);
	rig_reap(rig);
}

/* The fork server itself is gone; those that it took along have died before. */
__attribute__((unused)) static void rig_lose(struct rig *rig, const char *how, bool is_outside)
{
	rig->tell.lost(rig->tell.arg, how, is_outside);
	rig_reap(rig);
}

/* --- the hands ------------------------------------------------------------------------------------------- */

/* Begins the next item. false: there is none, or it was taken back. */
__attribute__((unused)) static bool rig_begin(struct rig *rig, unsigned number, uint64_t busy_ns)
{
	struct hand *hand = &rig->hands[number];
	for (;;) {
		if (hand->has_batch && hand->place < hand->batch.n_items && port_claim(&hand->port)) {
			const char *end = memchr(hand->at, '\n', (size_t)(hand->batch.bytes + hand->batch.n_bytes - hand->at));
			must(end);
			hand->n_bytes = (size_t)(end - hand->at);
			hand->n_waits = 0;
			return true;
		}
		if (hand->has_batch)
			port_end_batch(&hand->port, busy_ns * hand->place);
		hand->has_batch = false;
		uint64_t n_bytes;
		uint32_t n_batches;
		must(ring_look(&hand->port.task, &n_bytes, &n_batches) == 0);
		/* what is stale is skipped, so that the port doesn't wait behind it */
		struct batch_shm header;
		if (n_bytes == 0)
			return false;
		memcpy(&header, ring_data(&hand->port.task), sizeof header);
		if (claim_epoch(atomic_load(&hand->port.down->take_back)) != header.epoch) {
			ring_take(&hand->port.task, sizeof header + header.n_bytes, 1);
			ring_release(&hand->port.task);
			continue;
		}
		must(port_next_batch(&hand->port, &hand->batch, &rig->err) == 1);
		digest_init(&hand->sum);
		hand->has_batch = true;
		hand->place = 0;
		hand->at = hand->batch.bytes;
	}
}

/* Bytes of the result, as a part of it. */
__attribute__((unused)) static void rig_part(struct rig *rig, unsigned number, const char *bytes, size_t n_bytes)
{
	port_wait_room(&rig->hands[number].port, n_bytes);
	memcpy(port_out(&rig->hands[number].port), bytes, n_bytes);
	digest_add(&rig->hands[number].sum, bytes, n_bytes);
	port_part(&rig->hands[number].port, n_bytes);
}

/* The rest of the result, and with it the answer. */
__attribute__((unused)) static void rig_answer(struct rig *rig, unsigned number, const char *bytes, size_t n_bytes)
{
	struct hand *hand = &rig->hands[number];
	port_wait_room(&hand->port, n_bytes);
	memcpy(port_out(&hand->port), bytes, n_bytes);
	digest_add(&hand->sum, bytes, n_bytes);
	port_put_sum(&hand->port, digest_value(&hand->sum).low);
	hand->place++;
	hand->at += hand->n_bytes + 1;
	port_answer(&hand->port, n_bytes, hand->place == hand->batch.n_items);
}

__attribute__((unused)) static void rig_fail(struct rig *rig, unsigned number, const char *cause)
{
	port_fail(&rig->hands[number].port, FAILURE_FAILED, 0, false, cause, strlen(cause));
	rig_answer(rig, number, "", 0);
}

/* Does so many items, each taking busy_ns; returns how many there were. */
__attribute__((unused)) static uint32_t rig_work(struct rig *rig, unsigned number, uint32_t n_items, uint64_t busy_ns)
{
	struct hand *hand = &rig->hands[number];
	uint32_t n_done = 0;
	while (hand->channel && n_done < n_items && rig_begin(rig, number, busy_ns)) {
		char *result = malloc(hand->n_bytes + 1);
		must(result);
		for (size_t i = 0; i <= hand->n_bytes; i++)
			result[i] = (char)toupper((unsigned char)hand->at[i]);
		rig_answer(rig, number, result, hand->n_bytes + 1);
		free(result);
		n_done++;
	}
	/* at a batch's end its time is told */
	if (hand->has_batch && hand->place == hand->batch.n_items) {
		port_end_batch(&hand->port, busy_ns * hand->place);
		hand->has_batch = false;
	}
	return n_done;
}

#endif
