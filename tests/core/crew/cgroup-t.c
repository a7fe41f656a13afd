/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup-t - which folder is ours, by what the kernel says of mounts and of us; and what is done where files aren't as
 * they should be. The kernel's own part is tests/run/cgroup.bats, which few machines can run (make check-cgroup).
 */
#include "config.h"

#include "core/crew/cgroup.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define V1 "30 23 0:26 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory\n"
#define V2 "31 23 0:27 / /sys/fs/cgroup rw,nosuid,nodev - cgroup2 cgroup2 rw,nsdelegate\n"
#define PART "31 23 0:27 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
#define SPACE "31 23 0:27 / /mnt/a\\040b rw - cgroup2 none rw\n"

static char folder[TAP_PATH_BYTES];

static const char *path_of(const char *name)
{
	static char path[2][TAP_BESIDE_BYTES + 64];
	static int turn;
	turn = !turn;
	snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
	return path[turn];
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "we");
	must(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void test_find(void)
{
	static const struct {
		const char *mounts, *cgroups, *want, *what;
	} cases[] = {
		{V1 V2, "0::/user.slice/run.scope\n", "/sys/fs/cgroup/user.slice/run.scope", "a scope of systemd's"},
		{V2, "0::/\n", "/sys/fs/cgroup", "the root"},
		{V1 V2, "4:memory:/x\n0::/y\n", "/sys/fs/cgroup/y", "both versions"},
		{PART, "0::/docker/abc/job\n", "/sys/fs/cgroup/job", "a part of the hierarchy"},
		{PART, "0::/docker/abc\n", "/sys/fs/cgroup", "all of that part"},
		{PART, "0::/docker/abcd\n", NULL, "another part"},
		{PART, "0::/../other\n", NULL, "outside of it"},
		{V1, "0::/x\n", NULL, "version 1 only"},
		{V2, "4:memory:/x\n", NULL, "not in version 2"},
		{"", "", NULL, "nothing"},
		{"short line\n" V2, "0::/x\n", "/sys/fs/cgroup/x", "a line that is none"},
		{SPACE, "0::/x\n", "/mnt/a\\040b/x", "a name with a space isn't there, so nothing will be done"},
	};
	char found[PATH_MAX];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		write_file("mountinfo", cases[i].mounts);
		write_file("cgroup", cases[i].cgroups);
		bool is_found = cgroup_find(path_of("mountinfo"), path_of("cgroup"), found);
		is_str(is_found ? found : NULL, cases[i].want, "%s", cases[i].what);
	}
	unlink(path_of("mountinfo"));
	ok(!cgroup_find(path_of("mountinfo"), path_of("cgroup"), found), "no list of mounts");
	unlink(path_of("cgroup"));
}

static void test_events(void)
{
	static const struct {
		const char *text;
		bool want;
	} cases[] = {{"low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n", true},
	             {"low 0\nhigh 0\nmax 12\noom 1\noom_kill 0\noom_group_kill 0\n", false},
	             {"", false}};
	struct cgroup cgroup = {.folder = ""};
	char name[64];
	snprintf(cgroup.folder, sizeof cgroup.folder, "%s", folder);
	snprintf(name, sizeof name, "rota-%ld-2-7", (long)getpid());
	ok(!cgroup_was_oom(&cgroup, 2, 7), "without a group there is no word");
	must(mkdir(path_of(name), 0700) == 0);
	char events[96];
	snprintf(events, sizeof events, "%s/memory.events", name);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		write_file(events, cases[i].text);
		ok(cgroup_was_oom(&cgroup, 2, 7) == cases[i].want, "ended by the kernel: %s", cases[i].want ? "yes" : "no");
	}
	ok(!cgroup_was_oom(&cgroup, 2, 8), "another worker wasn't");
	unlink(path_of(events));
	cgroup_remove(&cgroup, 2, 7);
	ok(access(path_of(name), F_OK) != 0 && errno == ENOENT, "removed");
}

static void test_add(void)
{
	struct cgroup cgroup = {.folder = ""};
	char name[64];
	snprintf(cgroup.folder, sizeof cgroup.folder, "%s", folder);
	snprintf(name, sizeof name, "rota-%ld-0-1", (long)getpid());
	ok(!cgroup_add(&cgroup, 0, 1, getpid(), 1000), "a folder that is no cgroup takes no worker");
	ok(access(path_of(name), F_OK) != 0, "and nothing is left in it");
	snprintf(cgroup.folder, sizeof cgroup.folder, "%s/nowhere", folder);
	ok(!cgroup_add(&cgroup, 0, 1, getpid(), 1000), "nor does none");
	cgroup.folder[0] = '\0';
	cgroup_close(&cgroup);
	ok(true, "none is closed");
}

int main(void)
{
	tap_template(folder, "cgroup");
	must(mkdtemp(folder) != NULL);
	test_find();
	test_events();
	test_add();
	ok(rmdir(folder) == 0, "nothing is left");
	return tap_done();
}
