/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nofork - preloaded into rota, so that no process is to be had: fork fails, and posix_spawn, too, unless the
 * environment has NOFORK=fork (then a fork server comes to life, but can't make workers).
 *
 *   cc -shared -fPIC -o nofork.so nofork.c && LD_PRELOAD=./nofork.so rota map upper
 */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int spawn_f(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
                    char *const[], char *const[]);

pid_t fork(void)
{
	errno = EAGAIN;
	return -1;
}

int posix_spawn(pid_t *ret_pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	const char *what = getenv("NOFORK");
	spawn_f *real = NULL;
	if (!what || strcmp(what, "fork") != 0)
		return EAGAIN;
	void *found = dlsym(RTLD_NEXT, "posix_spawn");
	memcpy(&real, &found, sizeof(real));
	return real ? real(ret_pid, path, actions, attributes, argv, envp) : ENOSYS;
}
