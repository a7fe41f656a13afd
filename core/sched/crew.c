/* SPDX-License-Identifier: Apache-2.0 */
/* crew - see crew.h. Who is to blame for a death is in blame.c. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/sched/blame.h"
#include "core/sched/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define KILL_PAUSE_NS (200 * CLOCK_NS_PER_MS) /* between a time-out's TERM and its KILL */
#define BACK_OFF_FIRST_NS (10 * CLOCK_NS_PER_MS)
#define BACK_OFF_DOUBLINGS 7
#define OPENS_MAX 5 /* attempts at a backend that isn't to be had, before another way is taken */

/* --- life and death of the crew ----------------------------------------------------------------------------------- */

int crew_init(struct crew *crew, struct loop *loop, unsigned n_workers, unsigned n_places, struct err *err)
{
	*crew = (struct crew){.loop = loop, .n_workers = n_workers, .n_places = n_places};
	crew->workers = calloc(n_places, sizeof *crew->workers);
	if (!crew->workers)
		return err_set(err, ERR_RUN, "out of memory for %u workers", n_places);
	for (unsigned i = 0; i < n_places; i++) {
		crew->workers[i].crew = crew;
		crew->workers[i].number = i + 1;
		crew->workers[i].bell.fd = crew->workers[i].words.fd = -1;
		crew->workers[i].owed_end = &crew->workers[i].owed;
	}
	return 0;
}

void crew_fini(struct crew *crew)
{
	if (crew->backend)
		crew->has_left_threads = !crew->backend->ops->close(&crew->backend);
	for (unsigned i = 0; crew->workers && i < crew->n_places; i++)
		if (crew->workers[i].phase != WORKER_NONE && !crew->has_left_threads)
			crew_clear(crew, &crew->workers[i]);
	free(crew->workers);
	crew->workers = NULL;
}

void crew_give_up(struct crew *crew, const struct err *err)
{
	if (crew->has_given_up)
		return;
	crew->has_given_up = true;
	crew->events.give_up(crew->events.arg, err);
}

void crew_back_off(struct crew *crew, unsigned n_failures)
{
	unsigned doublings = n_failures < BACK_OFF_DOUBLINGS ? n_failures : BACK_OFF_DOUBLINGS;
	crew->not_before_ns = clock_now_ns() + (BACK_OFF_FIRST_NS << doublings);
}

/* Processes aren't to be had: threads, if that may be. */
static void fall_back(struct crew *crew, const struct err *why)
{
	bool is_of_descriptors = why->errnum == EMFILE || why->errnum == ENFILE;
	if (!crew->ops->has_processes || !crew->may_fall_back || crew->fall_back_bar || is_of_descriptors) {
		struct err err = *why;
		if (is_of_descriptors)
			err_set(&err, ERR_RUN, "%s: raise the limit of open files (ulimit -n) or give fewer workers (-j)",
			        why->text);
		else if (crew->fall_back_bar)
			err_set(&err, ERR_RUN, "%s; threads can't take over: %s", why->text, crew->fall_back_bar);
		crew_give_up(crew, &err);
		return;
	}
	if (crew->backend)
		crew->backend->ops->close(&crew->backend);
	unsigned n_workers = crew->is_thread_safe ? crew->n_workers : 1;
	log_notice(
		"no processes are to be had (%s): going on with %u thread%s in this process; a crash of the plugin would "
		"end the run",
		why->text, n_workers, n_workers == 1 ? "" : "s");
	crew->ops = &backend_thread;
	crew->n_workers = crew->setup->n_workers = n_workers;
	crew->is_loaded = false;
	crew->not_before_ns = 0;
	crew->n_no_starts = 0;
}

static struct worker *find(struct crew *crew, unsigned number, uint64_t generation)
{
	if (number == 0 || number > crew->n_places)
		return NULL;
	struct worker *worker = &crew->workers[number - 1];
	return worker->phase != WORKER_NONE && worker->generation == generation ? worker : NULL;
}

/* --- what the backend tells --------------------------------------------------------------------------------------- */

static void on_loaded(void *arg)
{
	struct crew *crew = arg;
	crew->is_loaded = true;
	log_debug("plugin loaded, workers may start");
}

