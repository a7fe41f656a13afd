/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed: whatever the pieces in which bytes come and are taken, the items are those of a plain splitter; long ones in
 * linear time; memory only for what somebody holds.
 */
#include "config.h"

#include "core/io/feed.h"

#include "scratch.h"
#include "tests/guard.h"
#include "tests/tap.h"

#include <time.h>

static struct err err;

/* A source that gives some bytes in pieces. */
struct script {
	struct source_head head;
	const char *bytes;
	size_t n_bytes, at;
	size_t piece_bytes; /* at most, in one read */
	bool is_random;     /* pieces of any size up to that, and a wait now and then */
	bool is_broken;     /* fails at the end */
};

static ssize_t script_read(struct source *source, char *dest, size_t room_bytes, struct err *ret_err)
{
	struct script *script = (struct script *)source;
	size_t n_bytes = script->n_bytes - script->at;

	if (n_bytes == 0)
		return script->is_broken ? err_set(ret_err, ERR_RUN, "cannot read it") : SOURCE_END;
	if (script->is_random && rand() % 8 == 0)
		return SOURCE_WAIT;
	if (n_bytes > script->piece_bytes)
		n_bytes = script->piece_bytes;
	if (script->is_random)
		n_bytes = 1 + (size_t)rand() % n_bytes;
	if (n_bytes > room_bytes)
		n_bytes = room_bytes;
	memcpy(dest, script->bytes + script->at, n_bytes);
	script->at += n_bytes;
	return (ssize_t)n_bytes;
}

static const struct source_ops script_ops = {"script", script_read, NULL};

static struct feed *open_feed(struct script *script, const char *bytes, size_t n_bytes, size_t piece_bytes,
                              char delimiter, int64_t max_item_bytes)
{
	static char name[] = "a script";
	struct feed *feed = NULL;

	*script = (struct script){
		.head = {.ops = &script_ops, .delimiter = delimiter, .fd = -1, .name = name},
		.bytes = bytes,
		.n_bytes = n_bytes,
		.piece_bytes = piece_bytes,
	};
	must(feed_create(&feed, (struct source *)script, max_item_bytes, &err) == 0);
	return feed;
}

static void read_all(struct feed *feed)
{
	int n;

	do
		n = feed_read(feed, &err);
	while (n > 0 || n == SOURCE_WAIT);
	must(n == SOURCE_END);
}

