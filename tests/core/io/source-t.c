/* SPDX-License-Identifier: Apache-2.0 */
/* source: ranges, files, and all that may keep a reader waiting: pipes, FIFOs, sockets, terminals. */
#include "config.h"

#include "core/io/source.h"

#include "scratch.h"
#include "tests/tap.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static struct err err;

/* The library's, but that it can fail. */
static bool fails_seeking;

off_t lseek(int fd, off_t at, int whence)
{
	if (fails_seeking && whence == SEEK_SET) {
		errno = EIO;
		return -1;
	}
	return (off_t)syscall(SYS_lseek, fd, at, whence);
}

static struct source *open_named(enum endpoint_kind kind, const char *argument)
{
	struct endpoint endpoint = {.kind = kind, .argument = strdup(argument)};
	struct source *source = NULL;

	must(endpoint.argument != NULL);
	err = (struct err){0};
	if (source_open(&source, &endpoint, &err) < 0)
		source = NULL;
	free(endpoint.argument);
	return source;
}

/* As standard input. */
static struct source *open_fd(int fd)
{
	int old = scratch_put(fd, STDIN_FILENO);
	struct source *source = open_named(ENDPOINT_LINES, "-");

	scratch_put_back(old, STDIN_FILENO);
	return source;
}

static ssize_t read_now(struct source *source, char bytes[16])
{
	memset(bytes, 0, 16);
	return source_read(source, bytes, 15, &err);
}

static void is_drained(struct source *source, size_t room_bytes, const char *want, const char *name)
{
	struct buf seen = {0};

	is_int(scratch_drain(source, room_bytes, &seen, &err), SOURCE_END, "%s: it ends", name);
	is_mem(seen.len > 0 ? seen.bytes : "", seen.len, want, strlen(want), "%s: its bytes", name);
	is_int(source_head(source)->read_bytes, (long long)strlen(want), "%s: they are counted", name);
	buf_fini(&seen);
}

static void test_range(void)
{
	static const struct {
		int64_t first, last, step;
		const char *want;
		int64_t total;
	} rows[] = {
		{1, 3, 1, "1\n2\n3\n", 3},
		{3, 1, -1, "3\n2\n1\n", 3},
		{5, 5, 1, "5\n", 1},
		{5, 5, -1, "5\n", 1},
		{3, 1, 1, "", 0},
		{1, 3, -1, "", 0},
		{0, 10, 4, "0\n4\n8\n", 3},
		{10, 0, -4, "10\n6\n2\n", 3},
		{-2, 1, 1, "-2\n-1\n0\n1\n", 4},
		{9, 10, 100, "9\n", 1},
		{INT64_MAX - 1, INT64_MAX, 1, "9223372036854775806\n9223372036854775807\n", 2},
		{INT64_MIN + 1, INT64_MIN, -1, "-9223372036854775807\n-9223372036854775808\n", 2},
		{INT64_MIN, INT64_MAX, INT64_MAX, "-9223372036854775808\n-1\n9223372036854775806\n", 3},
		{INT64_MAX, INT64_MIN, INT64_MIN, "9223372036854775807\n-1\n", 2},
		{INT64_MIN, INT64_MIN, INT64_MIN, "-9223372036854775808\n", 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t room_bytes = 1; room_bytes < 100; room_bytes += 33) {
			struct endpoint endpoint = {.kind = ENDPOINT_RANGE,
			                            .first = rows[i].first,
			                            .last = rows[i].last,
			                            .step = rows[i].step};
			struct source *source = NULL;
			char argument[] = "FIRST-LAST", name[40];

			endpoint.argument = argument;
			must(source_open(&source, &endpoint, &err) == 0);
			is_int(source_head(source)->total_items, rows[i].total, "range %zu: items known beforehand", i);
			snprintf(name, sizeof(name), "range %zu by %zu bytes", i, room_bytes);
			is_drained(source, room_bytes, rows[i].want, name);
			source_close(&source);
		}
	}
}

