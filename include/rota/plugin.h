/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rota/plugin.h - the plugin ABI: the only header that a plugin includes.
 *
 * A plugin is a shared object that exports one constant, `rota_plugin`, made by
 * ROTA_PLUGIN(). rota loads it in a separate process, calls `load` once, and forks
 * the workers. Each worker calls `open` once, `run` once per item and `close` at
 * the end. A plugin does not link against rota: all services are function pointers
 * in a table that the host passes to it.
 *
 * Threads: a worker runs one item at a time, so `run` is never entered twice with
 * the same state. In the thread backend, several workers share the process. Only a
 * plugin with ROTA_THREAD_SAFE gets more than one of them.
 *
 * Units: sizes are bytes, durations are nanoseconds; both are int64_t.
 * Strings: rota does not care about the encoding. Names and texts end with NUL.
 * Items and results are bytes with a length and may contain any value.
 *
 * The header works with C11 and C++20 (the macro uses designated initializers).
 * Rust, Zig and others fill in `struct rota_plugin` themselves and call through
 * `struct rota_host`, which is complete: the inline functions below only make it
 * convenient from C.
 *
 * Changes: ROTA_ABI changes when plugins that were compiled before can no longer be
 * run. New fields go to the end of `struct rota_plugin` and `struct rota_host`.
 * `struct_size` says which fields a structure has, and missing fields count as NULL.
 * Nothing is ever removed or reordered under one number.
 * History:
 *   1  2026-11  the first; command_ended, keep_result and print, at the end of struct rota_host
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
	ROTA_AGAIN = 2,  /* this attempt failed, and another may succeed; rota_retry() says why */
	ROTA_REFUSED = 3 /* load or open can't continue; rota_refuse() says why */
};

/* struct rota_plugin.flags */
#define ROTA_THREAD_SAFE (1u << 0) /* run may be entered by several threads, each with its own state */
#define ROTA_PURE (1u << 1)        /* the same item gives the same result, and may be run twice */
#define ROTA_TIDY (1u << 2)        /* run changes nothing in the process that the next item could see */
#define ROTA_FLAGS_KNOWN (ROTA_THREAD_SAFE | ROTA_PURE | ROTA_TIDY)

enum rota_option_type {
	ROTA_STRING = 1,
	ROTA_INT = 2,      /* -12, 0x1f, 10k */
	ROTA_BOOL = 3,     /* yes no true false on off 1 0 */
	ROTA_SIZE = 4,     /* 4096, 64K, 1.5G: bytes, powers of 1024 */
	ROTA_DURATION = 5, /* 500ms, 10s, 2m, 1h: nanoseconds; without a unit: seconds */
	ROTA_CHOICE = 6,   /* one of the words in range */
	ROTA_LIST = 7      /* elements, comma-separated (\, is a comma), or a YAML list */
};

/*
 * One option. The table ends with an entry whose name is NULL. All strings must
 * stay valid as long as the plugin is loaded.
 */
struct rota_option {
	const char *name; /* letters, digits, - and _ */
	enum rota_option_type type;
	const char *default_value; /* as text, parsed like the user's; NULL: required */
	const char *help;          /* one line */
	const char *range;         /* numbers, sizes, durations: "1..64", "0..", "..10s"; choices: "a,b"; else NULL */
	const char *unit;          /* unit of the number, for the help text: "ms"; or NULL */
};

struct rota_host;

/* A worker. Valid during load (as worker 0) and from open to close. */
struct rota_worker {
	const struct rota_host *host;
};

/*
 * An item while a plugin works on it. Valid from the call of run to its return, and
 * only in the thread in which run was called. The fields belong to the host: use the
 * functions below to read them.
 */
struct rota_task {
	const struct rota_host *host;
	const char *item; /* the item's bytes; one byte that is not part of the item follows them */
	size_t item_bytes;
	char *out;         /* where the next byte of the result goes */
	size_t out_bytes;  /* written so far at out - out_bytes .. out, not yet passed on */
	size_t out_room;   /* bytes free at out */
	uint32_t n_writes; /* 0: no result yet */
};

