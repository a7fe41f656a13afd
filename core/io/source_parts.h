/* SPDX-License-Identifier: Apache-2.0 */
/* source_parts - items that say where the blocks of a file stand (--pipepart). For source.c alone. */
#ifndef IO_SOURCE_PARTS_H
#define IO_SOURCE_PARTS_H

#include "core/io/source.h"
#include "core/plan/recipe.h"

int source_parts_open(struct source **ret, const struct recipe *recipe, const struct endpoint *input, struct err *err);

#endif
