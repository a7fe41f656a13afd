/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exit - _exit and _Exit of this program and of all that it loads: a plugin that runs in a thread of ours, and ends the
 * process by them, would end the run with its own status and without a word. The C library has no hook for that. But
 * the dynamic linker finds the program's names first, and the static linker exports those that a library has, too.
 *
 * Our own calls, and those in a process that a plugin has forked (by vfork, too), end the process at once. A plugin
 * that makes the system call itself isn't seen.
 */
#include "config.h"

#include "core/crew/backend_thread.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the program's own code begins and ends: the linker's names. */
extern const char __executable_start[], etext[];

static bool is_ours(const void *caller)
{
	return (const char *)caller >= __executable_start && (const char *)caller < etext;
}

_Noreturn static void end(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

void _exit(int status)
{
	if (!is_ours(__builtin_return_address(0)))
		backend_thread_refuse_exit("_exit");
	end(status);
}

void _Exit(int status)
{
	if (!is_ours(__builtin_return_address(0)))
		backend_thread_refuse_exit("_Exit");
	end(status);
}
