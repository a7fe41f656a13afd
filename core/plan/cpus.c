/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpus - see cpus.h. What can't be read or makes no sense limits nothing: a container may hide /sys, and a limit that
 * is wrongly found costs the user more than one that is missed.
 */
#include "config.h"

#include "core/plan/cpus.h"

#include "core/base/procfs.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CPUS (1 << 20)

static int64_t affinity_count(void)
{
	/* A machine with more CPUs than the set has room for answers EINVAL. */
	for (int n_cpus = 1024; n_cpus <= MOST_CPUS; n_cpus *= 2) {
		cpu_set_t *set = CPU_ALLOC((size_t)n_cpus);
		if (!set)
			return 1;
		size_t n_bytes = CPU_ALLOC_SIZE((size_t)n_cpus);
		int rc = sched_getaffinity(0, n_bytes, set);
		int64_t count = rc == 0 ? CPU_COUNT_S(n_bytes, set) : 0;
		bool is_too_small = rc != 0 && errno == EINVAL;
		CPU_FREE(set);
		if (rc == 0)
			return count > 0 ? count : 1;
		if (!is_too_small)
			return 1;
	}
	return 1;
}

static int64_t quota_round_up(int64_t quota, int64_t period)
{
	if (quota <= 0 || period <= 0)
		return INT64_MAX;
	return quota / period + (quota % period != 0);
}

/* Version 2: "200000 100000" or "max 100000". */
static int64_t quota_v2(const char *folder)
{
	char path[PATH_MAX], text[128];
	int64_t quota, period;
	if (snprintf(path, sizeof(path), "%s/cpu.max", folder) >= (int)sizeof(path) ||
	    procfs_read(path, text, sizeof(text)) == 0 || sscanf(text, "%" SCNd64 " %" SCNd64, &quota, &period) != 2)
		return INT64_MAX;
	return quota_round_up(quota, period);
}

/* Version 1: two files; a quota of -1 is none. */
static int64_t quota_v1(const char *folder)
{
	char path[PATH_MAX], text[128];
	int64_t quota, period;
	if (snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", folder) >= (int)sizeof(path) ||
	    procfs_read(path, text, sizeof(text)) == 0 || sscanf(text, "%" SCNd64, &quota) != 1)
		return INT64_MAX;
	if (snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", folder) >= (int)sizeof(path) ||
	    procfs_read(path, text, sizeof(text)) == 0 || sscanf(text, "%" SCNd64, &period) != 1)
		return INT64_MAX;
	return quota_round_up(quota, period);
}

/* The smallest from the cgroup's folder up to the mount point: in a container only the upper part of it may exist. */
static int64_t least_upwards(const char *mount, const char *cgroup, cgroup_limit_f *limit_of)
{
	char folder[PATH_MAX];
	int n = snprintf(folder, sizeof(folder), "%s%s", mount, cgroup);
	if (n < 0 || n >= (int)sizeof(folder))
		return INT64_MAX;
	size_t n_mount = strlen(mount);
	int64_t least = INT64_MAX;
	for (;;) {
		int64_t limit = limit_of(folder);
		if (limit < least)
			least = limit;
		char *slash = strrchr(folder, '/');
		if (!slash || (size_t)(slash - folder) < n_mount)
			return least;
		*slash = '\0';
	}
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *at = list; (at = strstr(at, word)); at += n)
		if ((at == list || at[-1] == ',') && (at[n] == '\0' || at[n] == ','))
			return true;
	return false;
}

/* A line of /proc/self/cgroup: "0::/path" is version 2, "4:cpu,cpuacct:/path" version 1. */
static int64_t least_of_line(char *line, const char *sys_folder, const char *controller, cgroup_limit_f *of_v2,
                             cgroup_limit_f *of_v1)
{
	line[strcspn(line, "\n")] = '\0';
	char *controllers = strchr(line, ':');
	char *cgroup = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!cgroup || cgroup[1] != '/')
		return INT64_MAX;
	*controllers++ = '\0';
	*cgroup++ = '\0';
	char mount[PATH_MAX];
	bool is_v2 = controllers[0] == '\0';
	if (!is_v2 && !has_word(controllers, controller))
		return INT64_MAX;
	if (snprintf(mount, sizeof(mount), "%s%s%s", sys_folder, is_v2 ? "" : "/", controllers) >= (int)sizeof(mount))
		return INT64_MAX;
	return least_upwards(mount, strcmp(cgroup, "/") == 0 ? "" : cgroup, is_v2 ? of_v2 : of_v1);
}

int64_t cgroup_least(const char *proc_cgroup_file, const char *sys_folder, const char *controller,
                     cgroup_limit_f *of_v2, cgroup_limit_f *of_v1)
{
	FILE *file = fopen(proc_cgroup_file, "re");
	if (!file)
		return INT64_MAX;
	char *line = NULL;
	size_t room = 0;
	int64_t least = INT64_MAX;
	while (getline(&line, &room, file) > 0) {
		int64_t limit = least_of_line(line, sys_folder, controller, of_v2, of_v1);
		if (limit < least)
			least = limit;
	}
	free(line);
	fclose(file);
	return least;
}

int64_t cpus_cgroup_quota(const char *proc_cgroup_file, const char *sys_folder)
{
	return cgroup_least(proc_cgroup_file, sys_folder, "cpu", quota_v2, quota_v1);
}

/* A whole number from the environment, or INT64_MAX. */
static int64_t environment_count(const char *name)
{
	const char *text = getenv(name);
	if (!text || text[0] < '0' || text[0] > '9')
		return INT64_MAX;
	char *end;
	errno = 0;
	int64_t count = strtoll(text, &end, 10);
	return errno || *end || count < 1 ? INT64_MAX : count;
}

int64_t plan_usable_cpus(const char **ret_why)
{
	/* Slurm says what a task may use, or else what the job was given on this node. */
	const char *slurm = getenv("SLURM_CPUS_PER_TASK") ? "SLURM_CPUS_PER_TASK" : "SLURM_CPUS_ON_NODE";
	const struct {
		int64_t count;
		const char *why;
	} limits[] = {
		{affinity_count(), "the CPUs that this process may run on"},
		{cpus_cgroup_quota("/proc/self/cgroup", "/sys/fs/cgroup"), "the cgroup's CPU quota"},
		{environment_count(slurm), slurm},
	};
	size_t least = 0;
	for (size_t i = 1; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (limits[i].count < limits[least].count)
			least = i;
	*ret_why = limits[least].why;
	return limits[least].count;
}
