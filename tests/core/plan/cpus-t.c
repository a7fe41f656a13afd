/* SPDX-License-Identifier: Apache-2.0 */
/* cpus: cgroup quotas of a made-up /proc and /sys, and that the smallest limit decides. */
#include "config.h"

#include "core/plan/cpus.h"

#include "tests/core/plan/stage.h"

#include <sched.h>

static void text_write(const char *path, const char *text)
{
	stage_write(path, text, strlen(text), 0600);
}

static void test_quota(void)
{
	static const struct {
		const char *what, *file, *text; /* NULL: no file; it goes afterwards */
		const char *cgroup;             /* the text of /proc/self/cgroup */
		int64_t count;
	} facts[] = {
		{"no cgroup", NULL, NULL, "", INT64_MAX},
		{"no limit", "sys/a/b/cpu.max", "max 100000\n", "0::/a/b\n", INT64_MAX},
		{"two CPUs", "sys/a/b/cpu.max", "200000 100000\n", "0::/a/b\n", 2},
		{"one and a half", "sys/a/b/cpu.max", "150000 100000\n", "0::/a/b\n", 2},
		{"a tenth", "sys/a/b/cpu.max", "10000 100000\n", "0::/a/b\n", 1},
		{"a limit above", "sys/a/cpu.max", "300000 100000\n", "0::/a/b\n", 3},
		{"a limit at the top", "sys/cpu.max", "400000 100000\n", "0::/a/b\n", 4},
		{"a cgroup that isn't mounted here", "sys/cpu.max", "400000 100000\n", "0::/docker/x/y\n", 4},
		{"nonsense", "sys/a/b/cpu.max", "many\n", "0::/a/b\n", INT64_MAX},
		{"a period of 0", "sys/a/b/cpu.max", "1 0\n", "0::/a/b\n", INT64_MAX},
		{"version 1", "sys/cpu,cpuacct/a/cpu.cfs_quota_us", "250000\n", "9:memory:/\n4:cpu,cpuacct:/a\n", 3},
		{"version 1 without a limit", "sys/cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n", "4:cpu,cpuacct:/a\n", INT64_MAX},
		{"another controller", "sys/cpu,cpuacct/a/cpu.cfs_quota_us", "250000\n", "4:cpuset:/a\n", INT64_MAX},
		{"lines that are none", "sys/a/b/cpu.max", "100000 100000\n", "\n:\n::\n0::\nx\n", INT64_MAX},
	};
	text_write("sys/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		text_write("cgroup", facts[i].cgroup);
		if (facts[i].file)
			text_write(facts[i].file, facts[i].text);
		is_int(cpus_cgroup_quota("cgroup", "sys"), facts[i].count, "%s", facts[i].what);
		if (facts[i].file)
			ok(unlink(facts[i].file) == 0, "%s: gone", facts[i].what);
	}
	is_int(cpus_cgroup_quota("nonexistent", "sys"), INT64_MAX, "no /proc");
}

static void test_least(void)
{
	const char *why = NULL;
	unsetenv("SLURM_CPUS_PER_TASK");
	unsetenv("SLURM_CPUS_ON_NODE");
	int64_t all = plan_usable_cpus(&why);
	ok(all >= 1 && why, "%lld by %s", (long long)all, why);
	setenv("SLURM_CPUS_ON_NODE", "1", 1);
	is_int(plan_usable_cpus(&why), 1, "Slurm gives one");
	setenv("SLURM_CPUS_PER_TASK", "100000", 1);
	is_int(plan_usable_cpus(&why), all,
	       "what a task may use counts for more than the node's, and gives no more than there is");
	setenv("SLURM_CPUS_PER_TASK", "1x", 1);
	is_int(plan_usable_cpus(&why), all, "what is no number limits nothing");
	unsetenv("SLURM_CPUS_PER_TASK");
	unsetenv("SLURM_CPUS_ON_NODE");

	cpu_set_t old, one;
	ok(sched_getaffinity(0, sizeof(old), &old) == 0, "the CPUs that we may run on");
	CPU_ZERO(&one);
	for (int i = 0; CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &old))
			CPU_SET(i, &one);
	ok(sched_setaffinity(0, sizeof(one), &one) == 0, "only one of them");
	is_int(plan_usable_cpus(&why), 1, "is one");
	ok(sched_setaffinity(0, sizeof(old), &old) == 0, "all of them again");
}

static void test(void)
{
	static const char *const folders[] = {"sys", "sys/a", "sys/a/b", "sys/cpu,cpuacct", "sys/cpu,cpuacct/a"};
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		ok(mkdir(folders[i], 0700) == 0, "a folder %s", folders[i]);
	test_quota();
	test_least();
}

int main(int argc, char **argv)
{
	return stage_main(argc, argv, test);
}
