/* SPDX-License-Identifier: Apache-2.0 */
/* source_shuffle: all items, each once, in an order that the seed alone says. */
#include "config.h"

#include "core/io/source.h"

#include "items.h"
#include "tests/tap.h"

#define N_ITEMS 1000

static void test_order(void)
{
	struct recipe recipe = {.is_shuffled = true, .seed = 1};
	struct buf text = {0};
	char *first, seen[N_ITEMS] = {0};
	int n_moved = 0, n_seen = 0;

	is_str(items_of(&recipe, "1\n2\n3\n4\n5"), "3\n2\n5\n4\n1\n", "the order of a seed is the same everywhere");
	is_str(items_of(&recipe, ""), "", "nothing stays nothing");
	is_str(items_of(&recipe, "\n"), "\n", "an empty item is one");
	for (int i = 0; i < N_ITEMS; i++)
		must(buf_printf(&text, "%d\n", i) == 0);
	must(buf_append(&text, "", 1) == 0);
	first = strdup(items_of(&recipe, text.bytes));
	must(first != NULL);
	for (char *at = first; *at; at = strchr(at, '\n') + 1) {
		int item = atoi(at);

		n_moved += item != n_seen++;
		seen[item]++;
	}
	ok(n_seen == N_ITEMS && memchr(seen, 0, N_ITEMS) == NULL && memchr(seen, 2, N_ITEMS) == NULL,
	   "each item comes once");
	ok(n_moved > N_ITEMS / 2, "most somewhere else");
	is_str(items_of(&recipe, text.bytes), first, "the same seed is the same order");
	recipe.seed = 2;
	ok(strcmp(items_of(&recipe, text.bytes), first) != 0, "another seed is another");
	recipe.trim = TRIM_LEFT;
	is_str(items_of(&recipe, " a"), "a\n", "what is made of values is shuffled, too");
	free(first);
	buf_fini(&text);
}

static void test_no_memory(void)
{
	struct recipe recipe = {.is_shuffled = true};

	items_test_no_memory_of(&recipe, "1\n2\n3", 6);
}

int main(void)
{
	scratch_enter();
	test_order();
	test_no_memory();
	scratch_leave();
	return tap_done();
}
