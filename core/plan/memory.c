/* SPDX-License-Identifier: Apache-2.0 */
/* memory - see memory.h. As with cpus, what can't be read or makes no sense limits nothing. */
#include "config.h"

#include "core/plan/memory.h"

#include "core/base/procfs.h"
#include "core/plan/cpus.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define WINDOW_SHARE 16 /* of the memory, for the windows of all jobs */
#define LEAST_WINDOW_BYTES ((int64_t)1 << 20)
#define MOST_WINDOW_BYTES ((int64_t)64 << 20)

static int64_t machine_bytes(void)
{
	long n_pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
	int64_t bytes;
	if (n_pages < 1 || page_bytes < 1 || __builtin_mul_overflow((int64_t)n_pages, (int64_t)page_bytes, &bytes))
		return INT64_MAX;
	return bytes;
}

/* RLIM_INFINITY is larger than INT64_MAX. */
static int64_t address_space_bytes(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur < 1 || limit.rlim_cur > INT64_MAX)
		return INT64_MAX;
	return (int64_t)limit.rlim_cur;
}

static int64_t file_bytes(const char *folder, const char *name)
{
	char path[PATH_MAX], text[128];
	int64_t bytes;
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path) ||
	    procfs_read(path, text, sizeof(text)) == 0 || sscanf(text, "%" SCNd64, &bytes) != 1)
		return INT64_MAX;
	return bytes > 0 ? bytes : INT64_MAX;
}

/* "max" is no number: no limit. */
static int64_t limit_v2(const char *folder)
{
	return file_bytes(folder, "memory.max");
}

/* No limit is a number larger than any machine's memory. */
static int64_t limit_v1(const char *folder)
{
	return file_bytes(folder, "memory.limit_in_bytes");
}

int64_t memory_cgroup_limit(const char *proc_cgroup_file, const char *sys_folder)
{
	return cgroup_least(proc_cgroup_file, sys_folder, "memory", limit_v2, limit_v1);
}

int64_t memory_window(int64_t usable_bytes, int64_t n_jobs)
{
	int64_t share = usable_bytes / WINDOW_SHARE / (n_jobs > 0 ? n_jobs : 1);
	return share < LEAST_WINDOW_BYTES ? LEAST_WINDOW_BYTES : share > MOST_WINDOW_BYTES ? MOST_WINDOW_BYTES : share;
}

int64_t plan_usable_memory(const char **ret_why)
{
	const struct {
		int64_t bytes;
		const char *why;
	} limits[] = {
		{machine_bytes(), "the machine's memory"},
		{memory_cgroup_limit("/proc/self/cgroup", "/sys/fs/cgroup"), "the cgroup's memory limit"},
		{address_space_bytes(), "the limit of the address space (ulimit -v)"},
	};
	size_t least = 0;
	for (size_t i = 1; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (limits[i].bytes < limits[least].bytes)
			least = i;
	*ret_why = limits[least].why;
	return limits[least].bytes;
}
