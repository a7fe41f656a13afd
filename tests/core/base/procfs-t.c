/* SPDX-License-Identifier: Apache-2.0 */
/*
 * procfs: files of the kernel's are read and written; a process is seen as it is, whatever it is called; children and
 * threads are listed, also more than fit into one read.
 */
#include "config.h"

#include "core/base/procfs.h"

#include "tests/tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define CHILDREN 2000 /* more than fit into one read of a list */

static void test_read(void)
{
	char text[8];

	is_int(procfs_read("/proc/self/comm", text, sizeof text), 7, "what doesn't fit is cut");
	is_str(text, "procfs-", "and ends with a NUL");
	text[0] = 'x';
	is_int(procfs_read("/proc/self/nothing", text, sizeof text), 0, "what isn't there has no bytes");
	is_str(text, "", "and is no text");
	is_int(procfs_read("/proc/self", text, sizeof text), 0, "nor has a folder");
	is_int(procfs_read("/dev/null", text, sizeof text), 0, "nor what is empty");
}

static void test_write(void)
{
	char seen[8];
	is_int(procfs_write("/proc/self/oom_score_adj", "300"), 0, "the kernel is told");
	is_int(procfs_read("/proc/self/oom_score_adj", seen, sizeof seen), 4, "and asked");
	is_str(seen, "300\n", "what it was told");
	is_int(procfs_write("/proc/self/oom_score_adj", "much"), -1, "nonsense");
	is_int(errno, EINVAL, "is refused, and errno says so");
	is_int(procfs_write("/proc/self/nothing", ""), -1, "what isn't there");
	is_int(errno, ENOENT, "says so");
}

/* A child that waits; what it is called is told by its parent's name. */
static pid_t start_child(void)
{
	pid_t pid = fork();

	must(pid >= 0);
	while (pid == 0)
		pause();
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_look(void)
{
	struct procfs_process me, seen;

	must(prctl(PR_SET_NAME, "x) Z 1 1 (") == 0);
	ok(procfs_look(getpid(), &me), "this process is seen");
	ok(me.pid == getpid() && me.parent == getppid() && me.session == getsid(0), "as who it is");
	ok(me.state == 'R' && !me.is_dead, "it runs, whatever its name says");
	ok(me.start_ticks > 0 && me.start_stack > 0, "since when, and where its stack is");
	pid_t pid = start_child();
	ok(procfs_look(pid, &seen) && seen.parent == getpid() && seen.start_ticks >= me.start_ticks, "a child");
	is_int(seen.start_stack, me.start_stack, "has its parent's image");
	kill(pid, SIGKILL);
	siginfo_t info;
	must(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
	ok(procfs_look(pid, &seen) && seen.state == 'Z' && seen.is_dead, "a dead one is seen until it is reaped");
	end_child(pid);
	seen.pid = 1;
	ok(!procfs_look(pid, &seen) && seen.pid == 1, "and then no more");
	prctl(PR_SET_NAME, "procfs-t");
}

static void *wait_for(void *barrier)
{
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	return NULL;
}

/* A sanitizer may have a thread of its own, which begins with the first of ours. */
static void test_threads(void)
{
	pid_t threads[PROCFS_THREADS_MAX];
	pthread_barrier_t barrier;
	pthread_t others[2];

	ok(procfs_threads(getpid(), threads) > 0 && threads[0] == getpid(), "the first thread");
	must(pthread_barrier_init(&barrier, NULL, 3) == 0 && pthread_create(&others[0], NULL, wait_for, &barrier) == 0);
	size_t n_before = procfs_threads(getpid(), threads);
	ok(n_before > 1, "and another");
	must(pthread_create(&others[1], NULL, wait_for, &barrier) == 0);
	is_int(procfs_threads(getpid(), threads), n_before + 1, "and one more");
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	pthread_join(others[0], NULL);
	pthread_join(others[1], NULL);
	pthread_barrier_destroy(&barrier);
}

static void test_children(void)
{
	pid_t first = start_child(), second = start_child();
	struct procfs_children children = procfs_children_open(getpid(), getpid());
	is_int(procfs_children_next(&children), first, "the first child");
	is_int(procfs_children_next(&children), second, "the second");
	is_int(procfs_children_next(&children), 0, "no other");
	ok(children.fd == -1 && procfs_children_next(&children) == 0, "the list is closed, and stays at its end");
	end_child(first);
	end_child(second);
	children = procfs_children_open(getpid(), getpid());
	is_int(procfs_children_next(&children), 0, "none is left");
	children = procfs_children_open(first, first);
	is_int(procfs_children_next(&children), 0, "who is gone has none");
}

/* In a process whose root is that folder, if one is given. Is what is below first open still, and nothing else? */
static bool closes_from(int first, const char *root)
{
	int wait_status;
	pid_t pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		bool is_good = dup2(STDIN_FILENO, first - 1) == first - 1 && dup2(STDIN_FILENO, first) == first &&
		               dup2(STDIN_FILENO, first + 20) == first + 20 && (!root || chroot(root) == 0);
		procfs_close_from(first);
		for (int fd = first; fd < first + 40; fd++)
			is_good = is_good && fcntl(fd, F_GETFD) < 0;
		_exit(is_good && fcntl(first - 1, F_GETFD) >= 0 ? 0 : 1);
	}
	must(waitpid(pid, &wait_status, 0) == pid);
	return wait_status == 0;
}

static void test_close_from(void)
{
	char folder[TAP_PATH_BYTES];
	ok(closes_from(20, NULL), "descriptors are closed from one on");
	if (geteuid() != 0) {
		skip("only root may change its root");
		return;
	}
	tap_template(folder, "procfs");
	must(mkdtemp(folder));
	ok(closes_from(20, folder), "and where there is no /proc");
	rmdir(folder);
}

/* As the kernel gives a list that takes several reads: they end within numbers, too. */
static void test_many_children(void)
{
	int ends[2];
	pid_t pid, wanted = 1;

	must(pipe(ends) == 0);
	for (int i = 1; i <= CHILDREN; i++)
		dprintf(ends[1], "%d ", i);
	close(ends[1]);
	struct procfs_children children = {.fd = ends[0]};
	while ((pid = procfs_children_next(&children)) == wanted)
		wanted++;
	ok(pid == 0 && wanted == CHILDREN + 1, "all of %d children, in their order", CHILDREN);
}

int main(void)
{
	if (access("/proc/self/stat", R_OK) != 0)
		skip_all("no /proc here");
	prctl(PR_SET_NAME, "procfs-t");
	test_read();
	test_write();
	test_look();
	test_threads();
	test_children();
	test_many_children();
	test_close_from();
	return tap_done();
}
