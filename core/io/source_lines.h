/* SPDX-License-Identifier: Apache-2.0 */
/* source_lines - lines:FILE and nul:FILE. For source.c; and for who runs plugin code. */
#ifndef IO_SOURCE_LINES_H
#define IO_SOURCE_LINES_H

#include "core/io/source.h"

/*
 * From now on nothing is to be read from descriptor 0; sources still read where it led. For a process that runs plugin
 * code, which must not get at the items. Once is enough.
 */
int source_lines_divert_stdin(struct err *err);

int source_lines_open(struct source **ret, const struct endpoint *endpoint, struct err *err);

#endif
