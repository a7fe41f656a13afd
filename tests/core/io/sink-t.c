/* SPDX-License-Identifier: Apache-2.0 */
/* sink: files, pipes, FIFOs, sockets, terminals; slow readers, readers that leave, disks that are full. */
#include "config.h"

#include "core/io/sink.h"
#include "core/io/sink_file.h"

#include "scratch.h"
#include "tests/refuse.h"
#include "tests/tap.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

static struct err err;

static struct sink *open_named(enum endpoint_kind kind, const char *argument)
{
	struct endpoint endpoint = {.kind = kind, .argument = strdup(argument)};
	struct sink *sink = NULL;

	must(endpoint.argument != NULL);
	err = (struct err){0};
	if (sink_open(&sink, &endpoint, &err) < 0)
		sink = NULL;
	free(endpoint.argument);
	return sink;
}

/* As standard output. */
static struct sink *open_fd(int fd)
{
	int old = scratch_put(fd, STDOUT_FILENO);
	struct sink *sink = open_named(ENDPOINT_LINES, "-");

	scratch_put_back(old, STDOUT_FILENO);
	return sink;
}

static void append(struct sink *sink, const char *text)
{
	must(sink_append(sink, text, strlen(text), &err) == 0);
}

static void fill(struct sink *sink, size_t n_bytes)
{
	char *bytes = calloc(1, n_bytes);

	must(bytes != NULL && sink_append(sink, bytes, n_bytes, &err) == 0);
	free(bytes);
}

static off_t size_of(const char *file)
{
	struct stat status;

	return stat(file, &status) < 0 ? -1 : status.st_size;
}

static void test_file(void)
{
	struct sink *sink;
	char seen[16] = "";
	int fd;

	scratch_write("out", "what was there before", 21);
	sink = open_named(ENDPOINT_NUL, "out");
	is_int(size_of("out"), 0, "file: emptied when opened");
	is_int(sink_delimiter(sink), '\0', "nul: ends with NUL");
	is_str(sink_name(sink), "out", "file: its name");
	is_int(sink_fd(sink), -1, "file: nothing to watch");
	append(sink, "one\n");
	append(sink, "");
	append(sink, "two\n");
	is_int(sink_flush(sink, false, &err), SINK_OK, "file: a little");
	is_int(size_of("out"), 0, "file: waits for more");
	is_int(sink_queued_bytes(sink), 8, "file: and is queued");
	is_int(sink_flush(sink, true, &err), SINK_OK, "file: unless all is asked for");
	is_int(sink_written_bytes(sink), 8, "file: then it is written");
	is_int(sink_queued_bytes(sink), 0, "file: and queued no more");
	fd = open("out", O_RDONLY | O_CLOEXEC);
	must(read(fd, seen, 15) == 8 && close(fd) == 0);
	is_str(seen, "one\ntwo\n", "file: as it is");
	fill(sink, 100000);
	is_int(sink_flush(sink, false, &err), SINK_OK, "file: a block and more");
	is_int(size_of("out"), 100008, "file: is written at once");
	append(sink, "x");
	is_int(sink_finish(sink, &err), -1, "file: finished too early is an error");
	is_str(err.text, "1 bytes for out were never written", "file: not a silent loss");
	sink_close(&sink);
	ok(sink == NULL, "closed is NULL");
}

static void test_refused(void)
{
	struct sink *sink;
	int fd;

	must(mkdir("folder", 0777) == 0);
	ok(open_named(ENDPOINT_LINES, "folder") == NULL, "a folder is refused");
	is_str(err.text, "cannot write folder: it is a directory; give the name of a file", "and what to do");
	ok(open_named(ENDPOINT_LINES, "no/where/out") == NULL, "a missing folder is refused");
	is_str(err.text, "cannot write no/where/out: No such file or directory; does the directory no/where exist?",
	       "by name");
	ok(open_named(ENDPOINT_LINES, "out/x") == NULL, "a file for a folder is refused");
	is_str(err.text, "cannot write out/x: Not a directory", "by name");
	ok(open_named(ENDPOINT_RANGE, "1-2") == NULL, "a range is no sink");
	fd = open("out", O_RDONLY | O_CLOEXEC);
	sink = open_fd(fd);
	ok(sink == NULL, "standard output that is open for reading is refused");
	is_str(err.text, "cannot write standard output: it isn't open for writing", "and why");
	must(close(fd) == 0);
}

