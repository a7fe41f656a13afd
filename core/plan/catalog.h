/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog - which plugins there are and what they say of themselves. Plugin code never runs here: the description is
 * text that `rota-worker --describe FILE` writes, a throw-away child with 5 seconds to answer.
 *
 *   catalog_create, catalog_describe (cached by real path), catalog_names, catalog_destroy
 *
 * Looking up: a name with a slash is a file; a bare name NAME is NAME.so in each folder of ROTA_PLUGIN_PATH, then in
 * the installed folder (a build tree: the folder `plugins` beside the program instead). The current folder is never
 * searched.
 * Trust (trust.h) is looked at before anything is loaded; a build tree's own plugins are trusted.
 */
#ifndef PLAN_CATALOG_H
#define PLAN_CATALOG_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/plan/plugin_info.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;

/*
 * Writes the description of a plugin file into a buffer, in this process: what catalog_describe falls back on when no
 * process is to be had (the thread backend then runs the plugin in this process anyway). May be NULL.
 */
typedef int catalog_describe_here_f(const char *file, struct buf *ret_text, struct err *err);

/*
 * Asked before a child is made for it: has a plugin described by a process that there is already. 0; 1: it has no
 * answer, and a child is made; -1: it took longer than timeout_ns.
 */
typedef int catalog_describe_first_f(void *arg, const char *file, int64_t timeout_ns, struct buf *ret_text);

int catalog_create(struct catalog **ret, bool trust_path, catalog_describe_here_f *describe_here, struct err *err);
void catalog_destroy(struct catalog **catalog);

/* From now on every file is trusted (--trust-path). */
void catalog_trust_path(struct catalog *catalog);

/* Who is asked first from now on; NULL: nobody. arg is borrowed. */
void catalog_ask_first(struct catalog *catalog, catalog_describe_first_f *describe_first, void *arg);

/* How long it may take to look at a plugin, from now on; at first 5 s. */
void catalog_allow_time(struct catalog *catalog, int64_t timeout_ns);

/* May plugin code be loaded in this process when no other is to be had? At first yes, when describe_here was given. */
void catalog_allow_here(struct catalog *catalog, bool is_allowed);

/* The plugin of that name or path; owned by the catalog. err: what was looked for and where, or why it isn't one. */
int catalog_describe(struct catalog *catalog, const char *name, const struct plugin_info **ret, struct err *err);

/* The plugins found, sorted by name, each once (the first folder wins). Owned by the catalog. */
int catalog_names(struct catalog *catalog, const char *const **ret_names, size_t *ret_n, struct err *err);

/* The folders that are searched, in order. Owned by the catalog. */
const char *const *catalog_folders(struct catalog *catalog, size_t *ret_n);

/* The path of rota-worker; owned by the catalog. */
const char *catalog_worker_program(struct catalog *catalog);

#endif
