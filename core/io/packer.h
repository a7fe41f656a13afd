/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packer - puts rows together into items, as the recipe says: each by itself, so many together, or as many as fit into
 * a command line. What is left at the end of the input is shared out evenly where the recipe wants that: over as many
 * workers as get two rows each.
 *
 *   packer_init, packer_add for each row, packer_end, packer_take while it gives an item; packer_fini
 *
 * Memory: the rows of one item; where they are shared out, those of one item a worker.
 */
#ifndef IO_PACKER_H
#define IO_PACKER_H

#include "core/base/buf.h"
#include "core/plan/recipe.h"

#include <stdbool.h>
#include <stddef.h>

/* A row that waits: where it ends in the packer's rows, and what it takes of a command line, and of the kernel. */
struct packer_row {
	size_t end;
	int64_t cost_bytes, load_bytes;
};

struct packer {
	const struct recipe *recipe; /* borrowed */
	struct buf bytes;            /* of the rows from first to n, and of those that were taken before them */
	struct packer_row *rows;
	size_t first, n, cap;
	int64_t cost_bytes; /* of the rows that wait */
	size_t n_fit;       /* so many of them are known to fit into the next item, whose command line then has */
	int64_t fit_bytes, fit_load_bytes;
	size_t n_share;      /* at the end: so many rows go into each item from now on, */
	size_t n_share_more; /* and one more into so many of them */
	bool has_ended;
};

void packer_init(struct packer *packer, const struct recipe *recipe);
void packer_fini(struct packer *packer);

/* -1: memory is short, and the packer is as it was. */
int packer_add(struct packer *packer, const char *row, size_t n_bytes);

/* No row comes any more. */
void packer_end(struct packer *packer);

/*
 * The next item, with names as its first row where there are any, is appended to out, and the delimiter. 1; 0: it needs
 * more rows, or, behind the end, there is none; -1: memory is short, and out and packer are as they were.
 */
int packer_take(struct packer *packer, const struct buf *names, char delimiter, struct buf *out);

#endif
