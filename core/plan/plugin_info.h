/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin_info - what a plugin says of itself, read from the text that `rota-worker --describe FILE` writes: records of
 * base/fields.h in this order, each once but for `option`:
 *
 *   rota-plugin  ABI number, real path of the file
 *   name         the name
 *   version      the version
 *   summary      one line, may be empty
 *   flags        thread-safe, pure, tidy: those that it has, each a field
 *   flush        (only of a plugin that has one)
 *   option       name, type, has a default (0, 1), default, help, has a range, range, unit (may be empty)
 *   end
 *
 * The text comes from a process that has run plugin code: nothing in it is believed unchecked.
 */
#ifndef PLAN_PLUGIN_INFO_H
#define PLAN_PLUGIN_INFO_H

#include "core/base/err.h"
#include "core/base/filestamp.h"
#include "core/base/option.h"

#include <stdbool.h>
#include <stddef.h>

struct plugin_info {
	char *file;             /* real path */
	struct filestamp stamp; /* of the file, before it was looked at for the first time */
	char *name, *version, *summary;
	bool is_thread_safe, is_pure, is_tidy, has_flush;
	struct option_spec *options; /* n_options and an entry with a NULL name; strings owned */
	size_t n_options;
};

/* The ABI number that this rota has. */
unsigned plugin_info_abi(void);

/* text is written to, and isn't needed afterwards. */
int plugin_info_parse(struct plugin_info *ret, char *text, size_t n_bytes, struct err *err);
void plugin_info_fini(struct plugin_info *info);

#endif
