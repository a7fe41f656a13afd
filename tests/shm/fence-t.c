/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fence - two threads, and two processes, of which each stores and then loads what the other stores: at least one sees
 * the other's. Which proves nothing where a machine orders more than it must; where it does not, some of the rounds go
 * wrong if a fence is none.
 */
#include "config.h"

#include "shm/fence.h"
#include "tests/tap.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 20000u              /* of the quick set a quarter */
#define GET_REGISTRATIONS (1 << 9) /* MEMBARRIER_CMD_GET_REGISTRATIONS: Linux 6.3 */

/* A round's words, which no round before has touched: a store has to wait for its cache line, a load may be quicker. */
struct words {
	_Alignas(64) _Atomic uint32_t frequent;
	_Alignas(64) _Atomic uint32_t rare;
};

/* Mapped by both. Each writes what it has seen; all else is written before the other begins. */
static struct both {
	struct words words[ROUNDS];
	bool is_seen_by_frequent[ROUNDS], is_seen_by_rare[ROUNDS];
	_Alignas(64) _Atomic uint32_t n_arrived;
	bool is_heavy;
} * both;

static uint32_t n_rounds = ROUNDS;

/* Both at once; but the other may have no processor to be quick on. */
static void meet(uint32_t round)
{
	atomic_fetch_add(&both->n_arrived, 1);
	for (unsigned n = 1; atomic_load_explicit(&both->n_arrived, memory_order_acquire) < 2 * (round + 1); n++)
		if (n % 1000 == 0)
			sched_yield();
}

static void *run_frequent(void *arg)
{
	(void)arg;
	bool is_light = both->is_heavy && fence_register();
	for (uint32_t round = 0; round < n_rounds; round++) {
		meet(round);
		atomic_store_explicit(&both->words[round].frequent, 1, memory_order_relaxed);
		fence_light(is_light);
		both->is_seen_by_frequent[round] = atomic_load_explicit(&both->words[round].rare, memory_order_relaxed) == 1;
	}
	return NULL;
}

/* Returns in how many rounds there was no fence to be had. */
static uint32_t run_rare(void)
{
	uint32_t n_refused = 0;
	for (uint32_t round = 0; round < n_rounds; round++) {
		meet(round);
		atomic_store_explicit(&both->words[round].rare, 1, memory_order_relaxed);
		n_refused += fence_heavy(both->is_heavy) != 0;
		both->is_seen_by_rare[round] = atomic_load_explicit(&both->words[round].frequent, memory_order_relaxed) == 1;
	}
	return n_refused;
}

static uint32_t n_blind(void)
{
	uint32_t n = 0;
	for (uint32_t round = 0; round < n_rounds; round++)
		n += !both->is_seen_by_rare[round] && !both->is_seen_by_frequent[round];
	return n;
}

static void begin(bool is_heavy)
{
	memset(both, 0, sizeof *both);
	both->is_heavy = is_heavy;
}

static void test_threads(bool is_heavy, const char *name)
{
	pthread_t thread;
	begin(is_heavy);
	is_int(pthread_create(&thread, NULL, run_frequent, NULL), 0, "%s: a thread begins", name);
	is_int(run_rare(), 0, "%s: the fence is to be had", name);
	pthread_join(thread, NULL);
	is_int(n_blind(), 0, "%s: in no round were both blind", name);
}

/* The frequent one's parent is the rare one; or its parent's parent, as a worker's is. */
static void test_processes(bool is_heavy, const char *name)
{
	int status = -1;
	begin(is_heavy);
	fflush(stdout);
	pid_t parent = fork();
	if (parent == 0) {
		bool is_registered = !is_heavy || fence_register();
		pid_t frequent = fork();
		if (frequent == 0) {
			long registered = syscall(SYS_membarrier, GET_REGISTRATIONS, 0, 0);
			if (is_heavy && registered >= 0 && !(registered & MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED))
				_exit(2);
			run_frequent(NULL);
			_exit(0);
		}
		if (frequent < 0 || waitpid(frequent, &status, 0) != frequent || !is_registered)
			_exit(1);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
	}
	if (parent < 0)
		abort();
	is_int(run_rare(), 0, "%s: the fence is to be had", name);
	ok(waitpid(parent, &status, 0) == parent && WIFEXITED(status), "%s: the other has ended", name);
	is_int(WEXITSTATUS(status), 0, "%s: it was registered when its life began", name);
	is_int(n_blind(), 0, "%s: in no round were both blind", name);
}

int main(void)
{
	const char *tests = getenv("ROTA_TESTS");
	if (tests && strcmp(tests, "quick") == 0)
		n_rounds = ROUNDS / 4;
	both = mmap(NULL, sizeof *both, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (both == MAP_FAILED)
		abort();
	test_threads(false, "threads, a fence each");
	test_processes(false, "processes, a fence each");
	if (fence_has_heavy()) {
		test_processes(true, "processes, one for both");
		ok(fence_register(), "this process is registered");
		ok(fence_register(), "which can be done again");
		test_threads(true, "threads, one for both");
	} else {
		skip("this kernel has no membarrier, or forbids it");
	}
	return tap_done();
}
