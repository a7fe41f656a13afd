/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz - what the fuzzers share: runs, each from a seed of its own, one more than the last, for FUZZ_SECONDS (1) from
 * FUZZ_SEED (1) on; chance; and texts with mistakes in them. A finding ends the fuzzer and names its seed.
 *
 *	static void run(void) { ...; fuzz_check(it_holds, "what doesn't hold"); }
 *	int main(void) { return fuzz_main("tests/fuzz/this-t", run); }
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "core/base/clock.h"

#include "tests/tap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct {
	uint64_t seed, state;
	const char *finding;
} fuzz;

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t fuzz_next(void)
{
	uint64_t z = fuzz.state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint32_t fuzz_below(uint32_t n)
{
	return (uint32_t)(fuzz_next() % n);
}

/* The first thing in this run that doesn't hold. */
static void fuzz_check(bool holds, const char *what)
{
	if (!holds && !fuzz.finding)
		fuzz.finding = what;
}

/*
 * Mistakes in n_bytes of a text, which has room for twice as many: bytes that are changed, left out, put in or doubled,
 * those of `special` more often than others. Returns how many bytes there are then.
 */
__attribute__((unused)) static size_t fuzz_mutate(char *text, size_t n_bytes, const char *special)
{
	size_t n_most = 2 * n_bytes;

	for (uint32_t i = 1 + fuzz_below(8); i > 0 && n_bytes > 0; i--) {
		size_t at = fuzz_below((uint32_t)n_bytes), n = 1 + fuzz_below(16);
		char byte = fuzz_below(3) ? special[fuzz_below((uint32_t)strlen(special))] : (char)fuzz_next();

		if (n > n_bytes - at)
			n = n_bytes - at;
		switch (fuzz_below(5)) {
		case 0:
			text[at] = byte;
			break;
		case 1:
			memmove(text + at, text + at + n, n_bytes - at - n);
			n_bytes -= n;
			break;
		case 2:
			if (n_bytes + 1 <= n_most) {
				memmove(text + at + 1, text + at, n_bytes - at);
				text[at] = byte;
				n_bytes++;
			}
			break;
		case 3:
			if (n_bytes + n <= n_most) {
				memmove(text + at + n, text + at, n_bytes - at);
				n_bytes += n;
			}
			break;
		default:
			n_bytes = fuzz_below(8) ? n_bytes : at;
		}
	}
	return n_bytes;
}

static uint64_t fuzz_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

/* All runs; the one line of TAP about them. Returns the exit status. */
static int fuzz_main(const char *program, void (*run)(void))
{
	uint64_t first = fuzz_number("FUZZ_SEED", 1);
	int64_t end_ns = clock_now_ns() + (int64_t)fuzz_number("FUZZ_SECONDS", 1) * CLOCK_NS_PER_SEC;

	for (fuzz.seed = first; !fuzz.finding && (fuzz.seed == first || clock_now_ns() < end_ns); fuzz.seed++) {
		fuzz.state = fuzz.seed * UINT64_C(0xd1342543de82ef95);
		run();
	}
	ok(!fuzz.finding, "%llu runs from seed %llu on: %s", (unsigned long long)(fuzz.seed - first),
	   (unsigned long long)first, fuzz.finding ? fuzz.finding : "no finding");
	if (fuzz.finding)
		diag("again: FUZZ_SECONDS=0 FUZZ_SEED=%llu %s", (unsigned long long)(fuzz.seed - 1), program);
	return tap_done();
}

#endif
