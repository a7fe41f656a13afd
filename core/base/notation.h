/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notation - how people write whole numbers, sizes and durations, and what they mean. The texts needn't end with a NUL:
 * a range is read in its place. Ranges, types and messages are for core/base/option.
 *
 *   notation_read_int, notation_read_size, notation_read_duration; back: notation_write_size
 *
 * *ret is set with NOTATION_OK only.
 */
#ifndef BASE_NOTATION_H
#define BASE_NOTATION_H

#include <stddef.h>
#include <stdint.h>

enum notation_result {
	NOTATION_OK,
	NOTATION_NONSENSE,
	NOTATION_TOO_LARGE, /* for an int64_t */
	NOTATION_TOO_SMALL  /* the same; or less than one unit, and not 0 */
};

/* -12, 0x1f, 10k (k, M, G, in any case: powers of 1000). */
enum notation_result notation_read_int(const char *text, size_t n, int64_t *ret);

/* In bytes: 4096, 64K, 1.5G, 10MiB, 64kb (to P, in any case): powers of 1024; never negative. */
enum notation_result notation_read_size(const char *text, size_t n, int64_t *ret);

/* In ns: 250us, 500ms, 10s, 1.5m or min, 1h, 2d; a bare number is seconds; never negative. */
enum notation_result notation_read_duration(const char *text, size_t n, int64_t *ret);

/* A number of bytes as somebody would write it: "1G", "1500 bytes". Returns text. */
#define NOTATION_SIZE_BYTES 32
const char *notation_write_size(char text[NOTATION_SIZE_BYTES], int64_t n_bytes);

#endif
