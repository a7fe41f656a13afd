/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forkserver - the process that loads a job's plugin once and forks its workers. It is their parent and subreaper: it
 * relays how each died, and when the supervisor is gone (end of file on the socket) it kills everything below it until
 * nothing is left. Where it can't, its guard does (guard.h). With
 * the option pid-namespace it is process 1 of a namespace of its own (namespace.h), and the
 * kernel does the same however it ends.
 *
 * Started by the supervisor as `rota-worker --serve` with the socket as descriptor FORKSERVER_SOCKET_FD, perhaps before
 * there is a job. The job's set-up (wire/setup) comes through it, and in the namespace as FORKSERVER_SETUP_FD. All that
 * is said there is a message of wire/message.
 */
#ifndef WORKER_FORKSERVER_H
#define WORKER_FORKSERVER_H

#define FORKSERVER_SOCKET_FD 3
#define FORKSERVER_SETUP_FD 4

/*
 * Never returns in a worker; in the fork server the exit status. program: the path by which it was started. parent: the
 * supervisor's process id; 0: it can't be seen from here, for we are in the namespace.
 */
int forkserver_run(const char *program, long parent);

#endif
