/* SPDX-License-Identifier: Apache-2.0 */
/* packer - see packer.h. */
#include "config.h"

#include "core/io/packer.h"

#include "core/io/rows.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void packer_init(struct packer *packer, const struct recipe *recipe)
{
	*packer = (struct packer){.recipe = recipe};
}

void packer_fini(struct packer *packer)
{
	buf_fini(&packer->bytes);
	free(packer->rows);
	*packer = (struct packer){0};
}

/* The rows that were taken make room. */
static void forget_taken(struct packer *packer)
{
	size_t begin = packer->first > 0 ? packer->rows[packer->first - 1].end : 0;

	/* Only when they are at least half, so that a row is moved once or so. */
	if (packer->first == 0 || packer->first < packer->n - packer->first)
		return;
	packer->bytes.len -= begin;
	if (packer->bytes.len > 0)
		memmove(packer->bytes.bytes, packer->bytes.bytes + begin, packer->bytes.len);
	packer->n -= packer->first;
	for (size_t i = 0; i < packer->n; i++) {
		packer->rows[i] = packer->rows[packer->first + i];
		packer->rows[i].end -= begin;
	}
	packer->first = 0;
}

int packer_add(struct packer *packer, const char *row, size_t n_bytes)
{
	const struct recipe *recipe = packer->recipe;
	int64_t cost_bytes = (int64_t)n_bytes * recipe->n_uses + recipe->value_bytes;
	int64_t n_fields = 1;

	forget_taken(packer);
	if (packer->n == packer->cap) {
		size_t cap = packer->cap == 0 ? 64 : 2 * packer->cap;
		struct packer_row *rows = reallocarray(packer->rows, cap, sizeof(*rows));

		if (rows == NULL)
			return -1;
		packer->rows = rows;
		packer->cap = cap;
	}
	if (n_bytes > 0 && buf_append(&packer->bytes, row, n_bytes) < 0)
		return -1;
	for (size_t i = 0; recipe->load_bytes > 0 && i < n_bytes; i++)
		n_fields += row[i] == ROWS_FIELD;
	packer->rows[packer->n++] = (struct packer_row){
		.end = packer->bytes.len,
		.cost_bytes = cost_bytes,
		.load_bytes = cost_bytes + n_fields * recipe->n_uses * (int64_t)sizeof(char *),
	};
	packer->cost_bytes += cost_bytes;
	return 0;
}

/* What is left is for so many workers as get two rows each, and at least for one. */
void packer_end(struct packer *packer)
{
	size_t n_left = packer->n - packer->first, n_shares = (size_t)packer->recipe->n_shares;

	packer->has_ended = true;
	if (!packer->recipe->is_shared || n_left == 0)
		return;
	if (n_shares > n_left / 2)
		n_shares = n_left / 2;
	if (n_shares == 0)
		n_shares = 1;
	packer->n_share = n_left / n_shares;
	packer->n_share_more = n_left % n_shares;
}

/*
 * How many of the rows that wait fit into one item; *ret_is_full: one more didn't. It goes on where the last look
 * ended, so that each row is looked at once, however many an item has.
 */
static size_t n_fitting(struct packer *packer, bool *ret_is_full)
{
	const struct recipe *recipe = packer->recipe;
	size_t n_most = recipe->pack_rows > 0 ? (size_t)recipe->pack_rows : SIZE_MAX;

	if (recipe->pack == PACK_NONE)
		n_most = 1;
	while (packer->first + packer->n_fit < packer->n && packer->n_fit < n_most) {
		const struct packer_row *row = &packer->rows[packer->first + packer->n_fit];
		int64_t n_bytes = (packer->n_fit > 0 ? packer->fit_bytes : recipe->fixed_bytes) + row->cost_bytes;
		int64_t n_load_bytes =
			(packer->n_fit > 0 ? packer->fit_load_bytes : recipe->fixed_load_bytes) + row->load_bytes;

		/* What doesn't fit by itself is an item by itself. */
		if (packer->n_fit > 0 && ((recipe->pack_bytes > 0 && n_bytes > recipe->pack_bytes) ||
		                          (recipe->load_bytes > 0 && n_load_bytes > recipe->load_bytes)))
			break;
		packer->fit_bytes = n_bytes;
		packer->fit_load_bytes = n_load_bytes;
		packer->n_fit++;
	}
	*ret_is_full = packer->n_fit == n_most || packer->first + packer->n_fit < packer->n;
	return packer->n_fit;
}

/* Of rows that are shared out in the end, one is sure to be no part of that when each worker could have a full item. */
static bool is_enough(const struct packer *packer)
{
	const struct recipe *recipe = packer->recipe;
	int64_t room_bytes = recipe->pack_bytes - recipe->fixed_bytes;

	if (!recipe->is_shared)
		return true;
	return packer->cost_bytes > recipe->n_shares * (room_bytes > 0 ? room_bytes : 0);
}

/* How many rows the next item has; 0: it can't be made yet. */
static size_t n_next(struct packer *packer)
{
	bool is_full;
	size_t n, n_share = packer->n_share + (packer->n_share_more > 0);

	if (packer->first == packer->n || (!packer->has_ended && !is_enough(packer)))
		return 0;
	n = n_fitting(packer, &is_full);
	if (!packer->has_ended)
		return is_full ? n : 0;
	return packer->recipe->is_shared && n > n_share ? n_share : n;
}

static int put(struct packer *packer, size_t n_rows, const struct buf *names, char delimiter, struct buf *out)
{
	char mark = packer->recipe->pack == PACK_FIELDS ? ROWS_FIELD : ROWS_ROW;
	size_t begin = packer->first > 0 ? packer->rows[packer->first - 1].end : 0;

	if (packer->recipe->has_header) {
		if ((names->len > 0 && buf_append(out, names->bytes, names->len) < 0) || buf_append(out, "\x1e", 1) < 0)
			return -1;
	}
	for (size_t i = 0; i < n_rows; i++) {
		size_t end = packer->rows[packer->first + i].end;

		if ((i > 0 && buf_append(out, &mark, 1) < 0) ||
		    (end > begin && buf_append(out, packer->bytes.bytes + begin, end - begin) < 0))
			return -1;
		begin = end;
	}
	return buf_append(out, &delimiter, 1);
}

int packer_take(struct packer *packer, const struct buf *names, char delimiter, struct buf *out)
{
	size_t n_rows = n_next(packer), len = out->len;

	if (n_rows == 0)
		return 0;
	if (put(packer, n_rows, names, delimiter, out) < 0) {
		out->len = len;
		return -1;
	}
	for (size_t i = 0; i < n_rows; i++)
		packer->cost_bytes -= packer->rows[packer->first + i].cost_bytes;
	packer->first += n_rows;
	packer->n_fit = 0;
	packer->n_share_more -= packer->n_share_more > 0;
	return 1;
}
