/* SPDX-License-Identifier: Apache-2.0 */
/* memory: cgroup limits of a made-up /proc and /sys, the limit of the address space, and the window that follows. */
#include "config.h"

#include "core/plan/memory.h"

#include "tests/core/plan/stage.h"

#include <sys/resource.h>

static void text_write(const char *path, const char *text)
{
	stage_write(path, text, strlen(text), 0600);
}

static void test_limit(void)
{
	static const struct {
		const char *what, *file, *text; /* NULL: no file; it goes afterwards */
		const char *cgroup;             /* the text of /proc/self/cgroup */
		int64_t bytes;
	} facts[] = {
		{"no cgroup", NULL, NULL, "", INT64_MAX},
		{"no limit", "sys/a/b/memory.max", "max\n", "0::/a/b\n", INT64_MAX},
		{"a limit", "sys/a/b/memory.max", "268435456\n", "0::/a/b\n", 268435456},
		{"a limit above", "sys/a/memory.max", "1048576\n", "0::/a/b\n", 1048576},
		{"a cgroup that isn't mounted here", "sys/memory.max", "4096\n", "0::/docker/x/y\n", 4096},
		{"a limit of 0", "sys/a/b/memory.max", "0\n", "0::/a/b\n", INT64_MAX},
		{"nonsense", "sys/a/b/memory.max", "-5\n", "0::/a/b\n", INT64_MAX},
		{"version 1", "sys/memory/a/memory.limit_in_bytes", "8192\n", "4:cpu:/\n9:memory:/a\n", 8192},
		{"version 1 without a limit", "sys/memory/a/memory.limit_in_bytes", "9223372036854771712\n", "9:memory:/a\n",
	     INT64_C(9223372036854771712)},
		{"another controller", "sys/memory/a/memory.limit_in_bytes", "8192\n", "4:cpu:/a\n", INT64_MAX},
	};
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		text_write("cgroup", facts[i].cgroup);
		if (facts[i].file)
			text_write(facts[i].file, facts[i].text);
		is_int(memory_cgroup_limit("cgroup", "sys"), facts[i].bytes, "%s", facts[i].what);
		if (facts[i].file)
			ok(unlink(facts[i].file) == 0, "%s: gone", facts[i].what);
	}
	is_int(memory_cgroup_limit("nonexistent", "sys"), INT64_MAX, "no /proc");
}

static void test_window(void)
{
	is_int(memory_window(INT64_MAX, 1), 64 << 20, "64M where there is enough");
	is_int(memory_window((int64_t)1 << 30, 1), 64 << 20, "and where there is just so much");
	is_int(memory_window(256 << 20, 1), 16 << 20, "a sixteenth where there isn't");
	is_int(memory_window(256 << 20, 4), 4 << 20, "shared by the jobs");
	is_int(memory_window(4096, 3), 1 << 20, "never less than 1M");
}

/* Less than what is mapped already, so that it is the smallest anywhere: it is raised again before anything else. */
static void test_address_space(void)
{
	const char *why = NULL;
	struct rlimit old;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	skip("a sanitizer wants memory of its own at any time");
	return;
#endif
	int64_t all = plan_usable_memory(&why);
	ok(all >= 1 && why, "%lld by %s", (long long)all, why);
	ok(getrlimit(RLIMIT_AS, &old) == 0, "the limit of the address space");
	struct rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = old.rlim_max};
	ok(setrlimit(RLIMIT_AS, &limit) == 0, "is lowered");
	int64_t limited = plan_usable_memory(&why);
	ok(setrlimit(RLIMIT_AS, &old) == 0, "and raised again");
	is_int(limited, 1 << 20, "decides meanwhile");
	is_str(why, "the limit of the address space (ulimit -v)", "and is named");
}

static void test(void)
{
	static const char *const folders[] = {"sys", "sys/a", "sys/a/b", "sys/memory", "sys/memory/a"};
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		ok(mkdir(folders[i], 0700) == 0, "a folder %s", folders[i]);
	test_limit();
	test_window();
	test_address_space();
}

int main(int argc, char **argv)
{
	return stage_main(argc, argv, test);
}
