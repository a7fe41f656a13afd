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

/* What the files of one cgroup's folder allow; INT64_MAX: no limit. */
typedef int64_t cgroup_limit_f(const char *folder);

/* The smallest of a controller's limits, of the cgroup and of those above it; as above. */
int64_t cgroup_least(const char *proc_cgroup_file, const char *sys_folder, const char *controller,
                     cgroup_limit_f *of_v2, cgroup_limit_f *of_v1);

#endif
