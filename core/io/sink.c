/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink - where results go: a queue in front of a descriptor. Of much at once only what can't be written at once is
 * queued.
 *
 *   sink_open, sink_append ..., sink_flush, sink_finish, sink_close
 *
 * Invariants: once SINK_GONE or SINK_FAILED was said it is said for ever, the queue is empty, and what is appended is
 * dropped.
 */
#include "config.h"

#include "core/io/sink.h"

#include "core/io/queue.h"
#include "core/io/sink_file.h"
#include "core/io/writeback.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define TAKEN_BYTES (16 * 1024) /* so many are taken over or written as they stand, fewer are copied */
#define PARTS 64                /* chunks in one writev */
#define SYNC_SOON_BYTES (8u << 20)

struct sink {
	const struct sink_ops *ops;
	int fd; /* -1: none, or finished */
	char delimiter;
	char *name;
	struct queue queue;
	uint64_t written_bytes;
	uint64_t going_bytes;        /* of these: on their way to the disk (sink_sync_soon) */
	struct digest_state *digest; /* of all that was appended; borrowed, or NULL */
	uint64_t whole_bytes;        /* of those written: up to the last delimiter */
	struct writeback *writeback; /* takes them there; NULL: nobody has asked, or it isn't to be had */
	bool is_folder_synced;       /* the file's name lasts, too */
	uint64_t due_bytes;          /* up to here a flush of all was asked for: no waiting for a full block */
	enum sink_state state;       /* SINK_OK, or what it ended with */
	struct err failure;          /* SINK_FAILED */
};

static const struct sink_ops none_ops = {"none", false, NULL};

static bool drops_all(const struct sink *sink)
{
	return sink->ops->write == NULL || sink->state != SINK_OK;
}

static int open_sink(struct sink **ret, const struct endpoint *endpoint, enum sink_file_mode mode, struct err *err)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	const char *name = endpoint_is_standard(endpoint) ? "standard output" : endpoint->argument;

	if (sink == NULL)
		return err_set(err, ERR_RESOURCE, "out of memory for the sink %s", name);
	sink->fd = -1;
	sink->ops = &none_ops;
	sink->delimiter = endpoint_delimiter(endpoint);
	sink->name = strdup(endpoint->kind == ENDPOINT_NONE ? "none" : name);
	if (sink->name == NULL) {
		err_set(err, ERR_RESOURCE, "out of memory for the sink %s", name);
		goto out;
	}
	switch (endpoint->kind) {
	case ENDPOINT_LINES:
	case ENDPOINT_NUL:
		if (sink_file_open(endpoint, sink->name, mode, &sink->fd, &sink->ops, err) < 0)
			goto out;
		break;
	case ENDPOINT_NONE:
		break;
	case ENDPOINT_FILES:
	case ENDPOINT_RANGE:
	case ENDPOINT_LISTS:
	case ENDPOINT_WRONG:
		err_set(err, ERR_USAGE, "results can't be written to this: use lines:FILE, nul:FILE or none");
		goto out;
	}
	*ret = sink;
	return 0;
out:
	sink_close(&sink);
	return -1;
}

int sink_open(struct sink **ret, const struct endpoint *endpoint, struct err *err)
{
	return open_sink(ret, endpoint, SINK_FILE_TRUNCATE, err);
}

int sink_reopen(struct sink **ret, const struct endpoint *endpoint, uint64_t n_bytes, bool is_all, struct err *err)
{
	struct sink *sink;

	if (open_sink(&sink, endpoint, n_bytes > 0 || is_all ? SINK_FILE_KEEP : SINK_FILE_KEEP_ANY, err) < 0)
		return -1;
	int64_t there_bytes = sink->fd >= 0 ? sink_file_bytes(sink->fd) : -1;
	if (there_bytes >= 0 && ((uint64_t)there_bytes < n_bytes || (is_all && (uint64_t)there_bytes != n_bytes))) {
		err_set(err, ERR_USAGE,
		        "%s has %" PRId64 " bytes, but %" PRIu64
		        " were written to it: it has changed since; restore it, or start over without --resume",
		        sink->name, there_bytes, n_bytes);
		sink_close(&sink);
		return -1;
	}
	sink->written_bytes = sink->going_bytes = sink->whole_bytes = n_bytes;
	*ret = sink;
	return 0;
}

int sink_cut(struct sink *sink, struct err *err)
{
	if (sink->fd >= 0 && sink_file_cut(sink->fd, sink->written_bytes) < 0)
		return err_set_errno(err, ERR_RUN, errno, "cannot truncate %s to %" PRIu64 " bytes", sink->name,
		                     sink->written_bytes);
	return 0;
}

