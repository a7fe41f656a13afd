/* SPDX-License-Identifier: Apache-2.0 */
/* source_blocks - items that are blocks of a stream (--pipe). For source.c alone. */
#ifndef IO_SOURCE_BLOCKS_H
#define IO_SOURCE_BLOCKS_H

#include "core/io/source.h"
#include "core/plan/recipe.h"

#include <stdint.h>

int source_blocks_open(struct source **ret, const struct recipe *recipe, const struct endpoint *input,
                       int64_t max_item_bytes, struct err *err);

#endif