static void on_refused(void *arg, const struct err *err)
{
	crew_give_up(arg, err);
}

static void on_started(void *arg, unsigned number, uint64_t generation, pid_t pid)
{
	struct crew *crew = arg;
	struct worker *worker = find(crew, number, generation);
	crew->n_no_starts = 0;
	if (worker) {
		worker->pid = pid;
		channel_close_fd(worker->channel);
	}
}

static void on_not_started(void *arg, unsigned number, uint64_t generation, const struct err *err)
{
	struct crew *crew = arg;
	struct worker *worker = find(crew, number, generation);
	if (!worker)
		return;
	crew_clear(crew, worker);
	/* those that are starting may meet the same end: then it is said when they have */
	if (crew->n_live > 0 && crew->n_ready == crew->n_live && !crew->has_said_fewer) {
		log_notice("only %u of %u workers could be started: %s", crew->n_live, crew->n_workers, err->text);
		crew->has_said_fewer = true;
	}
	crew_back_off(crew, ++crew->n_no_starts);
	if (crew->n_live == 0 && crew->n_no_starts >= OPENS_MAX)
		fall_back(crew, err);
}

static void on_died(void *arg, unsigned number, uint64_t generation, int wait_status, bool was_lost)
{
	struct crew *crew = arg;
	struct worker *worker = find(crew, number, generation);
	if (worker)
		blame_death(crew, worker, wait_status, was_lost);
}

static void on_lost(void *arg, const char *how)
{
	struct crew *crew = arg;
	blame_loss(crew, how);
	crew->backend->ops->close(&crew->backend);
	crew->is_loaded = false;
}

void crew_open(struct crew *crew)
{
	const struct backend_events events = {.loaded = on_loaded,
	                                      .refused = on_refused,
	                                      .started = on_started,
	                                      .not_started = on_not_started,
	                                      .died = on_died,
	                                      .lost = on_lost,
	                                      .arg = crew};
	struct err err;
	if (crew->backend || crew->has_given_up || clock_now_ns() < crew->not_before_ns)
		return;
	if (crew->ops->open(&crew->backend, crew->loop, crew->setup, crew->worker_program, &events, &err) == 0) {
		crew->n_failed_opens = 0;
		crew->load_ns = 0;
		return;
	}
	if (err.code != ERR_RESOURCE) {
		crew_give_up(crew, &err);
		return;
	}
	crew_back_off(crew, ++crew->n_failed_opens);
	if (crew->n_failed_opens >= OPENS_MAX)
		fall_back(crew, &err);
}

/* --- words: what a worker writes to its standard output and error ------------------------------------------------- */

static void relay_line(struct crew *crew, struct worker *worker)
{
	char tag[128];
	if (crew->job_name)
		snprintf(tag, sizeof tag, "%.80s: worker %u", crew->job_name, worker->number);
	else
		snprintf(tag, sizeof tag, "worker %u", worker->number);
	log_relay(tag, worker->line.bytes, worker->line.len);
	buf_clear(&worker->line);
}

static void take_words(struct crew *crew, struct worker *worker, const char *bytes, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes; i++) {
		bool is_end = bytes[i] == '\n';
		/* a line that memory has no room for is said in pieces */
		if (!is_end && buf_append(&worker->line, &bytes[i], 1) != 0)
			is_end = true;
		if (is_end || worker->line.len >= LINE_MAX_BYTES)
			relay_line(crew, worker);
	}
}

