/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fence - two threads, of which each stores and then loads what the other stores: at least one sees the other's. Which
 * proves nothing where a machine orders more than it must; where it does not, some of the rounds go wrong if a fence
 * is none.
 */
#include "config.h"

#include "shm/fence.h"
#include "tests/tap.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>

#define ROUNDS 20000u

/* A round's words, which no round before has touched: a store has to wait for its cache line, a load may be quicker. */
struct words {
	_Alignas(64) _Atomic uint32_t frequent;
	_Alignas(64) _Atomic uint32_t rare;
};
static struct words words[ROUNDS];
static bool is_seen_by_frequent[ROUNDS], is_seen_by_rare[ROUNDS];
static _Alignas(64) _Atomic uint32_t n_arrived;
static bool is_heavy;

/* Both at once; but the other may have no processor to be quick on. */
static void meet(uint32_t round)
{
	atomic_fetch_add(&n_arrived, 1);
	for (unsigned n = 1; atomic_load_explicit(&n_arrived, memory_order_acquire) < 2 * (round + 1); n++)
		if (n % 1000 == 0)
			sched_yield();
}

static void *run_frequent(void *arg)
{
	(void)arg;
	bool is_light = is_heavy && fence_register();
	for (uint32_t round = 0; round < ROUNDS; round++) {
		meet(round);
		atomic_store_explicit(&words[round].frequent, 1, memory_order_relaxed);
		fence_light(is_light);
		is_seen_by_frequent[round] = atomic_load_explicit(&words[round].rare, memory_order_relaxed) == 1;
	}
	return NULL;
}

static void test_pair(bool has_heavy, const char *name)
{
	pthread_t thread;
	uint32_t n_blind = 0, n_refused = 0;
	is_heavy = has_heavy;
	memset(words, 0, sizeof words);
	atomic_store(&n_arrived, 0);
	is_int(pthread_create(&thread, NULL, run_frequent, NULL), 0, "%s: a thread begins", name);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		meet(round);
		atomic_store_explicit(&words[round].rare, 1, memory_order_relaxed);
		n_refused += fence_heavy(has_heavy) != 0;
		is_seen_by_rare[round] = atomic_load_explicit(&words[round].frequent, memory_order_relaxed) == 1;
	}
	pthread_join(thread, NULL);
	for (uint32_t round = 0; round < ROUNDS; round++)
		n_blind += !is_seen_by_rare[round] && !is_seen_by_frequent[round];
	is_int(n_refused, 0, "%s: the fence is to be had", name);
	is_int(n_blind, 0, "%s: in no round were both blind", name);
}

int main(void)
{
	test_pair(false, "a fence each");
	if (fence_has_heavy()) {
		ok(fence_register(), "this process is registered");
		ok(fence_register(), "which can be done again");
		test_pair(true, "one for both");
	} else {
		skip("this kernel has no membarrier, or forbids it");
	}
	return tap_done();
}
