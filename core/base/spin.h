/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spin - looking again and again before going to sleep, for those who have a processor to themselves: a wake-up takes
 * longer than most news. Bounded, so that who waits for long sleeps in the end.
 *
 *   spin_begin, when there was news; spin_goes_on ..., until it says no
 */
#ifndef BASE_SPIN_H
#define BASE_SPIN_H

#include "core/base/clock.h"

#include <stdbool.h>
#include <stdint.h>

#define SPIN_NS CLOCK_NS_PER_MS
#define SPIN_LOOKS 64 /* between two looks at the clock */

struct spin {
	int64_t until_ns; /* 0: not begun */
	unsigned n_looks;
};

static inline void spin_begin(struct spin *spin)
{
	*spin = (struct spin){.until_ns = clock_now_ns() + SPIN_NS};
}

/* May one look once more? Lets the processor's other half breathe meanwhile. */
static inline bool spin_goes_on(struct spin *spin)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
	if (++spin->n_looks % SPIN_LOOKS == 0 && clock_now_ns() >= spin->until_ns)
		spin->until_ns = 0;
	return spin->until_ns != 0;
}

#endif
