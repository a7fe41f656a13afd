/* SPDX-License-Identifier: Apache-2.0 */
/* memory - how much memory this process may use: the smallest of the machine's, the cgroup's limit and RLIMIT_AS. */
#ifndef PLAN_MEMORY_H
#define PLAN_MEMORY_H

#include <stdint.h>

/* At least 1; *ret_why is a static text that says which decided. */
int64_t plan_usable_memory(const char **ret_why);

/* The share of it that is the default window of one of n_jobs: between 1M and 64M. */
int64_t memory_window(int64_t usable_bytes, int64_t n_jobs);

/*
 * The limit of the cgroup that proc_cgroup_file ("/proc/self/cgroup") names and of those above it; INT64_MAX when there
 * is none. sys_folder is where the hierarchies are mounted ("/sys/fs/cgroup").
 */
int64_t memory_cgroup_limit(const char *proc_cgroup_file, const char *sys_folder);

#endif