bool sink_is_file(const struct sink *sink)
{
	return sink->fd >= 0 && sink_file_bytes(sink->fd) >= 0;
}

void sink_keep_digest(struct sink *sink, struct digest_state *digest)
{
	sink->digest = digest;
}

int sink_sync(struct sink *sink, struct err *err)
{
	if (sink->fd >= 0 && sink_file_sync(sink->fd) < 0)
		return err_set_errno(err, ERR_RUN, errno, "cannot write %s", sink->name);
	if (sink->fd >= 0 && !sink->is_folder_synced && sink_file_sync_folder(sink->fd) < 0)
		return err_set_errno(err, ERR_RUN, errno, "cannot sync the directory of %s", sink->name);
	sink->is_folder_synced = true;
	return 0;
}

void sink_sync_soon(struct sink *sink)
{
	if (sink->written_bytes - sink->going_bytes < SYNC_SOON_BYTES)
		return;
	if (!sink->writeback && sink_is_file(sink))
		sink->writeback = writeback_start(sink->fd, sink->going_bytes);
	if (sink->writeback)
		writeback_ask(sink->writeback, sink->written_bytes);
	sink->going_bytes = sink->written_bytes;
}

/* These were written, behind all that was before. */
static void note_written(struct sink *sink, const char *bytes, size_t n_bytes)
{
	const char *delimiter = memrchr(bytes, sink->delimiter, n_bytes);

	if (delimiter != NULL)
		sink->whole_bytes = sink->written_bytes + (uint64_t)(delimiter - bytes) + 1;
	sink->written_bytes += n_bytes;
}

static void sink_consume(struct sink *sink, size_t n_bytes)
{
	while (n_bytes > 0) {
		size_t n_here;
		const char *bytes = queue_front(&sink->queue, &n_here);

		if (n_here > n_bytes)
			n_here = n_bytes;
		note_written(sink, bytes, n_here);
		queue_take(&sink->queue, n_here);
		n_bytes -= n_here;
	}
}

/* From the queue, and when all of it fits into one call, n_behind bytes that aren't in it. */
static ssize_t sink_write_some(struct sink *sink, const void *behind, size_t n_behind)
{
	struct iovec parts[PARTS];
	int n_parts = queue_parts(&sink->queue, parts, PARTS);

	if (n_behind > 0 && n_parts < PARTS)
		parts[n_parts++] = (struct iovec){(void *)(uintptr_t)behind, n_behind};
	return sink->ops->write(sink->fd, parts, n_parts);
}

static enum sink_state sink_end(struct sink *sink, int errnum, struct err *err)
{
	queue_clear(&sink->queue);
	if (errnum == EPIPE || (errnum == ECONNRESET && sink->ops->may_wait)) {
		sink->state = SINK_GONE;
		return SINK_GONE;
	}
	sink->state = SINK_FAILED;
	if (sink_file_take_off(sink->fd, sink->written_bytes - sink->whole_bytes) == 0)
		sink->written_bytes = sink->whole_bytes;
	err_set_errno(&sink->failure, ERR_RUN, errnum, "cannot write %s", sink->name);
	if (err != &sink->failure)
		*err = sink->failure;
	return SINK_FAILED;
}

/*
 * Writes what is queued and these bytes from where they stand, so that they needn't be copied. How many of these are
 * settled: written, or dropped because the sink has ended.
 */
static size_t sink_write_through(struct sink *sink, const void *bytes, size_t n_bytes)
{
	ssize_t n_written = sink_write_some(sink, bytes, n_bytes);
	size_t n_queued = sink->queue.n_bytes;

	if (n_written == 0 || (n_written < 0 && errno != EAGAIN && errno != EINTR)) {
		sink_end(sink, n_written == 0 ? EIO : errno, &sink->failure);
		return n_bytes;
	}
	if (n_written < 0)
		return 0;
	if ((size_t)n_written <= n_queued) {
		sink_consume(sink, (size_t)n_written);
		return 0;
	}
	sink_consume(sink, n_queued);
	note_written(sink, bytes, (size_t)n_written - n_queued);
	return (size_t)n_written - n_queued;
}

static int set_no_memory(const struct sink *sink, size_t n_bytes, struct err *err)
{
	return err_set(err, ERR_RESOURCE, "no memory for %zu bytes of results for %s", n_bytes, sink->name);
}

