/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pin - which CPUs each worker of a job may use: those of a core, or of a NUMA node, of the ones that this process may;
 * and which nodes' memory is near to them. What belongs together is hwloc's to know
 * (https://www.open-mpi.org/projects/hwloc).
 *
 *   pin_choose, pin_fini
 */
#ifndef CREW_PIN_H
#define CREW_PIN_H

#include "core/base/err.h"
#include "core/plan/plan.h"

#include <stddef.h>
#include <stdint.h>

struct pin {
	char **cpus;     /* for each place a list of CPU numbers with commas between them */
	uint64_t *nodes; /* for each place the NUMA nodes (bit n: node n) that these CPUs belong to; 0: not known */
	size_t n_places; /* 0: nothing is pinned */
};

/*
 * n_workers places are spread as far from each other as may be; a place behind those begins anew. ret has nothing to
 * give back after an error. ERR_USAGE when rota was built without hwloc.
 */
int pin_choose(enum pin_kind kind, size_t n_workers, size_t n_places, struct pin *ret, struct err *err);
void pin_fini(struct pin *pin); /* nothing when it is empty */

#endif
