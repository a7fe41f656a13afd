/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rota/plugin.h - the plugin ABI: the only header that a plugin includes.
 *
 * A plugin is a shared object that exports one constant, `rota_plugin`, made by
 * ROTA_PLUGIN(). rota loads it in a process of its own, calls `load` once, forks
 * the workers, and calls in every worker `open` once, `run` once an item and
 * `close` at the end. A plugin links against nothing of rota's: all services are
 * function pointers in a table that the host hands over.
 *
 * Threads: a worker runs one item at a time, so `run` is never entered twice with
 * the same state. In the thread backend several workers share the process: only a
 * plugin with ROTA_THREAD_SAFE gets more than one.
 *
 * Units: sizes are bytes, durations are nanoseconds, both int64_t.
 * Strings: UTF-8 or not, rota doesn't look; names and texts end in NUL, items and
 * results are bytes with a length and may hold anything.
 *
 * C11 and C++20 (the macro needs designated initialisers). Rust, Zig and others
 * fill `struct rota_plugin` themselves and call through `struct rota_host`, which
 * is complete: the inline functions below are C's convenience.
 *
 * The bump rule: ROTA_ABI changes when a plugin that was compiled before can no
 * longer be run. New fields go to the end of `struct rota_plugin` and
 * `struct rota_host`; `struct_size` says who has them, and a shorter struct means
 * NULL in what is missing. Nothing is ever removed or reordered under one number.
 * History:
 *   1  2026-11  the first; command_ended, at the end of struct rota_host
 */
#ifndef ROTA_PLUGIN_H
#define ROTA_PLUGIN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ROTA_ABI 1u

/* What `load`, `open`, `run` and `flush` return. */
enum rota_status {
	ROTA_OK = 0,
	ROTA_FAILED = 1, /* the item failed; rota_fail() says why */
	ROTA_AGAIN = 2,  /* not now: worth another attempt; rota_retry() says why */
	ROTA_REFUSED = 3 /* from load or open: can't go on; rota_refuse() says why */
};

/* struct rota_plugin.flags */
#define ROTA_THREAD_SAFE (1u << 0) /* run may be entered by several threads, each with its own state */
#define ROTA_PURE (1u << 1)        /* the same item gives the same result, and may be run twice */
#define ROTA_TIDY (1u << 2)        /* changes nothing of the process that the next item could see */
#define ROTA_FLAGS_KNOWN (ROTA_THREAD_SAFE | ROTA_PURE | ROTA_TIDY)

enum rota_option_type {
	ROTA_STRING = 1,
	ROTA_INT = 2,      /* -12, 0x1f, 10k */
	ROTA_BOOL = 3,     /* yes no true false on off 1 0 */
	ROTA_SIZE = 4,     /* 4096, 64K, 1.5G: bytes, powers of 1024 */
	ROTA_DURATION = 5, /* 500ms, 10s, 2m, 1h: nanoseconds; a bare number is seconds */
	ROTA_CHOICE = 6,   /* one of the words in range */
	ROTA_LIST = 7      /* elements, comma-separated (\, is a comma), or a YAML list */
};

/*
 * One option. The table ends with an entry whose name is NULL. All strings live
 * as long as the plugin is loaded.
 */
struct rota_option {
	const char *name; /* letters, digits, - and _ */
	enum rota_option_type type;
	const char *default_value; /* as text, parsed like the user's; NULL: required */
	const char *help;          /* one line */
	const char *range;         /* numbers, sizes, durations: "1..64", "0..", "..10s"; choices: "a,b"; else NULL */
	const char *unit;          /* what the number counts, for the help: "ms"; or NULL */
};

struct rota_host;

/* A worker. Valid during load (as worker 0) and from open to close. */
struct rota_worker {
	const struct rota_host *host;
};

/*
 * An item in a plugin's hands. Valid from the call of run to its return, and only
 * in the thread that run was called in. The fields are the host's: read them
 * through the functions below.
 */
struct rota_task {
	const struct rota_host *host;
	const char *item; /* the item's bytes; behind them stands one byte that isn't part of it */
	size_t item_bytes;
	char *out;         /* where the next byte of the result goes */
	size_t out_bytes;  /* written so far at out - out_bytes .. out, not yet handed on */
	size_t out_room;   /* bytes free at out */
	uint32_t n_writes; /* 0: no result yet */
};

/*
 * The host's services. A plugin never makes one of these. Every text is bytes
 * with a length. Functions that return int give a rota_status, which run may
 * return as it is.
 */
