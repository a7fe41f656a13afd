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
#include "../nomemory.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

__attribute__((constructor)) static void look(void)
{
	const char *in = getenv("NOMEMORY_IN"), *at = getenv("NOMEMORY_AT");
	if (in && at && strcmp(program_invocation_short_name, in) == 0)
		nomemory_begin(atol(at), getenv("NOMEMORY_ON") != NULL);
}

__attribute__((destructor)) static void tell(void)
{
	const char *fd = getenv("NOMEMORY_FD"), *in = getenv("NOMEMORY_IN");
	char text[32];
	if (!fd || !in || strcmp(program_invocation_short_name, in) != 0)
		return;
	int n = snprintf(text, sizeof(text), "%ld\n", atomic_load(&nomemory_calls));
	if (write(atoi(fd), text, (size_t)n) != n)
		abort();
}
