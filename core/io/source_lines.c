/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_lines - lines:FILE and nul:FILE, where - is standard input, and /dev/fd/N descriptor N. Both give the file's
 * bytes as they are: only the delimiter differs, and that is feed's affair.
 *
 * A regular file is read from where its descriptor stands and is never mapped (a mapping that somebody truncates is a
 * SIGBUS). Whatever can keep its reader waiting is read in a way that doesn't, without changing the description that we
 * share with others: see enum way.
 *
 * A FIFO that is given by name is waited for until somebody has written to it, as cat does: read(2) says 0 before the
 * first writer and after the last one alike, but poll(2) reports POLLHUP only for the latter.
 */
#include "config.h"

#include "core/io/source_lines.h"

#include "core/base/proc.h"
#include "core/io/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum way {
	WAY_PLAIN,  /* read: always ready, or a description of our own with O_NONBLOCK */
	WAY_SOCKET, /* recv with MSG_DONTWAIT */
	WAY_NOWAIT, /* preadv2 with RWF_NOWAIT; where the kernel can't, on to: */
	WAY_POLLED  /* read when poll says that there is something; another reader of the same pipe may still be faster */
};

struct source_lines {
	struct source_head head;
	enum way way;
	enum descriptor_kind kind;
	int fd;
	int shared_fd; /* the description that fd was opened again from, or -1 */
	bool has_bytes;
	bool has_writer; /* a pipe that had one while it was read: its hang-up will be told to this description */
	bool is_drained; /* such a pipe gave less than was asked for: no more is in it */
};

static ssize_t lines_read_polled(struct source_lines *lines, char *dest, size_t room_bytes)
{
	struct pollfd watched = {.fd = lines->fd, .events = POLLIN};

	if (poll(&watched, 1, 0) < 0)
		return -1;
	if (watched.revents == 0) {
		errno = EAGAIN;
		return -1;
	}
	return read(lines->fd, dest, room_bytes);
}

static ssize_t lines_read_once(struct source_lines *lines, char *dest, size_t room_bytes)
{
	struct iovec room = {.iov_base = dest, .iov_len = room_bytes};
	ssize_t n_bytes;

	switch (lines->way) {
	case WAY_PLAIN:
		return read(lines->fd, dest, room_bytes);
	case WAY_SOCKET:
		return recv(lines->fd, dest, room_bytes, MSG_DONTWAIT);
	case WAY_NOWAIT:
		n_bytes = preadv2(lines->fd, &room, 1, -1, RWF_NOWAIT);
		if (n_bytes >= 0 || errno == EAGAIN || errno == EINTR)
			return n_bytes;
		lines->way = WAY_POLLED;
		break;
	case WAY_POLLED:
		break;
	}
	return lines_read_polled(lines, dest, room_bytes);
}

/*
 * What a read of 0 bytes means: SOURCE_END, SOURCE_WAIT, or 1 when there is something after all. A FIFO that we opened
 * a second time after its writers had gone has never seen one itself: the first description knows.
 */
static ssize_t lines_judge_end(const struct source_lines *lines)
{
	struct pollfd watched = {.fd = lines->shared_fd >= 0 ? lines->shared_fd : lines->fd, .events = POLLIN};

	if (lines->kind != DESCRIPTOR_PIPE || lines->has_bytes)
		return SOURCE_END;
	if (poll(&watched, 1, 0) < 0)
		return SOURCE_WAIT;
	if (watched.revents & POLLIN)
		return 1;
	return watched.revents & POLLHUP ? SOURCE_END : SOURCE_WAIT;
}

static ssize_t lines_read(struct source *source, char *dest, size_t room_bytes, struct err *err)
{
	struct source_lines *lines = (struct source_lines *)source;

	if (lines->is_drained) {
		lines->is_drained = false;
		return SOURCE_WAIT;
	}
	for (;;) {
		ssize_t n_bytes = lines_read_once(lines, dest, room_bytes);

		if (n_bytes > 0) {
			lines->has_bytes = true;
			lines->is_drained = lines->has_writer && (size_t)n_bytes < room_bytes;
			return n_bytes;
		}
		if (n_bytes == 0) {
			ssize_t verdict = lines_judge_end(lines);

			if (verdict <= 0)
				return verdict;
		} else if (errno == EAGAIN) {
			lines->has_writer = lines->kind == DESCRIPTOR_PIPE;
			return SOURCE_WAIT;
		} else if (errno != EINTR) {
			return err_set_errno(err, ERR_RUN, errno, "cannot read %s", lines->head.name);
		}
	}
}

