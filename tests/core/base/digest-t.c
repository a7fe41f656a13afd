/* SPDX-License-Identifier: Apache-2.0 */
/* digest-t - XXH3 of 128 bits, whole, in pieces and of a file, against figures that others have published. */
#include "config.h"

#include "core/base/digest.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_BYTES 200000

static void test_value(void)
{
	char text[DIGEST_TEXT_BYTES];
	struct digest_state state;
	digest_init(&state);
	is_str(digest_text(digest_value(&state), text), "99aa06d3014798d86001c324468d497f", "of nothing");
	is_str(digest_text(digest_of("", 0), text), "99aa06d3014798d86001c324468d497f", "of nothing, at once");
	is_str(digest_text(digest_of("abc", 3), text), "06b05ab6733a618578af5f94892f3950", "of abc");
}

static void test_pieces(const char *bytes)
{
	static const size_t pieces[] = {1, 7, 64, 255, 256, 257, 65536};
	struct digest whole = digest_of(bytes, N_BYTES);
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		struct digest_state state;
		digest_init(&state);
		for (size_t at = 0; at < N_BYTES; at += pieces[i])
			digest_add(&state, bytes + at, N_BYTES - at < pieces[i] ? N_BYTES - at : pieces[i]);
		ok(digest_is_equal(digest_value(&state), whole), "in pieces of %zu bytes", pieces[i]);
	}
	struct digest_state state, copy;
	digest_init(&state);
	digest_add(&state, bytes, 1000);
	ok(digest_is_equal(digest_value(&state), digest_of(bytes, 1000)), "a value on the way");
	copy = state;
	digest_add(&copy, bytes + 1000, N_BYTES - 1000);
	digest_add(&state, "x", 1);
	ok(digest_is_equal(digest_value(&copy), whole), "a copy goes on by itself");
	ok(!digest_is_equal(digest_value(&state), whole), "one byte more is another digest");
}

static void test_file(const char *bytes)
{
	char path[TAP_PATH_BYTES];
	struct digest seen;
	struct err err;
	tap_template(path, "digest");
	int fd = mkstemp(path);
	ok(fd >= 0 && write(fd, bytes, N_BYTES) == N_BYTES, "a file");
	close(fd);
	ok(digest_of_file(path, &seen, &err) == 0 && digest_is_equal(seen, digest_of(bytes, N_BYTES)), "has its digest");
	unlink(path);
	is_int(digest_of_file(path, &seen, &err), -1, "one that isn't there has none");
	ok(strstr(err.text, path) && strstr(err.text, "No such file"), "and it is said: %s", err.text);
	is_int(digest_of_file("/", &seen, &err), -1, "nor has a folder");
}

int main(void)
{
	char *bytes = malloc(N_BYTES);
	if (!bytes)
		abort();
	for (size_t i = 0; i < N_BYTES; i++)
		bytes[i] = (char)(i * 2654435761u >> 13);
	test_value();
	test_pieces(bytes);
	test_file(bytes);
	free(bytes);
	return tap_done();
}
