/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host - a plugin in this process: the only dlopen, the check of its ABI, its options typed, its callbacks called.
 *
 *   host_open, then host_describe; or host_configure, host_load, and for each worker host_open_worker ...
 *   host_close_worker
 *
 * A plugin is never unloaded: what it started may still run its code.
 * Owner: one host a job, for the life of the process. Threads: host_open to host_load in one; the workers of the thread
 * backend share it read-only afterwards.
 */
#ifndef WORKER_HOST_H
#define WORKER_HOST_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/option.h"
#include "core/wire/setup.h"

#include <rota/plugin.h>

#include <stddef.h>

struct host {
	char *file;
	struct rota_plugin plugin; /* a copy, with NULL in what an older plugin doesn't have */
	struct option_spec *specs; /* of its option table; ends with a NULL name */
	size_t n_options;
	struct option_value *values; /* n_options of them, after host_configure */
	unsigned n_workers;
};

/* The worker of the ABI: what the plugin gets is &worker->pub. */
struct host_worker {
	struct rota_worker pub; /* first */
	const struct host *host;
	unsigned number;
	void *state;
	char refusal[ROTA_TEXT_MAX];
};

/* Checks the file, loads it, checks its ABI. err says what is wrong with the file: ERR_USAGE. */
int host_open(struct host **ret, const char *file, struct err *err);
void host_close(struct host **host);

/* The text of `rota-worker --describe` (core/plan/catalog reads it). */
int host_describe(const struct host *host, struct buf *buf, struct err *err);

/* Types the options of a set-up; what isn't given has its default. ERR_USAGE. */
int host_configure(struct host *host, const struct setup_option *options, size_t n_options, unsigned n_workers,
                   struct err *err);

/* The plugin's load. ERR_RUN with its refusal. */
int host_load(struct host *host, struct err *err);

/* The plugin's open and close. */
int host_open_worker(const struct host *host, struct host_worker *ret, unsigned number, struct err *err);
void host_close_worker(struct host_worker *worker);

/* What a library that is loaded already has by this name; NULL: it isn't loaded, or has none. */
void *host_find_loaded(const char *library, const char *name);

#endif
