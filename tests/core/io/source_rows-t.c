/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_rows: values from lists, the fields of a value, all pairs and linked lists, packs. In what is wanted a row
 * ends with /, a field with ",", and an item with |.
 */
#include "config.h"

#include "core/io/source.h"

#include "items.h"
#include "tests/tap.h"

#include <sys/resource.h>

static char one[] = "1", two[] = "2", three[] = "3", letter_a[] = "a", letter_b[] = "b", letter_c[] = "c",
			letter_d[] = "d", pair[] = "1,2", other_pair[] = "3,4";
static char *no_words[] = {NULL}, *words_ab[] = {letter_a, letter_b, NULL}, *words_cd[] = {letter_c, letter_d, NULL};
static char *words_123[] = {one, two, three, NULL}, *words_pairs[] = {pair, other_pair, NULL};

static struct recipe_list list_of(char **words)
{
	return (struct recipe_list){.words = words};
}

static struct recipe_list linked(char **words)
{
	return (struct recipe_list){.words = words, .is_linked = true};
}

static void test_lists(void)
{
	struct recipe_list lists[3] = {list_of(words_ab), list_of(words_123), list_of(words_cd)};
	struct recipe recipe = {.lists = lists, .n_lists = 1};

	is_str(items_of(&recipe, ""), "a|b|", "the values of one list are items as they stand");
	recipe.n_lists = 3;
	is_str(items_of(&recipe, ""), "a,1,c|a,1,d|a,2,c|a,2,d|a,3,c|a,3,d|b,1,c|b,1,d|b,2,c|b,2,d|b,3,c|b,3,d|",
	       "of several lists all combinations are items, the first list slowest");
	lists[1] = list_of(no_words);
	is_str(items_of(&recipe, ""), "", "a list without values leaves no item");
	lists[1] = linked(words_123);
	is_str(items_of(&recipe, ""), "a,1,c|a,1,d|b,2,c|b,2,d|", "linked lists go step by step, until the shorter ends");
	lists[0] = list_of(words_cd);
	lists[1] = list_of(words_123);
	lists[2] = linked(words_ab);
	is_str(items_of(&recipe, ""), "c,1,a|c,2,b|d,1,a|d,2,b|", "any list can be linked to the one before it");
	recipe.links_all = true;
	is_str(items_of(&recipe, ""), "c,1,a|d,2,b|c,3,a|", "with --link a shorter list begins again, the first one too");
	lists[0] = list_of(no_words);
	is_str(items_of(&recipe, ""), "", "with --link a list without values leaves no item");
}

static void test_streams(void)
{
	char file[] = "streamed";
	struct recipe_list lists[2] = {{.endpoint = {.kind = ENDPOINT_LINES, .argument = file}}, list_of(words_ab)};
	struct recipe recipe = {.lists = lists, .n_lists = 2};

	items_write(file, "1\n\n3", 4);
	is_str(items_of(&recipe, ""), "1,a|1,b|,a|,b|3,a|3,b|", "a file's lines are the values of a list");
	recipe.lists[1] = recipe.lists[0];
	is_str(items_of(&recipe, ""), "1,1|1,|1,3|,1|,|,3|3,1|3,|3,3|", "a file may be several lists");
	recipe.links_all = true;
	recipe.lists[1] = list_of(words_ab);
	is_str(items_of(&recipe, ""), "1,a|,b|3,a|", "the list that is read may be the longest");
	recipe.drops_empty = true;
	is_str(items_of(&recipe, ""), "1,a|3,b|", "empty values are dropped where that is asked for");
}

static void test_values(void)
{
	struct recipe recipe = {.drops_empty = true};

	is_str(items_of(&recipe, "a\n\nb\n \n"), "a\nb\n \n", "empty lines are dropped, those of blanks aren't");
	recipe = (struct recipe){.trim = TRIM_BOTH};
	is_str(items_of(&recipe, " a \t\n b\n\n"), "a\nb\n\n", "both ends are trimmed");
	recipe.trim = TRIM_LEFT;
	is_str(items_of(&recipe, " a \n"), "a \n", "or one of them");
	recipe = (struct recipe){.end_value = (char[]){"END"}};
	is_str(items_of(&recipe, "a\nEND\nb\n"), "a\n", "behind the value that ends a list nothing counts");
	recipe = (struct recipe){.has_delimiter = true, .delimiter = 'o'};
	is_str(items_of(&recipe, "hello world"), "hello world", "with a delimiter the input stays as it is");
	recipe.drops_empty = true;
	is_str(items_of(&recipe, "hello wooorld"), "hello worldo", "and what is made of it keeps the delimiter");
}

