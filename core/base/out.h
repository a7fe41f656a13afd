/* SPDX-License-Identifier: Apache-2.0 */
/*
 * out - what rota prints for people on standard output: item bytes, plugins' texts and files' names are in it. To a
 * terminal it goes without what would steer that (as log's lines do); into a pipe or a file as it is. What programs
 * read (--json, --items, results) doesn't go through here. One thread.
 */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include <stdarg.h>

/* As printf. Newlines and tabs stay. Errors show in ferror(stdout). */
__attribute__((format(printf, 1, 2))) void out_printf(const char *format, ...);
__attribute__((format(printf, 1, 0))) void out_vprintf(const char *format, va_list args);

#endif
