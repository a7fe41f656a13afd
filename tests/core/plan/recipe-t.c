/* SPDX-License-Identifier: Apache-2.0 */
/* recipe: texts with escapes, delimiters, and which byte ends an item. */
#include "config.h"

#include "core/plan/recipe.h"

#include "tests/nomemory.h"
#include "tests/tap.h"

static struct err err;

static void is_text(const char *text, const char *want, size_t n_want)
{
	struct recipe_text seen = {0};

	must(recipe_read_text(&seen, text, &err) == 0);
	is_mem(seen.bytes, seen.n_bytes, want, n_want, "'%s'", text);
	free(seen.bytes);
}

static void test_texts(void)
{
	is_text("", "", 0);
	is_text("a\\n\\t\\\\b", "a\n\t\\b", 5);
	is_text("\\0\\x41\\101\\x1", "\0AA\1", 4);
	is_text("\\q\\x\\", "\\q\\x\\", 5);
	is_text("\\777", "\\777", 4);
}

static void test_delimiters(void)
{
	char seen = 'x';

	ok(recipe_read_delimiter(&seen, ",", &err) == 0 && seen == ',', "one character");
	ok(recipe_read_delimiter(&seen, "\\t", &err) == 0 && seen == '\t', "what means one");
	ok(recipe_read_delimiter(&seen, "\\0", &err) == 0 && seen == '\0', "NUL, too");
	ok(recipe_read_delimiter(&seen, "abc", &err) < 0 && err.code == ERR_USAGE && strstr(err.text, "--colsep"),
	   "three are refused, with what to do");
	ok(recipe_read_delimiter(&seen, "", &err) < 0 && err.code == ERR_USAGE, "none is refused");
}

static void test_kinds(void)
{
	char file[] = "file", word[] = "a", *words[] = {word, NULL};
	struct recipe_list list = {.endpoint = {.kind = ENDPOINT_LINES, .argument = file}};
	struct endpoint input = {.kind = ENDPOINT_LINES, .argument = file};
	struct recipe recipe = {0};

	ok(recipe_is_plain(&recipe) && recipe_delimiter(&recipe, &input) == '\n', "nothing is the input");
	recipe.has_delimiter = true;
	recipe.delimiter = 'o';
	ok(recipe_is_plain(&recipe) && recipe_delimiter(&recipe, &input) == 'o', "a delimiter is the input, cut elsewhere");
	recipe = (struct recipe){.lists = &list, .n_lists = 1};
	ok(!recipe_is_plain(&recipe) && !recipe_makes_rows(&recipe) && recipe_delimiter(&recipe, &input) == '\n',
	   "a list of a file is values as they stand");
	list.words = words;
	is_int(recipe_delimiter(&recipe, &input), '\0', "words end with NUL");
	recipe = (struct recipe){.pack = PACK_ROWS};
	ok(recipe_makes_rows(&recipe) && recipe_delimiter(&recipe, &input) == '\0', "and so do rows");
}

static void test_no_memory(void)
{
	struct recipe_text text = {0};

	nomemory_begin(1, false);
	is_int(recipe_read_text(&text, "a", &err), -1, "without memory a text isn't read");
	nomemory_end();
	ok(err.code == ERR_RESOURCE && text.bytes == NULL, "that is said, and nothing is there");
}

int main(void)
{
	test_texts();
	test_delimiters();
	test_kinds();
	if (NOMEMORY_IS_KNOWN)
		test_no_memory();
	return tap_done();
}
