/* SPDX-License-Identifier: Apache-2.0 */
/*
 * try - a plugin run by hand, without a supervisor: items from standard input, a line each (-0: each ended by NUL),
 * results to standard output, failures to standard error. One process, one thread: made for gdb, valgrind and perf.
 */
#ifndef WORKER_TRY_H
#define WORKER_TRY_H

/* argv: [-0] FILE [KEY=VALUE]... The exit status: 0, 1 when items failed, 2 wrong usage or plugin, 3 can't go on. */
int try_run(int argc, char **argv);

#endif
