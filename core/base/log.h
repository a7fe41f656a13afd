/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log - everything that rota says on standard error, one line a call: "rota: <text>\n", in one write(2).
 *
 * log_init once, then the log_ functions from any thread. A live progress line registers itself with
 * log_set_live: it is wiped before and drawn again after each line.
 * Errors of writing to standard error are ignored: there is nowhere to report them. SIGPIPE is the program's to
 * ignore.
 * Control bytes that a text brings along are written as \xNN: a line stays a line. errno is kept.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "core/base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum log_level {
	LOG_QUIET = 0, /* -q: errors only */
	LOG_NORMAL,    /* errors, warnings, notices */
	LOG_VERBOSE,   /* -v: and details */
	LOG_DEBUG      /* -vv: and the state of workers as it changes */
};

void log_init(enum log_level level);
enum log_level log_level(void);

__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);   /* always */
__attribute__((format(printf, 1, 2))) void log_warning(const char *format, ...); /* LOG_NORMAL up, "rota: warning: " */
__attribute__((format(printf, 1, 2))) void log_notice(const char *format, ...);  /* LOG_NORMAL up */
__attribute__((format(printf, 1, 2))) void log_detail(const char *format, ...);  /* LOG_VERBOSE up */
__attribute__((format(printf, 1, 2))) void log_debug(const char *format, ...);   /* LOG_DEBUG */

/*
 * A line of a plugin's or command's own words: "<tag>: <bytes>\n", at every level: what -q means is
 * the caller's. Newlines at its end are dropped, control bytes other than tab are written as \xNN.
 */
void log_relay(const char *tag, const char *bytes, size_t n_bytes);

/* Appends the bytes as a line would have them: control bytes other than tab as \xNN. -1: memory is short. */
int log_clean(struct buf *buf, const char *bytes, size_t n_bytes);

/*
 * The live line's wipe and draw, or NULL, NULL. Only from the thread that draws. Both are called under the log's lock
 * and may use log_raw. wipe is called from whichever thread writes a line, so it may only write what wipes; draw is
 * called in the drawing thread alone: after another thread's line the live one is back at its next tick.
 */
void log_set_live(void (*wipe)(void *), void (*draw)(void *), void *arg);

/* Writes the bytes as they are to standard error, the live line wiped and drawn around it. */
void log_raw(const char *bytes, size_t n_bytes);

/*
 * An item or name for a message: at most 60 bytes of it in double quotes, quotes and
 * backslashes escaped, bytes that are no printable UTF-8 as \xNN, "..." behind what was cut. Returns text.
 */
#define LOG_QUOTE_BYTES 320
const char *log_quote(char text[LOG_QUOTE_BYTES], const char *bytes, size_t n_bytes);

/* The same in single quotes, of a string: what somebody gave as an option's value. */
const char *log_quote_value(char text[LOG_QUOTE_BYTES], const char *value);

#endif
