/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writeback - has the system put a file to the disk while it is still being written, so that a sync at the end has
 * little to wait for. sync_file_range(2) takes some 60 us a megabyte of the processor that calls it (the file system
 * finds the blocks): that is a thread of our own, for the one who writes has better to do.
 *
 *   writeback_start, writeback_ask ..., writeback_stop
 *
 * A hint in each part: what isn't begun here is done by the sync. One thread asks.
 */
#ifndef IO_WRITEBACK_H
#define IO_WRITEBACK_H

#include <stdint.h>

struct writeback;

/* For what is written to fd behind begin_bytes. fd must stay open until writeback_stop. NULL: not to be had. */
struct writeback *writeback_start(int fd, uint64_t begin_bytes);

/* All up to end_bytes was written. Doesn't wait for the disk. */
void writeback_ask(struct writeback *writeback, uint64_t end_bytes);

/* Waits for the thread, which begins nothing more. NULL is allowed. */
void writeback_stop(struct writeback *writeback);

#endif
