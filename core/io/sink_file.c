/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink_file - a descriptor to write results to, and the way to write to it without waiting.
 *
 * Files and devices such as /dev/null are simply written. A pipe or terminal has a description of our own with
 * O_NONBLOCK: the one that open(2) made, or standard output's opened again. What neither can be had for is polled.
 */
#include "config.h"

#include "core/io/sink_file.h"

#include "core/base/ownfile.h"
#include "core/io/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Takes its time, but takes all: EAGAIN comes only from a device that somebody else has set O_NONBLOCK on. */
static ssize_t write_plain(int fd, const struct iovec *parts, int n_parts)
{
	struct pollfd watched = {.fd = fd, .events = POLLOUT};
	ssize_t n_bytes = writev(fd, parts, n_parts);

	while (n_bytes < 0 && errno == EAGAIN) {
		if (poll(&watched, 1, -1) < 0)
			return -1;
		n_bytes = writev(fd, parts, n_parts);
	}
	return n_bytes;
}

static ssize_t write_stream(int fd, const struct iovec *parts, int n_parts)
{
	return writev(fd, parts, n_parts);
}

static ssize_t write_socket(int fd, const struct iovec *parts, int n_parts)
{
	/* msg_iov lacks the const that sendmsg holds to: one part at a time is as good for a socket. */
	struct iovec first = parts[0];
	struct msghdr message = {.msg_iov = &first, .msg_iovlen = 1};

	(void)n_parts;
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* POLLOUT promises room for PIPE_BUF bytes, not for more. */
static ssize_t write_polled(int fd, const struct iovec *parts, int n_parts)
{
	struct pollfd watched = {.fd = fd, .events = POLLOUT};

	(void)n_parts;
	if (poll(&watched, 1, 0) < 0)
		return -1;
	if (watched.revents == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, parts[0].iov_base, parts[0].iov_len < PIPE_BUF ? parts[0].iov_len : PIPE_BUF);
}

static const struct sink_ops plain_ops = {"file", false, write_plain};
static const struct sink_ops stream_ops = {"stream", true, write_stream};
static const struct sink_ops socket_ops = {"socket", true, write_socket};
static const struct sink_ops polled_ops = {"polled", true, write_polled};

/*
 * Waits, as a shell's > does, until a FIFO has a reader. The loop that looks after signals can't turn meanwhile, so
 * those that end a run end the program here.
 */
static int open_waiting(const char *file, int flags)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	sigset_t let_through, before;
	int fd, saved_errno;

	sigemptyset(&let_through);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		sigaddset(&let_through, ending[i]);
	if (sigprocmask(SIG_UNBLOCK, &let_through, &before) < 0)
		return -1;
	fd = open(file, flags);
	saved_errno = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved_errno;
	return fd;
}

/* Leaves errno as it was: why the file can't be opened. */
static bool is_fifo(const char *file)
{
	struct stat status;
	int saved_errno = errno;
	bool is_there = stat(file, &status) == 0;

	errno = saved_errno;
	return is_there && S_ISFIFO(status.st_mode);
}

static int open_error(const char *file, int errnum, struct err *err)
{
	const char *slash = strrchr(file, '/');
	enum err_code code = errnum == EMFILE || errnum == ENFILE || errnum == ENOMEM ? ERR_RESOURCE : ERR_RUN;

	if (errnum == EISDIR)
		return err_set(err, code, "cannot write %s: it is a directory; give the name of a file", file);
	if (errnum == ENOENT && slash != NULL)
		return err_set(err, code, "cannot write %s: %s; does the directory %.*s exist?", file, strerror(errnum),
		               (int)(slash - file), file);
	return err_set_errno(err, code, errnum, "cannot write %s", file);
}

static int open_file(const char *file, enum sink_file_mode mode, int *ret_fd, struct err *err)
{
	static const int mode_flags[] = {[SINK_FILE_TRUNCATE] = O_CREAT | O_TRUNC, [SINK_FILE_KEEP_ANY] = O_CREAT};
	int flags = O_WRONLY | mode_flags[mode] | O_CLOEXEC | O_NOCTTY;
	int fd = open(file, flags | O_NONBLOCK, 0666);

	if (fd < 0 && errno == ENXIO && is_fifo(file))
		fd = open_waiting(file, flags & ~(O_CREAT | O_TRUNC));
	if (fd < 0 && errno == ENOENT && mode == SINK_FILE_KEEP)
		return err_set(
			err, ERR_USAGE,
			"%s no longer exists, but results were written to it: restore it, or start over without --resume", file);
	if (fd < 0)
		return open_error(file, errno, err);
	*ret_fd = fd;
	return 0;
}

