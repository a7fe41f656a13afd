/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest - misbehaves towards the processes that it is loaded in, and towards the fork server from a worker: `fault`
 * says how, `when` at which item where it is an item's. All other items have themselves as result.
 *
 *   thread           load leaves a thread
 *   load-input       load says what it can read of standard input; constructor-input (in the environment): so does a
 *                    constructor; constructor-exit: it ends the process, with success
 *   input            the item's result is what it can read of standard input
 *   stop-server      the item stops the fork server; stop-server-hang: and hangs then
 *   close-socket     load closes all descriptors
 *   deaf-socket      load shuts the fork server's end of its socket, for reading
 *   atfork           a handler that runs before a fork hangs at the second; atfork-first: at the first
 *   open-hang        open hangs; open-close: it closes all descriptors; load-hang: load hangs
 *   pthread-exit     the item ends its thread
 */
#define _GNU_SOURCE 1
#include <rota/plugin.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_FD 3

static const char *fault, *when;
static int n_forks, first_fork;

static bool is_fault(const char *name)
{
	return strcmp(fault, name) == 0;
}

static void *wait_for_ever(void *nothing)
{
	while (pause() < 0)
		;
	return nothing;
}

static void hang_at_fork(void)
{
	if (++n_forks == first_fork)
		wait_for_ever(NULL);
}

static void say_input(const char *who)
{
	char bytes[64];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
	fprintf(stderr, "%s reads %zd bytes\n", who, n);
}

__attribute__((constructor)) static void construct(void)
{
	const char *wanted = getenv("GUEST");
	if (wanted && strcmp(wanted, "constructor-input") == 0)
		say_input("the constructor");
	if (wanted && strcmp(wanted, "constructor-exit") == 0)
		exit(0);
}

static void close_all(void)
{
	for (int fd = 0; fd < 1024; fd++)
		close(fd);
}

static int guest_load(struct rota_worker *worker)
{
	pthread_t thread;
	fault = rota_option_string(worker, "fault");
	when = rota_option_string(worker, "when");
	if (is_fault("thread") && pthread_create(&thread, NULL, wait_for_ever, NULL) != 0)
		return rota_refuse(worker, "no thread");
	if (is_fault("load-input"))
		say_input("load");
	if (is_fault("close-socket"))
		close_all();
	if (is_fault("deaf-socket"))
		shutdown(SOCKET_FD, SHUT_RD);
	if (is_fault("load-hang"))
		wait_for_ever(NULL);
	first_fork = is_fault("atfork") ? 2 : is_fault("atfork-first") ? 1 : 0;
	if (first_fork > 0)
		pthread_atfork(hang_at_fork, NULL, NULL);
	return ROTA_OK;
}

static int guest_open(struct rota_worker *worker, void **state)
{
	(void)worker;
	*state = NULL;
	if (is_fault("open-hang"))
		wait_for_ever(NULL);
	if (is_fault("open-close"))
		close_all();
	return ROTA_OK;
}

static int guest_run(struct rota_task *task, void *state)
{
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	char bytes[64];
	(void)state;
	if (strlen(when) != n_bytes || memcmp(when, item, n_bytes) != 0)
		return rota_write(task, item, n_bytes);
	if (is_fault("input")) {
		ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
		return n < 0 ? rota_fail(task, "no standard input") : rota_write(task, bytes, (size_t)n);
	}
	if (is_fault("stop-server") || is_fault("stop-server-hang"))
		kill(getppid(), SIGSTOP);
	if (is_fault("stop-server-hang"))
		wait_for_ever(NULL);
	if (is_fault("thread"))
		abort();
	if (is_fault("pthread-exit"))
		pthread_exit(NULL);
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "guest", .version = "1.0", .summary = "misbehaves towards the processes that it is in",
            .flags = ROTA_PURE,
            .options = (const struct rota_option[]){{"fault", ROTA_STRING, "none", "what it does"},
                                                    {"when", ROTA_STRING, "7", "at which item"},
                                                    {NULL}},
            .load = guest_load, .open = guest_open, .run = guest_run);