static void lines_close(struct source *source)
{
	struct source_lines *lines = (struct source_lines *)source;

	if (lines->fd >= 0)
		close(lines->fd);
	if (lines->shared_fd >= 0)
		close(lines->shared_fd);
	free(lines);
}

static const struct source_ops lines_ops = {"lines", lines_read, lines_close};
static const struct source_ops nul_ops = {"nul", lines_read, lines_close};

/* The place where it stands is only asked for: one that was moved, and can't be moved back, would lose the items. */
static int64_t lines_total_bytes(int fd)
{
	struct stat status;
	off_t here = lseek(fd, 0, SEEK_CUR);

	if (here < 0 || fstat(fd, &status) < 0 || status.st_size == 0)
		return -1;
	return status.st_size > here ? status.st_size - here : 0;
}

/* A descriptor that we were given and that may keep us waiting: a description of our own, or the next best. */
static void lines_unshare(struct source_lines *lines)
{
	int own_fd = -1;

	if (lines->kind != DESCRIPTOR_DEVICE)
		own_fd = descriptor_reopen(lines->fd, O_RDONLY);
	if (own_fd < 0) {
		lines->way = WAY_NOWAIT;
		return;
	}
	lines->shared_fd = lines->fd;
	lines->fd = own_fd;
}

/* Chooses the way by what fd leads to. */
static int lines_prepare(struct source_lines *lines, bool is_shared, struct err *err)
{
	const char *name = lines->head.name;
	int kind = descriptor_kind(lines->fd);

	if (kind < 0)
		return err_set_errno(err, ERR_RUN, errno, "cannot read %s", name);
	lines->kind = (enum descriptor_kind)kind;
	switch (lines->kind) {
	case DESCRIPTOR_FOLDER:
		return err_set(err, ERR_RUN, "cannot read %s: it is a directory; for the files in it use 'files:%s/*'", name,
		               is_shared ? "FOLDER" : name);
	case DESCRIPTOR_REGULAR:
		lines->head.total_bytes = lines_total_bytes(lines->fd);
		return 0;
	case DESCRIPTOR_SOCKET:
		lines->way = WAY_SOCKET;
		break;
	case DESCRIPTOR_PIPE:
		descriptor_widen(lines->fd);
		__attribute__((fallthrough));
	case DESCRIPTOR_TERMINAL:
	case DESCRIPTOR_DEVICE:
		if (is_shared)
			lines_unshare(lines);
		break;
	}
	lines->head.fd = lines->fd;
	return 0;
}

/* What standard input was once it was diverted; never closed: a later job may have it as its source. */
static int kept_stdin_fd = -1;

int source_lines_divert_stdin(struct err *err)
{
	if (kept_stdin_fd >= 0 || proc_move_input(&kept_stdin_fd) == 0)
		return 0;
	return err_set_errno(err, ERR_RESOURCE, errno, "cannot set standard input aside");
}

int source_lines_open(struct source **ret, const struct endpoint *endpoint, struct err *err)
{
	int shared_fd = endpoint_descriptor(endpoint, STDIN_FILENO);
	struct source_lines *lines = calloc(1, sizeof(*lines));
	struct source *source = (struct source *)lines;

	if (lines == NULL)
		return err_set(err, ERR_RESOURCE, "out of memory for the source %s", endpoint->argument);
	if (source_head_init(&lines->head, endpoint->kind == ENDPOINT_NUL ? &nul_ops : &lines_ops, endpoint, err) < 0) {
		free(lines);
		return -1;
	}
	if (shared_fd == STDIN_FILENO && kept_stdin_fd >= 0)
		shared_fd = kept_stdin_fd;
	lines->way = WAY_PLAIN;
	lines->shared_fd = -1;
	lines->fd = shared_fd >= 0 ? descriptor_share(shared_fd, O_RDONLY)
	                           : open(endpoint->argument, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (lines->fd < 0) {
		if (shared_fd >= 0 && errno == EBADF)
			err_set(err, ERR_RUN, "cannot read %s: it isn't open for reading", lines->head.name);
		else
			err_set_errno(err, errno == EMFILE || errno == ENFILE || errno == ENOMEM ? ERR_RESOURCE : ERR_RUN, errno,
			              "cannot read %s", lines->head.name);
		goto out;
	}
	if (lines_prepare(lines, shared_fd >= 0, err) < 0)
		goto out;
	*ret = source;
	return 0;
out:
	source_close(&source);
	return -1;
}