static void test_columns(void)
{
	struct recipe recipe = {.columns = COLUMNS_SEPARATED, .column_end = (char[]){"%"}};

	is_str(items_of(&recipe, "a%b%c\n%\n\nx\n"), "a,b,c|,||x|", "a line is split at a character");
	recipe.trim = TRIM_BOTH;
	is_str(items_of(&recipe, " a % b \n"), "a,b|", "each field is trimmed");
	recipe.column_end = (char[]){"("};
	is_str(items_of(&recipe, "a\n"), "-", "a wrong expression is refused");
#ifdef HAVE_PCRE2
	ok(items_err.code == ERR_USAGE && strstr(items_err.text, "'(' is no regular expression"), "by name");
	recipe.column_end = (char[]){" *, *"};
	is_str(items_of(&recipe, "a , b,c\n"), "a,b,c|", "a line is split at what an expression matches");
	recipe = (struct recipe){.columns = COLUMNS_SEPARATED, .column_end = (char[]){"x*"}};
	is_str(items_of(&recipe, "axxb\n"), "a,b|", "an empty match ends a field, too, but none that is empty");
#endif
	recipe = (struct recipe){.columns = COLUMNS_SEPARATED, .column_end = (char[]){"\\t"}, .has_header = true};
	is_str(items_of(&recipe, "x\ty\n1\t2\n3\t4\n"), "x,y/1,2|x,y/3,4|", "the first line's fields are names");
	is_str(items_of(&recipe, "x\ty\n"), "", "names alone are no item");
	recipe.pack = PACK_ROWS;
	recipe.pack_rows = 2;
	is_str(items_of(&recipe, "x\ty\n1\t2\n3\t4\n5\t6\n"), "x,y/1,2/3,4|x,y/5,6|", "which each pack has");
	recipe = (struct recipe){.lists = (struct recipe_list[]){list_of(words_ab), list_of(words_cd)},
	                         .n_lists = 2,
	                         .has_header = true};
	is_str(items_of(&recipe, ""), "a,c/b,d|", "each list's first value is its name");
}

static void test_csv(void)
{
	struct recipe recipe = {.columns = COLUMNS_CSV};
#ifdef HAVE_LIBCSV
	is_str(items_of(&recipe, "\"2\"\"x3\"\" board\",\"Value with ,\",3\n"), "2\"x3\" board,Value with ,,3|",
	       "quotes hold quotes and separators");
	is_str(items_of(&recipe, "\"two\nlines\", b ,\r\n\r\nlast"), "two\nlines, b ,|last|",
	       "a quoted field has any number of lines; blanks stay; empty lines are no rows; the last may lack its end");
	recipe.column_end = (char[]){";"};
	is_str(items_of(&recipe, "a;b,c\n"), "a,b,c|", "another separator");
	is_str(items_of(&recipe, "a;\"b\n"), "-", "a quote that is left open fails");
	ok(strstr(items_err.text, "quote is left open") && strstr(items_err.text, "row 1"), "and the row is named");
	recipe =
		(struct recipe){.columns = COLUMNS_CSV, .lists = (struct recipe_list[]){list_of(words_pairs)}, .n_lists = 1};
	is_str(items_of(&recipe, ""), "1,2|3,4|", "words can be rows");
#else
	is_str(items_of(&recipe, ""), "-", "without libcsv it is refused");
#endif
}

