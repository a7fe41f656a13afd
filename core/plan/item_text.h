/* SPDX-License-Identifier: Apache-2.0 */
/*
 * item_text - what a person, or another run, is shown of an item. One that is rows of fields (rota/rows.h) is made
 * readable; all others are shown as they stand.
 *
 *   item_text_init, then bytes and n_bytes, item_text_fini
 */
#ifndef PLAN_ITEM_TEXT_H
#define PLAN_ITEM_TEXT_H

#include <stddef.h>

/* What a job's items are; recipe_shape says it. */
enum item_shape { ITEM_VALUE = 0, ITEM_ROWS, ITEM_NAMED_ROWS /* the first row has names, which are left out */ };

enum item_text_form {
	ITEM_TEXT_ENDS,  /* a row with blanks between its fields; of several, the first and the last */
	ITEM_TEXT_LINE,  /* all rows in one line */
	ITEM_TEXT_LINES, /* a line for each row, with a tab between its fields */
};

struct item_text {
	const char *bytes; /* n_bytes; of the item, or in owned */
	size_t n_bytes;
	char *owned;
};

/* The item is borrowed. Where memory is short, or only its beginning is there, it is shown as it stands. */
void item_text_init(struct item_text *ret, enum item_shape shape, enum item_text_form form, const char *item,
                    size_t n_bytes);
void item_text_fini(struct item_text *text);

/* How a shape is called in a journal, and back. */
const char *item_shape_name(enum item_shape shape);
enum item_shape item_shape_of_name(const char *name);

#endif
