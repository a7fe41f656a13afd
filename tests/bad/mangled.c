/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mangled - crashes in what a C++ compiler would have called model::load(int). With MANGLED_CXX in the environment its
 * load loads the C++ library, as a plugin's that is written in C++ does.
 */
#include <rota/plugin.h>

#include <dlfcn.h>
#include <stdlib.h>

int model_load(int number) __asm__("_ZN5model4loadEi");

__attribute__((noinline)) int model_load(int number)
{
	if (number < 0)
		return number;
	abort();
}

static int load(struct rota_worker *worker)
{
	(void)worker;
	return !getenv("MANGLED_CXX") || dlopen("libstdc++.so.6", RTLD_LAZY) ? ROTA_OK : ROTA_FAILED;
}

static int run(struct rota_task *task, void *state)
{
	(void)state;
	return model_load((int)rota_seq(task)) < 0 ? ROTA_OK : ROTA_FAILED;
}

ROTA_PLUGIN(.name = "mangled", .version = "1.0", .summary = "crashes in a function with a C++ name", .load = load,
            .run = run);
