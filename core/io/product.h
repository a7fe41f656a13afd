/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product - rows from a recipe's lists: all combinations of their values, the first list slowest; lists that are linked
 * go step by step, until the shortest of them ends. Where all are linked (--link), shorter ones begin again.
 *
 *   product_open, product_next until LIST_END, product_names, product_close
 *
 * Memory: the first list is read as its values are wanted, the others are held; with --link so many of the first, too,
 * as the longest other one has. One thread.
 */
#ifndef IO_PRODUCT_H
#define IO_PRODUCT_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/io/list.h"
#include "core/plan/recipe.h"

#include <stdint.h>

struct product;

/* input: the only list where the recipe has none. Both are borrowed for the product's life. */
int product_open(struct product **ret, const struct recipe *recipe, const struct endpoint *input,
                 int64_t max_item_bytes, struct err *err);
void product_close(struct product **product);

/* 1: the next row is in *row, in the place of what was. LIST_END, LIST_WAIT, or -1 with err. */
int product_next(struct product *product, struct buf *row, struct err *err);

/* The row of names, once a row was given; empty: there are none. */
const struct buf *product_names(const struct product *product);

/* What LIST_WAIT is for; -1: only for others to have their turn. */
int product_fd(const struct product *product);

/* What has come from the first list's source. */
int64_t product_read_bytes(const struct product *product);

#endif
