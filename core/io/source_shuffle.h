/* SPDX-License-Identifier: Apache-2.0 */
/* source_shuffle - another source's items in an order of chance (--shuf). For source.c alone. */
#ifndef IO_SOURCE_SHUFFLE_H
#define IO_SOURCE_SHUFFLE_H

#include "core/io/source.h"

#include <stdint.h>

/* The source in *source becomes one that gives its items in the order that the seed says. -1: it is as it was. */
int source_shuffle_open(struct source **source, uint64_t seed, struct err *err);

#endif
