/* SPDX-License-Identifier: Apache-2.0 */
/* host - see host.h. The only file that calls dlopen. */
#include "config.h"

#include "core/base/fields.h"
#include "core/worker/elf.h"
#include "core/worker/host.h"
#include "core/worker/services.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static_assert((int)OPTION_STRING == (int)ROTA_STRING && (int)OPTION_INT == (int)ROTA_INT &&
                  (int)OPTION_BOOL == (int)ROTA_BOOL && (int)OPTION_SIZE == (int)ROTA_SIZE &&
                  (int)OPTION_DURATION == (int)ROTA_DURATION && (int)OPTION_CHOICE == (int)ROTA_CHOICE &&
                  (int)OPTION_LIST == (int)ROTA_LIST,
              "core/base/option and rota/plugin.h number the types alike");

#define OPTIONS_MAX 1000 /* a table without its end is found before memory is */
#define PROBE_BYTES 64   /* divides every page */
#define TEXT_MAX_BYTES 65536

/* --- loading ------------------------------------------------------------------------------------------------------ */

static int check_plugin(const struct host *host, struct err *err)
{
	const struct rota_plugin *plugin = &host->plugin;
	if (!plugin->name || !*plugin->name)
		return err_set(err, ERR_USAGE, "%s: the plugin has no name: set .name in ROTA_PLUGIN", host->file);
	if (!plugin->run)
		return err_set(err, ERR_USAGE, "%s: the plugin has no run callback: set .run in ROTA_PLUGIN", host->file);
	if (plugin->flags & ~(uint64_t)ROTA_FLAGS_KNOWN)
		return err_set(err, ERR_USAGE,
		               "%s: the plugin has flags (0x%llx) that this rota does not know: it needs a newer rota",
		               host->file, (unsigned long long)(plugin->flags & ~(uint64_t)ROTA_FLAGS_KNOWN));
	return 0;
}

/* Copies the plugin's constant as far as it goes: an older one is shorter. */
static int take_plugin(struct host *host, const struct rota_plugin *seen, struct err *err)
{
	if (seen->abi != ROTA_ABI)
		return err_set(
			err, ERR_USAGE,
			"%s: the plugin has ABI %u, but this rota has ABI %u: compile it again with this rota's <rota/plugin.h>",
			host->file, seen->abi, ROTA_ABI);
	const size_t least = offsetof(struct rota_plugin, run) + sizeof seen->run;
	if (seen->struct_size < least)
		return err_set(err, ERR_USAGE,
		               "%s: rota_plugin says that it has %u bytes, but at least %zu are needed: use ROTA_PLUGIN",
		               host->file, seen->struct_size, least);
	size_t n = seen->struct_size < sizeof host->plugin ? seen->struct_size : sizeof host->plugin;
	memcpy(&host->plugin, seen, n);
	return check_plugin(host, err);
}

/* Are so many bytes there, in one page? A kernel that doesn't say so is believed to have them. */
static bool is_there(const void *at, size_t n_bytes, char copy[PROBE_BYTES])
{
	const struct iovec from = {(void *)(uintptr_t)at, n_bytes}, to = {copy, n_bytes};
	ssize_t n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
	if (n < 0 && errno != EFAULT)
		memcpy(copy, at, n_bytes);
	return n == (ssize_t)n_bytes || (n < 0 && errno != EFAULT);
}

/* NULL, or a string that ends. */
static bool is_text(const char *at)
{
	char copy[PROBE_BYTES];
	for (size_t n_seen = 0; at && n_seen < TEXT_MAX_BYTES;) {
		size_t n_bytes = PROBE_BYTES - (uintptr_t)at % PROBE_BYTES;
		if (!is_there(at, n_bytes, copy))
			return false;
		if (memchr(copy, '\0', n_bytes))
			return true;
		at += n_bytes;
		n_seen += n_bytes;
	}
	return at == NULL;
}