static void test_none(void)
{
	struct sink *sink = open_named(ENDPOINT_NONE, "");
	struct buf buf = {0};

	append(sink, "12345");
	must(buf_append(&buf, "678", 3) == 0 && sink_append_buf(sink, &buf, &err) == 0);
	is_int(sink_written_bytes(sink), 8, "none: counts");
	is_int(buf.len, 0, "none: takes a buffer");
	is_int(sink_queued_bytes(sink), 0, "none: keeps nothing");
	is_int(sink_flush(sink, true, &err), SINK_OK, "none: is always done");
	is_int(sink_fd(sink), -1, "none: nothing to watch");
	is_str(sink_name(sink), "none", "none: its name");
	is_int(sink_finish(sink, &err), 0, "none: finishes");
	buf_fini(&buf);
	sink_close(&sink);
}

static void test_buf(void)
{
	struct sink *sink = open_named(ENDPOINT_LINES, "out");
	struct buf buf = {0};
	const char *memory;

	must(buf_append(&buf, "small", 5) == 0);
	memory = buf.bytes;
	is_int(sink_append_buf(sink, &buf, &err), 0, "a small buffer");
	ok(buf.len == 0 && buf.bytes == memory, "is copied and keeps its memory");
	must(buf_reserve(&buf, 300000) == 0);
	memset(buf.bytes, 'b', 300000);
	buf.len = 300000;
	is_int(sink_append_buf(sink, &buf, &err), 0, "a big buffer");
	ok(buf.len == 0 && buf.bytes == NULL && buf.cap == 0, "is taken over");
	append(sink, "end");
	is_int(sink_queued_bytes(sink), 300008, "both are queued");
	is_int(sink_flush(sink, true, &err), SINK_OK, "and written");
	is_int(size_of("out"), 300008, "wholly");
	is_int(sink_finish(sink, &err), 0, "and finished");
	sink_close(&sink);
}

/* ENOSPC, and EFBIG from a limit: said once and for all. */
static void test_full(void)
{
	struct sink *sink = open_named(ENDPOINT_LINES, "/dev/full");
	struct rlimit before, small;

	append(sink, "x\n");
	is_int(sink_flush(sink, true, &err), SINK_FAILED, "/dev/full: fails");
	is_str(err.text, "cannot write /dev/full: No space left on device", "/dev/full: with its name");
	is_int(err.code, ERR_RUN, "/dev/full: an error of the run");
	append(sink, "y\n");
	is_int(sink_queued_bytes(sink), 0, "/dev/full: what comes later is dropped");
	err = (struct err){0};
	is_int(sink_flush(sink, true, &err), SINK_FAILED, "/dev/full: fails again");
	is_str(err.text, "cannot write /dev/full: No space left on device", "/dev/full: in the same way");
	is_int(sink_finish(sink, &err), -1, "/dev/full: to the end");
	sink_close(&sink);

	signal(SIGXFSZ, SIG_IGN);
	must(getrlimit(RLIMIT_FSIZE, &before) == 0);
	small = (struct rlimit){100000, before.rlim_max};
	must(setrlimit(RLIMIT_FSIZE, &small) == 0);
	sink = open_named(ENDPOINT_LINES, "out");
	for (int i = 0; i < 15000; i++)
		append(sink, "0123456789\n");
	is_int(sink_flush(sink, true, &err), SINK_FAILED, "a limit on files: fails");
	must(setrlimit(RLIMIT_FSIZE, &before) == 0);
	is_str(err.text, "cannot write out: File too large", "a limit on files: with the cause");
	is_int(sink_written_bytes(sink), 99990, "a limit on files: the whole lines that fitted are counted");
	is_int(size_of("out"), 99990, "a limit on files: and no more stands there");
	sink_close(&sink);
}

