/* SPDX-License-Identifier: Apache-2.0 */
/* source_rows - items that are made of the values of lists. For source.c alone. */
#ifndef IO_SOURCE_ROWS_H
#define IO_SOURCE_ROWS_H

#include "core/io/source.h"
#include "core/plan/recipe.h"

#include <stdint.h>

int source_rows_open(struct source **ret, const struct recipe *recipe, const struct endpoint *input,
                     int64_t max_item_bytes, struct err *err);

#endif
