/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals - what the process's signals mean for a run: they are taken by its loop, between two turns.
 *
 *   signals_watch, when the run stands and before it goes; signals_unwatch before it is destroyed
 *
 * INT, TERM and HUP end the run, QUIT prints what its workers do, USR1 and USR2 make them one more or one fewer, TSTP
 * stops them with us, CHLD has adopted processes reaped. What nohup or a shell's & has had ignored stays ignored.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include "core/base/err.h"
#include "core/base/loop.h"
#include "core/run/run.h"

struct signals {
	struct run *run; /* borrowed */
	struct loop_watch watch;
	int fd; /* -1: they aren't watched */
};

#define SIGNALS_NONE ((struct signals){.fd = -1, .watch.fd = -1})

/* From now on they are blocked, and stay so. The struct mustn't move until signals_unwatch. */
int signals_watch(struct signals *signals, struct run *run, struct err *err);
void signals_unwatch(struct signals *signals);

#endif
