/* SPDX-License-Identifier: Apache-2.0 */
/* services - see services.h. */
#include "config.h"

#include "core/worker/services.h"

#include "core/base/option.h"
#include "core/worker/host.h"
#include "core/worker/task.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The worker of which a plugin has the first part. */
static struct host_worker *worker_of(struct rota_worker *pub)
{
	return (struct host_worker *)(void *)pub;
}

/* A plugin that asks for what isn't in its table is wrong as a whole: going on would compute nonsense. */
static const struct option_value *value_of(struct rota_worker *worker, const char *name, enum option_type type)
{
	const struct host *host = worker_of(worker)->host;
	const struct option_spec *spec = option_find(host->specs, name);
	if (spec && spec->type == type)
		return &host->values[spec - host->specs];
	fprintf(stderr, "plugin %s: asks for its option '%s' as %s, but its table has %s: fix the plugin\n",
	        host->plugin.name, name, option_type_name(type), spec ? option_type_name(spec->type) : "no such option");
	_exit(3);
}

static const char *option_string(struct rota_worker *worker, const char *name)
{
	return value_of(worker, name, OPTION_STRING)->text;
}

static int64_t option_int(struct rota_worker *worker, const char *name)
{
	return value_of(worker, name, OPTION_INT)->number;
}

static bool option_bool(struct rota_worker *worker, const char *name)
{
	return value_of(worker, name, OPTION_BOOL)->number != 0;
}

static int64_t option_size(struct rota_worker *worker, const char *name)
{
	return value_of(worker, name, OPTION_SIZE)->number;
}

static int64_t option_duration(struct rota_worker *worker, const char *name)
{
	return value_of(worker, name, OPTION_DURATION)->number;
}

static const char *option_choice(struct rota_worker *worker, const char *name)
{
	return value_of(worker, name, OPTION_CHOICE)->text;
}

static const char *const *option_list(struct rota_worker *worker, const char *name, size_t *ret_n)
{
	const struct option_value *value = value_of(worker, name, OPTION_LIST);
	*ret_n = value->n_elements;
	return (const char *const *)value->elements;
}

static int refuse(struct rota_worker *pub, const char *text, size_t n_bytes)
{
	struct host_worker *worker = worker_of(pub);
	size_t n = n_bytes < sizeof worker->refusal ? n_bytes : sizeof worker->refusal - 1;
	memcpy(worker->refusal, text, n);
	worker->refusal[n] = '\0';
	return ROTA_REFUSED;
}

static unsigned worker_number(struct rota_worker *worker)
{
	return worker_of(worker)->number;
}

static unsigned worker_count(struct rota_worker *worker)
{
	return worker_of(worker)->host->n_workers;
}

/* ABI 1 as plugins were compiled with it: what stands here never moves, new fields come behind it. */
#define AT(name, field, n_words) \
	static_assert(offsetof(struct name, field) == (n_words) * sizeof(void *), "a field of ABI 1 has moved")
#if UINTPTR_MAX == UINT64_MAX
AT(rota_option, default_value, 2);
AT(rota_option, unit, 5);
AT(rota_plugin, name, 1);
AT(rota_plugin, flags, 4);
AT(rota_plugin, options, 5);
AT(rota_plugin, run, 8);
AT(rota_plugin, close, 10);
AT(rota_host, item, 1);
AT(rota_host, count, 13);
AT(rota_host, refuse, 14);
AT(rota_host, option_list, 23);
AT(rota_host, command_ended, 24);
AT(rota_host, keep_result, 25);
AT(rota_host, print, 26);
AT(rota_task, item_bytes, 2);
AT(rota_task, out, 3);
AT(rota_task, out_room, 5);
AT(rota_task, n_writes, 6);
#endif

const struct rota_host services = {
	.abi = ROTA_ABI,
	.struct_size = sizeof(struct rota_host),
	.item = task_item,
	.seq = task_seq,
	.attempt = task_attempt,
	.seed = task_seed,
	.write = task_write,
	.reserve = task_reserve,
	.commit = task_commit,
	.next = task_next,
	.fail = task_fail,
	.retry = task_retry,
	.log = task_log,
	.cancelled = task_cancelled,
	.count = task_count,
	.refuse = refuse,
	.worker_number = worker_number,
	.worker_count = worker_count,
	.option_string = option_string,
	.option_int = option_int,
	.option_bool = option_bool,
	.option_size = option_size,
	.option_duration = option_duration,
	.option_choice = option_choice,
	.option_list = option_list,
	.command_ended = task_command_ended,
	.keep_result = task_keep_result,
	.print = task_print,
};