/* Behind the last entry of a table without an end stands anything, which crashes who believes it. */
static bool is_option(const struct rota_option *option)
{
	return is_text(option->name) && is_text(option->default_value) && is_text(option->help) && is_text(option->range) &&
	       is_text(option->unit);
}

static int take_options(struct host *host, struct err *err)
{
	const struct rota_option *table = host->plugin.options;
	size_t n = 0;
	while (table && table[n].name)
		if (!is_option(&table[n]) || ++n > OPTIONS_MAX)
			return err_set(err, ERR_USAGE,
			               "%s: plugin %.100s: the option table has no end: its last entry must be { NULL }",
			               host->file, host->plugin.name);
	host->specs = calloc(n + 1, sizeof *host->specs);
	host->values = calloc(n + 1, sizeof *host->values);
	if (!host->specs || !host->values)
		return err_set(err, ERR_RESOURCE, "out of memory");
	host->n_options = n;
	for (size_t i = 0; i < n; i++)
		host->specs[i] = (struct option_spec){.name = table[i].name,
		                                      .type = (enum option_type)table[i].type,
		                                      .fallback = table[i].default_value,
		                                      .help = table[i].help,
		                                      .range = table[i].range,
		                                      .unit = table[i].unit};
	if (option_check_table(host->specs, err) != 0)
		return err_prefix(err, "%s: the plugin's option table is wrong", host->file);
	return 0;
}

/* dlerror begins with the file's name, too: say it once. */
static const char *loader_message(const char *file)
{
	const char *message = dlerror();
	if (!message)
		return "the loader gives no reason";
	size_t n = strlen(file);
	return strncmp(message, file, n) == 0 && message[n] == ':' ? message + n + 2 : message;
}

int host_open(struct host **ret, const char *file, struct err *err)
{
	if (elf_check(file, err) != 0)
		return -1;
	struct host *host = calloc(1, sizeof *host);
	if (!host)
		return err_set(err, ERR_RESOURCE, "out of memory");
	host->file = realpath(file, NULL);
	if (!host->file) {
		err_set(err, ERR_USAGE, "%s: cannot resolve the path", file);
		goto fail;
	}
	void *object = dlopen(host->file, RTLD_NOW | RTLD_LOCAL);
	if (!object) {
		err_set(err, ERR_USAGE, "%s: cannot be loaded: %s", file, loader_message(host->file));
		goto fail;
	}
	const struct rota_plugin *seen = dlsym(object, "rota_plugin");
	if (!seen) {
		err_set(err, ERR_USAGE,
		        "%s: isn't a rota plugin: it exports no symbol rota_plugin (see ROTA_PLUGIN in <rota/plugin.h>)", file);
		goto fail;
	}
	if (take_plugin(host, seen, err) != 0 || take_options(host, err) != 0)
		goto fail;
	*ret = host;
	return 0;
fail:
	host_close(&host);
	return -1;
}

void host_close(struct host **host)
{
	if (!*host)
		return;
	for (size_t i = 0; i < (*host)->n_options; i++)
		option_value_fini(&(*host)->values[i]);
	free((*host)->values);
	free((*host)->specs);
	free((*host)->file);
	free(*host);
	*host = NULL;
}

/* --- describing --------------------------------------------------------------------------------------------------- */

static int put_flags(const struct rota_plugin *plugin, struct buf *buf)
{
	const char *strings[4] = {"flags"};
	size_t n = 1;
	if (plugin->flags & ROTA_THREAD_SAFE)
		strings[n++] = "thread-safe";
	if (plugin->flags & ROTA_PURE)
		strings[n++] = "pure";
	if (plugin->flags & ROTA_TIDY)
		strings[n++] = "tidy";
	return fields_put_array(buf, strings, n);
}

static int put_option(const struct option_spec *spec, struct buf *buf)
{
	return fields_put(buf, "option", spec->name, option_type_name(spec->type), spec->fallback ? "1" : "0",
	                  spec->fallback ? spec->fallback : "", spec->help ? spec->help : "", spec->range ? "1" : "0",
	                  spec->range ? spec->range : "", spec->unit ? spec->unit : "", NULL);
}

