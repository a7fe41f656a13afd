/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows: what is written is read, whatever its bytes; plain fields stand as they are; no item has a NUL; any bytes can
 * be read. Without memory the buffer stays as it was.
 */
#include "config.h"

#include "core/io/rows.h"

#include "tests/nomemory.h"
#include "tests/tap.h"

#include <rota/rows.h>

#define FIELD_BYTES 6
#define N_ROUNDS 20000
#define N_FIELDS 8

struct given {
	char before;
	char bytes[FIELD_BYTES];
	size_t n_bytes;
};

static bool is_item(const char *item, size_t n_bytes, const char *wanted)
{
	return n_bytes == strlen(wanted) && memcmp(item, wanted, n_bytes) == 0;
}

static void test_format(void)
{
	struct buf buf = {0};

	must(rows_put_field(&buf, ROWS_FIRST, "a b", 3) == 0);
	ok(is_item(buf.bytes, buf.len, "a b"), "one plain field stands as it is");
	must(rows_put_field(&buf, ROTA_ROWS_FIELD, "", 0) == 0);
	must(rows_put_field(&buf, ROTA_ROWS_ROW, "c", 1) == 0);
	ok(is_item(buf.bytes, buf.len,
	           "a b\x1f\x1e"
	           "c"),
	   "fields and rows are separated by one byte each");
	buf_clear(&buf);
	must(rows_put_field(&buf, ROWS_FIRST, "\0\x10\x1e\x1f", 4) == 0);
	ok(is_item(buf.bytes, buf.len, "\x10\x40\x10\x50\x10\x5e\x10\x5f"), "the four special bytes are escaped");
	buf_fini(&buf);
}

/* Fields of few different bytes, so that the special ones are often there. */
static size_t make(struct given *given)
{
	static const char bytes[] = {'a', '\0', '\x10', '\x1e', '\x1f', '\x50', '\n', '\xff'};
	size_t n = 1 + (size_t)rand() % N_FIELDS;

	for (size_t i = 0; i < n; i++) {
		given[i].before = i == 0 ? ROWS_FIRST : rand() % 2 ? ROTA_ROWS_FIELD : ROTA_ROWS_ROW;
		given[i].n_bytes = (size_t)rand() % (FIELD_BYTES + 1);
		for (size_t k = 0; k < given[i].n_bytes; k++)
			given[i].bytes[k] = bytes[(size_t)rand() % sizeof(bytes)];
	}
	return n;
}

static bool is_read(const struct given *given, size_t n, const char *item, size_t n_bytes)
{
	char room[N_FIELDS * FIELD_BYTES * 2 + N_FIELDS];
	struct rota_rows rows;
	struct rota_field field;
	size_t i = 0, row = 0, column = 0;

	for (rota_rows_begin(&rows, item, n_bytes, room); rota_rows_next(&rows, &field); i++, column++) {
		if (i == n)
			return false;
		if (given[i].before == ROTA_ROWS_ROW) {
			row++;
			column = 0;
		}
		if (field.row != row || field.column != column || field.n_bytes != given[i].n_bytes ||
		    memcmp(field.bytes, given[i].bytes, field.n_bytes) != 0)
			return false;
	}
	return i == n;
}

static void test_round_trips(void)
{
	struct given given[N_FIELDS];
	struct buf buf = {0};
	int n_read = 0, n_with_nul = 0;

	for (int round = 0; round < N_ROUNDS; round++) {
		size_t n = make(given);

		buf_clear(&buf);
		for (size_t i = 0; i < n; i++)
			must(rows_put_field(&buf, given[i].before, given[i].bytes, given[i].n_bytes) == 0);
		n_read += is_read(given, n, buf.bytes, buf.len);
		n_with_nul += buf.len > 0 && memchr(buf.bytes, '\0', buf.len) != NULL;
	}
	is_int(n_read, N_ROUNDS, "what is written is read, field by field, with its row and column");
	is_int(n_with_nul, 0, "and no item has a NUL");
	buf_fini(&buf);
}

static void test_any_bytes(void)
{
	char room[3];
	struct rota_rows rows;
	struct rota_field field;

	rota_rows_begin(&rows, "a\x10", 2, room);
	ok(rota_rows_next(&rows, &field) && field.n_bytes == 2 && field.bytes[1] == '\x10' &&
	       !rota_rows_next(&rows, &field),
	   "an escape at the end stands for itself");
	rota_rows_begin(&rows, "", 0, room);
	ok(rota_rows_next(&rows, &field) && field.n_bytes == 0 && !rota_rows_next(&rows, &field),
	   "an empty item has one empty field");
}

/* With room for two bytes and for more. */
static void test_copies(void)
{
	static const char field[] =
		"plain\0\x10text that is longer than a vector has lanes, and than a few of them, so that it is "
		"looked at in strides of them, too, up to its end\x1e";
	struct buf want = {0};
	bool is_same = true;

	must(rows_put_field(&want, ROWS_FIRST, field, sizeof(field)) == 0);
	for (size_t room_bytes = 2; room_bytes < sizeof(field) + 10; room_bytes++) {
		char copy[2 * sizeof(field)];
		size_t n = 0, n_used = 0, n_more;

		while (n_used < sizeof(field)) {
			n += rows_copy(copy + n, room_bytes, field + n_used, sizeof(field) - n_used, &n_more);
			n_used += n_more;
		}
		is_same = is_same && n == want.len && memcmp(copy, want.bytes, n) == 0;
	}
	ok(is_same, "a field that is copied in pieces is the one that is put at once");
	buf_fini(&want);
}

static void test_no_memory(void)
{
	const char special[2] = {'b', '\0'};
	long at = 0;
	bool has_failed, is_whole = true;

	do {
		struct buf buf = {0};

		must(rows_put_field(&buf, ROWS_FIRST, "a", 1) == 0);
		must(buf.cap > 0);
		nomemory_begin(++at, false);
		/* enough for the buffer to grow in each place where it may */
		int result = 0;
		size_t len = buf.len;
		while (result == 0 && buf.len < (size_t)1 << 12) {
			len = buf.len;
			result = rows_put_field(&buf, ROTA_ROWS_FIELD, special, sizeof(special));
		}
		has_failed = nomemory_end();
		is_whole = is_whole && has_failed == (result != 0) && (!has_failed || buf.len == len);
		buf_fini(&buf);
	} while (has_failed);
	ok(at > 3 && is_whole, "without memory a field isn't put, and the buffer stays as it was");
}

int main(void)
{
	test_format();
	test_round_trips();
	test_any_bytes();
	test_copies();
	if (NOMEMORY_IS_KNOWN)
		test_no_memory();
	else
		skip("a sanitizer's own malloc never fails");
	return tap_done();
}
