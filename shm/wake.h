/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wake - the POSIX semaphore on which a worker sleeps until there is work or room. Never a lock. The only place that
 * touches a sem_t.
 *
 *   supervisor: wake_init (in the worker's page), wake_post, wake_fini
 *   worker:     wake_wait
 *
 * The worker can write to its semaphore. glibc's sem_post aborts the process when the futex call fails, and of some
 * contents of the private word it waits for ever. So wake_post compares the words that never change with a pristine
 * copy and refuses when they differ; in the nanoseconds that are left it contains an abort (SIGABRT handler,
 * siglongjmp) and leaves a call that doesn't return (a timer's signal, the same jump). wake_post never blocks for
 * more than WAKE_STUCK_MS and never ends the process.
 *
 * Signals: wake_post installs, once a process, handlers for SIGABRT (passed on unless the abort is ours) and for
 * SIGRTMIN (the timer, which ticks on for a while after the last post: system calls that SA_RESTART doesn't begin again
 * may be interrupted). Threads: any; one poster at a time for one wake.
 */
#ifndef SHM_WAKE_H
#define SHM_WAKE_H

#include "core/base/err.h"

#include <semaphore.h>

#define WAKE_STUCK_MS 100

struct wake {
	sem_t *sem;     /* in shared memory */
	sem_t pristine; /* as it was made */
};

int wake_init(struct wake *wake, void *shared_page, struct err *err);
void wake_fini(struct wake *wake); /* forgets it: the memory goes with the segment */

/* 0, or -1: the semaphore isn't what it was; throw the channel away. */
int wake_post(struct wake *wake);

/* Sleeps until posted. Spurious returns are possible: look again at what you wait for. */
void wake_wait(void *shared_page);

#endif