/* O_NONBLOCK as asked, on a description that is nobody else's. */
static int set_nonblocking(int fd, bool is_nonblocking)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -1;
	return fcntl(fd, F_SETFL, is_nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

/* *fd may become another: a description of our own takes the place of the shared one. */
static int choose_ops(int *fd, bool is_shared, const struct sink_ops **ret_ops)
{
	int kind = descriptor_kind(*fd);
	int own_fd;

	if (kind < 0)
		return -1;
	if (kind == DESCRIPTOR_SOCKET) {
		*ret_ops = &socket_ops;
		return 0;
	}
	if (kind != DESCRIPTOR_PIPE && kind != DESCRIPTOR_TERMINAL) {
		*ret_ops = &plain_ops;
		return is_shared ? 0 : set_nonblocking(*fd, false);
	}
	descriptor_widen(*fd);
	if (!is_shared) {
		*ret_ops = &stream_ops;
		return set_nonblocking(*fd, true);
	}
	own_fd = descriptor_reopen(*fd, O_WRONLY);
	*ret_ops = own_fd < 0 ? &polled_ops : &stream_ops;
	if (own_fd >= 0) {
		close(*fd);
		*fd = own_fd;
	}
	return 0;
}

/* Where results for standard output go once it was diverted; never closed: a later job may have it as its sink. */
static int kept_stdout_fd = -1;

int sink_file_divert_stdout(struct err *err)
{
	if (kept_stdout_fd >= 0)
		return 0;
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return err_set_errno(err, ERR_RESOURCE, errno, "cannot set standard output aside");
	kept_stdout_fd = fd;
	return 0;
}

int sink_file_stdout(void)
{
	return kept_stdout_fd >= 0 ? kept_stdout_fd : STDOUT_FILENO;
}

int64_t sink_file_bytes(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? status.st_size : -1;
}

int sink_file_cut(int fd, uint64_t n_bytes)
{
	int64_t there_bytes = sink_file_bytes(fd);

	if (there_bytes < 0)
		return 0;
	if ((uint64_t)there_bytes == n_bytes) /* its time stays */
		return lseek(fd, (off_t)n_bytes, SEEK_SET) < 0 ? -1 : 0;
	return ftruncate(fd, (off_t)n_bytes) < 0 || lseek(fd, (off_t)n_bytes, SEEK_SET) < 0 ? -1 : 0;
}

/* What somebody else has written behind us, or we can't tell from it, stays. */
int sink_file_take_off(int fd, uint64_t n_bytes)
{
	int64_t there_bytes = sink_file_bytes(fd);
	off_t at = lseek(fd, 0, SEEK_CUR);

	if (there_bytes < 0 || at != there_bytes || (uint64_t)at < n_bytes)
		return -1;
	return sink_file_cut(fd, (uint64_t)at - n_bytes);
}

int sink_file_sync(int fd)
{
	if (fdatasync(fd) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP)
		return 0; /* a pipe, a device */
	return -1;
}

/* By way of the descriptor: the name may be a link, and lead elsewhere by now. */
int sink_file_sync_folder(int fd)
{
	char link[32], file[PATH_MAX];

	if (sink_file_bytes(fd) < 0)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, file, sizeof(file) - 1);
	file[n > 0 ? n : 0] = '\0';
	return file[0] == '/' ? ownfile_sync_folder(file) : 0;
}

int sink_file_open(const struct endpoint *endpoint, const char *name, enum sink_file_mode mode, int *ret_fd,
                   const struct sink_ops **ret_ops, struct err *err)
{
	int shared_fd = endpoint_descriptor(endpoint, STDOUT_FILENO);
	int fd = -1;

	if (shared_fd >= 0) {
		fd = descriptor_share(shared_fd == STDOUT_FILENO ? sink_file_stdout() : shared_fd, O_WRONLY);
		if (fd < 0 && errno == EBADF)
			return err_set(err, ERR_RUN, "cannot write %s: it isn't open for writing", name);
		if (fd < 0)
			return err_set_errno(err, ERR_RESOURCE, errno, "cannot write %s", name);
	} else if (open_file(endpoint->argument, mode, &fd, err) < 0) {
		return -1;
	}
	if (choose_ops(&fd, shared_fd >= 0, ret_ops) < 0) {
		err_set_errno(err, ERR_RUN, errno, "cannot write %s", name);
		close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}
