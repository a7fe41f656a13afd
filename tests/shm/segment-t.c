/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment: no name stays, the memory is there and of the node it should be of, rings are mapped twice, memfd where
 * /dev/shm is of no use, sweeping.
 */
#include "config.h"

#include "shm/segment.h"

#include "tests/tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PAGE_BYTES 4096u

static struct err err;

/* Names of ours in /dev/shm: those that this process could have left. */
static int n_names(void)
{
	char prefix[64];
	int n = 0;
	DIR *folder = opendir("/dev/shm");
	snprintf(prefix, sizeof prefix, "rota.%ld.", (long)getpid());
	for (struct dirent *entry; folder && (entry = readdir(folder));)
		n += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	if (folder)
		closedir(folder);
	return n;
}

static void test_create(void)
{
	const char *why_memfd;
	struct stat status;
	int fd, other_fd;
	is_int(segment_create(8 * PAGE_BYTES, NULL, &fd, &why_memfd, &err), 0, "made");
	is_str(why_memfd, "", "in /dev/shm");
	is_int(n_names(), 0, "its name is gone at once");
	must(fstat(fd, &status) == 0);
	is_int(status.st_size, 8 * PAGE_BYTES, "its size");
	ok(status.st_blocks * 512 >= 8 * PAGE_BYTES, "its pages are reserved");
	is_int(status.st_nlink, 0, "it has no name");
	is_int(status.st_mode & 0777, 0600, "nobody else's");
	ok(fcntl(fd, F_GETFD) & FD_CLOEXEC, "not for programs that are started");
	is_int(segment_create(PAGE_BYTES, NULL, &other_fd, &why_memfd, &err), 0, "another one");
	struct stat other;
	must(fstat(other_fd, &other) == 0);
	ok(other.st_ino != status.st_ino, "isn't the same");
	close(fd);
	close(other_fd);
}

static void test_map(void)
{
	const size_t sizes[] = {PAGE_BYTES, 4 * PAGE_BYTES, 2 * PAGE_BYTES};
	const size_t n_bytes = 2 * PAGE_BYTES + 7 * PAGE_BYTES;
	const char *why_memfd;
	struct segment_map one, two;
	unsigned char *rings[3], *again[3];
	int fd;
	must(segment_create(n_bytes, NULL, &fd, &why_memfd, &err) == 0);
	is_int(segment_map(fd, 2 * PAGE_BYTES, sizes, 3, &one, rings, &err), 0, "mapped");
	is_int(segment_map(fd, 2 * PAGE_BYTES, sizes, 3, &two, again, &err), 0, "mapped once more, as by another process");
	close(fd);
	is_int(one.mapped_bytes, 2 * PAGE_BYTES + 14 * PAGE_BYTES, "control once, rings twice");
	ok(rings[0] == (unsigned char *)one.base + 2 * PAGE_BYTES, "the first ring stands behind the control pages");
	ok(rings[1] == rings[0] + 2 * sizes[0] && rings[2] == rings[1] + 2 * sizes[1], "the others behind it");
	unsigned n_wrong = 0;
	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; k < sizes[i]; k++)
			rings[i][k] = (unsigned char)(17 * i + k * 31 + k / 256);
		for (size_t k = 0; k < sizes[i]; k++)
			n_wrong += rings[i][k] != rings[i][sizes[i] + k] || rings[i][k] != again[i][k] ||
			           rings[i][k] != again[i][sizes[i] + k];
	}
	is_int(n_wrong, 0, "each byte stands at all four places");
	memset(rings[1] + sizes[1], 0xee, sizes[1]);
	is_int(rings[1][5], 0xee, "written by the second, read by the first");
	is_int(rings[2][0], 34, "and the next ring isn't touched");
	is_int(*(unsigned char *)one.base, 0, "nor the control pages");
	segment_unmap(&one);
	ok(!one.base, "unmapped");
	segment_unmap(&one);
	ok(!one.base, "twice is nothing");
	is_int(again[1][5], 0xee, "the other mapping is still there");
	segment_unmap(&two);
	is_int(segment_map(-1, PAGE_BYTES, sizes, 3, &one, rings, &err), -1, "no descriptor");
	ok(strstr(err.text, "cannot map"), "is an error");
}

