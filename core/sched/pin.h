/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pin - which CPUs each worker of a job may use: those of a core, or of a NUMA node, of the ones that this process may.
 * What belongs together is hwloc's to know (https://www.open-mpi.org/projects/hwloc).
 *
 *   pin_choose, pin_free
 */
#ifndef SCHED_PIN_H
#define SCHED_PIN_H

#include "core/base/err.h"
#include "core/plan/plan.h"

#include <stddef.h>

/*
 * *ret_lists: for each of n_places a list of CPU numbers with commas between them, of n_workers spread as far from each
 * other as may be; a place behind those begins anew. ERR_USAGE when rota was built without hwloc.
 */
int pin_choose(enum pin_kind kind, size_t n_workers, size_t n_places, char ***ret_lists, struct err *err);
void pin_free(char **lists, size_t n_places); /* NULL is allowed */

#endif