int sink_append(struct sink *sink, const void *bytes, size_t n_bytes, struct err *err)
{
	size_t n_settled = 0;

	if (sink->digest != NULL)
		digest_add(sink->digest, bytes, n_bytes);
	if (drops_all(sink)) {
		sink->written_bytes += sink->state == SINK_OK ? n_bytes : 0;
		return 0;
	}
	/* with a block in the queue already, the reader is slower than we are */
	if (n_bytes >= TAKEN_BYTES && sink->queue.n_bytes < QUEUE_BLOCK_BYTES &&
	    sink->queue.n_bytes + n_bytes >= QUEUE_BLOCK_BYTES)
		n_settled = sink_write_through(sink, bytes, n_bytes);
	if (n_settled < n_bytes && queue_add(&sink->queue, (const char *)bytes + n_settled, n_bytes - n_settled) < 0)
		return set_no_memory(sink, n_bytes - n_settled, err);
	return 0;
}

int sink_append_buf(struct sink *sink, struct buf *take_buf, struct err *err)
{
	if (take_buf->len < TAKEN_BYTES || drops_all(sink)) {
		if (sink_append(sink, take_buf->bytes, take_buf->len, err) < 0)
			return -1;
		buf_clear(take_buf);
		return 0;
	}
	if (sink->digest != NULL)
		digest_add(sink->digest, take_buf->bytes, take_buf->len);
	return queue_add_buf(&sink->queue, take_buf) == 0 ? 0 : set_no_memory(sink, take_buf->len, err);
}

enum sink_state sink_flush(struct sink *sink, bool all, struct err *err)
{
	if (sink->state == SINK_FAILED)
		*err = sink->failure;
	if (sink->state != SINK_OK)
		return sink->state;
	if (all)
		sink->due_bytes = sink->written_bytes + sink->queue.n_bytes;
	while (sink->queue.n_bytes >= QUEUE_BLOCK_BYTES ||
	       (sink->queue.n_bytes > 0 && sink->written_bytes < sink->due_bytes)) {
		ssize_t n_bytes = sink_write_some(sink, NULL, 0);

		if (n_bytes > 0)
			sink_consume(sink, (size_t)n_bytes);
		else if (n_bytes == 0)
			return sink_end(sink, EIO, err); /* a device that takes nothing and doesn't say why */
		else if (errno == EAGAIN)
			return SINK_WAIT;
		else if (errno != EINTR)
			return sink_end(sink, errno, err);
	}
	return SINK_OK;
}

enum sink_state sink_look(struct sink *sink)
{
	struct pollfd watched = {.fd = sink_fd(sink)};

	if (sink->state == SINK_OK && watched.fd >= 0 && poll(&watched, 1, 0) > 0) {
		queue_clear(&sink->queue);
		sink->state = SINK_GONE;
	}
	return sink->state;
}

bool sink_is_full(const struct sink *sink)
{
	return sink->queue.n_bytes > SINK_QUEUE_BYTES;
}

uint64_t sink_queued_bytes(const struct sink *sink)
{
	return sink->queue.n_bytes;
}

uint64_t sink_written_bytes(const struct sink *sink)
{
	return sink->written_bytes;
}

int sink_fd(const struct sink *sink)
{
	return sink->ops->may_wait ? sink->fd : -1;
}

char sink_delimiter(const struct sink *sink)
{
	return sink->delimiter;
}

const char *sink_name(const struct sink *sink)
{
	return sink->name;
}

/* Before the descriptor is closed: the thread has it, too. */
static void sink_end_writeback(struct sink *sink)
{
	writeback_stop(sink->writeback);
	sink->writeback = NULL;
}

int sink_finish(struct sink *sink, struct err *err)
{
	int fd = sink->fd;

	sink_end_writeback(sink);
	sink->fd = -1;
	/* After EINTR the descriptor is closed all the same. */
	if (fd >= 0 && close(fd) < 0 && errno != EINTR && sink->state == SINK_OK)
		sink_end(sink, errno, err);
	if (sink->state == SINK_OK && sink->queue.n_bytes > 0)
		return err_set(err, ERR_RUN, "%" PRIu64 " bytes for %s were never written", sink->queue.n_bytes, sink->name);
	if (sink->state == SINK_FAILED)
		*err = sink->failure;
	return sink->state == SINK_FAILED ? -1 : 0;
}

void sink_close(struct sink **sink)
{
	int saved_errno = errno;

	if (*sink != NULL) {
		sink_end_writeback(*sink);
		if ((*sink)->fd >= 0)
			close((*sink)->fd);
		queue_fini(&(*sink)->queue);
		free((*sink)->name);
		free(*sink);
		*sink = NULL;
	}
	errno = saved_errno;
}
