/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend_thread - see backend_thread.h. The same loop, rings and accounting as in a process, over a channel that both
 * ends share by its mapping. A thread that ends says so by an eventfd; it can't be killed.
 */
#include "config.h"

#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/base/tree.h"
#include "core/crew/backend_thread.h"
#include "core/io/sink_file.h"
#include "core/io/source_lines.h"
#include "core/worker/host.h"
#include "core/worker/loop.h"
#include "shm/port.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PARKED_MS 10000 /* for the supervisor to hear of a thread that ends the process */

struct backend_of_threads;

struct thread {
	struct backend_of_threads *backend;
	pthread_t id;
	bool is_running; /* started and not yet joined; only the supervisor's thread touches it */
	bool is_told;    /* `started` was said */
	unsigned number;
	uint64_t generation;
	struct port port;
	_Atomic bool has_ended;
	/* the call by which it wanted to end the process, and waits in since; NULL: none. The supervisor notes it once. */
	_Atomic(const char *) exit_call;
	_Atomic bool is_exit_noted;
};

struct backend_of_threads {
	struct backend base; /* first */
	struct loop *loop;
	struct backend_events events;
	struct host *host;
	struct setup setup; /* a copy of its own, for the threads */
	struct loop_watch watch;
	int event_fd; /* rung when something is to be told */
	bool is_loaded_told, is_closing;
	struct thread *threads;
	unsigned n_threads;
};

static struct backend_of_threads *of(struct backend *backend)
{
	return (struct backend_of_threads *)(void *)backend;
}

/* Signals are the supervisor's: a thread begins with all of them blocked, but for those that a fault raises. */
static void block_signals(sigset_t *ret_before)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
	sigset_t all;
	sigfillset(&all);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		sigdelset(&all, faults[i]);
	pthread_sigmask(SIG_SETMASK, &all, ret_before);
}

