/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log - see log.h. A line is put together in a struct line and handed to emit(), which holds the lock.
 *
 * One line a call is a promise: whatever a text brings along (a file's name with a newline, a plugin's escape
 * sequences) is written as \xNN. The lock is recursive, so that a live line's wipe and draw may use log_raw.
 * Nothing here needs memory to work: when there is none, a long line is cut.
 */
#include "config.h"

#include "core/base/log.h"

#include "core/base/utf8.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUOTED_MAX 60

struct line {
	char *bytes; /* room, or from malloc */
	size_t len;
	size_t cap;
	char room[4096];
};

static atomic_int current_level = LOG_NORMAL;
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

/* Guarded by the lock. */
static unsigned depth;
static struct {
	void (*wipe)(void *);
	void (*draw)(void *);
	void *arg;
	pthread_t thread;
} live;

void log_init(enum log_level level)
{
	atomic_store(&current_level, (int)level);
}

enum log_level log_level(void)
{
	return (enum log_level)atomic_load(&current_level);
}

static void write_all(const char *bytes, size_t n_bytes)
{
	while (n_bytes > 0) {
		ssize_t n = write(STDERR_FILENO, bytes, n_bytes);
		if (n >= 0) {
			bytes += n;
			n_bytes -= (size_t)n;
		} else if (errno == EAGAIN) {
			/* Somebody who shares it made it non-blocking: wait as a blocking one would. */
			struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
			if (poll(&room, 1, -1) < 0 && errno != EINTR)
				return;
		} else if (errno != EINTR) {
			return;
		}
	}
}

static void emit(const char *bytes, size_t n_bytes)
{
	int errno_before = errno;
	pthread_mutex_lock(&lock);
	bool is_around = depth++ == 0 && live.wipe;
	if (is_around)
		live.wipe(live.arg);
	write_all(bytes, n_bytes);
	if (is_around && pthread_equal(live.thread, pthread_self()))
		live.draw(live.arg);
	depth--;
	pthread_mutex_unlock(&lock);
	errno = errno_before;
}

void log_raw(const char *bytes, size_t n_bytes)
{
	emit(bytes, n_bytes);
}

void log_set_live(void (*wipe)(void *), void (*draw)(void *), void *arg)
{
	pthread_mutex_lock(&lock);
	live.wipe = wipe && draw ? wipe : NULL;
	live.draw = draw;
	live.arg = arg;
	live.thread = pthread_self();
	pthread_mutex_unlock(&lock);
}

static void line_init(struct line *line)
{
	line->bytes = line->room;
	line->len = 0;
	line->cap = sizeof(line->room);
}

/* Appends, or cuts when memory is short; keeps one byte free for the newline. */
static void line_put(struct line *line, const char *bytes, size_t n_bytes)
{
	if (n_bytes >= line->cap - line->len && n_bytes < SIZE_MAX / 4) {
		size_t cap = 2 * (line->len + n_bytes + 1);
		char *grown = realloc(line->bytes == line->room ? NULL : line->bytes, cap);
		if (grown && line->bytes == line->room)
			memcpy(grown, line->room, line->len);
		if (grown) {
			line->bytes = grown;
			line->cap = cap;
		}
	}
	size_t room = line->cap - line->len - 1;
	size_t n = n_bytes < room ? n_bytes : room;
	if (n > 0)
		memcpy(line->bytes + line->len, bytes, n);
	line->len += n;
}

static void line_send(struct line *line)
{
	line->bytes[line->len++] = '\n';
	emit(line->bytes, line->len);
	if (line->bytes != line->room)
		free(line->bytes);
}

/* Characters that steer a terminal: C0, DEL, C1, line and paragraph separator, changes of direction. */
static bool is_control(uint32_t number)
{
	return number < 0x20 || (number >= 0x7f && number <= 0x9f) || number == 0x200e || number == 0x200f ||
	       (number >= 0x2028 && number <= 0x202e) || (number >= 0x2066 && number <= 0x2069) || number == 0xfeff;
}

/* How many bytes go as they are, and what stands behind them for one that can't: *ret_n_skip bytes, "" at the end. */
static size_t clean_run(const char *bytes, size_t n_bytes, size_t *ret_n_skip)
{
	size_t at = 0;
	while (at < n_bytes) {
		unsigned char byte = (unsigned char)bytes[at];
		uint32_t number = byte;
		size_t length = utf8_read(bytes + at, n_bytes - at, &number);
		length = length ? length : 1;
		*ret_n_skip = length;
		if (byte != '\t' && is_control(number))
			return at;
		at += length;
	}
	*ret_n_skip = 0;
	return at;
}

