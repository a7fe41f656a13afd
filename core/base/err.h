/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err - one error: a code and a text, written where the cause is known, printed once.
 *
 * Every setter returns -1, so a failing line is one line: return err_set(err, ERR_USAGE, "...");
 * A text is one sentence that says what is wrong, what was expected and what to do; no newline, no "rota:".
 * Owners: struct err is the caller's, by value; err_list owns its array (err_list_fini).
 * Threads: each err belongs to one thread.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

enum err_code {
	ERR_NONE = 0,
	ERR_USAGE,    /* command line, conf file or plugin is wrong: nothing was run, exit 2 */
	ERR_RUN,      /* the run couldn't finish: exit 3 */
	ERR_RESOURCE, /* the machine has no room (processes, descriptors, memory): try another way, else exit 3 */
};

#define ERR_TEXT_BYTES 2048

struct err {
	enum err_code code;
	int errnum;                /* of err_set_errno, or what stands for it; else 0 */
	char text[ERR_TEXT_BYTES]; /* cut ("..." in its middle, so that the reason stays), never overrun */
};

__attribute__((format(printf, 3, 4))) int err_set(struct err *err, enum err_code code, const char *format, ...);

/*
 * As err_set, with ": <strerror(errnum)>" behind it. ERR_RUN becomes ERR_RESOURCE where that says that memory or
 * descriptors are short.
 */
__attribute__((format(printf, 4, 5))) int err_set_errno(struct err *err, enum err_code code, int errnum,
                                                        const char *format, ...);

/* As err_set, with "file:line:column: " before it (line and column from 1; column 0 is left out, line 0 too). */
__attribute__((format(printf, 6, 7))) int err_set_at(struct err *err, enum err_code code, const char *file, size_t line,
                                                     size_t column, const char *format, ...);

/* Puts "<formatted>: " before the text that is there. Returns -1. */
__attribute__((format(printf, 2, 3))) int err_prefix(struct err *err, const char *format, ...);

/* All errors of a file in one go. */
struct err_list {
	struct err *errs;
	size_t n_errs;
	size_t cap;
};

/* Appends a copy. Out of memory ends the program (there is no better way to say so). */
void err_list_add(struct err_list *list, const struct err *err);
void err_list_fini(struct err_list *list);

#endif
