/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock - CLOCK_MONOTONIC, in nanoseconds; the only clock that decides anything. The time of day is for people to
 * read. Thread-safe.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_SEC INT64_C(1000000000)
#define CLOCK_NS_PER_MS INT64_C(1000000)

static inline int64_t clock_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * CLOCK_NS_PER_SEC + now.tv_nsec;
}

/* Since 1970. */
static inline int64_t clock_real_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * CLOCK_NS_PER_SEC + now.tv_nsec;
}

#endif
