/* SPDX-License-Identifier: Apache-2.0 */
/* log: the lines as they arrive on standard error, which is turned into a pipe for each case. */
#include "config.h"

#include "core/base/log.h"

#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

static int real_stderr;
static int pipe_end;

/* From here on standard error goes into a socket pair of packets: one write(2) is one packet. */
static void capture(void)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 || dup2(ends[1], 2) < 0)
		abort();
	close(ends[1]);
	pipe_end = ends[0];
}

/* What the next write(2) wrote; "" when there was none. */
static const char *written(void)
{
	static char text[20000];
	ssize_t n = recv(pipe_end, text, sizeof(text) - 1, MSG_DONTWAIT);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void release(void)
{
	if (dup2(real_stderr, 2) < 0)
		abort();
	close(pipe_end);
}

static void say_all(void)
{
	log_error("e%d", 1);
	log_warning("w%d", 2);
	log_notice("n%d", 3);
	log_detail("d%d", 4);
	log_debug("b%d", 5);
	log_raw("|", 1);
}

static void test_levels(void)
{
	static const char *const lines[] = {"rota: e1\n", "rota: warning: w2\n", "rota: n3\n", "rota: d4\n", "rota: b5\n"};
	static const size_t n_lines[] = {[LOG_QUIET] = 1, [LOG_NORMAL] = 3, [LOG_VERBOSE] = 4, [LOG_DEBUG] = 5};
	capture();
	is_int(log_level(), LOG_NORMAL, "normal before log_init");
	for (enum log_level level = LOG_QUIET; level <= LOG_DEBUG; level++) {
		log_init(level);
		is_int(log_level(), level, "the level that was set");
		say_all();
		for (size_t i = 0; i < n_lines[level]; i++)
			is_str(written(), lines[i], "level %d, line %zu", (int)level, i + 1);
		is_str(written(), "|", "level %d: and no line more", (int)level);
	}
	log_init(LOG_NORMAL);
	release();
}

static void test_texts(void)
{
	static char name[9001], want[9100];
	memset(name, 'n', sizeof(name) - 1);
	capture();
	log_notice("a\nb\rc\x1b[31md\x7f\te");
	is_str(written(), "rota: a\\x0ab\\x0dc\\x1b[31md\\x7f\te\n", "control bytes are shown, a tab stays");
	log_notice("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xe9");
	is_str(written(), "rota: caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xe9\n", "other bytes pass, UTF-8 or not");
	log_notice("\xc2\x9b \x9b \xe2\x80\xae");
	is_str(written(), "rota: \\xc2\\x9b \\x9b \\xe2\\x80\\xae\n", "what steers a terminal is shown");
	log_notice("%s", name);
	snprintf(want, sizeof(want), "rota: %s\n", name);
	is_str(written(), want, "a long line is one write");
	log_notice("%s", "");
	is_str(written(), "rota: \n", "an empty text");
	log_relay("job[2]", "oh\0no\x1b\r\n", 8);
	is_str(written(), "job[2]: oh\\x00no\\x1b\n", "relay: tag, control bytes, no newline of its own");
	log_relay("t", NULL, 0);
	is_str(written(), "t: \n", "relay: nothing");
	errno = EDOM;
	log_notice("x");
	is_int(errno, EDOM, "errno is kept");
	release();
}

static void wipe(void *arg)
{
	log_raw(arg, 1);
}

static void draw(void *arg)
{
	log_raw((char *)arg + 1, 1);
}

static void *say_from_thread(void *arg)
{
	log_notice("thread %s", (const char *)arg);
	return NULL;
}

static void in_thread(void *(*body)(void *), void *arg)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, body, arg) != 0 || pthread_join(thread, NULL) != 0)
		abort();
}

static void test_live(void)
{
	char strokes[] = "WD";
	capture();
	log_set_live(wipe, draw, strokes);
	log_notice("x");
	is_str(written(), "W", "wiped before a line");
	is_str(written(), "rota: x\n", "the line");
	is_str(written(), "D", "drawn behind it");
	log_raw("raw", 3);
	is_str(written(), "W", "wiped before raw bytes");
	is_str(written(), "raw", "the bytes");
	is_str(written(), "D", "drawn behind them");
	in_thread(say_from_thread, strokes);
	is_str(written(), "W", "wiped before another thread's line");
	is_str(written(), "rota: thread WD\n", "the line");
	is_str(written(), "", "not drawn in that thread");
	log_set_live(NULL, NULL, NULL);
	log_notice("y");
	is_str(written(), "rota: y\n", "no live line any more");
	release();
}

static void test_broken(void)
{
	capture();
	close(2);
	log_error("lost");
	int fd = fcntl(real_stderr, F_DUPFD, 0);
	is_int(fd, 2, "a line without standard error opens nothing");
	release();
	capture();
	close(pipe_end);
	signal(SIGPIPE, SIG_IGN);
	errno = 0;
	log_error("lost");
	is_int(errno, 0, "a line that nobody reads is dropped");
	signal(SIGPIPE, SIG_DFL);
	if (dup2(real_stderr, 2) < 0)
		abort();
}

