/* SPDX-License-Identifier: Apache-2.0 */
/* birth - see birth.h. */
#include "config.h"

#include "core/worker/birth.h"

#include "core/base/procfs.h"
#include "core/worker/crash.h"
#include "core/worker/loop.h"
#include "shm/port.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * When memory runs out, the kernel is to end a worker, not the supervisor. Where it may not be said, nothing is lost.
 */
static void prefer_as_victim(void)
{
	(void)procfs_write("/proc/self/oom_score_adj", "300");
}

/* Standard input is nothing, standard output and error are the supervisor's pipe. */
static int redirect(int error_fd)
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(error_fd, 1) < 0 || dup2(error_fd, 2) < 0)
		return -1;
	close(null_fd);
	close(error_fd);
	return 0;
}

/* What is closed was the fork server's alone, and is closed before any code of the plugin's runs. */
_Noreturn static void live(const struct birth *birth, pid_t parent, const struct message *message,
                           const int fds[FORK_FDS])
{
	const struct message forked = {.kind = MESSAGE_FORKED,
	                               .worker = message->worker,
	                               .generation = message->generation};
	struct port port;
	struct err err;
	sigset_t none;
	close(birth->signal_fd);
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	message_send(birth->socket_fd, &forked, NULL, NULL, 0, -1);
	close(birth->socket_fd);
	/* what its items start and leave behind stays its own, so that it can end with the item */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prefer_as_victim();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (redirect(fds[FORK_FD_ERROR]) != 0) {
		dprintf(fds[FORK_FD_ERROR], "cannot set up the worker's standard streams: %s\n", strerror(errno));
		_exit(1);
	}
	if (port_attach(&port, fds[FORK_FD_SEGMENT], fds[FORK_FD_BELL], &err) != 0) {
		dprintf(STDERR_FILENO, "%s\n", err.text);
		_exit(1);
	}
	crash_init(&port);
	int result = worker_live(birth->host, birth->setup, &port, NULL);
	port_detach(&port);
	exit(result == 0 ? 0 : 3);
}

/*
 * Where each item is a process, a worker that has taken the last one could only wait, with all others. So its place is
 * kept by one that has ended and isn't reaped yet. 0: no place is to be kept; -1: none is there.
 */
static pid_t keep_place(const struct setup *setup)
{
	pid_t pid = setup->runs_commands ? fork() : 0;
	if (pid == 0 && setup->runs_commands)
		_exit(0);
	return pid;
}

static void give_place(pid_t pid)
{
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

pid_t birth_fork(const struct birth *birth, const struct message *message, const int fds[FORK_FDS])
{
	/* what the plugin's load left in stdio's buffers would be written by every worker */
	fflush(NULL);
	pid_t parent = getpid();
	pid_t place = keep_place(birth->setup);
	pid_t pid = place >= 0 ? fork() : -1;
	int errnum = errno;
	if (pid == 0)
		live(birth, parent, message, fds);
	give_place(place);
	errno = errnum;
	return pid;
}
