/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink - where results go, already framed (each followed by its delimiter). It queues a little and never blocks the
 * caller: what the reader doesn't take waits here, and sink_is_full says that no more results should be collected.
 * Shared descriptors are never made non-blocking for others: a pipe, FIFO or terminal is opened again by way of
 * /proc/self/fd (its own description, O_NONBLOCK), a socket is written with MSG_DONTWAIT, and where neither works
 * at most PIPE_BUF bytes are written after poll has said that they fit. One thread. Files are written without asking:
 * a disk is waited for. The program ignores SIGPIPE, and SIGXFSZ so that a file over its limit is an error (EFBIG).
 *
 *   sink_open, sink_append ..., sink_flush (when sink_fd is ready, and at each turn of the loop), sink_finish,
 *   sink_close
 */
#ifndef IO_SINK_H
#define IO_SINK_H

#include "core/base/buf.h"
#include "core/base/digest.h"
#include "core/base/err.h"
#include "core/plan/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink;

/* What a write found. */
enum sink_state {
	SINK_OK,    /* nothing to wait for: all is written, but for less than a block when not all was asked for */
	SINK_WAIT,  /* some is queued: watch sink_fd for EPOLLOUT */
	SINK_GONE,  /* the reader went away (EPIPE): end quietly */
	SINK_FAILED /* err says why: ENOSPC, EIO ... */
};

/* Opens, truncates as a shell's > does; waits as that does for a FIFO's first reader (INT, TERM, HUP, QUIT end it). */
int sink_open(struct sink **ret, const struct endpoint *endpoint, struct err *err);

/*
 * Opens what was written to before, without truncating: a regular file must have the n_bytes that were written then,
 * and is_all: no more than these.
 * Nothing may be written before sink_cut, which takes off what stands behind them. What is no file begins anew; only
 * the count goes on.
 */
int sink_reopen(struct sink **ret, const struct endpoint *endpoint, uint64_t n_bytes, bool is_all, struct err *err);
int sink_cut(struct sink *sink, struct err *err);

/* Can what was written be cut back? */
bool sink_is_file(const struct sink *sink);

/* From now on everything that is appended is added to it, too. Borrowed. */
void sink_keep_digest(struct sink *sink, struct digest_state *digest);

/*
 * Has the system begin to put what was written to the disk, when it's worth it, so that sink_sync has little to wait
 * for. Cheap: to be called at every turn.
 */
void sink_sync_soon(struct sink *sink);

/* What was written is with the disk when it returns (what is queued isn't written). */
int sink_sync(struct sink *sink, struct err *err);

/*
 * Bytes are copied to the end of the queue; of many, what can be is written at once. -1 when memory is short; what a
 * write found is told by the next sink_flush.
 */
int sink_append(struct sink *sink, const void *bytes, size_t n_bytes, struct err *err);

/*
 * Puts a buffer to the end of the queue: *buf is empty then. A big one's memory is taken, a small one is copied and
 * keeps its own for the next; buf_fini is the caller's in each case. On -1 the buffer is as it was.
 */
int sink_append_buf(struct sink *sink, struct buf *take_buf, struct err *err);

/*
 * Writes what it can. all: also the last bytes that would otherwise wait for a full block (no more is coming soon).
 * SINK_GONE and SINK_FAILED stay; the queue is dropped then, and whatever is appended later too. A file that can't be
 * written any more is cut back to the last delimiter: whole lines stand in it.
 */
enum sink_state sink_flush(struct sink *sink, bool all, struct err *err);

/*
 * When sink_fd shows EPOLLERR or EPOLLHUP (watched with no events while nothing is queued): SINK_GONE if the reader has
 * left, so that nobody works on for a result that has no taker.
 */
enum sink_state sink_look(struct sink *sink);

bool sink_is_full(const struct sink *sink); /* more than SINK_QUEUE_BYTES are queued */
uint64_t sink_queued_bytes(const struct sink *sink);
uint64_t sink_written_bytes(const struct sink *sink);
int sink_fd(const struct sink *sink); /* to watch; -1: none (a sink that takes everything) */
char sink_delimiter(const struct sink *sink);
const char *sink_name(const struct sink *sink);

/*
 * When all is flushed: reports what only close(2) tells (a full network disk). The descriptor is gone then. -1 also
 * when the sink had failed, or when something is still queued.
 */
int sink_finish(struct sink *sink, struct err *err);
void sink_close(struct sink **sink);

#define SINK_QUEUE_BYTES (1 << 20)

#endif
