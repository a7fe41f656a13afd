/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash - a worker's last words. When a fault ends the process, its standard error says which item was in hand, by
 * which signal and at which address, and the innermost functions; then the process dies by that very signal.
 *
 *   crash_share once, in the fork server, before the plugin is loaded
 *   crash_init once, in the worker's own process, after the plugin's load and before its open
 *
 * Functions are those of the plugin and its libraries: what the C library did for them, and the worker itself, is left
 * out. Looking up names is slow (50 ms where the C library's debug information is installed), so a stack has them once:
 * the workers of a fork server know of each other what was told. Outside of items a stack is told only once; of workers
 * that crash before they had work, as in open, only the first has words. After CRASH_TOLD_MAX crashes there are no more
 * words.
 *
 * Invariants: only signals that nobody handles yet are taken, so a plugin's or a sanitizer's own handlers stay. The
 * handler uses a stack of its own and no heap, and an alarm bounds it; before it says anything, the supervisor can see
 * that the process is dying, and has patience. A process that the plugin forks dies silently.
 * Nothing is done per item: the number is read from the port.
 */
#ifndef WORKER_CRASH_H
#define WORKER_CRASH_H

#include "shm/port.h"

#include <stdbool.h>

#define CRASH_TOLD_MAX 100 /* as many as failures that are told */

/* Without memory, or without this call, each crash is told in full. tells_all: however many there are. */
void crash_share(bool tells_all);

/* port is borrowed until the process ends. Without memory there are no words; the signals stay as they were. */
void crash_init(const struct port *port);

#endif
