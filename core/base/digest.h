/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest - whether bytes are the same as they were: XXH3, 128 bits (xxHash, https://xxhash.com). For accidents, not
 * against somebody who means harm. As fast as memory, so that it can be taken of everything that goes by.
 *
 *   digest_of, digest_of_file; or digest_init, digest_add ..., digest_value at any time
 *
 * Thread-safe; a state belongs to one thread.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digest {
	uint64_t high, low;
};

/* What was added so far. A copy goes on by itself. */
struct digest_state {
	_Alignas(64) unsigned char bytes[576];
};

void digest_init(struct digest_state *state);
void digest_add(struct digest_state *state, const void *bytes, size_t n_bytes);
struct digest digest_value(const struct digest_state *state);

struct digest digest_of(const void *bytes, size_t n_bytes);
int digest_of_file(const char *file, struct digest *ret, struct err *err);

static inline bool digest_is_equal(struct digest one, struct digest other)
{
	return one.high == other.high && one.low == other.low;
}

/* 32 hexadecimal digits and a NUL. Returns text. */
#define DIGEST_TEXT_BYTES 33
const char *digest_text(struct digest digest, char text[DIGEST_TEXT_BYTES]);

#endif