int host_describe(const struct host *host, struct buf *buf, struct err *err)
{
	const struct rota_plugin *plugin = &host->plugin;
	char abi[16];
	snprintf(abi, sizeof abi, "%u", plugin->abi);
	int result = fields_put(buf, "rota-plugin", abi, host->file, NULL) | fields_put(buf, "name", plugin->name, NULL) |
	             fields_put(buf, "version", plugin->version ? plugin->version : "", NULL) |
	             fields_put(buf, "summary", plugin->summary ? plugin->summary : "", NULL) | put_flags(plugin, buf);
	if (plugin->flush)
		result |= fields_put(buf, "flush", NULL);
	for (size_t i = 0; i < host->n_options; i++)
		result |= put_option(&host->specs[i], buf);
	result |= fields_put(buf, "end", NULL);
	return result == 0 ? 0 : err_set(err, ERR_RESOURCE, "out of memory");
}

/* --- options ------------------------------------------------------------------------------------------------------ */

static const struct setup_option *find_given(const struct setup_option *options, size_t n_options, const char *name)
{
	for (size_t i = 0; i < n_options; i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

static int check_known(const struct host *host, const struct setup_option *options, size_t n_options, struct err *err)
{
	for (size_t i = 0; i < n_options; i++)
		if (!option_find(host->specs, options[i].name))
			return err_set(err, ERR_USAGE, "plugin %s has no option '%s': see rota plugins %s", host->plugin.name,
			               options[i].name, host->plugin.name);
	return 0;
}

int host_configure(struct host *host, const struct setup_option *options, size_t n_options, unsigned n_workers,
                   struct err *err)
{
	host->n_workers = n_workers;
	if (host->plugin.flush)
		return err_set(err, ERR_USAGE,
		               "plugin %s accumulates (it has a flush), which this version of rota does not support",
		               host->plugin.name);
	if (check_known(host, options, n_options, err) != 0)
		return -1;
	for (size_t i = 0; i < host->n_options; i++) {
		const struct option_spec *spec = &host->specs[i];
		const struct setup_option *given = find_given(options, n_options, spec->name);
		int result;
		if (given)
			result = option_parse_elements(spec, given->elements, given->n_elements, &host->values[i], err);
		else if (spec->fallback)
			result = option_parse(spec, spec->fallback, &host->values[i], err);
		else
			return err_set(err, ERR_USAGE, "plugin %s needs the option %s=%s", host->plugin.name, spec->name,
			               option_type_name(spec->type));
		if (result != 0)
			return err_prefix(err, "option %s of plugin %s", spec->name, host->plugin.name);
	}
	return 0;
}

/* --- the worker --------------------------------------------------------------------------------------------------- */

/* What load or open gave back, as an error. */
static int check_status(const struct host_worker *worker, const char *callback, int status, struct err *err)
{
	if (status == ROTA_OK)
		return 0;
	if (worker->refusal[0])
		return err_set(err, ERR_RUN, "plugin %s: %s", worker->host->plugin.name, worker->refusal);
	return err_set(err, ERR_RUN, "plugin %s: its %s returned %d and gave no reason (rota_refuse)",
	               worker->host->plugin.name, callback, status);
}

int host_load(struct host *host, struct err *err)
{
	struct host_worker worker = {.pub.host = &services, .host = host};
	if (!host->plugin.load)
		return 0;
	return check_status(&worker, "load", host->plugin.load(&worker.pub), err);
}

int host_open_worker(const struct host *host, struct host_worker *ret, unsigned number, struct err *err)
{
	*ret = (struct host_worker){.pub.host = &services, .host = host, .number = number};
	if (!host->plugin.open)
		return 0;
	return check_status(ret, "open", host->plugin.open(&ret->pub, &ret->state), err);
}

void host_close_worker(struct host_worker *worker)
{
	if (worker->host->plugin.close)
		worker->host->plugin.close(worker->state);
}

void *host_find_loaded(const char *library, const char *name)
{
	void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
	return handle ? dlsym(handle, name) : NULL;
}
