/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings - what a command line says to the command itself, not to a job or to the run. Whoever writes: the options'
 * table (core_option), by core/cli/options; the commands read.
 */
#ifndef PLAN_SETTINGS_H
#define PLAN_SETTINGS_H

#include "core/base/log.h"
#include "core/plan/field.h"

#include <stdbool.h>

/* In the order of the words of --progress. */
enum progress_mode {
	/* Live when standard error is a terminal (and TERM isn't dumb) and log_level isn't quiet. */
	PROGRESS_AUTO = 0,
	PROGRESS_ALWAYS, /* live; where it can't be: a plain line a job every ten seconds */
	PROGRESS_NEVER,
	PROGRESS_JSON
};

struct settings {
	enum log_level log_level;
	enum progress_mode progress;
	struct text_list sets; /* of --set */
	bool is_dry_run, wants_help, wants_version, wants_all;
	bool wants_json, wants_items; /* of failures */
};

#endif
