/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard - each large block of memory that rota's own rooms take ends at a page that nobody may touch: a byte written or
 * read behind it ends the test, without a sanitizer's help. Linked with --wrap=free, malloc and realloc.
 *
 *   guard_begin, then guard_is_on where it matters
 *
 * What is rounded up to what malloc promises to stand at isn't guarded: ask for multiples of 16 bytes.
 */
#ifndef TESTS_GUARD_H
#define TESTS_GUARD_H

#include "tests/tap.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUARD_BYTES 65536 /* blocks from here up */
#define GUARD_BLOCKS 128  /* more at once aren't guarded */
#define GUARD_ALIGNMENT 16

static bool guard_is_on;
static struct guard_block {
	char *bytes; /* NULL: a free place */
	size_t n_bytes;
	void *map;
	size_t map_bytes;
} guard_blocks[GUARD_BLOCKS];

void *__real_malloc(size_t n_bytes);
void *__wrap_malloc(size_t n_bytes);
void *__real_realloc(void *bytes, size_t n_bytes);
void *__wrap_realloc(void *bytes, size_t n_bytes);
void __real_free(void *bytes);
void __wrap_free(void *bytes);

static struct guard_block *guard_find(const void *bytes)
{
	for (size_t i = 0; i < GUARD_BLOCKS; i++)
		if (guard_blocks[i].bytes == bytes)
			return &guard_blocks[i];
	return NULL;
}

void *__wrap_malloc(size_t n_bytes)
{
	struct guard_block *block = guard_is_on && n_bytes >= GUARD_BYTES ? guard_find(NULL) : NULL;
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	size_t room_bytes = (n_bytes + GUARD_ALIGNMENT - 1) / GUARD_ALIGNMENT * GUARD_ALIGNMENT;
	size_t map_bytes = (room_bytes + page_bytes - 1) / page_bytes * page_bytes + page_bytes;
	if (!block)
		return __real_malloc(n_bytes);
	char *map = mmap(NULL, map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || mprotect(map + map_bytes - page_bytes, page_bytes, PROT_NONE) != 0)
		abort();
	*block = (struct guard_block){map + map_bytes - page_bytes - room_bytes, n_bytes, map, map_bytes};
	return block->bytes;
}

void __wrap_free(void *bytes)
{
	struct guard_block *block = bytes ? guard_find(bytes) : NULL;
	if (!block) {
		__real_free(bytes);
		return;
	}
	munmap(block->map, block->map_bytes);
	*block = (struct guard_block){0};
}

void *__wrap_realloc(void *bytes, size_t n_bytes)
{
	struct guard_block *block = bytes ? guard_find(bytes) : NULL;
	if (!block)
		return __real_realloc(bytes, n_bytes);
	void *moved = __wrap_malloc(n_bytes);
	if (moved && block) {
		memcpy(moved, bytes, block->n_bytes < n_bytes ? block->n_bytes : n_bytes);
		__wrap_free(bytes);
	}
	return moved;
}

static void guard_say(int signum, siginfo_t *info, void *context)
{
	static const char behind[] = "Bail out! memory behind a block was touched\n", elsewhere[] = "Bail out! SIGSEGV\n";
	bool is_behind = false;
	(void)context;
	for (size_t i = 0; i < GUARD_BLOCKS; i++) {
		const struct guard_block *block = &guard_blocks[i];
		const char *end = (const char *)block->map + block->map_bytes, *at = info->si_addr;
		is_behind = is_behind || (block->bytes && at >= block->bytes + block->n_bytes && at < end);
	}
	ssize_t n = is_behind ? write(STDOUT_FILENO, behind, sizeof behind - 1)
	                      : write(STDOUT_FILENO, elsewhere, sizeof elsewhere - 1);
	_exit(n > 0 ? 128 + signum : EXIT_FAILURE);
}

/* To be called first. */
__attribute__((unused)) static void guard_begin(void)
{
	struct sigaction action = {.sa_sigaction = guard_say, .sa_flags = SA_SIGINFO};
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGSEGV, &action, NULL);
}

#endif
