/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_blocks: a stream in blocks of whole records. In what is wanted a block ends with |. Whatever the sizes, what
 * is in the blocks is the stream, and they are the same however it comes.
 */
#include "config.h"

#include "core/io/source.h"

#include "items.h"
#include "tests/tap.h"

static struct recipe_text text_of(char *bytes)
{
	return (struct recipe_text){.bytes = bytes, .n_bytes = strlen(bytes)};
}

static void test_blocks(void)
{
	struct recipe recipe = {.cut = CUT_BLOCKS, .block_bytes = 1};

	is_str(items_of(&recipe, "A\nB\nC\nD\nE\n"), "A\n|B\n|C\n|D\n|E\n|", "a block has one line at least");
	is_str(items_of(&recipe, "A\nB"), "A\n|B|", "the last stays without a newline");
	is_str(items_of(&recipe, ""), "", "nothing is no block");
	is_str(items_of(&recipe, "\n\n"), "\n|\n|", "an empty line is one");
	recipe.block_bytes = 4;
	is_str(items_of(&recipe, "A\nB\nC\nD\nE\n"), "A\nB\n|C\nD\n|E\n|", "a block ends where it is large enough");
	is_str(items_of(&recipe, "longer\nB\nC\nD\n"), "longer\n|B\nC\n|D\n|", "a long record makes it larger");
	recipe.block_bytes = 0;
	is_str(items_of(&recipe, "A\nB\n"), "A\nB\n|", "without a size it is large");
}

static void test_records(void)
{
	struct recipe recipe = {.cut = CUT_BLOCKS, .block_records = 2};

	is_str(items_of(&recipe, "1\n2\n3\n4\n5\n"), "1\n2\n|3\n4\n|5\n|", "so many records a block");
	recipe.block_bytes = 3;
	is_str(items_of(&recipe, "11\n2\n3\n4\n"), "11\n|2\n3\n|4\n|", "or so many bytes, whatever comes first");
	recipe = (struct recipe){.cut = CUT_BLOCKS, .block_records = 1, .record_start = text_of((char[]){">"})};
	is_str(items_of(&recipe, ">a\n1\n>b\n>c"), ">a\n1\n|>b\n|>c|", "what begins a record ends the one before it");
	recipe.record_end = text_of((char[]){"\n"});
	is_str(items_of(&recipe, ">a>\n1\n>b\n>c\n"), ">a>\n1\n|>b\n|>c\n|", "both together");
	recipe = (struct recipe){.cut = CUT_BLOCKS, .block_records = 1, .record_end = text_of((char[]){"\n\n"})};
	is_str(items_of(&recipe, "a\n\nb\n\n\n\nc"), "a\n\n|b\n\n|\n\n|c|", "an end of two bytes; records don't overlap");
	recipe = (struct recipe){.cut = CUT_BLOCKS, .block_bytes = 3, .record_end = text_of((char[]){""})};
	is_str(items_of(&recipe, "1234567"), "123|456|7|", "with no end at all a block is cut anywhere");
	recipe = (struct recipe){.cut = CUT_BLOCKS, .block_records = 1, .has_header = true};
	is_str(items_of(&recipe, "name\n1\n2\n"), "name\n1\n|name\n2\n|", "the header line goes before each block");
	is_str(items_of(&recipe, "name\n"), "", "and is no block by itself");
	is_str(items_of_file(&recipe, "input", 3, 64), "-", "nor may it be over max-item");
}

/* The fields of the items in a row are the stream. */
static bool is_stream(const struct buf *seen, const char *bytes, size_t n_bytes)
{
	struct buf text = {0};
	const char *at = seen->bytes, *end = seen->bytes + seen->len;
	bool is_same;

	while (at < end) {
		struct rota_rows rows;
		struct rota_field field;
		const char *stop = memchr(at, '\0', (size_t)(end - at));
		char *room = malloc((size_t)(stop - at) + 1);

		must(room != NULL);
		for (rota_rows_begin(&rows, at, (size_t)(stop - at), room); rota_rows_next(&rows, &field);)
			must(field.n_bytes == 0 || buf_append(&text, field.bytes, field.n_bytes) == 0);
		free(room);
		at = stop + 1;
	}
	is_same = text.len == n_bytes && (n_bytes == 0 || memcmp(text.bytes, bytes, n_bytes) == 0);
	buf_fini(&text);
	return is_same;
}

static struct source *open_file(const struct recipe *recipe)
{
	char file[] = "any";
	struct endpoint input = {.kind = ENDPOINT_LINES, .argument = file};
	struct source *source;

	must(source_open_items(&source, &input, recipe, 1 << 20, &items_err) == 0);
	return source;
}

/* Any bytes, marks of records among them, and room for two bytes, for seven, and for many. */
static void test_any(void)
{
	static const char letters[] = {'a', 'b', '\n', '\0', '\x10', '\x1e', '\x1f', '>'};
	static const size_t rooms[] = {2, 7, 70000};
	char *bytes = malloc(600000), mark[] = "\n>";
	bool is_right = true;

	must(bytes != NULL);
	for (int round = 0; round < 60; round++) {
		size_t n_bytes = round < 50 ? (size_t)rand() % 200 : 400000 + (size_t)rand() % 200000;
		struct recipe recipe = {.cut = CUT_BLOCKS, .block_bytes = 1 + rand() % (round < 50 ? 20 : 300000)};
		struct buf seen[3] = {{0}};

		for (size_t i = 0; i < n_bytes; i++)
			bytes[i] = letters[(size_t)rand() % sizeof(letters)];
		items_write("any", bytes, n_bytes);
		if (round % 2 == 0)
			recipe.record_end = text_of(mark);
		if (round % 3 == 0)
			recipe.block_records = 1 + rand() % 3;
		for (int i = 0; i < 3; i++) {
			struct source *source = open_file(&recipe);

			is_right = is_right && items_read(source, rooms[i], &seen[i]) && is_stream(&seen[i], bytes, n_bytes);
			is_right = is_right && seen[i].len == seen[0].len &&
			           (seen[i].len == 0 || memcmp(seen[i].bytes, seen[0].bytes, seen[0].len) == 0);
			source_close(&source);
		}
		for (int i = 0; i < 3; i++)
			buf_fini(&seen[i]);
	}
	ok(is_right, "any stream comes whole, in the same blocks, however much room there is");
	free(bytes);
}

static void test_no_memory(void)
{
	struct recipe recipe = {.cut = CUT_BLOCKS, .block_bytes = 4, .has_header = true};

	items_test_no_memory_of(&recipe, "h\n1\n2\n3\n", 12);
}

int main(void)
{
	scratch_enter();
	test_blocks();
	test_records();
	test_any();
	test_no_memory();
	scratch_leave();
	return tap_done();
}
