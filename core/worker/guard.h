/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard - a process beside the plugin's, in which no code of the plugin's runs: when the supervisor is gone, and a
 * second later the fork server still hasn't ended in order (it is stopped, or hangs in a handler of the plugin's), it
 * ends the fork server and all below it. It ends with the fork server itself.
 */
#ifndef WORKER_GUARD_H
#define WORKER_GUARD_H

#include <sys/types.h>

/* In the fork server, before there is a plugin. -1 with errno: there is none. */
int guard_start(pid_t supervisor);

#endif