static void is_file(const char *file, const char *want, const char *what)
{
	char seen[256];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, seen, sizeof(seen));

	must(n >= 0 && close(fd) == 0);
	is_mem(seen, (size_t)n, want, strlen(want), "%s", what);
}

static int reopen(struct sink **ret, uint64_t n_bytes, bool is_all)
{
	static char name[] = "out";
	struct endpoint endpoint = {.kind = ENDPOINT_LINES, .argument = name};

	err = (struct err){0};
	*ret = NULL;
	return sink_reopen(ret, &endpoint, n_bytes, is_all, &err);
}

/* What an earlier run has written is gone on from, and only that. */
static void test_reopen(void)
{
	static const struct {
		uint64_t n_bytes; /* that were written; "one\ntwo\n" is there */
		bool is_all;
		const char *want; /* what comes of it when "end\n" is written; NULL: it is refused */
	} cases[] = {
		{8, true, "one\ntwo\nend\n"},
		{8, false, "one\ntwo\nend\n"},
		{4, false, "one\nend\n"},
		{0, false, "end\n"},
		{9, false, NULL},
		{9, true, NULL},
		{4, true, NULL},
		{0, true, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sink *sink;

		scratch_write("out", "one\ntwo\n", 8);
		is_int(reopen(&sink, cases[i].n_bytes, cases[i].is_all), cases[i].want != NULL ? 0 : -1,
		       "8 bytes are there, %d were written%s", (int)cases[i].n_bytes, cases[i].is_all ? ", no more" : "");
		is_file("out", "one\ntwo\n", "it is as it was");
		if (cases[i].want == NULL)
			ok(err.code == ERR_USAGE && strstr(err.text, "it has changed since") != NULL, "refused: %s", err.text);
		if (cases[i].want == NULL || sink == NULL) {
			sink_close(&sink);
			continue;
		}
		is_int(sink_cut(sink, &err), 0, "what was written behind is cut off");
		append(sink, "end\n");
		is_int(sink_flush(sink, true, &err), SINK_OK, "and it is gone on with");
		is_int(sink_written_bytes(sink), (long long)cases[i].n_bytes + 4, "counted with what was there");
		is_file("out", cases[i].want, "behind what is there");
		sink_close(&sink);
	}
}

/* The digest is of the output, however its pieces came. */
static void test_digest(void)
{
	struct sink *sink = open_named(ENDPOINT_LINES, "out");
	struct digest_state digest, want;
	struct buf buf = {0};

	digest_init(&digest);
	digest_init(&want);
	append(sink, "before\n");
	sink_keep_digest(sink, &digest);
	for (size_t n_bytes = 5; n_bytes < 1000000; n_bytes *= 20) {
		must(buf_reserve(&buf, n_bytes) == 0);
		memset(buf.bytes, 'd', n_bytes);
		buf.len = n_bytes;
		digest_add(&want, buf.bytes, n_bytes);
		must(sink_append(sink, buf.bytes, n_bytes, &err) == 0);
		ok(digest_is_equal(digest_value(&digest), digest_value(&want)), "digest: %zu bytes", n_bytes);
		digest_add(&want, buf.bytes, n_bytes);
		must(sink_append_buf(sink, &buf, &err) == 0);
		ok(digest_is_equal(digest_value(&digest), digest_value(&want)), "digest: a buffer of as many");
	}
	buf_fini(&buf);
	sink_close(&sink);
}

/* A torn line is ours to take off only while we stand at the end of a file. */
static void test_take_off(void)
{
	int fd, other, fds[2];

	scratch_write("out", "", 0);
	fd = open("out", O_WRONLY | O_CLOEXEC);
	other = open("out", O_WRONLY | O_APPEND | O_CLOEXEC);
	must(fd >= 0 && other >= 0 && write(fd, "one\ntw", 6) == 6);
	is_int(sink_file_take_off(fd, 7), -1, "more than there is isn't taken off");
	is_int(sink_file_take_off(fd, 2), 0, "a torn line is");
	is_file("out", "one\n", "the whole one stays");
	must(write(fd, "tw", 2) == 2 && write(other, "theirs\n", 7) == 7);
	is_int(sink_file_take_off(fd, 2), -1, "not when somebody has written behind it");
	is_file("out", "one\ntwtheirs\n", "whose line stays");
	must(pipe2(fds, O_CLOEXEC) == 0);
	is_int(sink_file_take_off(fds[1], 0), -1, "nor off a pipe");
	must(close(fd) == 0 && close(other) == 0 && close(fds[0]) == 0 && close(fds[1]) == 0);
}

/* First the output, then the folder that has its name, once. */
static void test_sync(void)
{
	struct sink *sink = open_named(ENDPOINT_LINES, "out");
	char in_folder[TAP_PATH_BYTES + 8];

	snprintf(in_folder, sizeof(in_folder), "fsync %s\n", strrchr(scratch_path, '/') + 1);
	append(sink, "one\n");
	must(sink_flush(sink, true, &err) == SINK_OK);
	refuse_call("none", 1, 0);
	is_int(sink_sync(sink, &err), 0, "sync");
	ok(refuse_comes_before("fdatasync out\n", in_folder), "sync: the file, then its folder");
	refuse_call("none", 1, 0);
	is_int(sink_sync(sink, &err), 0, "sync: again");
	ok(strstr(refusal.order, "fdatasync out\n") != NULL && strstr(refusal.order, "fsync ") == NULL,
	   "sync: its name lasts by now");
	sink_close(&sink);
}

/* The disk fails a step: said, with the name of the output. */
static void test_disk_fails(void)
{
	static const struct {
		const char *call;
		int errnum;
		const char *why; /* NULL: it is no failure */
	} cases[] = {
		{"fdatasync", EIO, "cannot write out: Input/output error"},
		{"fdatasync", ENOSPC, "cannot write out: No space left on device"},
		{"fdatasync", EINVAL, NULL}, /* nothing that can be synced */
		{"fsync", EIO, "cannot sync the directory of out: Input/output error"},
		{"fsync", EINVAL, NULL},
		{"close", EIO, "cannot write out: Input/output error"},
		{"close", EDQUOT, "cannot write out: Disk quota exceeded"},
		{"close", EINTR, NULL},
		{"writev", EIO, "cannot write out: Input/output error"},
		{"writev", EINTR, NULL},
		{"writev", 0, "cannot write out: Input/output error"}, /* takes nothing, and doesn't say why */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sink *sink = open_named(ENDPOINT_LINES, "out");
		bool is_done;

		append(sink, "one\n");
		/* the folder's own descriptor is closed, too */
		if (strcmp(cases[i].call, "close") != 0)
			refuse_call(cases[i].call, 1, cases[i].errnum);
		is_done = sink_flush(sink, true, &err) == SINK_OK && sink_sync(sink, &err) == 0;
		if (strcmp(cases[i].call, "close") == 0)
			refuse_call(cases[i].call, 1, cases[i].errnum);
		is_done = is_done && sink_finish(sink, &err) == 0;
		ok(refuse_end(), "%s is refused (%s)", cases[i].call, strerror(cases[i].errnum));
		is_int(is_done, cases[i].why == NULL, "what was promised is so");
		if (cases[i].why != NULL)
			is_str(err.text, cases[i].why, "and told");
		sink_close(&sink);
	}
}

static void test_cut_fails(void)
{
	struct sink *sink;

	scratch_write("out", "one\ntwo\n", 8);
	must(reopen(&sink, 4, false) == 0);
	refuse_call("ftruncate", 1, EIO);
	is_int(sink_cut(sink, &err), -1, "an output that can't be cut");
	ok(refuse_end(), "was to be");
	is_str(err.text, "cannot truncate out to 4 bytes: Input/output error", "and told");
	is_file("out", "one\ntwo\n", "is as it was");
	sink_close(&sink);
}

/* Reads up to n_bytes that are there or coming. */
static size_t read_some(int fd, char *dest, size_t n_bytes)
{
	struct pollfd watched = {.fd = fd, .events = POLLIN};
	ssize_t n;

	must(poll(&watched, 1, SCRATCH_WAIT_MS) == 1);
	n = read(fd, dest, n_bytes);
	must(n >= 0);
	return (size_t)n;
}

/* A reader that takes nothing for a while, then all, then leaves. */
static void test_stream(const char *name, int write_fd, int read_fd)
{
	static char sunk[1 << 16];
	int flags = fcntl(write_fd, F_GETFL);
	struct sink *sink = open_fd(write_fd);
	struct pollfd watched;
	uint64_t n_read = 0;

	if (!ok(sink != NULL, "%s: opens", name)) {
		diag("%s", err.text);
		return;
	}
	fill(sink, 3 << 20);
	ok(sink_is_full(sink), "%s: 3 MiB are a full queue", name);
	is_int(sink_flush(sink, false, &err), SINK_WAIT, "%s: nobody reads, nothing blocks", name);
	is_int(sink_written_bytes(sink) + sink_queued_bytes(sink), 3 << 20, "%s: nothing is lost", name);
	watched = (struct pollfd){.fd = sink_fd(sink), .events = POLLOUT};
	is_int(poll(&watched, 1, 0), 0, "%s: the descriptor isn't ready", name);
	is_int(fcntl(write_fd, F_GETFL), flags, "%s: the shared description is as it was", name);
	while (n_read < 3 << 20) {
		n_read += read_some(read_fd, sunk, sizeof(sunk));
		sink_flush(sink, true, &err);
	}
	is_int(sink_flush(sink, true, &err), SINK_OK, "%s: all is taken", name);
	ok(!sink_is_full(sink), "%s: and the queue is empty", name);
	is_int(n_read, 3 << 20, "%s: every byte has come", name);
	is_int(sink_look(sink), SINK_OK, "%s: the reader is there", name);
	must(close(read_fd) == 0);
	append(sink, "x");
	is_int(sink_flush(sink, true, &err), SINK_GONE, "%s: the reader has left", name);
	append(sink, "y");
	is_int(sink_queued_bytes(sink), 0, "%s: what comes later is dropped", name);
	is_int(sink_flush(sink, true, &err), SINK_GONE, "%s: for ever", name);
	is_int(sink_finish(sink, &err), 0, "%s: which is no error", name);
	sink_close(&sink);
	must(close(write_fd) == 0);
}

static void test_streams(void)
{
	int fds[2];

	must(pipe2(fds, O_CLOEXEC) == 0);
	test_stream("pipe", fds[1], fds[0]);
	must(mkfifo("fifo", 0600) == 0);
	fds[0] = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	fds[1] = open("fifo", O_WRONLY | O_CLOEXEC);
	must(fds[0] >= 0 && fds[1] >= 0);
	test_stream("FIFO", fds[1], fds[0]);
	/* A signal would end this test. */
	signal(SIGPIPE, SIG_DFL);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	test_stream("socket", fds[1], fds[0]);
	signal(SIGPIPE, SIG_IGN);
	if (geteuid() != 0) {
		skip("only root can stand in for two users");
		return;
	}
	must(pipe2(fds, O_CLOEXEC) == 0 && seteuid(65534) == 0);
	test_stream("another user's pipe", fds[1], fds[0]);
	must(seteuid(0) == 0);
}

/* A reader that leaves while nothing is to be written. */
static void test_look(void)
{
	struct sink *sink;
	int fds[2];

	must(pipe2(fds, O_CLOEXEC) == 0);
	sink = open_fd(fds[1]);
	is_int(sink_look(sink), SINK_OK, "look: the reader is there");
	must(close(fds[0]) == 0 && close(fds[1]) == 0);
	is_int(sink_look(sink), SINK_GONE, "look: the reader has left");
	is_int(sink_flush(sink, true, &err), SINK_GONE, "look: flush knows it too");
	sink_close(&sink);
	sink = open_named(ENDPOINT_LINES, "out");
	is_int(sink_look(sink), SINK_OK, "look: a file stays");
	sink_close(&sink);
}

/* What flush(all) has promised goes out with the next flush, even when that isn't for all. */
static void test_due(void)
{
	static char sunk[1 << 20];
	struct sink *sink;
	uint64_t n_read = 0;
	int fds[2], n_bytes;

	must(pipe2(fds, O_CLOEXEC) == 0);
	sink = open_fd(fds[1]);
	n_bytes = fcntl(fds[1], F_GETPIPE_SZ) + 30000;
	fill(sink, (size_t)n_bytes);
	is_int(sink_flush(sink, true, &err), SINK_WAIT, "due: a full pipe");
	ok(sink_queued_bytes(sink) < 64 * 1024, "due: less than a block is left");
	while (n_read < sink_written_bytes(sink))
		n_read += read_some(fds[0], sunk, sizeof(sunk));
	is_int(sink_flush(sink, false, &err), SINK_OK, "due: it goes on");
	is_int(sink_written_bytes(sink), n_bytes, "due: to the end");
	sink_close(&sink);
	must(close(fds[0]) == 0 && close(fds[1]) == 0);
}

/* Much at once is written before it is asked for; what it finds is told when it is. */
static void test_large(void)
{
	struct sink *sink = open_named(ENDPOINT_LINES, "out");
	int fds[2], n_bytes;

	append(sink, "first\n");
	fill(sink, 100000);
	is_int(size_of("out"), 100006, "much: is written at once, what was queued before it");
	is_int(sink_queued_bytes(sink), 0, "much: nothing is queued");
	is_int(sink_written_bytes(sink), 100006, "much: and all is counted");
	sink_close(&sink);

	must(pipe2(fds, O_CLOEXEC) == 0);
	sink = open_fd(fds[1]);
	n_bytes = fcntl(fds[1], F_GETPIPE_SZ);
	fill(sink, (size_t)n_bytes + 1000);
	is_int(sink_queued_bytes(sink), 1000, "much: what doesn't fit is queued");
	must(close(fds[0]) == 0 && close(fds[1]) == 0);
	fill(sink, 100000);
	is_int(sink_flush(sink, false, &err), SINK_GONE, "much: its reader has left");
	is_int(sink_queued_bytes(sink), 0, "much: nothing waits for it");
	fill(sink, 100000);
	is_int(sink_flush(sink, false, &err), SINK_GONE, "much: for ever");
	sink_close(&sink);

	sink = open_named(ENDPOINT_LINES, "/dev/full");
	fill(sink, 100000);
	is_int(sink_flush(sink, false, &err), SINK_FAILED, "much: a full disk");
	is_str(err.text, "cannot write /dev/full: No space left on device", "much: by name");
	is_int(sink_finish(sink, &err), -1, "much: which stays an error");
	sink_close(&sink);
}

/* Pieces of all sizes against a reader of all sizes: the bytes come in order, each once. */
static void test_random(void)
{
	unsigned seed = (unsigned)time(NULL) ^ (unsigned)getpid();
	static char piece[200000], seen[100000];
	unsigned char next_in = 0, next_out = 0;
	uint64_t n_in = 0, n_out = 0;
	bool is_same = true;
	struct sink *sink;
	int fds[2];

	diag("seed %u", seed);
	srand(seed);
	must(pipe2(fds, O_CLOEXEC) == 0);
	sink = open_fd(fds[1]);
	for (int round = 0; round < 2000; round++) {
		size_t n_bytes = (size_t)rand() % (rand() % 10 == 0 ? sizeof(piece) : 300);
		bool is_last = round == 1999;
		struct buf buf = {0};

		for (size_t i = 0; i < n_bytes; i++)
			piece[i] = (char)next_in++;
		n_in += n_bytes;
		if (rand() % 2 == 0) {
			must(buf_append(&buf, piece, n_bytes) == 0 && sink_append_buf(sink, &buf, &err) == 0);
			buf_fini(&buf);
		} else {
			must(sink_append(sink, piece, n_bytes, &err) == 0);
		}
		must(sink_flush(sink, is_last || rand() % 3 == 0, &err) != SINK_FAILED);
		while (is_last ? n_out < n_in : sink_written_bytes(sink) - n_out > 30000) {
			size_t n_seen = read_some(fds[0], seen, 1 + (size_t)rand() % sizeof(seen));

			for (size_t i = 0; i < n_seen; i++)
				is_same = is_same && (unsigned char)seen[i] == next_out++;
			n_out += n_seen;
			must(sink_flush(sink, is_last, &err) != SINK_FAILED);
		}
	}
	ok(is_same, "random pieces: every byte in its place");
	is_int(n_out, n_in, "random pieces: all of them");
	is_int(sink_queued_bytes(sink), 0, "random pieces: none left");
	sink_close(&sink);
	must(close(fds[0]) == 0 && close(fds[1]) == 0);
}

static void test_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char seen[16] = "";
	struct sink *sink;

	/* a root without /dev/pts */
	if (master < 0) {
		skip("no terminal is to be had");
		return;
	}
	must(grantpt(master) == 0 && unlockpt(master) == 0);
	sink = open_named(ENDPOINT_LINES, ptsname(master));
	append(sink, "hello\n");
	is_int(sink_flush(sink, true, &err), SINK_OK, "terminal: written");
	while (strchr(seen, '\n') == NULL && strlen(seen) < 10)
		must(read_some(master, seen + strlen(seen), 5) > 0);
	is_str(seen, "hello\r\n", "terminal: shown");
	fill(sink, 1 << 20);
	is_int(sink_flush(sink, true, &err), SINK_WAIT, "terminal: one that stands still doesn't block");
	sink_close(&sink);
	must(close(master) == 0);
}

