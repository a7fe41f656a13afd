/* SPDX-License-Identifier: Apache-2.0 */
/* guard - see guard.h. It is a child of the fork server, so that server's number can't become another's unseen. */
#include "config.h"

#include "core/base/proc.h"
#include "core/base/procfs.h"
#include "core/worker/guard.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define GRACE_MS 1000 /* for the fork server to end in order */
#define LOOKS_MAX 500 /* of a millisecond's pause: what doesn't die in that time is left to its death signal */

/* All but us; how many there were that weren't dead. */
static int kill_children(pid_t server)
{
	pid_t threads[PROCFS_THREADS_MAX];
	size_t n_threads = procfs_threads(server, threads);
	int n_alive = 0;
	for (size_t i = 0; i < n_threads; i++) {
		struct procfs_children children = procfs_children_open(server, threads[i]);
		for (pid_t pid; (pid = procfs_children_next(&children)) != 0;) {
			if (pid == getpid() || proc_is_dead(pid))
				continue;
			n_alive++;
			kill(pid, SIGKILL);
		}
	}
	return n_alive;
}

/* It is a subreaper: what its children leave comes to it. Stopped, it makes and reaps none. */
static void end(pid_t server)
{
	kill(server, SIGSTOP);
	for (int i = 0; i < LOOKS_MAX && kill_children(server) > 0; i++)
		poll(NULL, 0, 1);
	kill(server, SIGKILL);
}

_Noreturn static void watch(pid_t server, int supervisor_fd)
{
	struct pollfd polled = {.fd = STDIN_FILENO, .events = POLLIN};
	setsid();
	prctl(PR_SET_NAME, "rota-guard");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* nobody's pipe is held open by us */
	if (getppid() != server || dup2(supervisor_fd, STDIN_FILENO) < 0)
		_exit(1);
	procfs_close_from(STDIN_FILENO + 1);
	while (poll(&polled, 1, -1) < 0)
		;
	poll(NULL, 0, GRACE_MS);
	if (getppid() == server)
		end(server);
	_exit(0);
}

int guard_start(pid_t supervisor)
{
	pid_t server = getpid();
	int fd = proc_open_pidfd(supervisor);
	if (fd < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0)
		watch(server, fd);
	close(fd);
	return pid < 0 ? -1 : 0;
}
