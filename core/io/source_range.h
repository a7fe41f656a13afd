/* SPDX-License-Identifier: Apache-2.0 */
/* source_range - range:FIRST-LAST[/STEP]. For source.c alone. */
#ifndef IO_SOURCE_RANGE_H
#define IO_SOURCE_RANGE_H

#include "core/io/source.h"

int source_range_open(struct source **ret, const struct endpoint *endpoint, struct err *err);

#endif
