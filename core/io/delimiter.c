/* SPDX-License-Identifier: Apache-2.0 */
/* delimiter - see delimiter.h. */
#include "config.h"

#include "core/io/delimiter.h"

#include <string.h>

#define LANE_BYTES 32                   /* a vector of the larger ones that most processors have */
#define STRIDE_BYTES (128 * LANE_BYTES) /* what is counted in one go: less than 256 lanes */
#define SHORT_STRIDE_BYTES (8 * LANE_BYTES)
#define FEW_ITEMS 16 /* so few are found one by one */

/* Of less than 256 lanes: a byte is enough to count in. Inlined for different processors. */
static inline __attribute__((always_inline)) size_t count_here(const char *bytes, size_t n_lanes, char delimiter)
{
	typedef unsigned char lane __attribute__((vector_size(LANE_BYTES)));
	lane sums = {0}, wanted = sums + (unsigned char)delimiter, here;
	unsigned char counts[LANE_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < n_lanes; i++) {
		memcpy(&here, bytes + i * LANE_BYTES, LANE_BYTES);
		sums -= (lane)(here == wanted); /* -1 where it is */
	}
	memcpy(counts, &sums, LANE_BYTES);
	for (size_t i = 0; i < LANE_BYTES; i++)
		n += counts[i];
	return n;
}

#ifdef HAVE_AVX2
__attribute__((target("avx2"))) static size_t count_avx2(const char *bytes, size_t n_lanes, char delimiter)
{
	return count_here(bytes, n_lanes, delimiter);
}

static size_t count_lanes(const char *bytes, size_t n_lanes, char delimiter)
{
	return __builtin_cpu_supports("avx2") ? count_avx2(bytes, n_lanes, delimiter)
	                                      : count_here(bytes, n_lanes, delimiter);
}
#else
static size_t count_lanes(const char *bytes, size_t n_lanes, char delimiter)
{
	return count_here(bytes, n_lanes, delimiter);
}
#endif

/* Of at most STRIDE_BYTES. */
static size_t count_delimiters(const char *bytes, size_t n_bytes, char delimiter)
{
	size_t n_lanes = n_bytes / LANE_BYTES;
	size_t n = count_lanes(bytes, n_lanes, delimiter);

	for (size_t i = n_lanes * LANE_BYTES; i < n_bytes; i++)
		n += bytes[i] == delimiter;
	return n;
}

size_t delimiter_cut(const char *bytes, size_t n_bytes, char delimiter, uint32_t max_items, uint32_t *ret_items)
{
	size_t stride = STRIDE_BYTES, at = 0;
	uint32_t n_items = 0;

	/* Far from the last of them by counting, in smaller strides when it comes near. */
	while (at < n_bytes && max_items - n_items >= FEW_ITEMS) {
		size_t n_here = n_bytes - at < stride ? n_bytes - at : stride;
		size_t n_found = count_delimiters(bytes + at, n_here, delimiter);

		if (n_found <= max_items - n_items) {
			n_items += (uint32_t)n_found;
			at += n_here;
		} else if (stride > SHORT_STRIDE_BYTES) {
			stride /= 4;
		} else {
			break;
		}
	}
	if (n_items == max_items)
		at = (size_t)((const char *)memrchr(bytes, delimiter, at) - bytes) + 1;
	for (; n_items < max_items && at < n_bytes; n_items++)
		at = (size_t)((const char *)memchr(bytes + at, delimiter, n_bytes - at) - bytes) + 1;
	*ret_items = n_items;
	return at;
}

/* Looks only at the end of each window of max_bytes. */
size_t delimiter_find_too_long(const char *bytes, size_t n_bytes, char delimiter, size_t max_bytes)
{
	size_t at = 0;

	while (n_bytes - at > max_bytes) {
		const char *last = memrchr(bytes + at, delimiter, max_bytes + 1);

		if (last == NULL)
			return at;
		at = (size_t)(last - bytes) + 1;
	}
	return n_bytes;
}
