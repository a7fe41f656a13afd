/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend - how a worker lives. One table of operations for each: backend_process.c, backend_thread.c.
 *
 *   open (the plugin begins to be loaded) ... loaded | refused | lost
 *   start a worker ... started | not_started; later died
 *   kill a worker (process), close
 *
 * All answers come as calls of backend_events, from loop_wait only, never from inside an operation. A generation is
 * counted up by the caller at each start of a worker, so that a late answer is told apart.
 */
#ifndef CREW_BACKEND_H
#define CREW_BACKEND_H

#include "core/base/err.h"
#include "core/base/loop.h"
#include "core/crew/server.h"
#include "core/wire/setup.h"
#include "shm/channel.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct backend; /* begins with const struct backend_ops *ops */

struct backend_events {
	/* n_threads: those that loading has left running, and that workers won't have; 0 for threads */
	void (*loaded)(void *arg, unsigned n_threads);
	void (*refused)(void *arg, const struct err *err); /* ERR_USAGE what the plugin is, ERR_RUN its load said no */
	void (*started)(void *arg, unsigned number, uint64_t generation, pid_t pid); /* 0: no process of its own */
	void (*not_started)(void *arg, unsigned number, uint64_t generation, const struct err *err);
	/* how: proc_death's text; was_lost: the backend took it down, it is nobody's fault */
	void (*died)(void *arg, unsigned number, uint64_t generation, int wait_status, bool was_lost);
	/*
	 * The backend itself is gone (its fork server died); every worker that it had has been told as died before.
	 * is_outside: by a signal that isn't the plugin's doing, as far as can be told.
	 */
	void (*lost)(void *arg, const char *how, bool is_outside);
	/* of the words that loading the plugin has (words.h): whose they are, and how much may be said; both may be NULL */
	const char *job_name;
	struct words_quota *load_quota;
	void *arg;
};

struct backend_ops {
	const char *name;
	bool has_processes;
	/*
	 * worker_program is the path of rota-worker. spare: taken if there is one; may be NULL. setup is borrowed for the
	 * call. ERR_RESOURCE: not to be had now.
	 */
	int (*open)(struct backend **ret, struct loop *loop, const struct setup *setup, const char *worker_program,
	            struct server *spare, const struct backend_events *events, struct err *err);
	/* error_fd: what becomes the worker's standard output and error; borrowed for the call. */
	int (*start)(struct backend *backend, unsigned number, uint64_t generation, struct channel *channel, int error_fd,
	             struct err *err);
	/* Ends a worker by a signal; `died` follows. A thread can't be: does nothing and returns false. */
	bool (*kill)(struct backend *backend, unsigned number, uint64_t generation, int signum);
	/* Now and then, passed_ns after the last time: who owes an answer for too long is given up. */
	void (*look)(struct backend *backend, int64_t passed_ns);
	/* Ends all workers at once, whatever the fork server does; `died` and `lost` follow. why: a sentence's end. */
	void (*abandon)(struct backend *backend, const char *why);
	/*
	 * Waits for what is left (nothing, in order) or kills it; no events any more. false: threads are left that go on
	 * running, with all that they use.
	 */
	bool (*close)(struct backend **backend);
};

/* The first member of every struct backend. */
struct backend {
	const struct backend_ops *ops;
};

extern const struct backend_ops backend_process;
extern const struct backend_ops backend_thread;

#endif
