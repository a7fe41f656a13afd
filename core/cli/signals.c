/* SPDX-License-Identifier: Apache-2.0 */
/* signals - see signals.h. */
#include "config.h"

#include "core/base/tree.h"
#include "core/cli/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* The workers, in sessions of their own, hear nothing of the terminal: they stop and go on with us. */
static void stop_for_a_while(struct run *run)
{
	run_signal(run, SIGSTOP);
	raise(SIGSTOP);
	run_signal(run, SIGCONT);
}

static void take(struct run *run, int signum)
{
	switch (signum) {
	case SIGTSTP:
		stop_for_a_while(run);
		break;
	case SIGCHLD:
		tree_reap();
		break;
	case SIGQUIT:
		run_print(run);
		break;
	case SIGUSR1:
		run_resize(run, 1);
		break;
	case SIGUSR2:
		run_resize(run, -1);
		break;
	default:
		run_interrupt(run, signum);
	}
}

static void on_signal(struct loop_watch *watch, uint32_t events)
{
	struct signals *signals = watch->arg;
	struct signalfd_siginfo info;
	(void)events;
	while (read(signals->fd, &info, sizeof info) == (ssize_t)sizeof info)
		take(signals->run, (int)info.ssi_signo);
}

int signals_watch(struct signals *signals, struct run *run, struct err *err)
{
	static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGUSR1, SIGUSR2, SIGCHLD};
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		struct sigaction action;
		if (sigaction(taken[i], NULL, &action) != 0 || action.sa_handler != SIG_IGN)
			sigaddset(&set, taken[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals->run = run;
	signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals->fd < 0)
		return err_set_errno(err, ERR_RESOURCE, errno, "cannot create a signalfd");
	return loop_add(run_loop(run), &signals->watch, signals->fd, EPOLLIN, on_signal, signals, NULL, err);
}

void signals_unwatch(struct signals *signals)
{
	if (signals->fd < 0)
		return;
	loop_remove(run_loop(signals->run), &signals->watch);
	close(signals->fd);
	signals->fd = -1;
}