void crew_read_words(struct crew *crew, struct worker *worker, bool is_last)
{
	char bytes[4096];
	for (int i = 0; worker->words.fd >= 0 && (is_last || i < 4); i++) {
		ssize_t n = read(worker->words.fd, bytes, sizeof bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		take_words(crew, worker, bytes, (size_t)n);
		/* a grandchild that holds the pipe could write for ever */
		if (is_last && i > 64)
			break;
	}
	if (is_last && worker->line.len > 0)
		relay_line(crew, worker);
}

static void on_words(struct loop_watch *watch, uint32_t events)
{
	struct worker *worker = watch->arg;
	crew_read_words(worker->crew, worker, false);
	if (!(events & EPOLLIN)) {
		/* it closed them; its death is told elsewhere */
		int fd = watch->fd;
		loop_remove(worker->crew->loop, watch);
		close(fd);
		watch->fd = -1;
	}
}

/* --- starting and clearing ---------------------------------------------------------------------------------------- */

static void on_bell(struct loop_watch *watch, uint32_t events)
{
	/* edge-triggered: that the loop woke is all; the turn looks at every channel */
	(void)watch;
	(void)events;
}

/* The pipe's reading end is ours alone, so it may be made non-blocking. */
static int open_words(struct crew *crew, struct worker *worker, int *ret_error_fd, struct err *err)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_set_errno(err, ERR_RESOURCE, errno, "cannot make a pipe");
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0 ||
	    loop_add(crew->loop, &worker->words, fds[0], EPOLLIN, on_words, worker, NULL, err) != 0) {
		close(fds[0]);
		close(fds[1]);
		return err_set_errno(err, ERR_RESOURCE, errno, "cannot watch a pipe");
	}
	*ret_error_fd = fds[1];
	return 0;
}

static int start(struct crew *crew, struct worker *worker, struct err *err)
{
	const char *why_memfd;
	int error_fd = -1, result = -1;
	if (channel_create(&worker->channel, worker->number, &crew->sizes, &why_memfd, err) != 0)
		return -1;
	if (*why_memfd && !crew->has_said_memfd) {
		log_notice("/dev/shm can't be used (%s): using anonymous memory (memfd) instead", why_memfd);
		crew->has_said_memfd = true;
	}
	if (loop_add(crew->loop, &worker->bell, worker->channel->bell_fd, EPOLLIN | EPOLLET, on_bell, worker, NULL, err) ==
	        0 &&
	    (!crew->ops->has_processes || open_words(crew, worker, &error_fd, err) == 0))
		result = crew->ops->start(crew->backend, worker->number, worker->generation, worker->channel, error_fd, err);
	if (error_fd >= 0)
		close(error_fd);
	return result;
}

bool crew_may_start(const struct crew *crew)
{
	return crew->is_loaded && !crew->is_stopping && !crew->has_given_up && crew->n_live < crew->n_workers &&
	       (crew->not_before_ns == 0 || clock_now_ns() >= crew->not_before_ns);
}

bool crew_want(struct crew *crew)
{
	if (!crew_may_start(crew))
		return false;
	struct worker *worker = crew->workers;
	while (worker->phase != WORKER_NONE && worker < crew->workers + crew->n_places)
		worker++;
	if (worker == crew->workers + crew->n_places)
		return false;
	struct err err;
	worker->phase = WORKER_IS_STARTING;
	worker->generation++;
	crew->n_live++;
	if (start(crew, worker, &err) == 0) {
		log_debug("worker %u: starting", worker->number);
		return true;
	}
	if (err.code == ERR_RESOURCE)
		on_not_started(crew, worker->number, worker->generation, &err);
	else
		crew_give_up(crew, &err);
	return false;
}

void crew_clear(struct crew *crew, struct worker *worker)
{
	if (worker->phase == WORKER_IS_READY)
		crew->n_ready--;
	loop_remove(crew->loop, &worker->bell);
	int words_fd = worker->words.fd;
	loop_remove(crew->loop, &worker->words);
	if (words_fd >= 0)
		close(words_fd);
	channel_destroy(&worker->channel);
	buf_fini(&worker->line);
	*worker = (struct worker){.crew = crew, .number = worker->number, .generation = worker->generation};
	worker->bell.fd = worker->words.fd = -1;
	worker->owed_end = &worker->owed;
	crew->n_live--;
}

void crew_poll(struct crew *crew)
{
	for (unsigned i = 0; crew->n_ready < crew->n_live && i < crew->n_places; i++) {
		struct worker *worker = &crew->workers[i];
		if (worker->phase != WORKER_IS_STARTING || channel_state(worker->channel) != WORKER_READY)
			continue;
		worker->phase = WORKER_IS_READY;
		crew->n_ready++;
		crew->n_failed_starts = 0;
		log_debug("worker %u: ready", worker->number);
	}
}

/* --- work --------------------------------------------------------------------------------------------------------- */

