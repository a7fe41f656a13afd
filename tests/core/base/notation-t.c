/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notation: what only shows here, beside option-t's many texts: a text ends where the caller says, what a number is
 * refused for, and how sizes are written.
 */
#include "config.h"

#include "core/base/notation.h"

#include "tests/tap.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define KEPT 77

typedef enum notation_result read_f(const char *text, size_t n, int64_t *ret);

static void test_read(void)
{
	static const struct {
		const char *name;
		read_f *read;
		const char *text; /* with more behind its end */
		size_t n;
		enum notation_result want;
		int64_t want_number;
	} cases[] = {
		{"int", notation_read_int, "12..64", 2, NOTATION_OK, 12},
		{"int", notation_read_int, "1k", 1, NOTATION_OK, 1},
		{"int", notation_read_int, "0x1f", 3, NOTATION_OK, 1},
		{"int", notation_read_int, "0x1f", 2, NOTATION_NONSENSE, KEPT},
		{"int", notation_read_int, "-5", 1, NOTATION_NONSENSE, KEPT},
		{"int", notation_read_int, "5", 0, NOTATION_NONSENSE, KEPT},
		{"int", notation_read_int, "9223372036854775808", 19, NOTATION_TOO_LARGE, KEPT},
		{"int", notation_read_int, "9223372036854775808", 18, NOTATION_OK, INT64_C(922337203685477580)},
		{"int", notation_read_int, "-9223372036854775809", 20, NOTATION_TOO_SMALL, KEPT},
		{"size", notation_read_size, "1.5K..", 4, NOTATION_OK, 1536},
		{"size", notation_read_size, "1.5K..", 3, NOTATION_NONSENSE, KEPT},
		{"size", notation_read_size, "64KiB", 3, NOTATION_OK, 65536},
		{"size", notation_read_size, "8192P", 5, NOTATION_TOO_LARGE, KEPT},
		{"size", notation_read_size, "0.0001K", 7, NOTATION_TOO_SMALL, KEPT},
		{"size", notation_read_size, "0.0K", 4, NOTATION_OK, 0},
		{"duration", notation_read_duration, "10ms", 3, NOTATION_OK, INT64_C(600000000000)},
		{"duration", notation_read_duration, "10ms", 2, NOTATION_OK, INT64_C(10000000000)},
		{"duration", notation_read_duration, "10K", 3, NOTATION_NONSENSE, KEPT},
		{"duration", notation_read_duration, "106752d", 7, NOTATION_TOO_LARGE, KEPT},
		{"duration", notation_read_duration, "0.1ns", 5, NOTATION_NONSENSE, KEPT},
		{"duration", notation_read_duration, "0.0000000001s", 13, NOTATION_TOO_SMALL, KEPT},
	};
	for (size_t i = 0; i < N(cases); i++) {
		int64_t number = KEPT;
		is_int(cases[i].read(cases[i].text, cases[i].n, &number), cases[i].want, "%s '%.*s'", cases[i].name,
		       (int)cases[i].n, cases[i].text);
		is_int(number, cases[i].want_number, "and its number");
	}
}

static void test_write_size(void)
{
	static const struct {
		int64_t n_bytes;
		const char *want;
	} cases[] = {
		{0, "0 bytes"},
		{1, "1 bytes"},
		{1500, "1500 bytes"},
		{1024, "1K"},
		{1536, "1536 bytes"},
		{INT64_C(64) << 20, "64M"},
		{INT64_C(1) << 30, "1G"},
		{INT64_C(3) << 40, "3T"},
		{INT64_C(8191) << 50, "8191P"},
		{INT64_C(1) << 60, "1024P"},
		{INT64_MAX, "9223372036854775807 bytes"},
	};
	for (size_t i = 0; i < N(cases); i++) {
		char text[NOTATION_SIZE_BYTES];
		is_str(notation_write_size(text, cases[i].n_bytes), cases[i].want, "%lld bytes", (long long)cases[i].n_bytes);
	}
}

int main(void)
{
	test_read();
	test_write_size();
	return tap_done();
}
