/* SPDX-License-Identifier: Apache-2.0 */
/* source_parts: where the blocks of a file stand. They cover it, and each ends where a record does. */
#include "config.h"

#include "core/io/source.h"

#include "items.h"
#include "tests/tap.h"

static struct recipe parts_of(int64_t block_bytes)
{
	return (struct recipe){.cut = CUT_PARTS, .block_bytes = block_bytes, .n_shares = 1};
}

static void test_parts(void)
{
	struct recipe recipe = parts_of(1);

	is_str(items_of(&recipe, "A\nBB\nC"), "input,0,2|input,2,3|input,5,1|",
	       "each line of a file, by its place and length");
	recipe = parts_of(4);
	is_str(items_of(&recipe, "A\nB\nC\nD\nE\n"), "input,0,4|input,4,4|input,8,2|",
	       "a part ends where it is large enough");
	is_str(items_of(&recipe, "longer\nB\nC\n"), "input,0,7|input,7,4|", "a long record makes it larger");
	is_str(items_of(&recipe, ""), "", "an empty file has none");
	recipe.record_start = (struct recipe_text){.bytes = (char[]){">"}, .n_bytes = 1};
	is_str(items_of(&recipe, ">a\n1\n>b\n2\n"), "input,0,5|input,5,5|", "records that are told by what begins them");
	recipe = parts_of(3);
	recipe.record_end = (struct recipe_text){.bytes = (char[]){""}};
	is_str(items_of(&recipe, "1234567"), "input,0,3|input,3,3|input,6,1|", "with no end of records it is cut anywhere");
	recipe = parts_of(0);
	is_str(items_of(&recipe, "A\nB\n"), "input,0,4|", "without a size a part is large");
	is_str(items_of_file(&recipe, "/dev/null", 100, 64), "-", "what is no file");
	ok(items_err.code == ERR_USAGE && strstr(items_err.text, "--pipe"), "is refused, with what to do instead");
}

/* Records far longer than what is looked at in one go. */
static void test_long_records(void)
{
	struct recipe recipe = parts_of(100);
	size_t n_bytes = 1000000;
	char *bytes = malloc(n_bytes), want[100];

	must(bytes != NULL);
	memset(bytes, 'x', n_bytes);
	memcpy(bytes + 299998, "\n>", 2);
	memcpy(bytes + 700000, "\n>", 2);
	items_write("long", bytes, n_bytes);
	recipe.record_start = (struct recipe_text){.bytes = (char[]){">"}, .n_bytes = 1};
	recipe.record_end = (struct recipe_text){.bytes = (char[]){"\n"}, .n_bytes = 1};
	snprintf(want, sizeof(want), "long,0,299999|long,299999,400002|long,700001,299999|");
	is_str(items_of_file(&recipe, "long", 1 << 20, 64), want, "the end of a long record is found");
	free(bytes);
}

/* Parts are what blocks of the same size are. */
static void test_same_as_blocks(void)
{
	char newline[] = "\n", greater[] = ">";
	bool is_same = true;

	for (int round = 0; round < 200 && is_same; round++) {
		char bytes[400];
		size_t n_bytes = (size_t)rand() % sizeof(bytes);
		struct recipe recipe = parts_of(1 + rand() % 40);
		struct buf want = {0};
		const char *seen;
		long place = 0;

		for (size_t i = 0; i < n_bytes; i++)
			bytes[i] = "ab\n>"[rand() % 4];
		items_write("same", bytes, n_bytes);
		if (round % 2 == 0)
			recipe.record_end = (struct recipe_text){.bytes = newline, .n_bytes = 1};
		if (round % 4 == 0)
			recipe.record_start = (struct recipe_text){.bytes = greater, .n_bytes = 1};
		recipe.cut = CUT_BLOCKS;
		seen = items_of_file(&recipe, "same", 1 << 20, 64);
		while (*seen) {
			size_t n_block = strcspn(seen, "|");

			must(buf_printf(&want, "same,%ld,%zu|", place, n_block) == 0);
			place += (long)n_block;
			seen += n_block + 1;
		}
		must(buf_append(&want, "", 1) == 0);
		recipe.cut = CUT_PARTS;
		is_same = strcmp(items_of_file(&recipe, "same", 1 << 20, 64), want.bytes) == 0;
		buf_fini(&want);
	}
	ok(is_same, "parts stand where blocks of that size would be");
}

static void test_no_memory(void)
{
	struct recipe recipe = parts_of(1);

	items_test_no_memory_of(&recipe, "1\n2\n", 16);
}

int main(void)
{
	scratch_enter();
	test_parts();
	test_long_records();
	test_same_as_blocks();
	test_no_memory();
	scratch_leave();
	return tap_done();
}
