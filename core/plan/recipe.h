/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe - how a job's items are made of what it is given: the lists that values come from, how a value becomes fields,
 * how many rows are an item, or how a stream is cut into blocks. core/io makes the items; one that is made of several
 * values is rows of fields (rota/rows.h).
 *
 *   setter.c and the command line fill it, plan_items_check completes it; then recipe_is_plain and its kin; recipe_fini
 *
 * A recipe of zeros is none: the items are what the input gives.
 */
#ifndef PLAN_RECIPE_H
#define PLAN_RECIPE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/plan/endpoint.h"
#include "core/plan/item_text.h"
#include "core/plan/place.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A list of values: words, or what an endpoint gives. */
struct recipe_list {
	char **words; /* n_words and a NULL, owned; NULL: the endpoint */
	size_t n_words;
	struct endpoint endpoint;
	bool is_linked; /* goes with the list before it, step by step */
};

/* A few bytes, of which any may be NUL. */
struct recipe_text {
	char *bytes; /* owned, a NUL behind them; NULL: not given */
	size_t n_bytes;
};

enum recipe_columns { COLUMNS_NONE = 0, COLUMNS_SEPARATED, COLUMNS_CSV };
enum recipe_trim { TRIM_NONE = 0, TRIM_LEFT = 1, TRIM_RIGHT = 2, TRIM_BOTH = TRIM_LEFT | TRIM_RIGHT };
enum recipe_pack {
	PACK_NONE = 0,
	PACK_ROWS,   /* so many values; each is a row */
	PACK_FIELDS, /* so many values; all in one row */
	PACK_LINES,  /* so many lines, where one that ends in a blank goes on in the next */
	PACK_FILL    /* as many as fit into pack_bytes */
};
enum recipe_cut {
	CUT_NONE = 0,
	CUT_BLOCKS, /* the items are blocks of a stream */
	CUT_PARTS   /* the items say where a block stands in a file */
};

/* What was asked for, until recipe and command are looked at together (plan_items.c). */
struct recipe_given {
	int64_t max_args, max_replace_args, max_lines, max_chars; /* 0: not given */
	bool fills, fills_words, fills_one;                       /* --xargs, -X, -m */
	bool is_csv, pipes, pipes_parts;
};

struct recipe {
	struct recipe_given given;
	struct recipe_list *lists; /* n_lists, owned; none: the job's input */
	size_t n_lists;
	bool links_all; /* all lists go step by step; one that has ended begins again, until the longest ends */

	/* Of each list that is a file or a stream, and of the input. */
	bool has_delimiter;
	char delimiter;

	/* Of each value. */
	enum recipe_trim trim;
	bool drops_empty;
	char *end_value; /* this one and all behind it don't count; owned, or NULL */
	enum recipe_columns columns;
	char *column_end; /* COLUMNS_SEPARATED: a regular expression; COLUMNS_CSV: one character, or NULL; owned */
	bool has_header;  /* the first value of each list is its name, or are its columns' names: each item's first row */

	/* Of rows. */
	enum recipe_pack pack;
	int64_t pack_rows;                        /* at most so many; 0: any number */
	int64_t pack_bytes;                       /* at most so many in a command line; 0: any number */
	int64_t fixed_bytes, value_bytes, n_uses; /* of a command line: without values, beside each value, and of each */
	int64_t load_bytes, fixed_load_bytes; /* what the kernel takes, with a pointer a word, and what of it is taken */
	bool is_shared;                       /* PACK_FILL: what is left at the end is for all workers alike */
	int64_t n_shares;                     /* and they are so many */

	/* Of a stream. */
	enum recipe_cut cut;
	int64_t block_bytes; /* 0: not given */
	int64_t block_records;
	struct recipe_text record_start, record_end;

	/* Of items. */
	bool is_shuffled;
	uint64_t seed;
};

void recipe_fini(struct recipe *recipe);

/* One list more: words (n_words, copied), or what an endpoint gives, as it is written on a command line. */
int recipe_add_words(struct recipe *recipe, const char *const *words, size_t n_words, bool is_linked, struct err *err);
int recipe_add_source(struct recipe *recipe, const char *text, bool is_linked, struct place place, struct err *err);

/* Nothing is made: the items are those of the input, with another delimiter perhaps. */
bool recipe_is_plain(const struct recipe *recipe);

/* The items are rows of fields; else each is a value as it stands. */
bool recipe_makes_rows(const struct recipe *recipe);

/* The same for people. */
enum item_shape recipe_shape(const struct recipe *recipe);

/* The byte behind each item. input: the job's. */
char recipe_delimiter(const struct recipe *recipe, const struct endpoint *input);

/* CUT_BLOCKS: how large a block is at least, but for the last; 0: of any size. */
int64_t recipe_block_bytes(const struct recipe *recipe);

/* \n, \t, \0, \xHH and their kin become the bytes that they mean. */
int recipe_read_text(struct recipe_text *ret, const char *text, struct err *err);

/*
 * Whatever says which items are made, for people and to be compared with that of another run; nothing for a plain one.
 * -1: memory is short.
 */
int recipe_describe(const struct recipe *recipe, struct buf *buf);

/* One character, or what means one. */
int recipe_read_delimiter(char *ret, const char *text, struct err *err);

#endif
