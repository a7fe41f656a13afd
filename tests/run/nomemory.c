/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nomemory - preloaded, so that memory is short: in a program named NOMEMORY_IN the NOMEMORY_AT-th call of malloc and
 * its kin fails, and if NOMEMORY_ON is set each one after it. How many there were is written to descriptor NOMEMORY_FD
 * at the end, if that is set. Without an allocator of its own to fall back on, it is for glibc alone.
 *
 *   cc -shared -fPIC -o nomemory.so nomemory.c
 *   NOMEMORY_IN=rota NOMEMORY_AT=7 LD_PRELOAD=./nomemory.so rota map upper
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The C library's own, by names that are never preloaded over. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static _Atomic long n_calls;
static long fails_at = -1; /* 0: never */
static bool goes_on;

static void look(void)
{
	const char *in = getenv("NOMEMORY_IN"), *at = getenv("NOMEMORY_AT");
	goes_on = getenv("NOMEMORY_ON") != NULL;
	fails_at = in && at && strcmp(program_invocation_short_name, in) == 0 ? atol(at) : 0;
}

static bool fails(void)
{
	if (fails_at < 0)
		look();
	long call = atomic_fetch_add(&n_calls, 1) + 1;
	if (fails_at == 0 || call < fails_at || (call > fails_at && !goes_on))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
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
	return fails() ? NULL : __libc_memalign(alignment, size);
}

__attribute__((destructor)) static void tell(void)
{
	const char *fd = getenv("NOMEMORY_FD"), *in = getenv("NOMEMORY_IN");
	char text[32];
	if (!fd || !in || strcmp(program_invocation_short_name, in) != 0)
		return;
	int n = snprintf(text, sizeof(text), "%ld\n", atomic_load(&n_calls));
	if (write(atoi(fd), text, (size_t)n) != n)
		abort();
}
