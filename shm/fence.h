/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fence - a pair of fences for two threads, of one process or of two, of which each stores a word and then loads the
 * other's: one does so all the time, the other hardly ever. A full fence makes the frequent one wait until the caches
 * of all that it has stored are its own. membarrier(2) lets the rare one do it for both: the kernel sees to it that
 * every processor that runs a registered process has done a fence between the call's begin and its end.
 *
 *   rare side:     fence_has_heavy, told to the other side; fence_heavy between its store and its load
 *   frequent side: fence_register, once a process; fence_light between its store and its load
 *
 * A process on the other side has to be registered before its life begins: by its parent, before the fork, which hands
 * it on (no exec). A processor that idles keeps the memory map of who ran there last, and as long as it goes from that
 * process to idling and back it doesn't learn that the process has been registered meanwhile: heavy fences pass it
 * over (seen on Linux 6.18: in 4 of 131 runs of 20,000 pairs one or two were both blind). Threads of the rare side's
 * own process needn't mind: their processors are found in another way.
 *
 * Source: Documentation of membarrier(2), MEMBARRIER_CMD_GLOBAL_EXPEDITED (Linux 4.16) and _PRIVATE_EXPEDITED (4.14);
 * asymmetric Dekker as in Dice, Hui and Yang, "Asymmetric Dekker Synchronization", 2001. Any thread.
 */
#ifndef SHM_FENCE_H
#define SHM_FENCE_H

#include <stdatomic.h>
#include <stdbool.h>

/* Can fence_heavy stand in for the other side's fence? Not on an old kernel, nor where the call is forbidden. */
bool fence_has_heavy(void);

/* The calling process is one of those that heavy fences are for. false: it can't be; do fences of your own. */
bool fence_register(void);

/* has_heavy: what fence_has_heavy said. -1: the kernel refuses, errno is set. */
int fence_heavy(bool has_heavy);

/* is_free: the other side has a heavy one, and this process is registered. */
static inline void fence_light(bool is_free)
{
	if (is_free)
		atomic_signal_fence(memory_order_seq_cst);
	else
		atomic_thread_fence(memory_order_seq_cst);
}

#endif
