/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list - the values of one list, one after another: words, or what a source gives, cut at the delimiter. Each is made
 * into fields as the recipe says, and is given as a piece of an item: fields of rota/rows.h with ROWS_FIELD between
 * them, or the value as it stands where no rows are made.
 *
 *   list_open, list_next until LIST_END, list_close
 *
 * Memory: a block of the source and one value, of which at most max-item bytes and one are kept, so that what is made
 * of a longer one is over max-item, too. One thread.
 */
#ifndef IO_LIST_H
#define IO_LIST_H

#include "core/base/err.h"
#include "core/plan/recipe.h"

#include <stddef.h>
#include <stdint.h>

#define LIST_END 0
#define LIST_WAIT (-2) /* nothing now: watch list_fd for EPOLLIN */

struct list;

/* The endpoint and the recipe are borrowed for the list's life. words: NULL, or what the list has instead. */
int list_open(struct list **ret, const struct recipe *recipe, const struct endpoint *endpoint, char *const *words,
              int64_t max_item_bytes, struct err *err);
void list_close(struct list **list);

/* 1: the next value, whose piece is good until the next call. LIST_END, LIST_WAIT, or -1 with err. */
int list_next(struct list *list, const char **ret_piece, size_t *ret_bytes, struct err *err);

/* To watch when LIST_WAIT was given; -1: it never waits. */
int list_fd(const struct list *list);

/* What has come from its source. */
int64_t list_read_bytes(const struct list *list);

#endif
