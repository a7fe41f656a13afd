/* SPDX-License-Identifier: Apache-2.0 */
/* items - what a recipe makes of an input, as text: for the tests of the sources that make items. */
#ifndef TESTS_CORE_IO_ITEMS_H
#define TESTS_CORE_IO_ITEMS_H

#include "scratch.h"

#include "core/io/source.h"

#include "tests/nomemory.h"

#include <poll.h>
#include <rota/rows.h>

static struct err items_err;

/* A byte as text: the ends of rows, fields and items as "/", "," and "|". */
__attribute__((unused)) static char items_mark(char byte)
{
	return byte == ROTA_ROWS_ROW ? '/' : byte == ROTA_ROWS_FIELD ? ',' : byte == '\0' ? '|' : byte;
}

/* All that a source gives, read with so much room at a time, waiting where it waits. false: it fails. */
__attribute__((unused)) static bool items_read(struct source *source, size_t room_bytes, struct buf *ret)
{
	char *room = malloc(room_bytes);
	ssize_t n_bytes;

	must(room != NULL);
	while ((n_bytes = source_read(source, room, room_bytes, &items_err)) != SOURCE_END && n_bytes != -1) {
		struct pollfd watched = {.fd = source_head(source)->fd, .events = POLLIN};

		if (n_bytes == SOURCE_WAIT)
			must(poll(&watched, 1, SCRATCH_WAIT_MS) == 1);
		else
			must(buf_append(ret, room, (size_t)n_bytes) == 0);
	}
	free(room);
	return n_bytes == SOURCE_END;
}

/* The items that the recipe makes of a file of that name, which is the input; "-": they can't be made. */
__attribute__((unused)) static const char *items_of_file(const struct recipe *recipe, const char *file,
                                                         int64_t max_item_bytes, size_t room_bytes)
{
	static struct buf seen;
	char *argument = strdup(file);
	struct endpoint input = {.kind = ENDPOINT_LINES, .argument = argument};
	struct source *source;
	bool is_good;

	must(argument != NULL);
	buf_clear(&seen);
	is_good = source_open_items(&source, &input, recipe, max_item_bytes, &items_err) == 0;
	if (is_good) {
		is_good = items_read(source, room_bytes, &seen);
		source_close(&source);
	}
	free(argument);
	must(buf_append(&seen, "", 1) == 0);
	for (size_t i = 0; i + 1 < seen.len; i++)
		seen.bytes[i] = items_mark(seen.bytes[i]);
	return is_good ? seen.bytes : "-";
}

__attribute__((unused)) static void items_write(const char *file, const char *bytes, size_t n_bytes)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	must(fd >= 0 && write(fd, bytes, n_bytes) == (ssize_t)n_bytes);
	close(fd);
}

/* The same of a text. */
__attribute__((unused)) static const char *items_of(const struct recipe *recipe, const char *text)
{
	items_write("input", text, strlen(text));
	return items_of_file(recipe, "input", 1 << 20, 4096);
}

#define ITEMS_ROOM_BYTES 256

/*
 * Each allocation fails once, while the recipe's source is opened, read and closed: it says so, or gives all of its
 * n_wanted bytes.
 */
__attribute__((unused)) static void items_test_no_memory(const struct recipe *recipe, const struct endpoint *input,
                                                         ssize_t n_wanted)
{
	char room[ITEMS_ROOM_BYTES];
	bool is_right = true, has_failed;
	long at = 0;

	if (!NOMEMORY_IS_KNOWN) {
		skip("a sanitizer's own malloc never fails");
		return;
	}
	do {
		struct source *source;
		ssize_t n = -1, n_bytes = 0;

		nomemory_begin(++at, false);
		if (source_open_items(&source, input, recipe, ITEMS_ROOM_BYTES, &items_err) == 0) {
			while ((n = source_read(source, room + n_bytes, sizeof(room) - (size_t)n_bytes, &items_err)) > 0)
				n_bytes += n;
			source_close(&source);
		}
		has_failed = nomemory_end();
		is_right = is_right && (n < 0 ? has_failed && items_err.code == ERR_RESOURCE : n_bytes == n_wanted);
	} while (has_failed);
	ok(is_right && at > 4, "where memory is short that is said, and nothing is left out");
}

/* The same of a text, which is the input. */
__attribute__((unused)) static void items_test_no_memory_of(const struct recipe *recipe, const char *text,
                                                            ssize_t n_wanted)
{
	char file[] = "any";
	struct endpoint input = {.kind = ENDPOINT_LINES, .argument = file};

	items_write(file, text, strlen(text));
	items_test_no_memory(recipe, &input, n_wanted);
}

#endif
