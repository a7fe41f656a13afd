/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard: whom it ends when the supervisor is gone, and whom it leaves alone. This process is a subreaper and looks on;
 * the supervisor and the fork server are children of its. The guard's second of grace is as long as the test wants it.
 */
#include "config.h"

#include "core/worker/guard.h"

#include "core/base/proc.h"
#include "tests/tap.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define PATIENCE_MS 10000 /* for what comes at once where all is right */

/* Shared by all processes here. */
static struct {
	volatile int grace_ms; /* that the guard gives; 0: not yet */
	volatile bool is_over;
	volatile pid_t guard, child, grandchild;
} * seam;

static struct {
	pid_t supervisor, server;
	int ready_fd; /* a byte comes when all of the server's processes are there; its end when nobody has it any more */
} box;

static int real_poll(struct pollfd *fds, nfds_t n_fds, int timeout_ms)
{
	int (*real)(struct pollfd * fds, nfds_t n_fds, int timeout_ms);
	*(void **)&real = dlsym(RTLD_NEXT, "poll");
	return real(fds, n_fds, timeout_ms);
}

/* In the C library's place: a long pause is the guard's. */
int poll(struct pollfd *fds, nfds_t n_fds, int timeout_ms)
{
	if (n_fds > 0 || timeout_ms < 100)
		return real_poll(fds, n_fds, timeout_ms);
	seam->guard = getpid();
	seam->grace_ms = timeout_ms;
	while (!seam->is_over)
		real_poll(NULL, 0, 1);
	return 0;
}

/* Lives until it is killed. */
static void hang(void)
{
	for (;;)
		pause();
}

static void start_child(void)
{
	pid_t pid = fork();
	if (pid > 0) {
		seam->child = pid;
		return;
	}
	pid = fork();
	if (pid > 0)
		seam->grandchild = pid;
	hang();
}

/* A fork server that hangs, with a child and a child of that, which would come to it. */
static void serve(int ready_fd)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || guard_start(box.supervisor) != 0)
		_exit(1);
	start_child();
	while (seam->child == 0 || seam->grandchild == 0)
		real_poll(NULL, 0, 1);
	if (write(ready_fd, "", 1) != 1)
		_exit(1);
	close(ready_fd);
	hang();
}

static void begin(void)
{
	int fds[2];
	char byte;
	memset(seam, 0, sizeof *seam);
	must(pipe(fds) == 0);
	box.supervisor = fork();
	must(box.supervisor >= 0);
	if (box.supervisor == 0) {
		close(fds[0]);
		close(fds[1]);
		hang();
	}
	box.server = fork();
	must(box.server >= 0);
	if (box.server == 0)
		serve(fds[1]);
	close(fds[1]);
	box.ready_fd = fds[0];
	must(read(box.ready_fd, &byte, 1) == 1);
}

static void end_supervisor(void)
{
	must(kill(box.supervisor, SIGKILL) == 0 && waitpid(box.supervisor, NULL, 0) == box.supervisor);
}

static void await_grace(void)
{
	for (int i = 0; seam->grace_ms == 0 && i < PATIENCE_MS; i++)
		real_poll(NULL, 0, 1);
}

/* Waits for it; *ret_status is of our child, or -1. false: it lives on, until now. */
static bool ends(pid_t pid, int *ret_status)
{
	int fd = proc_open_pidfd(pid);
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	bool has_ended = fd < 0 || real_poll(&polled, 1, PATIENCE_MS) == 1;
	if (fd >= 0)
		close(fd);
	if (!has_ended)
		kill(pid, SIGKILL);
	*ret_status = -1;
	waitpid(pid, ret_status, 0);
	return has_ended;
}

static void put_away(void)
{
	close(box.ready_fd);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void test_hung_server(void)
{
	int status;
	begin();
	end_supervisor();
	await_grace();
	ok(seam->grace_ms >= 1000, "when the supervisor is gone the fork server has a second to end in order");
	ok(proc_state(box.server) != 'T' && !proc_is_dead(box.server) && !proc_is_dead(seam->grandchild),
	   "in which nothing is done to it");
	seam->is_over = true;
	ok(ends(box.server, &status), "when that is over, it is ended");
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "as what hangs must be");
	ok(ends(seam->child, &status), "with its children");
	ok(ends(seam->grandchild, &status), "and theirs");
	ok(ends(seam->guard, &status), "the guard ends last");
	put_away();
}

/* A stopped one can't end by itself, nor see what is done. */
static void test_stopped_server(void)
{
	int status;
	begin();
	must(kill(box.server, SIGSTOP) == 0);
	end_supervisor();
	await_grace();
	seam->is_over = true;
	ok(ends(box.server, &status), "a stopped fork server is ended, too");
	ok(ends(seam->grandchild, &status), "with all below it");
	put_away();
}

static void test_orderly_server(void)
{
	int status;
	begin();
	end_supervisor();
	await_grace();
	must(kill(box.server, SIGTERM) == 0 && waitpid(box.server, NULL, 0) == box.server);
	ok(ends(seam->guard, &status), "a fork server that ends in that second takes its guard along");
	ok(!proc_is_dead(seam->child) && !proc_is_dead(seam->grandchild), "which ends nobody: they are others' now");
	kill(seam->child, SIGKILL);
	kill(seam->grandchild, SIGKILL);
	put_away();
}

static void test_no_pipe(void)
{
	char byte;
	int status;
	begin();
	kill(seam->child, SIGKILL);
	kill(seam->grandchild, SIGKILL);
	struct pollfd polled = {.fd = box.ready_fd, .events = POLLIN};
	ok(real_poll(&polled, 1, PATIENCE_MS) == 1 && read(box.ready_fd, &byte, 1) == 0,
	   "the guard holds nobody's pipe open");
	ok(!proc_is_dead(box.server), "it does nothing while the supervisor is there");
	must(kill(box.server, SIGKILL) == 0);
	end_supervisor();
	ok(ends(box.server, &status), "the fork server goes");
	put_away();
	is_int(waitpid(-1, NULL, 0), -1, "and the guard with it");
}

int main(void)
{
	alarm(120); /* who hangs has failed */
	seam = mmap(NULL, sizeof *seam, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(seam != MAP_FAILED && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	test_hung_server();
	test_stopped_server();
	test_orderly_server();
	test_no_pipe();
	return tap_done();
}