void crew_send(struct crew *crew, struct worker *worker, struct batch *batch)
{
	struct channel_batch sent = {.seq = batch->slice.seq,
	                             .n_items = batch->slice.n_items,
	                             .attempt = batch->attempt,
	                             .bytes = batch->slice.bytes,
	                             .n_bytes = batch->slice.n_bytes};
	batch->number = worker->channel->n_batches;
	if (worker->n_owed_items == 0)
		worker->progress_ns = clock_now_ns();
	window_send(crew->window, batch);
	batch->next_owed = NULL;
	*worker->owed_end = batch;
	worker->owed_end = &batch->next_owed;
	worker->n_owed_batches++;
	worker->n_owed_items += batch->slice.n_items;
	worker->n_sent_items += batch->slice.n_items;
	worker->needs_wake = true;
	if (channel_send(worker->channel, &sent) != 0)
		crew_break(crew, worker);
}

/* The batches from this one on, which the worker owed, go back to the window; the first from item `from` on. */
static int put_back_from(struct crew *crew, struct worker *worker, struct batch **at, uint32_t from, bool is_suspect)
{
	struct err err;
	struct batch *batch = *at;
	*at = NULL;
	worker->owed_end = at;
	while (batch) {
		struct batch *next = batch->next_owed;
		batch->next_owed = NULL;
		batch->is_suspect = batch->is_suspect || is_suspect;
		worker->n_owed_batches--;
		worker->n_owed_items -= batch->slice.n_items - from;
		if (window_put_back(crew->window, batch, from, &err) != 0) {
			crew_give_up(crew, &err);
			return -1;
		}
		batch = next;
		from = 0;
	}
	return 0;
}

void crew_put_back(struct crew *crew, struct worker *worker, bool is_suspect)
{
	if (worker->owed)
		put_back_from(crew, worker, &worker->owed, worker->owed->n_answered, is_suspect);
}

bool crew_take_back(struct crew *crew, struct worker *worker)
{
	uint32_t n_items;
	if (channel_is_sending(worker->channel) || worker->is_cut_short)
		return false;
	if (channel_take_back(worker->channel, &n_items) != 0 || n_items > worker->n_owed_items) {
		crew_break(crew, worker);
		return false;
	}
	if (n_items == 0)
		return false;
	/* what stays is the first n_kept items that it owes */
	uint32_t n_kept = worker->n_owed_items - n_items;
	worker->is_cut_short = n_kept > 0;
	for (struct batch **at = &worker->owed; *at; at = &(*at)->next_owed) {
		uint32_t n_left = (*at)->slice.n_items - (*at)->n_answered;
		if (n_kept >= n_left) {
			n_kept -= n_left;
			continue;
		}
		if (n_kept == 0)
			return put_back_from(crew, worker, at, (*at)->n_answered, false) == 0;
		struct batch *kept = *at;
		struct batch **behind = &kept->next_owed;
		if (put_back_from(crew, worker, behind, 0, false) != 0)
			return false;
		worker->n_owed_items -= n_left - n_kept;
		struct err err;
		if (window_put_back(crew->window, kept, kept->n_answered + n_kept, &err) != 0) {
			crew_give_up(crew, &err);
			return false;
		}
		return true;
	}
	return true;
}

void crew_note_progress(struct crew *crew)
{
	crew->n_uncharged = 0;
}

void crew_break(struct crew *crew, struct worker *worker)
{
	if (worker->is_broken)
		return;
	worker->is_broken = true;
	log_warning("worker %u has written nonsense over its channel: it is replaced", worker->number);
	if (!crew->backend->ops->kill(crew->backend, worker->number, worker->generation, SIGKILL)) {
		struct err err;
		err_set(&err, ERR_RUN,
		        "a thread's channel was overwritten, and a thread can't be replaced: use --backend process");
		crew_give_up(crew, &err);
	}
}

void crew_flush_wakes(struct crew *crew)
{
	for (unsigned i = 0; i < crew->n_places; i++) {
		struct worker *worker = &crew->workers[i];
		if (worker->phase == WORKER_NONE || worker->is_broken)
			continue;
		if (channel_is_sending(worker->channel)) {
			if (channel_send_more(worker->channel) != 0)
				crew_break(crew, worker);
			worker->needs_wake = true;
		}
		if (worker->needs_wake && channel_wake(worker->channel) != 0)
			crew_break(crew, worker);
		worker->needs_wake = false;
	}
}

