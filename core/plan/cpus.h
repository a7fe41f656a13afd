/* SPDX-License-Identifier: Apache-2.0 */
/* cpus - how many CPUs this process may use: the smallest of affinity, cgroup quota and Slurm's allotment. */
#ifndef PLAN_CPUS_H
#define PLAN_CPUS_H

#include <stdint.h>

/* At least 1; *ret_why is a static text that says which decided. */
int64_t plan_usable_cpus(const char **ret_why);

/*
 * The quota of the cgroup that proc_cgroup_file ("/proc/self/cgroup") names and of those above it, in whole CPUs,
 * rounded up; INT64_MAX when there is none. sys_folder is where the hierarchies are mounted ("/sys/fs/cgroup").
 */
int64_t cpus_cgroup_quota(const char *proc_cgroup_file, const char *sys_folder);

#endif
