/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nofork - preloaded into rota, so that no process is to be had: fork fails, and posix_spawn, too, unless the
 * environment has NOFORK=fork (then a fork server comes to life, but can't make workers), or NOFORK=commands (then
 * workers do, but can't run commands).
 *
 *   cc -shared -fPIC -o nofork.so nofork.c && LD_PRELOAD=./nofork.so rota map upper
 */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int spawn_f(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
                    char *const[]);

typedef pid_t fork_f(void);

static bool is_allowed(const char *what)
{
	const char *allowed = getenv("NOFORK");
	return allowed && strcmp(allowed, what) == 0;
}

pid_t fork(void)
{
	fork_f *real = NULL;
	if (is_allowed("commands")) {
		void *found = dlsym(RTLD_NEXT, "fork");
		memcpy(&real, &found, sizeof(real));
	}
	if (real)
		return real();
	errno = EAGAIN;
	return -1;
}

int posix_spawn(pid_t *ret_pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	spawn_f *real = NULL;
	if (!is_allowed("fork") && !(is_allowed("commands") && strstr(path, "rota-worker")))
		return EAGAIN;
	void *found = dlsym(RTLD_NEXT, "posix_spawn");
	memcpy(&real, &found, sizeof(real));
	return real ? real(ret_pid, path, actions, attributes, argv, envp) : ENOSYS;
}
