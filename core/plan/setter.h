/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setter - the options whose value isn't just put into a field: it is parsed further, has a place of its own, or says
 * something to a field that others share. For the table in core_option.c; owner is the struct that the record names.
 */
#ifndef PLAN_SETTER_H
#define PLAN_SETTER_H

#include "core/plan/core_option.h"

/* struct job */
core_set_f setter_jobs, setter_input, setter_output, setter_max_failures, setter_halt, setter_retry_on, setter_rate,
	setter_load, setter_plugin, setter_after;

/* struct job: its recipe */
core_set_f setter_arg_file, setter_values, setter_delimiter, setter_eof, setter_colsep, setter_header, setter_trim,
	setter_recstart, setter_recend, setter_shuf;

/* struct plan */
core_set_f setter_journal, setter_joblog;

/* struct settings */
core_set_f setter_quiet, setter_verbose;

#endif
