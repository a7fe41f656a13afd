/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nomemory - memory that is short: in a program that includes this (one file of it) malloc and its kin are these, and
 * the at-th call fails from nomemory_begin to nomemory_end. For glibc alone, and not under a sanitizer, which has its
 * own: there NOMEMORY_IS_KNOWN is 0.
 *
 *	long at = 0;
 *	do {
 *		nomemory_begin(++at, false);
 *		... what allocates ...
 *		has_failed = nomemory_end();
 *		... and what must be so if one has failed, or none ...
 *	} while (has_failed);
 */
#ifndef TESTS_NOMEMORY_H
#define TESTS_NOMEMORY_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

static _Atomic long nomemory_calls;
static _Atomic long nomemory_at; /* 0: none fails */
static _Atomic bool nomemory_goes_on;

/* goes_on: each one after it fails, too. */
static void nomemory_begin(long at, bool goes_on)
{
	atomic_store(&nomemory_calls, 0);
	atomic_store(&nomemory_goes_on, goes_on);
	atomic_store(&nomemory_at, at);
}

/* Has one failed? */
__attribute__((unused)) static bool nomemory_end(void)
{
	long at = atomic_exchange(&nomemory_at, 0);
	return at > 0 && atomic_load(&nomemory_calls) >= at;
}

/* The C library's own, by names that are never put before them. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NOMEMORY_IS_KNOWN 0
#else
#define NOMEMORY_IS_KNOWN 1

static bool nomemory_fails(void)
{
	long call = atomic_fetch_add(&nomemory_calls, 1) + 1, at = atomic_load(&nomemory_at);
	if (at == 0 || call < at || (call > at && !atomic_load(&nomemory_goes_on)))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return nomemory_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return nomemory_fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return nomemory_fails() ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t n, size_t size)
{
	size_t n_bytes;
	if (__builtin_mul_overflow(n, size, &n_bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, n_bytes);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return nomemory_fails() ? NULL : __libc_memalign(alignment, size);
}

#endif
#endif