static void test_range_ends(void)
{
	struct endpoint endpoint = {.kind = ENDPOINT_RANGE, .first = INT64_MIN, .last = INT64_MAX, .step = 1};
	struct source *source = NULL;
	char argument[] = "all", bytes[16];

	endpoint.argument = argument;
	must(source_open(&source, &endpoint, &err) == 0);
	is_int(source_head(source)->total_items, -1, "2^64 items are too many to be known");
	is_str(source_head(source)->name, "range:all", "a range's name");
	is_int(source_head(source)->fd, -1, "a range never waits");
	is_int(read_now(source, bytes), 15, "it begins");
	is_str(bytes, "-92233720368547", "with the smallest number");
	source_close(&source);
	ok(source == NULL, "closed is NULL");
	endpoint.step = 0;
	is_int(source_open(&source, &endpoint, &err), -1, "a step of 0 is refused");
}

static void test_regular(void)
{
	struct source *source;
	int fd;

	scratch_write("words", "one\ntwo\nthree", 13);
	source = open_named(ENDPOINT_LINES, "words");
	is_int(source_head(source)->total_bytes, 13, "a file's size is known");
	is_int(source_head(source)->fd, -1, "a file never waits");
	is_int(source_head(source)->delimiter, '\n', "lines end with a newline");
	is_str(source_head(source)->name, "words", "a file's name");
	is_drained(source, 5, "one\ntwo\nthree", "a file");
	source_close(&source);

	source = open_named(ENDPOINT_NUL, "words");
	is_int(source_head(source)->delimiter, '\0', "nul: items end with NUL");
	source_close(&source);

	fd = open("words", O_RDONLY | O_CLOEXEC);
	must(fd >= 0 && lseek(fd, 4, SEEK_SET) == 4);
	source = open_fd(fd);
	is_str(source_head(source)->name, "standard input", "standard input's name");
	is_int(source_head(source)->total_bytes, 9, "standard input counts from where it stands");
	is_drained(source, 100, "two\nthree", "positioned standard input");
	is_int(lseek(fd, 0, SEEK_CUR), 13, "and moves on for all who share it");
	source_close(&source);
	must(close(fd) == 0);

	source = open_named(ENDPOINT_LINES, "/proc/self/stat");
	is_int(source_head(source)->total_bytes, -1, "a size of 0 isn't believed");
	source_close(&source);
	source = open_named(ENDPOINT_LINES, "/dev/null");
	is_drained(source, 100, "", "/dev/null");
	source_close(&source);
}

