/* SPDX-License-Identifier: Apache-2.0 */
/* writeback - see writeback.h. */
#include "config.h"

#include "core/io/writeback.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct writeback {
	int fd;               /* the caller's; read by the thread */
	uint64_t begin_bytes; /* the thread's, once it runs */
	/* Written by who asks, read by the thread; under the lock, and said by the signal. */
	uint64_t end_bytes;
	bool ends;
	pthread_mutex_t lock;
	pthread_cond_t is_wanted;
	pthread_t thread;
};

/* Is there anything behind what was begun? Waits for it, or for the end. */
static bool take(struct writeback *writeback, uint64_t *ret_end_bytes)
{
	pthread_mutex_lock(&writeback->lock);
	while (!writeback->ends && writeback->end_bytes <= writeback->begin_bytes)
		pthread_cond_wait(&writeback->is_wanted, &writeback->lock);
	bool ends = writeback->ends;
	*ret_end_bytes = writeback->end_bytes;
	pthread_mutex_unlock(&writeback->lock);
	return !ends;
}

static void *work(void *argument)
{
	struct writeback *writeback = argument;
	uint64_t end;

	while (take(writeback, &end)) {
		uint64_t begin = writeback->begin_bytes;
		(void)sync_file_range(writeback->fd, (off_t)begin, (off_t)(end - begin), SYNC_FILE_RANGE_WRITE);
		writeback->begin_bytes = end;
	}
	return NULL;
}

/* Signals are for the thread that looks after them. */
static int start_thread(struct writeback *writeback)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int errnum = pthread_create(&writeback->thread, NULL, work, writeback);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return errnum;
}

struct writeback *writeback_start(int fd, uint64_t begin_bytes)
{
	struct writeback *writeback = malloc(sizeof *writeback);

	if (!writeback)
		return NULL;
	*writeback = (struct writeback){.fd = fd,
	                                .begin_bytes = begin_bytes,
	                                .lock = PTHREAD_MUTEX_INITIALIZER,
	                                .is_wanted = PTHREAD_COND_INITIALIZER};
	if (start_thread(writeback) == 0)
		return writeback;
	free(writeback);
	return NULL;
}

static void tell(struct writeback *writeback, uint64_t end_bytes, bool ends)
{
	pthread_mutex_lock(&writeback->lock);
	writeback->end_bytes = end_bytes;
	writeback->ends = ends;
	pthread_cond_signal(&writeback->is_wanted);
	pthread_mutex_unlock(&writeback->lock);
}

void writeback_ask(struct writeback *writeback, uint64_t end_bytes)
{
	tell(writeback, end_bytes, false);
}

void writeback_stop(struct writeback *writeback)
{
	if (!writeback)
		return;
	tell(writeback, 0, true);
	pthread_join(writeback->thread, NULL);
	pthread_cond_destroy(&writeback->is_wanted);
	pthread_mutex_destroy(&writeback->lock);
	free(writeback);
}
