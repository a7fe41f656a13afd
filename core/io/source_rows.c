/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_rows - items that are made of the values of lists: product.h makes rows of them, and packer.h items of the
 * rows. Memory: what those two have, and one item.
 */
#include "config.h"

#include "core/io/source_rows.h"

#include "core/base/clock.h"
#include "core/io/packer.h"
#include "core/io/product.h"
#include "core/io/waiter.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define READ_NS (5 * CLOCK_NS_PER_MS) /* how long one read may go on */
#define STEPS_A_LOOK 256              /* at the clock */

struct source_rows {
	struct source_head head;
	struct waiter waiter;
	struct product *product;
	struct packer packer;
	struct buf row;
	struct buf out; /* items; from given on they are to be given */
	size_t given;
	struct err failure;
	bool has_failed;
};

static int no_memory(struct err *err)
{
	return err_set(err, ERR_RESOURCE, "no memory for an item that is made of several values");
}

/* One row more, or the end of them: 1, SOURCE_END, SOURCE_WAIT or -1. */
static int rows_add(struct source_rows *rows, struct err *err)
{
	int result;

	if (rows->packer.has_ended)
		return SOURCE_END;
	result = product_next(rows->product, &rows->row, err);
	if (result == LIST_WAIT)
		return waiter_wait(&rows->waiter, product_fd(rows->product), err) < 0 ? -1 : SOURCE_WAIT;
	if (result == LIST_END)
		packer_end(&rows->packer);
	else if (result > 0 && packer_add(&rows->packer, rows->row.bytes, rows->row.len) < 0)
		return no_memory(err);
	return result < 0 ? -1 : 1;
}

/* Something to give: 1, SOURCE_END, SOURCE_WAIT or -1. */
static int rows_make(struct source_rows *rows, struct err *err)
{
	int64_t stop_ns = clock_now_ns() + READ_NS;

	buf_clear(&rows->out);
	rows->given = 0;
	for (unsigned n_steps = 1;; n_steps++) {
		int result = packer_take(&rows->packer, product_names(rows->product), rows->head.delimiter, &rows->out);

		if (result != 0)
			return result > 0 ? 1 : no_memory(err);
		result = rows_add(rows, err);
		if (result <= 0)
			return result;
		if (n_steps % STEPS_A_LOOK == 0 && clock_now_ns() > stop_ns)
			return waiter_wait(&rows->waiter, WAITER_TURN, err) < 0 ? -1 : SOURCE_WAIT;
	}
}

static ssize_t rows_read(struct source *source, char *dest, size_t room_bytes, struct err *err)
{
	struct source_rows *rows = (struct source_rows *)source;
	size_t n_bytes = 0;

	for (;;) {
		size_t n = rows->out.len - rows->given;
		int result;

		if (n > room_bytes - n_bytes)
			n = room_bytes - n_bytes;
		if (n > 0)
			memcpy(dest + n_bytes, rows->out.bytes + rows->given, n);
		rows->given += n;
		n_bytes += n;
		if (n_bytes == room_bytes)
			return (ssize_t)n_bytes;
		result = rows->has_failed ? -1 : rows_make(rows, &rows->failure);
		rows->has_failed = result == -1;
		if (result > 0)
			continue;
		/* What is wrong is told behind the bytes that are here. */
		if (rows->has_failed && n_bytes == 0)
			*err = rows->failure;
		return n_bytes > 0 ? (ssize_t)n_bytes : result;
	}
}

static void rows_close(struct source *source)
{
	struct source_rows *rows = (struct source_rows *)source;

	product_close(&rows->product);
	packer_fini(&rows->packer);
	buf_fini(&rows->row);
	buf_fini(&rows->out);
	waiter_close(&rows->waiter);
	free(rows);
}

static const struct source_ops rows_ops = {"rows", rows_read, rows_close};

int source_rows_open(struct source **ret, const struct recipe *recipe, const struct endpoint *input,
                     int64_t max_item_bytes, struct err *err)
{
	struct source_rows *rows = calloc(1, sizeof(*rows));
	struct source *source = (struct source *)rows;

	if (rows == NULL)
		return err_set(err, ERR_RESOURCE, "no memory for the lists");
	rows->waiter = (struct waiter){-1, -1, -1};
	if (source_head_init(&rows->head, &rows_ops, recipe->n_lists == 1 ? &recipe->lists[0].endpoint : input, err) < 0) {
		free(rows);
		return -1;
	}
	packer_init(&rows->packer, recipe);
	if (waiter_open(&rows->waiter, err) < 0 || product_open(&rows->product, recipe, input, max_item_bytes, err) < 0) {
		source_close(&source);
		return -1;
	}
	rows->head.delimiter = recipe_delimiter(recipe, input);
	rows->head.fd = waiter_fd(&rows->waiter);
	*ret = source;
	return 0;
}
