/* SPDX-License-Identifier: Apache-2.0 */
/* words - see words.h. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/crew/words.h"
#include "core/record/figure.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define READ_BYTES ((size_t)16 * 1024)
#define READS_MAX 4       /* of a living worker, in a turn of the loop */
#define LAST_READS_MAX 16 /* a child of its that holds the pipe could write for ever; a pipe holds less */
#define TAG_BYTES 128
#define TAG_COST_BYTES 16 /* what a line takes beside its text */

static void relay(const struct words *words, const char *what, const char *bytes, size_t n_bytes)
{
	char tag[TAG_BYTES];
	const char *job_name = words->job_name;
	snprintf(tag, sizeof tag, "%.80s%s%s", job_name ? job_name : "", job_name ? ": " : "", what);
	log_relay(tag, bytes, n_bytes);
}

/* "worker 3"; what the fork server says, the plugin's constructors and load say. */
#define NAME_BYTES 32
static const char *name(const struct words *words, char text[NAME_BYTES])
{
	if (words->worker > 0)
		snprintf(text, NAME_BYTES, "worker %u", words->worker);
	else
		snprintf(text, NAME_BYTES, "load");
	return text;
}

/* --- how much ----------------------------------------------------------------------------------------------------- */

static void say_lost(struct words *words)
{
	struct words_quota *quota = &words->quota;
	char text[200], what[NAME_BYTES], lines[FIGURE_BYTES], bytes[FIGURE_BYTES];
	if (quota->n_lines_lost == 0)
		return;
	const char *ending = quota->n_lines_lost == 1 ? "" : "s";
	int n = snprintf(text, sizeof text, "%s line%s left out, %s bytes: more than %d KiB a second (-v shows all)",
	                 figure_count(lines, quota->n_lines_lost), ending, figure_count(bytes, quota->n_bytes_lost),
	                 WORDS_BYTES_PER_S / 1024);
	relay(words, name(words, what), text, (size_t)n);
	quota->n_lines_lost = quota->n_bytes_lost = 0;
}

/*
 * Each byte takes a time; they are said up to now, and so far into the past as was kept silence. Once something is
 * lost, nothing is said until there is room for a second's worth.
 */
static bool may_say(struct words_quota *quota, size_t n_bytes)
{
	const int64_t byte_ns = CLOCK_NS_PER_SEC / WORDS_BYTES_PER_S;
	int64_t now_ns = clock_now_ns(), first_ns = now_ns - WORDS_BURST_BYTES * byte_ns;
	int64_t line_ns = (int64_t)(n_bytes + TAG_COST_BYTES) * byte_ns;
	if (quota->said_until_ns < first_ns)
		quota->said_until_ns = first_ns;
	if (quota->said_until_ns + (quota->n_lines_lost > 0 ? CLOCK_NS_PER_SEC : line_ns) > now_ns)
		return false;
	quota->said_until_ns += line_ns;
	return true;
}

void words_say(struct words *words, const char *what, const char *bytes, size_t n_bytes)
{
	struct words_quota *quota = &words->quota;
	if (log_level() < LOG_VERBOSE && !may_say(quota, n_bytes)) {
		quota->n_lines_lost++;
		quota->n_bytes_lost += n_bytes;
		return;
	}
	say_lost(words);
	relay(words, what, bytes, n_bytes);
}

/* --- the pipe ----------------------------------------------------------------------------------------------------- */

static void say_line(struct words *words)
{
	char what[NAME_BYTES];
	words_say(words, name(words, what), words->line.bytes, words->line.len);
	buf_clear(&words->line);
}

/* A line that is too long, or that memory has no room for, is said in pieces. */
static void take(struct words *words, const char *bytes, size_t n_bytes)
{
	while (n_bytes > 0) {
		size_t room = LINE_MAX_BYTES - words->line.len;
		size_t n = n_bytes < room ? n_bytes : room;
		const char *end = memchr(bytes, '\n', n);
		if (end)
			n = (size_t)(end - bytes);
		bool is_full = buf_append(&words->line, bytes, n) != 0 || words->line.len >= LINE_MAX_BYTES;
		if (end || is_full)
			say_line(words);
		n += end != NULL;
		bytes += n;
		n_bytes -= n;
	}
}

static void close_pipe(struct words *words)
{
	if (words->loop)
		loop_remove(words->loop, &words->watch);
	words->loop = NULL;
	if (words->fd >= 0)
		close(words->fd);
	words->fd = -1;
}

/* Who has closed them has still its death to tell elsewhere, and then the line that it didn't end. */
void words_read(struct words *words, bool is_last)
{
	char bytes[READ_BYTES];
	for (int i = 0; words->fd >= 0 && i < (is_last ? LAST_READS_MAX : READS_MAX); i++) {
		ssize_t n = read(words->fd, bytes, sizeof bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			close_pipe(words);
		if (n <= 0)
			break;
		take(words, bytes, (size_t)n);
	}
	if (!is_last)
		return;
	if (words->line.len > 0)
		say_line(words);
	say_lost(words);
}

static void on_words(struct loop_watch *watch, uint32_t events)
{
	(void)events;
	words_read(watch->arg, false);
}

/* The pipe's reading end is ours alone, so it may be made non-blocking. */
int words_open(struct words *words, int *ret_error_fd, struct err *err)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_set_errno(err, ERR_RESOURCE, errno, "cannot create a pipe");
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) {
		err_set_errno(err, ERR_RESOURCE, errno, "cannot make a pipe non-blocking");
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	words->fd = fds[0];
	*ret_error_fd = fds[1];
	return 0;
}

int words_watch(struct words *words, struct loop *loop, struct err *err)
{
	/* it has ended, and all that it said was read */
	if (words->fd < 0)
		return 0;
	if (loop_add(loop, &words->watch, words->fd, EPOLLIN, on_words, words, NULL, err) != 0)
		return -1;
	words->loop = loop;
	return 0;
}

void words_close(struct words *words)
{
	close_pipe(words);
	buf_fini(&words->line);
}