struct rota_host {
	uint32_t abi;
	uint32_t struct_size;
	/* of the item */
	const char *(*item)(struct rota_task *task, size_t *ret_bytes);
	uint64_t (*seq)(struct rota_task *task);
	uint32_t (*attempt)(struct rota_task *task);
	uint64_t (*seed)(struct rota_task *task);
	int (*write)(struct rota_task *task, const void *bytes, size_t n_bytes);
	char *(*reserve)(struct rota_task *task, size_t n_bytes);
	int (*commit)(struct rota_task *task, size_t n_bytes);
	int (*next)(struct rota_task *task);
	int (*fail)(struct rota_task *task, const char *text, size_t n_bytes);
	int (*retry)(struct rota_task *task, const char *text, size_t n_bytes);
	void (*log)(struct rota_task *task, const char *text, size_t n_bytes);
	bool (*cancelled)(struct rota_task *task);
	void (*count)(struct rota_task *task, const char *name, int64_t add);
	/* of the worker */
	int (*refuse)(struct rota_worker *worker, const char *text, size_t n_bytes);
	unsigned (*worker_number)(struct rota_worker *worker);
	unsigned (*worker_count)(struct rota_worker *worker);
	const char *(*option_string)(struct rota_worker *worker, const char *name);
	int64_t (*option_int)(struct rota_worker *worker, const char *name);
	bool (*option_bool)(struct rota_worker *worker, const char *name);
	int64_t (*option_size)(struct rota_worker *worker, const char *name);
	int64_t (*option_duration)(struct rota_worker *worker, const char *name);
	const char *(*option_choice)(struct rota_worker *worker, const char *name);
	const char *const *(*option_list)(struct rota_worker *worker, const char *name, size_t *ret_n);
	/* of the item, and added later */
	void (*command_ended)(struct rota_task *task, int wait_status);
};

/*
 * The plugin. A callback that isn't needed is NULL; only `run` must be there.
 *   load   once, in the fork server, before any worker: heavy imports, tables that
 *          all workers share by copy-on-write. No threads may be left running.
 *   open   once a worker; what it puts into *state comes back in run and close.
 *   run    once an item and attempt.
 *   flush  for plugins that accumulate: called when the host says; what it writes
 *          stands for all items since the last flush, which are done by it. Its
 *          place is reserved: hosts of ABI 1 refuse a plugin that has one.
 *   close  once a worker that opened, at its orderly end; not after a crash.
 */
struct rota_plugin {
	uint32_t abi;
	uint32_t struct_size;
	const char *name;
	const char *version;
	const char *summary; /* one line */
	uint64_t flags;
	const struct rota_option *options; /* or NULL */
	int (*load)(struct rota_worker *worker);
	int (*open)(struct rota_worker *worker, void **state);
	int (*run)(struct rota_task *task, void *state);
	int (*flush)(struct rota_task *task, void *state);
	void (*close)(void *state);
};

/* The one symbol that a plugin exports, whatever -fvisibility says. */
__attribute__((visibility("default"))) extern const struct rota_plugin rota_plugin;

#define ROTA_PLUGIN(...) \
	const struct rota_plugin rota_plugin = {.abi = ROTA_ABI, .struct_size = sizeof(struct rota_plugin), __VA_ARGS__}

/* Plugins and options are written short, and what isn't named is NULL: no warning about it. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* The item's bytes, borrowed until run returns. *ret_bytes may not be NULL. */
static inline const char *rota_item(struct rota_task *task, size_t *ret_bytes)
{
	*ret_bytes = task->item_bytes;
	return task->item;
}

/* The item's number, from 1 in input order. */
static inline uint64_t rota_seq(struct rota_task *task)
{
	return task->host->seq(task);
}

/* Which attempt at this item this is, from 1. */
static inline uint32_t rota_attempt(struct rota_task *task)
{
	return task->host->attempt(task);
}

/* A number that is the same for an item whichever worker runs it, whenever. */
static inline uint64_t rota_seed(struct rota_task *task)
{
	return task->host->seed(task);
}

/*
 * Room for n_bytes of result: in the result ring itself when they fit, else in a
 * buffer of the host's. NULL when the result would exceed max-result (then return
 * ROTA_FAILED: the host has noted the reason). Follow with rota_commit(); a second
 * rota_reserve() without one gives the same room again.
 */
static inline char *rota_reserve(struct rota_task *task, size_t n_bytes)
{
	return n_bytes <= task->out_room ? task->out : task->host->reserve(task, n_bytes);
}

/* Makes the first n_bytes of what was reserved part of the result. */
static inline int rota_commit(struct rota_task *task, size_t n_bytes)
{
	if (n_bytes > task->out_room)
		return task->host->commit(task, n_bytes);
	task->out += n_bytes;
	task->out_bytes += n_bytes;
	task->out_room -= n_bytes;
	task->n_writes++;
	return ROTA_OK;
}

