/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forkserver - the process that loads a job's plugin once and forks its workers. It is their parent and subreaper: it
 * relays how each died, and when the supervisor is gone (end of file on the socket) it kills everything below it until
 * nothing is left.
 *
 * Started by the supervisor as `rota-worker --serve` with the socket as descriptor FORKSERVER_SOCKET_FD and the job's
 * set-up (shm/setup) as FORKSERVER_SETUP_FD. Messages: struct message in shm/layout.h.
 */
#ifndef WORKER_FORKSERVER_H
#define WORKER_FORKSERVER_H

#define FORKSERVER_SOCKET_FD 3
#define FORKSERVER_SETUP_FD 4

/* Never returns in a worker; in the fork server the exit status. parent: the supervisor's process id. */
int forkserver_run(long parent);

#endif