/* Small inputs, item by item: "(item)", with ! before one that is too long. */
static void test_table(void)
{
	static const struct {
		const char *input;
		int64_t max_item_bytes;
		const char *want;
	} rows[] = {
		{"", 100, ""},
		{"\n", 100, "()"},
		{"\n\n\n", 100, "()()()"},
		{"a", 100, "(a)"},
		{"a\n", 100, "(a)"},
		{"a\nbc\n\nd", 100, "(a)(bc)()(d)"},
		{"abcd\nabcde\nabcd\n", 4, "(abcd)!(abcde)(abcd)"},
		{"abcde", 4, "!(abcde)"},
		{"abcde\n", 4, "!(abcde)"},
		{"abcd", 4, "(abcd)"},
		{"a\nabcde\nabcde\n\nabcde", 4, "(a)!(abcde)!(abcde)()!(abcde)"},
		{"\n1\n", 0, "()!(1)"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct script script;
		struct feed *feed =
			open_feed(&script, rows[i].input, strlen(rows[i].input), 1000, '\n', rows[i].max_item_bytes);
		struct buf seen = {0};
		struct slice slice;

		is_int(feed_is_at_end(feed), 0, "row %zu: nothing was read", i);
		read_all(feed);
		while (feed_take(feed, 1, SIZE_MAX, &slice)) {
			size_t n_bytes;
			const char *item = slice_item(&slice, 0, '\n', &n_bytes);

			must(buf_printf(&seen, "%s(%.*s)", slice.is_too_long ? "!" : "", (int)n_bytes, item) == 0);
			slice_drop(&slice);
		}
		is_str(seen.len > 0 ? seen.bytes : "", rows[i].want, "row %zu: items", i);
		ok(feed_is_at_end(feed), "row %zu: at the end", i);
		is_int(feed_read(feed, &err), SOURCE_END, "row %zu: the end stays", i);
		buf_fini(&seen);
		feed_destroy(&feed);
		ok(feed == NULL, "row %zu: destroyed is NULL", i);
	}
}

static void test_limits(void)
{
	static const char input[] = "aa\nb\ncccc\nd\n";
	struct script script;
	struct feed *feed = open_feed(&script, input, strlen(input), 1000, '\n', 100);
	struct slice slice, head;
	const char *item;
	size_t n_bytes;

	ok(!feed_take(feed, 1, 1, &slice), "nothing to take before the first read");
	is_int(feed_read(feed, &err), 12, "one read");
	ok(feed_has_item(feed), "now there is something");
	ok(!feed_is_at_end(feed), "the end isn't known yet");
	must(feed_take(feed, 100, 5, &slice));
	is_mem(slice.bytes, slice.n_bytes, "aa\nb\n", 5, "limited by bytes, to whole items");
	is_int(slice.n_items, 2, "two of them");
	is_int(slice.seq, 1, "from number 1");
	is_int(feed_taken_bytes(feed), 5, "five bytes are taken, though all are read");
	head = slice_split(&slice, 1, '\n');
	is_mem(head.bytes, head.n_bytes, "aa\n", 3, "split: the first");
	is_mem(slice.bytes, slice.n_bytes, "b\n", 2, "split: the rest");
	is_int(head.n_items * 10 + slice.n_items, 11, "split: one item each");
	is_int(slice.seq, 2, "split: the rest is numbered on");
	slice_drop(&head);
	is_mem(slice.bytes, slice.n_bytes, "b\n", 2, "split: both hold the block");
	slice_drop(&slice);
	must(feed_take(feed, 100, 3, &slice));
	is_mem(slice.bytes, slice.n_bytes, "cccc\n", 5, "one item always, however long");
	is_int(slice.seq, 3, "number 3");
	slice_drop(&slice);
	must(feed_take(feed, 1, 100, &slice));
	item = slice_item(&slice, 0, '\n', &n_bytes);
	is_mem(item, n_bytes, "d", 1, "the last, without its delimiter");
	is_int(feed_taken_items(feed), 4, "all were counted");
	is_int(feed_taken_bytes(feed), 12, "and their bytes");
	is_int(feed_read(feed, &err), SOURCE_END, "the end comes");
	ok(feed_is_at_end(feed), "and is known");
	feed_destroy(&feed);
	is_mem(slice.bytes, slice.n_bytes, "d\n", 2, "a slice outlives the feed");
	slice_drop(&slice);
	ok(slice.block == NULL, "dropped is empty");
	slice_drop(&slice);
}

static void test_places(void)
{
	static const char input[] = "a\n\nccc\n";
	struct script script;
	struct feed *feed = open_feed(&script, input, strlen(input), 1000, '\n', 100);
	static const char *const want[] = {"a", "", "ccc"};
	struct slice slice;

	read_all(feed);
	must(feed_take(feed, 10, 100, &slice));
	for (uint32_t i = 0; i < 3; i++) {
		size_t n_bytes;
		const char *item = slice_item(&slice, i, '\n', &n_bytes);

		is_mem(item, n_bytes, want[i], strlen(want[i]), "item at place %u", i);
	}
	slice_drop(&slice);
	feed_destroy(&feed);
}

static void test_error(void)
{
	struct script script;
	struct feed *feed = open_feed(&script, "a\nb", 3, 1000, '\n', 100);
	struct slice slice;

	script.is_broken = true;
	is_int(feed_read(feed, &err), 3, "a broken source: what it has");
	is_int(feed_read(feed, &err), -1, "a broken source: fails");
	is_str(err.text, "cannot read it", "a broken source: with its own words");
	must(feed_take(feed, 10, 10, &slice));
	is_int(slice.n_items, 1, "a broken source: its whole items are good");
	slice_drop(&slice);
	ok(!feed_is_at_end(feed), "a broken source: that isn't the end");
	feed_destroy(&feed);
}

/* Held slices, in the order of their numbers, checked again when they are let go. */
#define HELD 50

struct reference {
	const char *bytes;
	size_t n_bytes, at; /* the next item */
	uint64_t seq;
	int64_t max_item_bytes;
	char delimiter;
	bool is_right;
};

struct held {
	struct slice slice;
	char *copy;
};

/* The next item of a plain splitter against one item of a slice. */
static void compare_item(struct reference *reference, const struct slice *slice, const char *item, size_t n_bytes)
{
	const char *from = reference->bytes + reference->at;
	size_t n_left = reference->n_bytes - reference->at;
	const char *stop = n_left > 0 ? memchr(from, reference->delimiter, n_left) : NULL;
	size_t n_want = stop != NULL ? (size_t)(stop - from) : n_left;
	bool is_too_long = (int64_t)n_want > reference->max_item_bytes;

	reference->is_right = reference->is_right && n_left > 0 && slice->is_too_long == is_too_long;
	reference->at += stop != NULL ? n_want + 1 : n_want;
	reference->seq++;
	if (is_too_long && n_want > 200)
		n_want = 200;
	reference->is_right = reference->is_right && n_bytes == n_want && memcmp(item, from, n_want) == 0;
}

static void compare_slice(struct reference *reference, const struct slice *slice)
{
	const char *item = slice->bytes;

	reference->is_right = reference->is_right && slice->seq == reference->seq && slice->n_items > 0;
	for (uint32_t i = 0; i < slice->n_items; i++) {
		const char *stop = memchr(item, reference->delimiter, (size_t)(slice->bytes + slice->n_bytes - item));

		if (stop == NULL) {
			reference->is_right = false;
			return;
		}
		compare_item(reference, slice, item, (size_t)(stop - item));
		item = stop + 1;
	}
	reference->is_right = reference->is_right && item == slice->bytes + slice->n_bytes;
}

static void hold(struct held *held, struct slice slice, bool *is_kept)
{
	if (held->copy != NULL) {
		*is_kept = *is_kept && memcmp(held->copy, held->slice.bytes, held->slice.n_bytes) == 0;
		free(held->copy);
		slice_drop(&held->slice);
	}
	*held = (struct held){.slice = slice};
	if (slice.block != NULL) {
		held->copy = malloc(slice.n_bytes);
		must(held->copy != NULL);
		memcpy(held->copy, slice.bytes, slice.n_bytes);
	}
}

/* Items of all sizes; kind 0: tiny, 1: mixed, 2: some huge. */
static char *random_input(int kind, char delimiter, size_t *ret_bytes)
{
	size_t n_bytes = (size_t)rand() % (kind == 2 ? 3000000 : 600000);
	char *bytes = malloc(n_bytes + 1);
	size_t left = 0;
	uint32_t letter = (uint32_t)rand(); /* rand() for each byte would be most of this test's time */

	must(bytes != NULL);
	for (size_t i = 0; i < n_bytes; i++) {
		if (left == 0) {
			left = 1 + (size_t)rand() % (kind == 0 ? 8 : kind == 1 ? 500 : 20);
			if (kind > 0 && rand() % 100 == 0)
				left = 1 + (size_t)rand() % (kind == 1 ? 20000 : 1000000);
			if (i > 0)
				bytes[i] = delimiter;
			else
				bytes[i] = 'x';
		} else {
			letter = letter * 1664525 + 1013904223;
			bytes[i] = (char)('a' + (letter >> 16) % 26);
		}
		left--;
	}
	*ret_bytes = n_bytes;
	return bytes;
}

static void random_run(int kind, char delimiter, int64_t max_item_bytes, size_t piece_bytes)
{
	size_t n_bytes;
	char *bytes = random_input(kind, delimiter, &n_bytes);
	struct reference reference = {bytes, n_bytes, 0, 1, max_item_bytes, delimiter, true};
	struct held held[HELD] = {0};
	struct script script;
	struct feed *feed = open_feed(&script, bytes, n_bytes, piece_bytes, delimiter, max_item_bytes);
	bool is_kept = true, has_ended = false;
	int n_held = rand() % 4 == 0 ? 1 : 1 + rand() % HELD;
	struct slice slice;

	script.is_random = true;
	while (!has_ended || feed_has_item(feed)) {
		if (!has_ended && (rand() % 3 > 0 || !feed_has_item(feed))) {
			has_ended = feed_read(feed, &err) == SOURCE_END;
			continue;
		}
		if (!feed_take(feed, rand() % 3 == 0 ? 1 + (uint32_t)rand() % 20 : UINT32_MAX,
		               rand() % 2 == 0 ? (size_t)rand() % 3000 : SIZE_MAX, &slice)) {
			reference.is_right = false;
			break;
		}
		compare_slice(&reference, &slice);
		if (slice.n_items > 1 && rand() % 4 == 0) {
			struct slice head = slice_split(&slice, 1 + (uint32_t)rand() % (slice.n_items - 1), delimiter);

			hold(&held[rand() % n_held], head, &is_kept);
		}
		hold(&held[rand() % n_held], slice, &is_kept);
	}
	ok(reference.is_right && reference.at == n_bytes, "kind %d, max-item %lld, pieces of %zu: the items are right",
	   kind, (long long)max_item_bytes, piece_bytes);
	is_int(feed_taken_items(feed), (long long)reference.seq - 1, "kind %d: counted", kind);
	for (int i = 0; i < HELD; i++)
		hold(&held[i], (struct slice){0}, &is_kept);
	ok(is_kept, "kind %d: nothing that was held has changed", kind);
	is_int(feed_held_bytes(feed), 0, "kind %d: nothing is held", kind);
	feed_destroy(&feed);
	free(bytes);
}

static void test_random(void)
{
	unsigned seed = (unsigned)time(NULL) ^ (unsigned)getpid();
	const char *rounds = getenv("ROTA_FEED_ROUNDS");
	static const int64_t max_items[] = {INT64_MAX, 1 << 30, 70000, 300, 199, 10, 0};
	static const size_t pieces[] = {1 << 20, 65536, 3000, 50};

	if (getenv("ROTA_FEED_SEED") != NULL)
		seed = (unsigned)strtoul(getenv("ROTA_FEED_SEED"), NULL, 10);
	diag("ROTA_FEED_SEED=%u", seed);
	srand(seed);
	for (int i = 0; i < (rounds != NULL ? atoi(rounds) : 60); i++)
		random_run(rand() % 3, rand() % 2 == 0 ? '\n' : '\0', max_items[rand() % 7], pieces[rand() % 4]);
}

/* Blocks and pieces that end exactly at each other's edge. Memory behind a block is guarded. */
static void test_full_blocks(void)
{
	enum { BLOCK = 256 * 1024 };
	static const size_t sizes[] = {BLOCK - 4097, BLOCK - 4096, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK};
	static const size_t first_items[] = {0, 1, BLOCK / 2, BLOCK - 4097};
	static const size_t pieces[] = {SIZE_MAX, BLOCK / 2};
	char *bytes = malloc(2 * BLOCK);

	guard_is_on = true;
	must(bytes != NULL);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		bool is_right = true;

		for (size_t k = 0; k < 4 * 2 * 2; k++) {
			size_t n_first = first_items[k / 4], n_bytes = sizes[i];
			struct reference reference = {bytes, n_bytes, 0, 1, INT64_MAX, '\n', true};
			struct script script;
			struct slice slice;
			struct feed *feed;

			memset(bytes, 'x', n_bytes);
			if (n_first > 0)
				bytes[n_first - 1] = '\n';
			if (k % 2 == 1)
				bytes[n_bytes - 1] = '\n';
			feed = open_feed(&script, bytes, n_bytes, pieces[k / 2 % 2], '\n', INT64_MAX);
			read_all(feed);
			while (feed_take(feed, UINT32_MAX, SIZE_MAX, &slice)) {
				compare_slice(&reference, &slice);
				slice_drop(&slice);
			}
			is_right = is_right && reference.is_right && reference.at == n_bytes;
			feed_destroy(&feed);
		}
		ok(is_right, "input of %zu bytes: whole, within its memory", sizes[i]);
	}
	guard_is_on = false;
	free(bytes);
}