static void test_packs(void)
{
	struct recipe recipe = {.pack = PACK_ROWS, .pack_rows = 2};

	is_str(items_of(&recipe, "1\n2\n3\n"), "1/2|3|", "so many values are an item");
	recipe.pack = PACK_FIELDS;
	is_str(items_of(&recipe, "1\n2\n3\n"), "1,2|3|", "or are the fields of its row");
	recipe.pack = PACK_LINES;
	is_str(items_of(&recipe, "a 1\nb \nc\nd\ne\t\n"), "a 1/b c|d/e\t|", "a line that ends in a blank goes on");
	recipe = (struct recipe){.pack = PACK_FILL, .pack_bytes = 11, .fixed_bytes = 5, .value_bytes = 1, .n_uses = 1};
	is_str(items_of(&recipe, "ab\ncd\nefg\n"), "ab/cd|efg|", "as many as fit are an item");
	is_str(items_of(&recipe, "a\nlonger than that\nb\n"), "a|longer than that|b|",
	       "what doesn't fit is an item by itself");
	recipe.pack_rows = 1;
	is_str(items_of(&recipe, "ab\ncd\n"), "ab|cd|", "and never more than so many");
	recipe = (struct recipe){
		.pack = PACK_FILL, .pack_bytes = 1000, .value_bytes = 1, .n_uses = 1, .is_shared = true, .n_shares = 3};
	is_str(items_of(&recipe, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"), "1/2/3/4|5/6/7|8/9/10|",
	       "what is less than an item a worker is shared out evenly");
	is_str(items_of(&recipe, "1\n2\n3\n"), "1/2/3|", "but a share of one value is none");
	recipe.pack_bytes = 4;
	is_str(items_of(&recipe, "1\n2\n3\n4\n5\n6\n7\n8\n9\n"), "1/2|3/4|5/6|7/8|9|", "and so is what is left at the end");
	is_str(items_of(&recipe, ""), "", "no value is no item");
}

/* However the bytes come, and with little room. */
static void test_pieces(void)
{
	struct recipe recipe = {.columns = COLUMNS_SEPARATED,
	                        .column_end = (char[]){","},
	                        .pack = PACK_ROWS,
	                        .pack_rows = 3};
	struct buf text = {0}, want = {0};
	bool is_same;

	for (int i = 0; i < 30000; i++) {
		must(buf_printf(&text, "%d,%d\n", i, i * i) == 0);
		must(buf_printf(&want, "%d,%d%s", i, i * i, i % 3 == 2 ? "|" : "/") == 0);
	}
	must(buf_append(&want, "", 1) == 0);
	items_write("large", text.bytes, text.len);
	is_same = strcmp(items_of_file(&recipe, "large", 1 << 20, 2), want.bytes) == 0;
	ok(is_same, "30000 lines come whole, two bytes at a time");
	is_same = strcmp(items_of_file(&recipe, "large", 1 << 20, 65536), want.bytes) == 0;
	ok(is_same, "and in large pieces");
	buf_fini(&text);
	buf_fini(&want);
}

/* Reads as often as there may be something: a pipe is only known to be empty when it says so. */
static ssize_t read_now(struct source *source, char room[64])
{
	struct pollfd watched = {.fd = source_head(source)->fd, .events = POLLIN};
	ssize_t n_bytes;

	do
		n_bytes = source_read(source, room, 64, &items_err);
	while (n_bytes == SOURCE_WAIT && poll(&watched, 1, 0) == 1);
	return n_bytes;
}

/* Lists that have nothing to give yet, one after the other. */
static void test_waiting(void)
{
	int fds[2][2];
	char names[2][32];
	struct recipe_list lists[2] = {0};
	struct recipe recipe = {.lists = lists, .n_lists = 2};
	struct endpoint none = {.kind = ENDPOINT_LISTS};
	struct source *source;
	struct pollfd watched;
	char room[64];

	for (int i = 0; i < 2; i++) {
		must(pipe(fds[i]) == 0);
		snprintf(names[i], sizeof(names[i]), "/dev/fd/%d", fds[i][0]);
		lists[i].endpoint =
			(struct endpoint){.kind = ENDPOINT_LINES, .argument = names[i], .is_descriptor = true, .fd = fds[i][0]};
	}
	must(source_open_items(&source, &none, &recipe, 1 << 20, &items_err) == 0);
	watched = (struct pollfd){.fd = source_head(source)->fd, .events = POLLIN};
	is_int(read_now(source, room), SOURCE_WAIT, "the second list is waited for");
	must(write(fds[0][1], "a\n", 2) == 2);
	is_int(poll(&watched, 1, 0), 0, "and not the first");
	must(write(fds[1][1], "b\n", 2) == 2 && close(fds[1][1]) == 0);
	is_int(poll(&watched, 1, SCRATCH_WAIT_MS), 1, "until it is there");
	is_int(read_now(source, room), 4, "then there is an item");
	is_mem(room, 4,
	       "a\x1f"
	       "b",
	       4, "of both");
	is_int(read_now(source, room), SOURCE_WAIT, "the first list is waited for");
	is_int(poll(&watched, 1, 0), 0, "and not the second, which has ended");
	close(fds[0][1]);
	is_int(poll(&watched, 1, SCRATCH_WAIT_MS), 1, "until it ends, too");
	is_int(read_now(source, room), SOURCE_END, "then that is all");
	source_close(&source);
	close(fds[0][0]);
	close(fds[1][0]);
}

static void test_too_long(void)
{
	struct recipe recipe = {.columns = COLUMNS_SEPARATED, .column_end = (char[]){","}};
	char text[4096];
	const char *seen;

	memset(text, 'x', sizeof(text));
	memcpy(text, "1,2\n", 4);
	memcpy(text + sizeof(text) - 5, "\n3,4\n", 5);
	items_write("long", text, sizeof(text));
	seen = items_of_file(&recipe, "long", 100, 64);
	ok(strlen(seen) == 4 + 102 + 4 && strncmp(seen, "1,2|xxx", 7) == 0 && strcmp(seen + 4 + 102, "3,4|") == 0,
	   "of a value over max-item one byte more than that is kept, and those behind it are whole");
}

static void test_no_memory(void)
{
	struct recipe_list lists[2] = {list_of(words_ab), list_of(words_123)};
	struct recipe recipe = {.lists = lists,
	                        .n_lists = 2,
	                        .columns = COLUMNS_SEPARATED,
	                        .column_end = (char[]){","},
	                        .pack = PACK_ROWS,
	                        .pack_rows = 2};
	struct endpoint none = {.kind = ENDPOINT_LISTS};

	items_test_no_memory(&recipe, &none, 24);
}

int main(void)
{
	scratch_enter();
	test_lists();
	test_streams();
	test_values();
	test_columns();
	test_csv();
	test_packs();
	test_pieces();
	test_waiting();
	test_too_long();
	test_no_memory();
	scratch_leave();
	return tap_done();
}
