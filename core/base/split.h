/* SPDX-License-Identifier: Apache-2.0 */
/*
 * split - finds the delimiters of a run of items one after another, faster than by a memchr for each: 64 bytes are
 * compared at a time, and the delimiters among them are handed out from a word of bits.
 *
 *   split_begin, split_next until it is NULL
 *
 * No byte behind the run is read. Where an item is longer than a few blocks, at the run's end, and on processors
 * without SSE2, it is memchr after all.
 */
#ifndef BASE_SPLIT_H
#define BASE_SPLIT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SPLIT_BLOCK_BYTES 64
#define SPLIT_BLOCKS_MAX 4 /* compared for one delimiter; memchr is faster from there on */

struct split {
	const char *block; /* what ends is about */
	const char *next;  /* what hasn't been looked at */
	const char *end;
	uint64_t ends; /* delimiters that weren't handed out: bit n is byte n of the block */
	char delimiter;
};

static inline void split_begin(struct split *split, const char *bytes, size_t n_bytes, char delimiter)
{
	*split = (struct split){.block = bytes, .next = bytes, .end = bytes + n_bytes, .delimiter = delimiter};
}

/* The next delimiter in what hasn't been looked at. */
static inline const char *split_search(struct split *split)
{
	const char *stop = memchr(split->next, split->delimiter, (size_t)(split->end - split->next));
	split->next = stop ? stop + 1 : split->end;
	return stop;
}

#ifdef __SSE2__
#include <emmintrin.h>

static inline uint64_t split_compare(const char *block, char delimiter)
{
	const __m128i wanted = _mm_set1_epi8(delimiter);
	uint64_t ends = 0;
#pragma GCC unroll 4
	for (int i = 0; i < SPLIT_BLOCK_BYTES / 16; i++) {
		__m128i here = _mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i));
		ends |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(here, wanted)) << (16 * i);
	}
	return ends;
}

/* The next delimiter, NULL when there is none. */
static inline const char *split_next(struct split *split)
{
	for (int i = 0; split->ends == 0; i++) {
		if (i == SPLIT_BLOCKS_MAX || split->end - split->next < SPLIT_BLOCK_BYTES)
			return split_search(split);
		split->block = split->next;
		split->next += SPLIT_BLOCK_BYTES;
		split->ends = split_compare(split->block, split->delimiter);
	}
	const char *stop = split->block + __builtin_ctzll(split->ends);
	split->ends &= split->ends - 1;
	return stop;
}

#else

static inline const char *split_next(struct split *split)
{
	return split_search(split);
}

#endif

#endif