/* One line of 20 MB in pieces of a pipe's size: a scan from its start at each read would take minutes. */
static void test_long_line(void)
{
	size_t n_bytes = 20000000;
	char *line = malloc(n_bytes + 6);
	struct script script;
	struct feed *feed;
	struct slice slice, small;
	clock_t start = clock();

	must(line != NULL);
	memset(line, 'x', n_bytes);
	memcpy(line + n_bytes, "\ny\nz\n", 6);
	feed = open_feed(&script, line, n_bytes + 5, 1000, '\n', 1 << 30);
	read_all(feed);
	must(feed_take(feed, 1000, SIZE_MAX, &slice));
	is_int(slice.n_items, 1, "20 MB: one item, alone");
	is_mem(slice.bytes, slice.n_bytes, line, n_bytes + 1, "20 MB: all of it");
	ok((clock() - start) / CLOCKS_PER_SEC < 10, "20 MB: in linear time");
	ok(feed_held_bytes(feed) <= n_bytes + (1 << 20), "20 MB: little more memory than that");
	must(feed_take(feed, 1000, SIZE_MAX, &small));
	is_mem(small.bytes, small.n_bytes, "y\nz\n", 4, "20 MB: what follows");
	slice_drop(&slice);
	is_int(feed_held_bytes(feed), 256 * 1024, "20 MB: small items don't hold the large block");
	slice_drop(&small);
	feed_destroy(&feed);
	free(line);
}