void crew_retire(struct crew *crew, struct worker *worker)
{
	worker->is_retiring = true;
	if (channel_stop(worker->channel) != 0)
		crew_break(crew, worker);
}

void crew_resize(struct crew *crew, int more)
{
	if (more > 0 && crew->n_workers < crew->n_places)
		crew->n_workers++;
	if (more < 0 && crew->n_workers > 1) {
		crew->n_workers--;
		for (unsigned i = crew->n_places; i > 0 && crew->n_live > crew->n_workers; i--) {
			struct worker *worker = &crew->workers[i - 1];
			if (worker->phase == WORKER_IS_READY && !worker->is_retiring) {
				crew_retire(crew, worker);
				break;
			}
		}
	}
}

void crew_end_worker(struct crew *crew, struct worker *worker, enum worker_ending ending, uint32_t item)
{
	bool is_gentle = ending == ENDING_TIMED_OUT;
	worker->ending = ending;
	worker->ending_item = item;
	worker->kill_ns = is_gentle ? clock_now_ns() + KILL_PAUSE_NS : INT64_MAX;
	channel_cancel(worker->channel);
	crew->backend->ops->kill(crew->backend, worker->number, worker->generation, is_gentle ? SIGTERM : SIGKILL);
	/* one that was stopped hears TERM only when it goes on */
	if (is_gentle)
		crew->backend->ops->kill(crew->backend, worker->number, worker->generation, SIGCONT);
}

int64_t crew_due_ns(const struct crew *crew)
{
	int64_t now_ns = clock_now_ns();
	if (crew->has_given_up || crew->is_stopping)
		return -1;
	if (crew->not_before_ns > now_ns)
		return crew->not_before_ns;
	if (!crew->backend)
		return now_ns;
	return -1;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

void crew_stop(struct crew *crew)
{
	crew->is_stopping = true;
	for (unsigned i = 0; i < crew->n_places; i++) {
		struct worker *worker = &crew->workers[i];
		if (worker->phase != WORKER_IS_STARTING && worker->phase != WORKER_IS_READY)
			continue;
		if (worker->phase == WORKER_IS_READY)
			crew->n_ready--;
		worker->phase = WORKER_IS_LEAVING;
		if (channel_stop(worker->channel) != 0)
			crew_break(crew, worker);
	}
}

void crew_kill(struct crew *crew)
{
	crew->is_stopping = crew->is_killed = true;
	for (unsigned i = 0; crew->backend && i < crew->n_places; i++)
		if (crew->workers[i].phase != WORKER_NONE) {
			channel_cancel(crew->workers[i].channel);
			crew->backend->ops->kill(crew->backend, i + 1, crew->workers[i].generation, SIGKILL);
		}
}

bool crew_is_gone(const struct crew *crew)
{
	return crew->n_live == 0 || (crew->is_killed && !crew->ops->has_processes);
}

/*
 * Whatever the worker may have done since it was last looked at: it rings no bell for what it did before it was asked
 * to.
 */
static bool has_news(struct worker *worker)
{
	struct channel *channel = worker->channel;
	return channel_has_news(channel) || channel_may_send_more(channel) ||
	       (worker->wanted_bytes > 0 && channel_has_room(channel, worker->wanted_bytes) != 0) ||
	       (worker->phase == WORKER_IS_STARTING && channel_state(channel) == WORKER_READY);
}

bool crew_sleep_begin(struct crew *crew, const struct worker *only)
{
	bool has_any = false;
	for (unsigned i = 0; i < crew->n_places; i++)
		if (crew->workers[i].channel && (!only || only == &crew->workers[i]))
			channel_sleep_begin(crew->workers[i].channel);
	/* pairs with the worker's fence between publishing and looking whether the bell is wanted */
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < crew->n_places; i++) {
		struct worker *worker = &crew->workers[i];
		if (worker->channel && !worker->is_broken && (!only || only == worker))
			has_any = has_any || has_news(worker);
	}
	return has_any;
}

void crew_sleep_end(struct crew *crew)
{
	for (unsigned i = 0; i < crew->n_places; i++)
		if (crew->workers[i].channel)
			channel_sleep_end(crew->workers[i].channel);
}
