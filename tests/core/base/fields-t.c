/* SPDX-License-Identifier: Apache-2.0 */
/* fields: what is written, that it comes back, and which texts are refused. */
#include "config.h"

#include "core/base/fields.h"

#include "tests/tap.h"

#include <stdint.h>

static void test_writing(void)
{
	struct buf buf = {0};
	const char *const array[] = {"x", "", "y"};
	is_int(fields_put(&buf, "option", "mark", NULL), 0, "put");
	is_int(fields_put(&buf, "a\tb", "c\nd", "e\\f", "\\n", NULL), 0, "put what must be escaped");
	is_int(fields_put(&buf, "", NULL), 0, "put an empty field");
	is_int(fields_put_array(&buf, array, 3), 0, "put an array");
	is_int(fields_put_array(&buf, NULL, 0), 0, "put an empty array");
	static const char want[] = "option\tmark\n"
							   "a\\tb\tc\\nd\te\\\\f\t\\\\n\n"
							   "\n"
							   "x\t\ty\n";
	is_mem(buf.bytes, buf.len, want, sizeof(want) - 1, "the text");
	buf_fini(&buf);
}

static void test_reading(void)
{
	struct fields fields;
	char text[] = "one\ttwo\n\na\\tb\tc\\nd\te\\\\f\n\t\n";
	fields_init(&fields, text, sizeof(text) - 1);
	is_int(fields_next(&fields), 2, "two fields");
	is_str(fields.field[0], "one", "the first");
	is_str(fields.field[1], "two", "the second");
	is_int(fields_next(&fields), 1, "an empty line is one field");
	is_str(fields.field[0], "", "an empty one");
	is_int(fields_next(&fields), 3, "escapes");
	is_str(fields.field[0], "a\tb", "tab");
	is_str(fields.field[1], "c\nd", "newline");
	is_str(fields.field[2], "e\\f", "backslash");
	is_int(fields_next(&fields), 2, "two empty fields");
	is_str(fields.field[1], "", "are empty");
	is_int(fields_next(&fields), 0, "the end");
	is_int(fields_next(&fields), 0, "and again");
	fields_fini(&fields);
	fields_init(&fields, NULL, 0);
	is_int(fields_next(&fields), 0, "no text has no records");
	fields_fini(&fields);
}

static void test_round_trip(void)
{
	static const char *const strings[] = {
		"", "\t", "\n", "\\", "\\t", "\\\\n", "\t\t\n\n\\\\", "plain", "\xff\x01\xc3\xa9"};
	enum { N = sizeof(strings) / sizeof(strings[0]) };
	struct buf buf = {0};
	struct fields fields;
	char big[70000];
	memset(big, '\t', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	is_int(fields_put_array(&buf, strings, N), 0, "awkward strings");
	is_int(fields_put(&buf, big, "behind", NULL), 0, "a long one");
	fields_init(&fields, buf.bytes, buf.len);
	is_int(fields_next(&fields), N, "as many come back");
	for (size_t i = 0; i < N; i++)
		is_str(fields.field[i], strings[i], "string %zu comes back", i);
	is_int(fields_next(&fields), 2, "the long one's record");
	is_str(fields.field[0], big, "the long one");
	fields_fini(&fields);
	buf_fini(&buf);
}

static void test_refused(void)
{
#define TEXT(string) string, sizeof(string) - 1
	static const struct {
		const char *what;
		const char *text;
		size_t n_bytes;
	} cases[] = {
		{"no newline at the end", TEXT("abc")},
		{"an unknown escape", TEXT("a\\xb\n")},
		{"a NUL written as an escape", TEXT("a\\0b\n")},
		{"a backslash at the end of a field", TEXT("a\\\tb\n")},
		{"a backslash at the end of a line", TEXT("a\\\nb\n")},
		{"a NUL", TEXT("a\0b\n")},
		{"a NUL alone", TEXT("\0\n")},
	};
#undef TEXT
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fields fields;
		char text[32];
		memcpy(text, cases[i].text, cases[i].n_bytes);
		fields_init(&fields, text, cases[i].n_bytes);
		is_int(fields_next(&fields), -1, "refused: %s", cases[i].what);
		is_int(fields.n_fields, 0, "and no fields are left");
		is_int(fields_next(&fields), -1, "and stays refused");
		fields_fini(&fields);
	}
	struct fields fields;
	char text[] = "good\nbad\\\n";
	fields_init(&fields, text, sizeof(text) - 1);
	is_int(fields_next(&fields), 1, "a good record before a bad one is read");
	is_int(fields_next(&fields), -1, "the bad one isn't");
	fields_fini(&fields);
}

static void test_short_memory(void)
{
	/* A buffer that can't grow: its length claims the largest object there can be. */
	char bytes[8] = "kept";
	const char *const array[] = {"more than two"};
	struct buf buf = {.bytes = bytes, .len = PTRDIFF_MAX - 2, .cap = PTRDIFF_MAX - 2};
	is_int(fields_put(&buf, "more than two", NULL), -1, "no memory");
	is_int(fields_put_array(&buf, array, 1), -1, "nor for an array");
	ok(buf.len == PTRDIFF_MAX - 2, "the buffer is as it was");
}

int main(void)
{
	test_writing();
	test_reading();
	test_round_trip();
	test_refused();
	test_short_memory();
	return tap_done();
}