/* Appends to the result, as often as wanted. Zero bytes make an (empty) result, too. */
static inline int rota_write(struct rota_task *task, const void *bytes, size_t n_bytes)
{
	return task->host->write(task, bytes, n_bytes);
}

/* Begins another result of the same item. Hosts of ABI 1 fail the item here. */
static inline int rota_next(struct rota_task *task)
{
	return task->host->next(task);
}

/* Has this attempt been given up (time-out, end of run)? Long items may ask now and then. */
static inline bool rota_cancelled(struct rota_task *task)
{
	return task->host->cancelled(task);
}

/* Adds to a counter of that name, which the run adds up and reports at its end. */
static inline void rota_count(struct rota_task *task, const char *name, int64_t add)
{
	task->host->count(task, name, add);
}

/*
 * How the command that did this item's work ended, as waitpid tells it. For the job
 * log's Exitval and Signal, whatever the text of rota_fail or rota_retry says. An
 * older host doesn't want to know.
 */
static inline void rota_command_ended(struct rota_task *task, int wait_status)
{
	if (task->host->struct_size > offsetof(struct rota_host, command_ended))
		task->host->command_ended(task, wait_status);
}

/* This worker's number, from 1 (0 in load); how many the job has. */
static inline unsigned rota_worker_number(struct rota_worker *worker)
{
	return worker->host->worker_number(worker);
}

static inline unsigned rota_worker_count(struct rota_worker *worker)
{
	return worker->host->worker_count(worker);
}

/*
 * The options, typed and range-checked before load is called. Strings live until
 * close. Asking for a name that isn't in the table, or for another type than it has
 * there, is a bug of the plugin: the host says so and ends the worker.
 */
static inline const char *rota_option_string(struct rota_worker *worker, const char *name)
{
	return worker->host->option_string(worker, name);
}

static inline int64_t rota_option_int(struct rota_worker *worker, const char *name)
{
	return worker->host->option_int(worker, name);
}

static inline bool rota_option_bool(struct rota_worker *worker, const char *name)
{
	return worker->host->option_bool(worker, name);
}

static inline int64_t rota_option_size(struct rota_worker *worker, const char *name)
{
	return worker->host->option_size(worker, name);
}

static inline int64_t rota_option_duration(struct rota_worker *worker, const char *name)
{
	return worker->host->option_duration(worker, name);
}

static inline const char *rota_option_choice(struct rota_worker *worker, const char *name)
{
	return worker->host->option_choice(worker, name);
}

/* An array of *ret_n strings with a NULL behind them. */
static inline const char *const *rota_option_list(struct rota_worker *worker, const char *name, size_t *ret_n)
{
	return worker->host->option_list(worker, name, ret_n);
}

/* The printf-style forms. Texts are cut at 1,000 bytes. */
#define ROTA_TEXT_MAX 1000

static inline size_t rota_format(char *text, const char *format, va_list args)
{
	int n = vsnprintf(text, ROTA_TEXT_MAX, format, args);
	return n < 0 ? 0 : n < ROTA_TEXT_MAX ? (size_t)n : ROTA_TEXT_MAX - 1;
}

/* The item can't be done: `return rota_fail(task, "cannot open %s", path);` It has no result then. */
__attribute__((format(printf, 2, 3))) static inline int rota_fail(struct rota_task *task, const char *format, ...)
{
	char text[ROTA_TEXT_MAX];
	va_list args;
	va_start(args, format);
	size_t n = rota_format(text, format, args);
	va_end(args);
	return task->host->fail(task, text, n);
}

/* The item can't be done now, but another attempt may go well. */
__attribute__((format(printf, 2, 3))) static inline int rota_retry(struct rota_task *task, const char *format, ...)
{
	char text[ROTA_TEXT_MAX];
	va_list args;
	va_start(args, format);
	size_t n = rota_format(text, format, args);
	va_end(args);
	return task->host->retry(task, text, n);
}

/* A line for the user, tagged with the item's number, on standard error. */
__attribute__((format(printf, 2, 3))) static inline void rota_log(struct rota_task *task, const char *format, ...)
{
	char text[ROTA_TEXT_MAX];
	va_list args;
	va_start(args, format);
	size_t n = rota_format(text, format, args);
	va_end(args);
	task->host->log(task, text, n);
}

/* Why load or open can't go on: `return rota_refuse(worker, "no model at %s", path);` Ends the run. */
__attribute__((format(printf, 2, 3))) static inline int rota_refuse(struct rota_worker *worker, const char *format, ...)
{
	char text[ROTA_TEXT_MAX];
	va_list args;
	va_start(args, format);
	size_t n = rota_format(text, format, args);
	va_end(args);
	return worker->host->refuse(worker, text, n);
}

#ifdef __cplusplus
}
#endif

#endif