enum { N_THREADS = 4, N_LINES = 500 };

static void *say_many(void *arg)
{
	for (int i = 0; i < N_LINES; i++)
		log_notice("%s", (const char *)arg);
	return NULL;
}

/* Reads until every writer is gone; counts whole lines, each of one letter. */
static void *count_lines(void *arg)
{
	int *n_right = arg;
	FILE *in = fdopen(pipe_end, "r");
	char line[600];
	while (in && fgets(line, sizeof(line), in)) {
		size_t n = strlen(line);
		*n_right += n == 507 && strncmp(line, "rota: ", 6) == 0 && strspn(line + 6, (char[]){line[6], 0}) == 500;
	}
	if (in)
		fclose(in);
	return NULL;
}

/* A small pipe that is non-blocking and full before the first line: short writes and EAGAIN. */
static void test_threads(void)
{
	static char texts[N_THREADS][501];
	pthread_t threads[N_THREADS], reader;
	int ends[2], n_right = 0;
	bool is_fine = pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0 && dup2(ends[1], 2) == 2;
	ok(is_fine && fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 0, "a small non-blocking pipe");
	while (write(2, "\n", 1) == 1)
		continue;
	close(ends[1]);
	pipe_end = ends[0];
	for (int i = 0; i < N_THREADS; i++) {
		memset(texts[i], 'a' + i, 500);
		if (pthread_create(&threads[i], NULL, say_many, texts[i]) != 0)
			abort();
	}
	if (pthread_create(&reader, NULL, count_lines, &n_right) != 0)
		abort();
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	if (dup2(real_stderr, 2) < 0)
		abort();
	pthread_join(reader, NULL);
	is_int(n_right, N_THREADS * N_LINES, "lines of several threads arrive whole");
}

static void test_quote(void)
{
#define BYTES(string) string, sizeof(string) - 1
	static const struct {
		const char *bytes;
		size_t n_bytes;
		const char *want;
	} cases[] = {
		{BYTES(""), "\"\""},
		{BYTES("plain text"), "\"plain text\""},
		{BYTES("say \"hi\" 'x'"), "\"say \\\"hi\\\" 'x'\""},
		{BYTES("back\\slash"), "\"back\\\\slash\""},
		{BYTES("a\0b\n\t\x7f"), "\"a\\x00b\\x0a\\x09\\x7f\""},
		{BYTES("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""},
		{BYTES("latin \xe9"), "\"latin \\xe9\""},
		{BYTES("overlong \xc0\xaf \xe0\x80\xaf"), "\"overlong \\xc0\\xaf \\xe0\\x80\\xaf\""},
		{BYTES("surrogate \xed\xa0\x80"), "\"surrogate \\xed\\xa0\\x80\""},
		{BYTES("too high \xf4\x90\x80\x80 \xf8\x90\x80\x80"), "\"too high \\xf4\\x90\\x80\\x80 \\xf8\\x90\\x80\\x80\""},
		{BYTES("cut \xe2\x82"), "\"cut \\xe2\\x82\""},
		{BYTES("broken \xe2\x82x \xc3("), "\"broken \\xe2\\x82x \\xc3(\""},
		{BYTES("C1 \xc2\x9b bidi \xe2\x80\xae"), "\"C1 \\xc2\\x9b bidi \\xe2\\x80\\xae\""},
		{BYTES("123456789012345678901234567890123456789012345678901234567890"),
	     "\"123456789012345678901234567890123456789012345678901234567890\""},
		{BYTES("1234567890123456789012345678901234567890123456789012345678901"),
	     "\"123456789012345678901234567890123456789012345678901234567890\"..."},
		{BYTES("12345678901234567890123456789012345678901234567890123456789\xc3\xa9"),
	     "\"12345678901234567890123456789012345678901234567890123456789\"..."},
	};
#undef BYTES
	char text[LOG_QUOTE_BYTES], worst[200];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_str(log_quote(text, cases[i].bytes, cases[i].n_bytes), cases[i].want, "quote %zu", i);
	memset(worst, 0xff, sizeof(worst));
	is_int(strlen(log_quote(text, worst, sizeof(worst))), 4 * 60 + 5, "the longest there can be");
	ok(log_quote(text, "x", 1) == text, "gives its text back");
	is_str(log_quote_value(text, "it's \"12x\""), "'it\\'s \"12x\"'", "a value in single quotes");
}

int main(void)
{
	real_stderr = fcntl(2, F_DUPFD_CLOEXEC, 10);
	if (real_stderr < 0)
		skip_all("standard error is closed");
	test_levels();
	test_texts();
	test_live();
	test_broken();
	test_threads();
	test_quote();
	return tap_done();
}
