/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place - where a text of the user's stands, and errors that say so. All errors of a plan are collected in one list;
 * after PLACE_MAX_ERRORS of them one line says that there are more.
 */
#ifndef PLAN_PLACE_H
#define PLAN_PLACE_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define PLACE_MAX_ERRORS 100

/* line 0: on the command line; file is then NULL, or the words that it stands in ("--set upper.jobs=2"). */
struct place {
	const char *file;    /* borrowed from the plan, or NULL */
	size_t line, column; /* from 1 */
};

bool place_is_in_file(struct place place);

/* No more errors are listed: looking for others is wasted. */
bool place_is_full(const struct err_list *errors);

/* Adds one error to the list, with the place before it. Returns -1. */
__attribute__((format(printf, 4, 5))) int place_error(struct err_list *errors, struct place place, enum err_code code,
                                                      const char *format, ...);

#endif