/* Opening waits for a reader; a signal that would end the run gets through although the loop has it blocked. */
static void test_fifo_by_name(void)
{
	char seen[16] = "";
	struct sink *sink;
	sigset_t set, before;
	int status;
	pid_t pid;

	must(unlink("fifo") == 0 && mkfifo("fifo", 0600) == 0);
	pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		int fd = open("fifo", O_RDONLY | O_CLOEXEC);
		size_t n_seen = 0;
		ssize_t n;

		while ((n = read(fd, seen + n_seen, sizeof(seen) - n_seen)) > 0)
			n_seen += (size_t)n;
		_exit(n_seen == 3 && memcmp(seen, "hi\n", 3) == 0 ? 0 : 1);
	}
	sink = open_named(ENDPOINT_LINES, "fifo");
	append(sink, "hi\n");
	is_int(sink_flush(sink, true, &err), SINK_OK, "FIFO by name: written");
	ok(sink_fd(sink) >= 0 && (fcntl(sink_fd(sink), F_GETFL) & O_NONBLOCK) != 0, "FIFO by name: never blocks later");
	sink_close(&sink);
	must(waitpid(pid, &status, 0) == pid);
	is_int(status, 0, "FIFO by name: read");

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	must(sigprocmask(SIG_BLOCK, &set, &before) == 0);
	pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		signal(SIGINT, SIG_DFL);
		open_named(ENDPOINT_LINES, "fifo");
		_exit(1);
	}
	must(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
	must(kill(pid, SIGINT) == 0 && waitpid(pid, &status, 0) == pid);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT, "FIFO by name: INT ends the waiting");
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	scratch_enter();
	test_file();
	test_refused();
	test_none();
	test_buf();
	test_full();
	test_reopen();
	test_digest();
	test_take_off();
	test_sync();
	test_disk_fails();
	test_cut_fails();
	test_streams();
	test_look();
	test_due();
	test_large();
	test_random();
	test_terminal();
	test_fifo_by_name();
	scratch_leave();
	return tap_done();
}
