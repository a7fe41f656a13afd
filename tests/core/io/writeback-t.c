/* SPDX-License-Identifier: Apache-2.0 */
/* writeback: every byte that was asked for is begun once, by another thread, and nothing after the end. */
#include "config.h"

#include "core/io/writeback.h"

#include "tests/tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>

/*
 * Of the system's call, which this program has in its place. Written by the thread; read when it has nothing more to
 * begin, but for next_bytes, which says so.
 */
static struct {
	_Atomic uint64_t next_bytes;
	unsigned n_calls, n_wrong;
	bool is_same_thread;
} begun;
static pthread_t tester;
static sem_t ranges;

int sync_file_range(int fd, off_t offset, off_t n_bytes, unsigned flags)
{
	begun.n_calls++;
	begun.n_wrong += fd != 77 || (uint64_t)offset != begun.next_bytes || flags != SYNC_FILE_RANGE_WRITE;
	begun.is_same_thread = pthread_equal(pthread_self(), tester);
	begun.next_bytes = (uint64_t)(offset + n_bytes);
	sem_post(&ranges);
	return -1; /* a hint: nobody minds */
}

static void wait_for(uint64_t end_bytes)
{
	do {
		while (sem_wait(&ranges) < 0)
			;
	} while (begun.next_bytes < end_bytes);
}

int main(void)
{
	tester = pthread_self();
	begun.next_bytes = 4096;
	if (sem_init(&ranges, 0, 0) < 0)
		abort();
	struct writeback *writeback = writeback_start(77, 4096);
	ok(writeback != NULL, "starts");
	writeback_ask(writeback, 8192);
	wait_for(8192);
	is_int(begun.n_calls, 1, "what was asked for is begun");
	ok(!begun.is_same_thread, "by another thread");
	for (uint64_t end = 10000; end <= 1000000; end += 10000)
		writeback_ask(writeback, end);
	wait_for(1000000);
	writeback_stop(writeback);
	is_int(begun.n_wrong, 0, "each range goes on where the one before ended");
	is_int((long long)begun.next_bytes, 1000000, "up to the last");
	ok(begun.n_calls <= 101, "no more calls than were asked for: %u", begun.n_calls);
	unsigned n_before = begun.n_calls;
	writeback = writeback_start(77, 0);
	writeback_stop(writeback);
	is_int(begun.n_calls, n_before, "nothing is begun that nobody asked for");
	writeback_stop(NULL);
	ok(true, "none is stopped, too");
	sem_destroy(&ranges);
	return tap_done();
}