/*
 * The host's services. A plugin never creates this structure. Every text is bytes
 * with a length. Functions that return int return a rota_status, which run may
 * return unchanged.
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
	void (*keep_result)(struct rota_task *task);
	void (*print)(struct rota_task *task, const char *text, size_t n_bytes);
};

/*
 * The plugin. Only `run` is required; any other callback may be NULL.
 *   load   called once, in the fork server, before any worker exists: for heavy
 *          imports and tables that all workers share by copy-on-write. It must not
 *          leave threads running.
 *   open   called once per worker; run and close receive what it stores in *state.
 *   run    called once per item and attempt.
 *   flush  for plugins that accumulate: called when the host asks for it. What it
 *          writes stands for all items since the last flush and completes them.
 *          Reserved: hosts of ABI 1 refuse a plugin that has one.
 *   close  called once per worker whose open succeeded, when the worker ends
 *          normally; not after a crash.
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

/* The only symbol that a plugin exports, independent of -fvisibility. */
__attribute__((visibility("default"))) extern const struct rota_plugin rota_plugin;

/*
 * Plugins and option tables name only the fields that they need; the others are NULL. These two macros switch the
 * compiler's warning about that off, and on again behind themselves. Each ends in the name of a struct, which takes the
 * semicolon that follows.
 */
#define ROTA_PLUGIN(...) \
	ROTA_SHORT_BEGIN \
	const struct rota_plugin rota_plugin = {.abi = ROTA_ABI, .struct_size = sizeof(struct rota_plugin), __VA_ARGS__}; \
	ROTA_SHORT_END struct rota_plugin

/* Defines a table of options: ROTA_OPTIONS(options, {"mark", ROTA_STRING, "!", "text to append"}, {NULL}); */
#define ROTA_OPTIONS(name, ...) \
	ROTA_SHORT_BEGIN \
	static const struct rota_option name[] = {__VA_ARGS__}; \
	ROTA_SHORT_END struct rota_option

#define ROTA_SHORT_BEGIN \
	_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"")
#define ROTA_SHORT_END _Pragma("GCC diagnostic pop")

/* Returns the item's bytes, which are valid until run returns. ret_bytes must not be NULL. */
static inline const char *rota_item(struct rota_task *task, size_t *ret_bytes)
{
	*ret_bytes = task->item_bytes;
	return task->item;
}

/* Returns the item's number, from 1 in input order. */
static inline uint64_t rota_seq(struct rota_task *task)
{
	return task->host->seq(task);
}

/* Returns the number of this attempt at the item, from 1. */
static inline uint32_t rota_attempt(struct rota_task *task)
{
	return task->host->attempt(task);
}

/* Returns a number that is the same for an item in every run and on every worker. */
static inline uint64_t rota_seed(struct rota_task *task)
{
	return task->host->seed(task);
}

/*
 * Returns room for n_bytes of result: in the result ring itself if they fit, or in a
 * buffer of the host. Returns NULL if the result would exceed max-result or memory is
 * short; return ROTA_FAILED then, the host knows the reason. Call rota_commit()
 * afterwards; a second rota_reserve() without it returns the same room.
 */
static inline char *rota_reserve(struct rota_task *task, size_t n_bytes)
{
	return n_bytes <= task->out_room ? task->out : task->host->reserve(task, n_bytes);
}

/* Adds the first n_bytes of the reserved room to the result. */
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

/* Appends to the result; may be called several times. Writing zero bytes makes an empty result. */
static inline int rota_write(struct rota_task *task, const void *bytes, size_t n_bytes)
{
	return task->host->write(task, bytes, n_bytes);
}

/* Starts another result of the same item. Reserved: hosts of ABI 1 fail the item. */
static inline int rota_next(struct rota_task *task)
{
	return task->host->next(task);
}

