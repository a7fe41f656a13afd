/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delimiter: what is counted by vectors is what a look at each byte finds, with few items and many, in runs of each
 * length around lanes and strides; no byte behind the run is read (it stands at the end of its memory).
 */
#include "config.h"

#include "core/io/delimiter.h"

#include "tests/tap.h"

#include <sys/mman.h>

#define ROOM_BYTES 65536
#define LANE_BYTES 32
#define STRIDE_BYTES 4096

static char *end; /* of the memory: nobody may touch what is behind it */

static void make_room(void)
{
	char *map = mmap(NULL, (size_t)2 * ROOM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(map != MAP_FAILED && mprotect(map + ROOM_BYTES, ROOM_BYTES, PROT_NONE) == 0);
	end = map + ROOM_BYTES;
}

/* A run of whole items; one of so many bytes is a delimiter. */
static const char *make_run(size_t n_bytes, unsigned item_bytes, char delimiter)
{
	char *run = end - n_bytes;

	for (size_t i = 0; i < n_bytes; i++)
		run[i] = (unsigned)rand() % item_bytes == 0 ? delimiter : (char)('a' + rand() % 26);
	run[n_bytes - 1] = delimiter;
	return run;
}

static size_t plain_cut(const char *bytes, size_t n_bytes, char delimiter, uint32_t max_items, uint32_t *ret_items)
{
	size_t at = 0;

	for (*ret_items = 0; at < n_bytes && *ret_items < max_items; at++)
		*ret_items += bytes[at] == delimiter;
	return at;
}

static size_t plain_too_long(const char *bytes, size_t n_bytes, char delimiter, size_t max_bytes)
{
	size_t first = 0;

	for (size_t at = 0; at < n_bytes; at++) {
		if (bytes[at] != delimiter)
			continue;
		if (at - first > max_bytes)
			return first;
		first = at + 1;
	}
	return n_bytes;
}

static bool is_cut_right(const char *run, size_t n_bytes, char delimiter, uint32_t max_items)
{
	uint32_t n_seen = 0, n_wanted = 0;
	size_t seen = delimiter_cut(run, n_bytes, delimiter, max_items, &n_seen);
	size_t wanted = plain_cut(run, n_bytes, delimiter, max_items, &n_wanted);

	if (seen != wanted || n_seen != n_wanted)
		diag("%u of %zu bytes: %u items in %zu bytes, not %u in %zu", max_items, n_bytes, n_seen, seen, n_wanted,
		     wanted);
	return seen == wanted && n_seen == n_wanted;
}

static void test_cut(unsigned item_bytes, char delimiter)
{
	static const size_t middles[] = {LANE_BYTES, 8 * LANE_BYTES, STRIDE_BYTES, 2 * STRIDE_BYTES, 5 * STRIDE_BYTES};
	bool is_right = true;

	for (size_t i = 0; i < sizeof middles / sizeof *middles; i++) {
		for (size_t n_bytes = middles[i] - 3; n_bytes <= middles[i] + 3; n_bytes++) {
			const char *run = make_run(n_bytes, item_bytes, delimiter);
			uint32_t n_items;

			plain_cut(run, n_bytes, delimiter, UINT32_MAX, &n_items);
			for (uint32_t max_items = 1; max_items <= 40; max_items++)
				is_right &= is_cut_right(run, n_bytes, delimiter, max_items);
			for (uint32_t near_all = n_items > 3 ? n_items - 3 : 1; near_all <= n_items + 3; near_all++)
				is_right &= is_cut_right(run, n_bytes, delimiter, near_all);
			is_right &= is_cut_right(run, n_bytes, delimiter, 1 + (uint32_t)rand() % n_items);
			is_right &= is_cut_right(run, n_bytes, delimiter, UINT32_MAX);
		}
	}
	ok(is_right, "cuts, a delimiter of \\%03o about every %u bytes", (unsigned)(unsigned char)delimiter, item_bytes);
}

/* A byte of each lane is counted as often as it can be in a stride. */
static void test_full_lanes(void)
{
	const char *run = make_run(4 * (size_t)STRIDE_BYTES, 1, '\0');
	uint32_t n_items = 0;

	is_int(delimiter_cut(run, 4 * (size_t)STRIDE_BYTES, '\0', UINT32_MAX, &n_items), 4 * STRIDE_BYTES, "empty items");
	is_int(n_items, 4 * STRIDE_BYTES, "all of them");
	is_int(delimiter_cut(run, 4 * (size_t)STRIDE_BYTES, '\0', STRIDE_BYTES + 1, &n_items), STRIDE_BYTES + 1,
	       "one more than a stride has");
}

static void test_too_long(void)
{
	bool is_right = true;

	for (unsigned i = 0; i < 2000; i++) {
		size_t n_bytes = 1 + (size_t)rand() % 300, max_bytes = 1 + (size_t)rand() % 40;
		const char *run = make_run(n_bytes, 1 + (unsigned)rand() % 30, '\n');
		size_t seen = delimiter_find_too_long(run, n_bytes, '\n', max_bytes);

		is_right &= seen == plain_too_long(run, n_bytes, '\n', max_bytes);
	}
	ok(is_right, "up to the first item that is too long");
	is_int(delimiter_find_too_long("abc\n", 4, '\n', 3), 4, "just as long as it may be");
	is_int(delimiter_find_too_long("abc\n", 4, '\n', 2), 0, "one byte more");
	is_int(delimiter_find_too_long("a\nbc\nabc\nd\n", 11, '\n', 2), 5, "behind others");
	is_int(delimiter_find_too_long("", 0, '\n', 2), 0, "no item");
}

int main(void)
{
	make_room();
	srand(1);
	test_cut(1, '\n');
	test_cut(3, '\n');
	test_cut(41, '\0');
	test_cut(1000, '\xff');
	test_full_lanes();
	test_too_long();
	return tap_done();
}