/* Hands on the bytes, control characters as \xNN. Bytes that aren't UTF-8 pass, unless a terminal takes them for C1. */
static void clean(const char *bytes, size_t n_bytes, void (*put)(void *arg, const char *bytes, size_t n_bytes),
                  void *arg)
{
	while (n_bytes > 0) {
		size_t n_skip, n = clean_run(bytes, n_bytes, &n_skip);
		put(arg, bytes, n);
		for (size_t i = n; i < n + n_skip; i++) {
			char hex[sizeof("\\xNN")];
			snprintf(hex, sizeof(hex), "\\x%02x", (unsigned char)bytes[i]);
			put(arg, hex, sizeof(hex) - 1);
		}
		bytes += n + n_skip;
		n_bytes -= n + n_skip;
	}
}

static void put_in_line(void *line, const char *bytes, size_t n_bytes)
{
	line_put(line, bytes, n_bytes);
}

static void line_put_clean(struct line *line, const char *bytes, size_t n_bytes)
{
	clean(bytes, n_bytes, put_in_line, line);
}

struct cleaned {
	struct buf *buf;
	int result;
};

static void put_in_buf(void *arg, const char *bytes, size_t n_bytes)
{
	struct cleaned *cleaned = arg;
	if (buf_append(cleaned->buf, bytes, n_bytes) != 0)
		cleaned->result = -1;
}

int log_clean(struct buf *buf, const char *bytes, size_t n_bytes)
{
	struct cleaned cleaned = {.buf = buf};
	clean(bytes, n_bytes, put_in_buf, &cleaned);
	return cleaned.result;
}

static void say(const char *prefix, const char *format, va_list args)
{
	int errno_before = errno;
	char room[2048] = "";
	char *text = NULL;
	struct line line;
	va_list again;
	va_copy(again, args);
	if (vasprintf(&text, format, args) < 0) {
		text = NULL;
		vsnprintf(room, sizeof(room), format, again);
	}
	va_end(again);
	const char *body = text ? text : room;
	line_init(&line);
	line_put(&line, prefix, strlen(prefix));
	line_put_clean(&line, body, strlen(body));
	line_send(&line);
	free(text);
	errno = errno_before;
}

void log_error(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say("rota: ", format, args);
	va_end(args);
}

void log_warning(const char *format, ...)
{
	if (log_level() < LOG_NORMAL)
		return;
	va_list args;
	va_start(args, format);
	say("rota: warning: ", format, args);
	va_end(args);
}

void log_notice(const char *format, ...)
{
	if (log_level() < LOG_NORMAL)
		return;
	va_list args;
	va_start(args, format);
	say("rota: ", format, args);
	va_end(args);
}

void log_detail(const char *format, ...)
{
	if (log_level() < LOG_VERBOSE)
		return;
	va_list args;
	va_start(args, format);
	say("rota: ", format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	if (log_level() < LOG_DEBUG)
		return;
	va_list args;
	va_start(args, format);
	say("rota: ", format, args);
	va_end(args);
}

void log_relay(const char *tag, const char *bytes, size_t n_bytes)
{
	int errno_before = errno;
	struct line line;
	while (n_bytes > 0 && (bytes[n_bytes - 1] == '\n' || bytes[n_bytes - 1] == '\r'))
		n_bytes--;
	line_init(&line);
	if (*tag) {
		line_put_clean(&line, tag, strlen(tag));
		line_put(&line, ": ", 2);
	}
	line_put_clean(&line, bytes, n_bytes);
	line_send(&line);
	errno = errno_before;
}

static const char *quote(char text[LOG_QUOTE_BYTES], char mark, const char *bytes, size_t n_bytes)
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0;
	char *out = text;
	*out++ = mark;
	while (at < n_bytes) {
		unsigned char byte = (unsigned char)bytes[at];
		uint32_t number = 0;
		size_t length = utf8_read(bytes + at, n_bytes - at, &number);
		bool is_plain = length > 0 && !is_control(number);
		length = length ? length : 1;
		if (at + length > QUOTED_MAX)
			break;
		if (is_plain) {
			if (byte == (unsigned char)mark || byte == '\\')
				*out++ = '\\';
			out = mempcpy(out, bytes + at, length);
		} else {
			for (size_t i = at; i < at + length; i++) {
				*out++ = '\\';
				*out++ = 'x';
				*out++ = hex[(unsigned char)bytes[i] >> 4];
				*out++ = hex[(unsigned char)bytes[i] & 15];
			}
		}
		at += length;
	}
	*out++ = mark;
	memcpy(out, at < n_bytes ? "..." : "", at < n_bytes ? sizeof("...") : 1);
	return text;
}

const char *log_quote(char text[LOG_QUOTE_BYTES], const char *bytes, size_t n_bytes)
{
	return quote(text, '"', bytes, n_bytes);
}

const char *log_quote_value(char text[LOG_QUOTE_BYTES], const char *value)
{
	return quote(text, '\'', value, strlen(value));
}
