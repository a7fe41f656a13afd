/* SPDX-License-Identifier: Apache-2.0 */
/* item_text: rows of fields as a person reads them. */
#include "config.h"

#include "core/plan/item_text.h"

#include "tests/nomemory.h"
#include "tests/tap.h"

static void shows(const char *want, enum item_shape shape, enum item_text_form form, const char *item)
{
	struct item_text text;

	item_text_init(&text, shape, form, item, strlen(item));
	is_mem(text.bytes, text.n_bytes, want, strlen(want), "%s", want);
	item_text_fini(&text);
}

int main(void)
{
	struct item_text text;

	shows("a\x1f"
	      "b",
	      ITEM_VALUE, ITEM_TEXT_ENDS,
	      "a\x1f"
	      "b");
	shows("a b", ITEM_ROWS, ITEM_TEXT_ENDS,
	      "a\x1f"
	      "b");
	shows("1 ... 3", ITEM_ROWS, ITEM_TEXT_ENDS,
	      "1\x1e"
	      "2\x1e"
	      "3");
	shows("1 2", ITEM_ROWS, ITEM_TEXT_ENDS,
	      "1\x1e"
	      "2");
	shows("1 2 3", ITEM_ROWS, ITEM_TEXT_LINE,
	      "1\x1e"
	      "2\x1e"
	      "3");
	shows("1\t2\n3", ITEM_ROWS, ITEM_TEXT_LINES,
	      "1\x1f"
	      "2\x1e"
	      "3");
	shows("1 2", ITEM_NAMED_ROWS, ITEM_TEXT_ENDS,
	      "x\x1fy\x1e"
	      "1\x1f"
	      "2");
	shows("\x1e", ITEM_ROWS, ITEM_TEXT_LINES, "\x10\x5e");
	shows("", ITEM_ROWS, ITEM_TEXT_LINES, "");
	for (int shape = ITEM_VALUE; shape <= ITEM_NAMED_ROWS; shape++)
		is_int(item_shape_of_name(item_shape_name((enum item_shape)shape)), shape, "a shape's name is its own");
	if (NOMEMORY_IS_KNOWN) {
		nomemory_begin(1, false);
		item_text_init(&text, ITEM_ROWS, ITEM_TEXT_LINE,
		               "a\x1f"
		               "b",
		               3);
		nomemory_end();
		is_mem(text.bytes, text.n_bytes,
		       "a\x1f"
		       "b",
		       3, "without memory an item is shown as it stands");
		item_text_fini(&text);
	}
	return tap_done();
}