/* How many of the pages [first, last) of what is mapped at base are of this node. */
static unsigned pages_on(const unsigned char *base, unsigned first, unsigned last, int node)
{
	unsigned n = 0;
	for (unsigned page = first; page < last; page++) {
		int there = -1;
		(void)*(const volatile unsigned char *)(base + page * PAGE_BYTES);
		must(syscall(SYS_get_mempolicy, &there, NULL, 0, base + page * PAGE_BYTES, MPOL_F_NODE | MPOL_F_ADDR) == 0);
		n += there == node;
	}
	return n;
}

/* rest: the node of what isn't wished for. */
static void see_near(int node, int rest)
{
	enum { N_PAGES = 40, N_NEAR = 24 };
	const size_t ring = (N_PAGES - 1) * PAGE_BYTES;
	const struct segment_near near = {.n_bytes = N_NEAR * PAGE_BYTES, .nodes = UINT64_C(1) << node};
	const char *why_memfd;
	struct segment_map map;
	unsigned char *rings[1];
	int fd;
	is_int(segment_create(N_PAGES * PAGE_BYTES, &near, &fd, &why_memfd, &err), 0, "made near to node %d", node);
	must(segment_map(fd, PAGE_BYTES, &ring, 1, &map, rings, &err) == 0);
	close(fd);
	is_int(pages_on(map.base, 0, N_NEAR, node), N_NEAR, "the pages that should be of node %d are", node);
	is_int(pages_on(map.base, N_NEAR, N_PAGES, rest), N_PAGES - N_NEAR, "the others of node %d", rest);
	segment_unmap(&map);
}

/* On a machine of one node this says that asking for it does no harm, and that the thread keeps its own policy. */
static void test_near(void)
{
	unsigned long mask[16] = {0}, nodes[16] = {0}, seen[16] = {0};
	unsigned cpu, here;
	int mode = -1;
	cpu_set_t all, one;
	must(sched_getaffinity(0, sizeof all, &all) == 0 && syscall(SYS_getcpu, &cpu, NULL, NULL) == 0);
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	must(sched_setaffinity(0, sizeof one, &one) == 0 && syscall(SYS_getcpu, NULL, &here, NULL) == 0);
	if (syscall(SYS_get_mempolicy, NULL, nodes, 8 * sizeof nodes, NULL, MPOL_F_MEMS_ALLOWED) != 0) {
		skip("memory of NUMA nodes: %s", strerror(errno));
		return;
	}
	for (int node = 0; node < 64; node++)
		if (nodes[0] >> node & 1)
			see_near(node, (int)here);
	mask[0] = nodes[0] & -nodes[0];
	if (syscall(SYS_set_mempolicy, MPOL_BIND, mask, 8 * sizeof mask) != 0) {
		skip("a policy of one's own: %s", strerror(errno));
		return;
	}
	see_near(63 - __builtin_clzl(nodes[0]), __builtin_ctzl(mask[0]));
	must(syscall(SYS_get_mempolicy, &mode, seen, 8 * sizeof seen, NULL, 0) == 0);
	ok(mode == MPOL_BIND && seen[0] == mask[0], "the thread's own policy is what it was");
	must(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0) == 0);
	const struct segment_near nowhere = {.n_bytes = PAGE_BYTES, .nodes = UINT64_C(1) << 63};
	const char *why_memfd;
	int fd;
	is_int(segment_create(PAGE_BYTES, &nowhere, &fd, &why_memfd, &err), 0, "a node that isn't there is no harm");
	close(fd);
	must(sched_setaffinity(0, sizeof all, &all) == 0);
}