/* 20 MB over max-item: skipped without holding it, however it comes. */
static void test_too_long(void)
{
	size_t n_bytes = 20000000;
	char *line = malloc(n_bytes + 10);
	struct script script;
	struct feed *feed;
	struct slice slice;
	uint64_t most = 0;

	must(line != NULL);
	memcpy(line, "a\n", 2);
	memset(line + 2, 'x', n_bytes);
	memcpy(line + 2 + n_bytes, "\nb\n", 3);
	feed = open_feed(&script, line, n_bytes + 5, 7000, '\n', 100000);
	while (feed_read(feed, &err) > 0) {
		if (feed_held_bytes(feed) > most)
			most = feed_held_bytes(feed);
	}
	ok(most <= 3 * 256 * 1024, "too long: not held (%llu bytes)", (unsigned long long)most);
	must(feed_take(feed, 10, SIZE_MAX, &slice));
	is_mem(slice.bytes, slice.n_bytes, "a\n", 2, "too long: what is before it");
	slice_drop(&slice);
	must(feed_take(feed, 10, SIZE_MAX, &slice));
	ok(slice.is_too_long, "too long: said");
	is_int(slice.n_bytes, 201, "too long: 200 bytes and the delimiter");
	is_mem(slice.bytes, 200, line + 2, 200, "too long: its first");
	is_int(slice.bytes[200], '\n', "too long: ended as every item");
	slice_drop(&slice);
	must(feed_take(feed, 10, SIZE_MAX, &slice));
	is_mem(slice.bytes, slice.n_bytes, "b\n", 2, "too long: what is behind it");
	is_int(slice.seq, 3, "too long: the numbering goes on");
	slice_drop(&slice);
	feed_destroy(&feed);
	free(line);
}

