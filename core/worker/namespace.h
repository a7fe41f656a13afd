/* SPDX-License-Identifier: Apache-2.0 */
/*
 * namespace - a program as process 1 of a PID namespace of its own: whatever is started in it ends with it, by the
 * kernel's hand, and it takes no signal from inside that it has no handler for, SIGKILL included. (So an abort of its
 * own ends in SIGSEGV: the C library has to force it.)
 *
 * With the right to (root) that needs a mount namespace beside it, for a /proc of its own; without, a user namespace
 * around both, in which user and group keep their numbers and all capabilities are gone once the program runs.
 */
#ifndef WORKER_NAMESPACE_H
#define WORKER_NAMESPACE_H

#include "core/base/err.h"

/*
 * Runs argv[0] (a path) there with our environment and all descriptors that aren't close-on-exec. Our parent is its
 * parent, and waits for it; it sees none itself (getppid is 0). We are left half-way between the namespaces, with
 * nothing to do but to exit. No other thread may run. ERR_RUN: refused, with what and why and what helps. 1: it was
 * killed before it was known.
 */
int namespace_start(const char *const *argv, struct err *err);

#endif
