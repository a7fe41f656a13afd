/* SPDX-License-Identifier: Apache-2.0 */
/* affinity - see affinity.h. */
#include "config.h"

#include "core/worker/affinity.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#define CPUS_MAX 65536

int affinity_set(const char *cpus, struct err *err)
{
	size_t n_bytes = CPU_ALLOC_SIZE(CPUS_MAX);
	cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
	char *end = NULL;
	if (!set)
		return err_set(err, ERR_RESOURCE, "out of memory");
	CPU_ZERO_S(n_bytes, set);
	for (const char *at = cpus; *at; at = *end ? end + 1 : end) {
		unsigned long cpu = strtoul(at, &end, 10);
		if (end == at || cpu >= CPUS_MAX || (*end && *end != ',')) {
			CPU_FREE(set);
			return err_set(err, ERR_RUN, "'%s' isn't a list of CPUs", cpus);
		}
		CPU_SET_S(cpu, n_bytes, set);
	}
	int result = sched_setaffinity(0, n_bytes, set);
	if (result != 0)
		err_set_errno(err, ERR_RUN, errno, "cannot be pinned to CPU %s", cpus);
	CPU_FREE(set);
	return result;
}
