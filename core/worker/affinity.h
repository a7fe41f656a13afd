/* SPDX-License-Identifier: Apache-2.0 */
/* affinity - the CPUs that the calling thread may use, see sched_setaffinity(2). Who it starts inherits them. */
#ifndef WORKER_AFFINITY_H
#define WORKER_AFFINITY_H

#include "core/base/err.h"

/* cpus: numbers with commas between them. */
int affinity_set(const char *cpus, struct err *err);

#endif
