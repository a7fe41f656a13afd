/* SPDX-License-Identifier: Apache-2.0 */
/* buf: appending, growing, and what happens when memory is short. */
#include "config.h"

#include "core/base/buf.h"

#include "tests/tap.h"

#include <stdint.h>

static void test_append(void)
{
	struct buf buf = {0};
	is_int(buf_append(&buf, NULL, 0), 0, "nothing may be appended");
	ok(!buf.bytes, "and takes no memory");
	is_int(buf_append(&buf, "a\0b", 3), 0, "bytes");
	is_int(buf_append_str(&buf, "cd"), 0, "a string");
	is_int(buf_printf(&buf, "%d%s", 7, "!"), 0, "a format");
	is_int(buf_printf(&buf, "%s", ""), 0, "an empty format");
	is_mem(buf.bytes, buf.len, "a\0bcd7!", 7, "all of it, in order");
	buf_clear(&buf);
	is_int(buf.len, 0, "clear: empty");
	ok(buf.cap > 0, "clear: memory kept");
	buf_fini(&buf);
	ok(!buf.bytes && buf.cap == 0, "fini");
	buf_fini(&buf);
	ok(!buf.bytes, "fini twice");
}

static void test_growth(void)
{
	struct buf buf = {0};
	size_t n_grown = 0;
	bool is_right = true;
	for (unsigned i = 0; i < 1000000; i++) {
		size_t cap = buf.cap;
		unsigned char byte = (unsigned char)(i % 251);
		if (buf_append(&buf, &byte, 1) < 0)
			break;
		n_grown += buf.cap != cap;
	}
	is_int(buf.len, 1000000, "a million bytes");
	for (unsigned i = 0; i < buf.len; i++)
		is_right &= (unsigned char)buf.bytes[i] == i % 251;
	ok(is_right, "each as it was appended");
	ok(n_grown <= 14, "memory doubles (grown %zu times)", n_grown);
	buf_clear(&buf);
	is_int(buf_reserve(&buf, 3000000), 0, "reserve");
	ok(buf.cap >= 3000000, "makes the room that was asked for");
	size_t cap = buf.cap;
	is_int(buf_reserve(&buf, cap), 0, "reserve what is there");
	is_int(buf.cap, cap, "doesn't grow");
	is_int(buf_printf(&buf, "%*d", 100000, 5), 0, "a long format");
	ok(buf.len == 100000 && buf.bytes[99999] == '5', "is whole");
	buf_fini(&buf);
}

static void test_short_memory(void)
{
	struct buf buf = {0};
	buf_append_str(&buf, "kept");
	is_int(buf_reserve(&buf, SIZE_MAX), -1, "more than there can be");
	is_int(buf_reserve(&buf, SIZE_MAX - 4), -1, "a sum that would wrap");
	is_int(buf_reserve(&buf, PTRDIFF_MAX - 3), -1, "a sum over the largest object");
	is_int(buf_append(&buf, "x", PTRDIFF_MAX), -1, "append without memory");
	is_mem(buf.bytes, buf.len, "kept", 4, "the buffer is as it was");
	buf_fini(&buf);
}

int main(void)
{
	test_append();
	test_growth();
	test_short_memory();
	return tap_done();
}