/* Tells whether this attempt was given up (timeout, end of the run). Long items may call it now and then. */
static inline bool rota_cancelled(struct rota_task *task)
{
	return task->host->cancelled(task);
}

/* Adds to the counter of that name. The run adds up all workers' counters and reports them at its end. */
static inline void rota_count(struct rota_task *task, const char *name, int64_t add)
{
	task->host->count(task, name, add);
}

/*
 * Records how the command that did this item's work ended, in the form of waitpid. The
 * job log takes Exitval and Signal from it, whatever the text of rota_fail or
 * rota_retry says. An older host ignores it.
 */
static inline void rota_command_ended(struct rota_task *task, int wait_status)
{
	if (task->host->struct_size > offsetof(struct rota_host, command_ended))
		task->host->command_ended(task, wait_status);
}

/*
 * Keeps what this attempt has written as the item's result even if the item fails. Call
 * it before rota_fail or rota_retry. Of an item that is attempted again, only the last
 * attempt's result is kept. An older host ignores it: a failed item has no result there.
 */
static inline void rota_keep_result(struct rota_task *task)
{
	if (task->host->struct_size > offsetof(struct rota_host, keep_result))
		task->host->keep_result(task);
}

/*
 * Prints a line on rota's standard error as it is, without the item's number. rota cuts
 * it at 4,000 bytes. An older host ignores it.
 */
static inline void rota_print(struct rota_task *task, const char *text, size_t n_bytes)
{
	if (task->host->struct_size > offsetof(struct rota_host, print))
		task->host->print(task, text, n_bytes);
}

/* Return this worker's number, from 1 (0 in load), and the number of workers of the job. */
static inline unsigned rota_worker_number(struct rota_worker *worker)
{
	return worker->host->worker_number(worker);
}

static inline unsigned rota_worker_count(struct rota_worker *worker)
{
	return worker->host->worker_count(worker);
}

/*
 * Return the value of an option. The host checks types and ranges before it calls
 * load. Strings are valid until close has returned. Asking for a name that is not in
 * the table, or with the wrong type, is a bug in the plugin: the host says so and ends
 * the worker.
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

/* Returns an array of *ret_n strings, followed by a NULL. */
static inline const char *const *rota_option_list(struct rota_worker *worker, const char *name, size_t *ret_n)
{
	return worker->host->option_list(worker, name, ret_n);
}

/* The functions below format like printf. Texts are cut at 1,000 bytes. */
#define ROTA_TEXT_MAX 1000

static inline size_t rota_format(char *text, const char *format, va_list args)
{
	int n = vsnprintf(text, ROTA_TEXT_MAX, format, args);
	return n < 0 ? 0 : n < ROTA_TEXT_MAX ? (size_t)n : ROTA_TEXT_MAX - 1;
}

/* Fails the item: `return rota_fail(task, "cannot open %s", path);` It has no result, but see rota_keep_result(). */
__attribute__((format(printf, 2, 3))) static inline int rota_fail(struct rota_task *task, const char *format, ...)
{
	char text[ROTA_TEXT_MAX];
	va_list args;
	va_start(args, format);
	size_t n = rota_format(text, format, args);
	va_end(args);
	return task->host->fail(task, text, n);
}

/* Fails this attempt at the item; another may succeed. */
__attribute__((format(printf, 2, 3))) static inline int rota_retry(struct rota_task *task, const char *format, ...)
{
	char text[ROTA_TEXT_MAX];
	va_list args;
	va_start(args, format);
	size_t n = rota_format(text, format, args);
	va_end(args);
	return task->host->retry(task, text, n);
}

/* Prints a line for the user on standard error, with the item's number. */
__attribute__((format(printf, 2, 3))) static inline void rota_log(struct rota_task *task, const char *format, ...)
{
	char text[ROTA_TEXT_MAX];
	va_list args;
	va_start(args, format);
	size_t n = rota_format(text, format, args);
	va_end(args);
	task->host->log(task, text, n);
}

/* Says why load or open can't continue and ends the run: `return rota_refuse(worker, "no model at %s", path);` */
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