/* A child in a mount namespace of its own, where /dev/shm is what `arrange` makes of it; it ends with its result. */
static int in_a_world(int (*arrange)(void), size_t n_bytes)
{
	fflush(stdout);
	pid_t pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		const char *why_memfd = NULL;
		const size_t ring = n_bytes - PAGE_BYTES;
		struct segment_map map;
		unsigned char *rings[1];
		int fd;
		if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || arrange() != 0)
			_exit(77);
		if (segment_create(n_bytes, NULL, &fd, &why_memfd, &err) != 0)
			_exit(1);
		if (!why_memfd || !*why_memfd)
			_exit(2);
		if (segment_map(fd, PAGE_BYTES, &ring, 1, &map, rings, &err) != 0)
			_exit(3);
		memset(rings[0], 1, ring);
		/* sealed: who still has it can't make it smaller */
		if (ftruncate(fd, 0) == 0 || !(fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK))
			_exit(4);
		_exit(!(fcntl(fd, F_GETFD) & FD_CLOEXEC) ? 5 : 0);
	}
	int status;
	must(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int make_full(void)
{
	return mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=64k");
}

static int make_missing(void)
{
	return mount("tmpfs", "/dev", "tmpfs", 0, "size=64k");
}

static int make_forbidden(void)
{
	return mount("tmpfs", "/dev/shm", "tmpfs", MS_RDONLY, "size=64k");
}

static int make_nobody(void)
{
	if (mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=64k,mode=000") != 0)
		return -1;
	return setgid(65534) == 0 ? setuid(65534) : -1;
}

static void test_memfd(void)
{
	static const struct {
		int (*arrange)(void);
		const char *what;
	} cases[] = {{make_full, "too small"},
	             {make_missing, "missing"},
	             {make_forbidden, "read-only"},
	             {make_nobody, "forbidden to this user"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int result = in_a_world(cases[i].arrange, 256 * 1024);
		if (result == 77)
			skip("/dev/shm %s: needs root and mount namespaces", cases[i].what);
		else
			is_int(result, 0, "/dev/shm %s: a sealed memfd serves", cases[i].what);
	}
	const char *why_memfd;
	int fd;
	is_int(segment_create((size_t)1 << 63, NULL, &fd, &why_memfd, &err), -1, "more than there can be");
	is_int(err.code, ERR_RESOURCE, "is a lack of room");
	ok(strstr(err.text, "shared memory"), "and says of what");
	is_int(n_names(), 0, "and leaves no name");
}

static unsigned long long ticks_of(pid_t pid)
{
	char path[64], text[1024] = "";
	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	FILE *file = fopen(path, "r");
	must(file && fgets(text, sizeof text, file));
	fclose(file);
	unsigned long long ticks;
	must(sscanf(strrchr(text, ')') + 1,
	            " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &ticks) == 1);
	return ticks;
}

static bool exists(const char *name)
{
	int fd = shm_open(name, O_RDONLY, 0);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void test_sweep(void)
{
	unsigned long long ticks = ticks_of(getpid());
	pid_t dead = fork();
	must(dead >= 0);
	if (dead == 0)
		_exit(0);
	int status;
	must(waitpid(dead, &status, 0) == dead);
	const struct {
		long pid;
		unsigned long long ticks;
		const char *tail;
		bool stays;
		const char *what;
	} cases[] = {
		{getpid(), ticks, ".4000000001", true, "a living run's"},
		{getpid(), ticks + 1, ".4000000001", false, "one whose number another process has now"},
		{dead, ticks, ".4000000001", false, "a dead run's"},
		{dead, ticks, ".4000000001x", true, "a name that only looks like ours"},
		{dead, ticks, "", true, "a name without a counter"},
		{dead, 0, ".4000000001", true, "a run whose start nobody knew"},
	};
	enum { N_CASES = sizeof cases / sizeof cases[0] };
	char names[N_CASES][96];
	bool are_made = true;
	for (size_t i = 0; i < N_CASES; i++) {
		snprintf(names[i], sizeof names[i], "/rota.%ld.%llu%s", cases[i].pid, cases[i].ticks, cases[i].tail);
		int fd = shm_open(names[i], O_RDWR | O_CREAT, 0600);
		are_made = are_made && fd >= 0;
		if (fd >= 0)
			close(fd);
	}
	if (!are_made) {
		skip("/dev/shm can't be written");
	} else {
		ok(segment_sweep() >= 2, "what is left behind is removed");
		for (size_t i = 0; i < N_CASES; i++)
			is_int(exists(names[i]), cases[i].stays, "%s %s", cases[i].what, cases[i].stays ? "stays" : "goes");
	}
	for (size_t i = 0; i < N_CASES; i++)
		shm_unlink(names[i]);
}

int main(void)
{
	test_create();
	test_map();
	test_near();
	test_memfd();
	test_sweep();
	is_int(n_names(), 0, "nothing is left behind");
	return tap_done();
}