/* A line a read, each held: they share a block. And when all are let go, it is used again. */
static void test_memory(void)
{
	static struct slice slices[20000];
	char *bytes = malloc(200000);
	struct script script;
	struct feed *feed;
	uint64_t most = 0;

	must(bytes != NULL);
	for (int i = 0; i < 20000; i++)
		memcpy(bytes + (size_t)i * 10, "123456789\n", 10);
	feed = open_feed(&script, bytes, 200000, 10, '\n', 1 << 30);
	for (int i = 0; i < 20000; i++) {
		must(feed_read(feed, &err) == 10);
		must(feed_take(feed, 100, SIZE_MAX, &slices[i]));
	}
	is_int(feed_held_bytes(feed), 256 * 1024, "20000 reads of a line: one block");
	for (int i = 0; i < 20000; i++)
		slice_drop(&slices[i]);
	feed_destroy(&feed);

	feed = open_feed(&script, bytes, 200000, 1000, '\n', 1 << 30);
	for (int i = 0; i < 1000; i++) {
		if (script.at == script.n_bytes)
			script.at = 0;
		must(feed_read(feed, &err) > 0);
		must(feed_take(feed, UINT32_MAX, SIZE_MAX, &slices[0]));
		slice_drop(&slices[0]);
		most = feed_held_bytes(feed) > most ? feed_held_bytes(feed) : most;
	}
	is_int(most, 256 * 1024, "what is taken and let go costs one block");
	feed_destroy(&feed);
	free(bytes);
}

int main(void)
{
	guard_begin();
	test_table();
	test_limits();
	test_places();
	test_error();
	test_random();
	test_full_blocks();
	test_long_line();
	test_too_long();
	test_memory();
	return tap_done();
}