static void ring(struct backend_of_threads *self)
{
	const uint64_t one = 1;
	while (write(self->event_fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

/* --- a plugin that ends the process ------------------------------------------------------------------------------- */

/* Backends that are open: while there are any, a plugin that ends the process would end the run without a word. */
static _Atomic int n_open;
static _Atomic pid_t own_pid;

static _Thread_local struct thread *this_thread; /* NULL: it is no worker */

/* The supervisor ends the run, so that what was written stays, in whole lines; the thread that asked for it waits. */
static void park(struct thread *thread, const char *call)
{
	atomic_store(&thread->exit_call, call);
	ring(thread->backend);
	for (int ms = 0; ms < PARKED_MS && !atomic_load(&thread->is_exit_noted); ms++)
		poll(NULL, 0, 1);
	while (atomic_load(&thread->is_exit_noted))
		pause();
}

void backend_thread_refuse_exit(const char *call)
{
	if (n_open == 0 || getpid() != own_pid)
		return;
	if (this_thread)
		park(this_thread, call);
	log_error("the plugin ended the process (%s) in the middle of the run: results are missing; use --backend process",
	          call);
	syscall(SYS_exit_group, 3);
}

static void on_exit_call(void)
{
	backend_thread_refuse_exit("exit");
}

static void on_quick_exit(void)
{
	backend_thread_refuse_exit("quick_exit");
}

/* Once for the supervisor and once for each thread: a call of exit uses one of them up. */
static int guard_exit(struct err *err)
{
	own_pid = getpid();
	if (atexit(on_exit_call) != 0 || at_quick_exit(on_quick_exit) != 0)
		return err_set(err, ERR_RESOURCE, "out of memory");
	return 0;
}

/* --- the thread --------------------------------------------------------------------------------------------------- */

static void say_ended(void *arg)
{
	struct thread *thread = arg;
	atomic_store(&thread->has_ended, true);
	ring(thread->backend);
}

/* pthread_exit in an item ends it, too. */
static void *live(void *arg)
{
	struct thread *thread = arg;
	struct backend_of_threads *self = thread->backend;
	this_thread = thread;
	pthread_cleanup_push(say_ended, thread);
	worker_live(self->host, &self->setup, &thread->port, NULL);
	pthread_cleanup_pop(1);
	return NULL;
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

static void join(struct thread *thread)
{
	pthread_join(thread->id, NULL);
	thread->is_running = false;
	port_detach(&thread->port);
}

/* The run can't go on: it ends in order, without that thread. */
static void note_exit(struct thread *thread)
{
	struct backend_of_threads *self = thread->backend;
	const uint64_t seq = port_current_seq(&thread->port);
	char where[48] = "";
	struct err err;
	atomic_store(&thread->is_exit_noted, true);
	if (seq != 0)
		snprintf(where, sizeof where, "item %" PRIu64 ": ", seq);
	err_set(&err, ERR_RUN,
	        "%sthe plugin ended the process (%s) in the middle of the run: results are missing; use --backend process",
	        where, atomic_load(&thread->exit_call));
	self->events.refused(self->events.arg, &err);
	self->events.died(self->events.arg, thread->number, thread->generation, 0, false);
}

static void on_event(struct loop_watch *watch, uint32_t events)
{
	struct backend_of_threads *self = watch->arg;
	(void)events;
	uint64_t count;
	while (read(self->event_fd, &count, sizeof count) < 0 && errno == EINTR)
		;
	if (!self->is_loaded_told) {
		self->is_loaded_told = true;
		self->events.loaded(self->events.arg, 0);
	}
	for (unsigned i = 0; i < self->n_threads; i++) {
		struct thread *thread = &self->threads[i];
		if (!thread->is_running)
			continue;
		if (!thread->is_told) {
			thread->is_told = true;
			self->events.started(self->events.arg, thread->number, thread->generation, 0);
		}
		if (atomic_load(&thread->has_ended)) {
			join(thread);
			self->events.died(self->events.arg, thread->number, thread->generation, 0, false);
		} else if (atomic_load(&thread->exit_call) && !thread->is_exit_noted) {
			note_exit(thread);
		}
	}
}

/* --- operations --------------------------------------------------------------------------------------------------- */

static int copy_setup(const struct setup *setup, struct setup *ret, struct err *err)
{
	struct buf text = {0};
	int result = setup_write(setup, &text) == 0 ? setup_read(ret, text.bytes, text.len, err)
	                                            : err_set(err, ERR_RESOURCE, "out of memory");
	buf_fini(&text);
	return result;
}

static bool close_backend(struct backend **backend)
{
	if (!*backend)
		return true;
	struct backend_of_threads *self = of(*backend);
	bool is_left_behind = false;
	loop_remove(self->loop, &self->watch);
	for (unsigned i = 0; self->threads && i < self->n_threads; i++) {
		struct thread *thread = &self->threads[i];
		if (thread->is_running && atomic_load(&thread->has_ended))
			join(thread);
		is_left_behind = is_left_behind || thread->is_running;
	}
	*backend = NULL;
	n_open--;
	/* a thread that doesn't end goes on using all this until the process ends */
	if (is_left_behind)
		return false;
	if (self->event_fd >= 0)
		close(self->event_fd);
	setup_fini(&self->setup);
	host_close(&self->host);
	free(self->threads);
	free(self);
	return true;
}

static int load(struct backend_of_threads *self, const struct setup *setup, struct err *err)
{
	sigset_t before;
	if (copy_setup(setup, &self->setup, err) != 0)
		return -1;
	block_signals(&before); /* for the threads that it starts */
	int result = host_open(&self->host, self->setup.file, err);
	if (result == 0)
		result = host_configure(self->host, self->setup.options, self->setup.n_options, self->setup.n_workers, err);
	if (result == 0)
		result = host_load(self->host, err);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result;
}

static int open_backend(struct backend **ret, struct loop *loop, const struct setup *setup, const char *worker_program,
                        struct server *spare, const struct backend_events *events, struct err *err)
{
	(void)worker_program, (void)spare;
	struct backend_of_threads *self = calloc(1, sizeof *self);
	if (!self)
		return err_set(err, ERR_RESOURCE, "out of memory");
	*self = (struct backend_of_threads){
		.base.ops = &backend_thread, .loop = loop, .events = *events, .watch.fd = -1, .n_threads = setup->n_places};
	struct backend *base = &self->base;
	n_open++;
	self->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	self->threads = calloc(setup->n_places, sizeof *self->threads);
	if (self->event_fd < 0 || !self->threads) {
		err_set_errno(err, ERR_RUN, errno, "cannot set up the threads");
		goto fail;
	}
	/* what an item has printed is there when it crashes */
	setvbuf(stdout, NULL, _IOLBF, 0);
	bool is_guarded = guard_exit(err) == 0 && sink_file_divert_stdout(err) == 0 && source_lines_divert_stdin(err) == 0;
	int loaded = is_guarded ? load(self, setup, err) : -1;
	/* what load has started may be waited for by the plugin */
	tree_own_children();
	if (loaded != 0 || loop_add(loop, &self->watch, self->event_fd, EPOLLIN, on_event, self, NULL, err) != 0)
		goto fail;
	ring(self);
	*ret = base;
	return 0;
fail:
	close_backend(&base);
	return -1;
}

static int create_thread(struct thread *thread, struct err *err)
{
	sigset_t before;
	block_signals(&before);
	int errnum = pthread_create(&thread->id, NULL, live, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return errnum == 0 ? 0 : err_set_errno(err, ERR_RESOURCE, errnum, "cannot start a thread");
}

static int start_worker(struct backend *backend, unsigned number, uint64_t generation, struct channel *channel,
                        int error_fd, struct err *err)
{
	struct backend_of_threads *self = of(backend);
	struct thread *thread = &self->threads[number - 1];
	(void)error_fd;
	*thread = (struct thread){.backend = self, .number = number, .generation = generation};
	if (guard_exit(err) != 0 || port_attach_map(&thread->port, &channel->map, channel->bell_fd, err) != 0)
		return -1;
	if (create_thread(thread, err) != 0) {
		port_detach(&thread->port);
		return -1;
	}
	thread->is_running = true;
	ring(self);
	return 0;
}

static bool kill_worker(struct backend *backend, unsigned number, uint64_t generation, int signum)
{
	(void)backend;
	(void)number;
	(void)generation;
	(void)signum;
	return false;
}

/* Threads owe no answers, and nobody can end them. */
static void look(struct backend *backend, int64_t passed_ns)
{
	(void)backend, (void)passed_ns;
}

static void abandon(struct backend *backend, const char *why)
{
	(void)backend, (void)why;
}

const struct backend_ops backend_thread = {
	.name = "thread",
	.has_processes = false,
	.open = open_backend,
	.start = start_worker,
	.kill = kill_worker,
	.look = look,
	.abandon = abandon,
	.close = close_backend,
};

/* Our streams, while code of a plugin's runs that isn't to have them. */
struct streams {
	int in_fd, out_fd;
};

static int put_away(struct streams *ret, struct err *err)
{
	*ret = (struct streams){-1, -1};
	ret->out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (ret->out_fd >= 0 && proc_move_input(&ret->in_fd) == 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
		return 0;
	return err_set_errno(err, ERR_RESOURCE, errno, "cannot set the standard streams aside");
}

static void put_back(const struct streams *streams)
{
	fflush(stdout);
	if (streams->in_fd >= 0) {
		dup2(streams->in_fd, STDIN_FILENO);
		close(streams->in_fd);
	}
	if (streams->out_fd >= 0) {
		dup2(streams->out_fd, STDOUT_FILENO);
		close(streams->out_fd);
	}
}

int backend_thread_describe(const char *file, struct buf *ret_text, struct err *err)
{
	struct host *host = NULL;
	struct streams streams;
	sigset_t before;
	if (guard_exit(err) != 0)
		return -1;
	int result = put_away(&streams, err);
	block_signals(&before);
	n_open++;
	if (result == 0)
		result = host_open(&host, file, err);
	if (result == 0)
		result = host_describe(host, ret_text, err);
	host_close(&host);
	n_open--;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	put_back(&streams);
	return result;
}
