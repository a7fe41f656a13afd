/* SPDX-License-Identifier: Apache-2.0 */
/* source_lines - lines:FILE and nul:FILE. For source.c alone. */
#ifndef IO_SOURCE_LINES_H
#define IO_SOURCE_LINES_H

#include "core/io/source.h"

int source_lines_open(struct source **ret, const struct endpoint *endpoint, struct err *err);

#endif
