/* SPDX-License-Identifier: Apache-2.0 */
/* prefix-t - the digest of a file's beginning, in pieces, is that of its bytes. */
#include "config.h"

#include "core/io/prefix.h"

#include "scratch.h"
#include "tests/tap.h"

#define BYTES (40u << 20)

static struct err err;

static void make(const char *file, const char *bytes, size_t n_bytes)
{
	FILE *out = fopen(file, "w");
	must(out && fwrite(bytes, 1, n_bytes, out) == n_bytes && fclose(out) == 0);
}

static void test_pieces(const char *file, const char *bytes)
{
	struct prefix prefix;
	int result = 0, n_steps = 0;
	must(prefix_open(&prefix, file, BYTES - 7, &err) == 0);
	while ((result = prefix_step(&prefix, &err)) == 0)
		n_steps++;
	is_int(result, 1, "it comes to its end");
	ok(n_steps > 1, "in %d pieces", n_steps + 1);
	ok(digest_is_equal(digest_value(&prefix.digest), digest_of(bytes, BYTES - 7)), "with the digest of these bytes");
	prefix_close(&prefix);
	prefix_close(&prefix);
}

static void test_short(const char *file)
{
	struct prefix prefix;
	int result = 0;
	must(prefix_open(&prefix, file, BYTES + 1, &err) == 0);
	while (result == 0)
		result = prefix_step(&prefix, &err);
	ok(result == -1 && err.code == ERR_USAGE && strstr(err.text, "became shorter"), "%s", err.text);
	prefix_close(&prefix);
	must(unlink(file) == 0);
	ok(prefix_open(&prefix, file, 1, &err) == -1 && strstr(err.text, "cannot read"), "%s", err.text);
	prefix_close(&prefix);
}

int main(void)
{
	char *bytes = malloc(BYTES);
	scratch_enter();
	must(bytes);
	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (char)(i * i >> 7);
	make("f", bytes, BYTES);
	test_pieces("f", bytes);
	test_short("f");
	free(bytes);
	scratch_leave();
	return tap_done();
}