static void test_refused(void)
{
	int pipe_fds[2];
	int old;

	must(mkdir("folder", 0777) == 0 && pipe2(pipe_fds, O_CLOEXEC) == 0);
	ok(open_named(ENDPOINT_LINES, "folder") == NULL, "a folder is refused");
	is_str(err.text, "cannot read folder: it is a directory; for the files in it use 'files:folder/*'",
	       "and what to do");
	ok(open_named(ENDPOINT_LINES, "missing") == NULL, "a missing file is refused");
	is_str(err.text, "cannot read missing: No such file or directory", "by name");
	ok(open_named(ENDPOINT_NONE, "") == NULL, "none is no source");
	ok(open_fd(pipe_fds[1]) == NULL, "the writing end of a pipe as standard input is refused");
	is_str(err.text, "cannot read standard input: it isn't open for reading", "and why");
	old = scratch_put(pipe_fds[0], STDIN_FILENO);
	must(close(STDIN_FILENO) == 0);
	ok(open_named(ENDPOINT_LINES, "-") == NULL, "closed standard input is refused");
	is_int(err.code, ERR_RUN, "with an error of the run");
	scratch_put_back(old, STDIN_FILENO);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* What is to be read from: bytes written to the other end come, nothing blocks, the shared flags stay. */
static void test_stream(const char *name, int read_fd, int write_fd)
{
	int flags = fcntl(read_fd, F_GETFL);
	struct source *source = open_fd(read_fd);
	struct pollfd watched;
	char bytes[16];

	if (!ok(source != NULL, "%s: opens", name)) {
		diag("%s", err.text);
		return;
	}
	is_int(read_now(source, bytes), SOURCE_WAIT, "%s: nothing yet", name);
	watched = (struct pollfd){.fd = source_head(source)->fd, .events = POLLIN};
	is_int(poll(&watched, 1, 0), 0, "%s: the descriptor isn't ready", name);
	must(write(write_fd, "one\n", 4) == 4);
	is_int(poll(&watched, 1, SCRATCH_WAIT_MS), 1, "%s: bytes make it ready", name);
	is_int(read_now(source, bytes), 4, "%s: they come", name);
	is_str(bytes, "one\n", "%s: as they are", name);
	is_int(read_now(source, bytes), SOURCE_WAIT, "%s: nothing again", name);
	is_int(fcntl(read_fd, F_GETFL), flags, "%s: the shared description is as it was", name);
	must(isatty(write_fd) ? write(write_fd, "\004", 1) == 1 : close(write_fd) == 0);
	if (isatty(write_fd))
		must(poll(&watched, 1, SCRATCH_WAIT_MS) == 1);
	is_int(read_now(source, bytes), SOURCE_END, "%s: the end", name);
	source_close(&source);
	must(close(read_fd) == 0);
}

/* false, and skipped: none is to be had, as in a root without /dev/pts. */
static bool open_terminal(int *ret_master, int *ret_slave)
{
	*ret_master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*ret_master < 0) {
		skip("no terminal is to be had");
		return false;
	}
	must(grantpt(*ret_master) == 0 && unlockpt(*ret_master) == 0);
	*ret_slave = open(ptsname(*ret_master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	must(*ret_slave >= 0);
	return true;
}

static void test_streams(void)
{
	int fds[2], keep_fd;

	must(pipe2(fds, O_CLOEXEC) == 0);
	test_stream("pipe", fds[0], fds[1]);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	test_stream("socket", fds[0], fds[1]);
	must(mkfifo("fifo", 0600) == 0);
	fds[0] = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	fds[1] = open("fifo", O_WRONLY | O_CLOEXEC);
	must(fds[0] >= 0 && fds[1] >= 0 && fcntl(fds[0], F_SETFL, 0) == 0);
	test_stream("FIFO", fds[0], fds[1]);
	must(unlink("fifo") == 0);
	if (!open_terminal(&fds[1], &fds[0]))
		return;
	keep_fd = fds[1];
	test_stream("terminal", fds[0], fds[1]);
	must(close(keep_fd) == 0);
}

/* The master can't be opened again: that would make another terminal. */
static void test_master(void)
{
	struct source *source;
	int master, slave;
	char bytes[16];
	char seen[32] = "";

	if (!open_terminal(&master, &slave))
		return;
	source = open_fd(master);
	is_int(read_now(source, bytes), SOURCE_WAIT, "terminal's master: nothing yet, and no blocking");
	must(write(slave, "hi\n", 3) == 3);
	while (strchr(seen, '\n') == NULL && strlen(seen) < sizeof(bytes)) {
		struct pollfd watched = {.fd = source_head(source)->fd, .events = POLLIN};

		must(poll(&watched, 1, SCRATCH_WAIT_MS) == 1 && read_now(source, bytes) > 0);
		strcat(seen, bytes);
	}
	is_str(seen, "hi\r\n", "terminal's master: what was written to the terminal, as it shows it");
	source_close(&source);
	must(close(master) == 0 && close(slave) == 0);
}

/* Somebody else's pipe can't be opened again. */
static void test_foreign_pipe(void)
{
	int fds[2];

	if (geteuid() != 0) {
		skip("only root can stand in for two users");
		return;
	}
	must(pipe2(fds, O_CLOEXEC) == 0 && seteuid(65534) == 0);
	test_stream("another user's pipe", fds[0], fds[1]);
	must(seteuid(0) == 0);
}

static void test_fifo_by_name(void)
{
	struct source *source;
	char bytes[16];
	int fd;

	must(mkfifo("fifo", 0600) == 0);
	source = open_named(ENDPOINT_LINES, "fifo");
	is_int(read_now(source, bytes), SOURCE_WAIT, "FIFO by name: no writer yet is no end");
	fd = open("fifo", O_WRONLY | O_CLOEXEC);
	is_int(read_now(source, bytes), SOURCE_WAIT, "FIFO by name: a writer that has said nothing");
	must(write(fd, "a\n", 2) == 2);
	is_int(read_now(source, bytes), 2, "FIFO by name: bytes");
	must(close(fd) == 0);
	is_int(read_now(source, bytes), SOURCE_WAIT, "FIFO by name: it gave all it had: it is waited for, not read");
	is_int(read_now(source, bytes), SOURCE_END, "FIFO by name: the writer is gone");
	source_close(&source);

	source = open_named(ENDPOINT_LINES, "fifo");
	fd = open("fifo", O_WRONLY | O_CLOEXEC);
	must(fd >= 0 && close(fd) == 0);
	is_int(read_now(source, bytes), SOURCE_END, "FIFO by name: a writer that came and went without a word");
	source_close(&source);

	source = open_named(ENDPOINT_LINES, "fifo");
	fd = open("fifo", O_WRONLY | O_CLOEXEC);
	must(fd >= 0 && write(fd, "b\n", 2) == 2 && close(fd) == 0);
	is_drained(source, 100, "b\n", "FIFO by name, a writer that came and went");
	source_close(&source);
	must(unlink("fifo") == 0);
}

/* As of `rota map upper < fifo` when the writer was quicker: it is gone before we open the FIFO again. */
static void test_fifo_writer_gone(void)
{
	static const char *const texts[] = {"", "late\n"};

	must(mkfifo("fifo", 0600) == 0);
	for (int i = 0; i < 2; i++) {
		int fd = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		int write_fd = open("fifo", O_WRONLY | O_CLOEXEC);
		struct source *source;

		must(fd >= 0 && fcntl(fd, F_SETFL, 0) == 0);
		must(write(write_fd, texts[i], strlen(texts[i])) == (ssize_t)strlen(texts[i]) && close(write_fd) == 0);
		source = open_fd(fd);
		is_drained(source, 100, texts[i], "standard input from a FIFO whose writer has gone");
		source_close(&source);
		must(close(fd) == 0);
	}
	must(unlink("fifo") == 0);
}

/* Process substitution: /dev/fd/N is a pipe by name. */
static void test_pipe_by_name(void)
{
	struct source *source;
	char name[40];
	int fds[2];

	must(pipe2(fds, O_CLOEXEC) == 0 && write(fds[1], "x\n", 2) == 2 && close(fds[1]) == 0);
	snprintf(name, sizeof(name), "/dev/fd/%d", fds[0]);
	source = open_named(ENDPOINT_LINES, name);
	is_drained(source, 100, "x\n", "a pipe by the name of /dev/fd/N");
	source_close(&source);
	must(close(fds[0]) == 0);
}

static void test_seek_fails(void)
{
	char path[TAP_PATH_BYTES], text[16];
	tap_template(path, "seek");
	int fd = mkostemp(path, O_CLOEXEC);
	must(fd >= 0 && write(fd, "a\nb\n", 4) == 4 && close(fd) == 0);
	fails_seeking = true;
	struct source *source = open_named(ENDPOINT_LINES, path);
	fails_seeking = false;
	ok(source && source_head(source)->total_bytes == 4, "its size is known without moving in it");
	is_int(source ? source_read(source, text, sizeof(text), &err) : -1, 4, "a seek that fails loses no items");
	source_close(&source);
	unlink(path);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	scratch_enter();
	test_range();
	test_range_ends();
	test_regular();
	test_refused();
	test_seek_fails();
	test_streams();
	test_master();
	test_foreign_pipe();
	test_fifo_by_name();
	test_fifo_writer_gone();
	test_pipe_by_name();
	scratch_leave();
	return tap_done();
}
