/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ends - both ends of one channel for a test: the supervisor's, and the worker's in the same thread (ends_init) or in a
 * process that the test forks. And what each test here needs.
 */
#ifndef TESTS_SHM_ENDS_H
#define TESTS_SHM_ENDS_H

#include "shm/channel.h"
#include "shm/port.h"
#include "tests/tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ends {
	struct channel *channel;
	struct port port;
	struct err err;
};

#define ENDS_TASK_BYTES 4096
#define ENDS_RESULT_BYTES 8192
#define ENDS_EVENT_BYTES 4096

/* Who would sleep here would sleep for ever. */
__attribute__((unused)) static void ends_wait(struct port *port, void *arg)
{
	(void)port, (void)arg;
	must(!"the worker waits for what never comes");
}

__attribute__((unused)) static void ends_create(struct ends *ends)
{
	const struct channel_sizes sizes = {.task_bytes = ENDS_TASK_BYTES,
	                                    .result_bytes = ENDS_RESULT_BYTES,
	                                    .event_bytes = ENDS_EVENT_BYTES};
	const char *why_memfd;
	*ends = (struct ends){0};
	must(channel_create(&ends->channel, 7, &sizes, &why_memfd, &ends->err) == 0);
}

__attribute__((unused)) static void ends_init(struct ends *ends)
{
	ends_create(ends);
	must(port_attach_map(&ends->port, &ends->channel->map, ends->channel->bell_fd, &ends->err) == 0);
	ends->port.wait = ends_wait;
}

__attribute__((unused)) static void ends_fini(struct ends *ends)
{
	port_detach(&ends->port);
	channel_destroy(&ends->channel);
}

/* The items of `text`, each with its newline, as one batch. */
__attribute__((unused)) static int ends_send(struct ends *ends, uint64_t seq, const char *text)
{
	struct channel_batch batch = {.seq = seq, .attempt = 1, .bytes = text, .n_bytes = strlen(text)};
	for (const char *c = text; *c; c++)
		batch.n_items += *c == '\n';
	return channel_send(ends->channel, &batch);
}

#endif
