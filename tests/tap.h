/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unit tests' words: each call prints one line of TAP (the Test Anything Protocol) on standard output.
 *
 *	ok(cond, "format", ...)                           true or false; gives cond back
 *	is_int(seen, want, "format", ...)                 two integers are the same
 *	is_str(seen, want, "format", ...)                 two strings are the same; NULL is only NULL
 *	is_mem(seen, n_seen, want, n_want, "format", ...) two pieces of memory are the same
 *	skip("why")                                       one test that can't run here
 *	skip_all("why")                                   the whole program can't run here; doesn't return
 *	diag("format", ...)                               a remark; no test
 *	must(cond)                                        what a test begins with; else the program ends here
 *	tap_template(path, "name")                        for mkstemp or mkdtemp: a name in $TMPDIR
 *	return tap_done();                                prints the plan; the end of main
 *
 * The plan stands at the end, so a program that dies early or leaves by exit has no plan, and the run fails. A
 * failing line is followed by its place, by what was seen and by what was wanted. Threads may call everything here:
 * the lock of stdout guards the counters too. Each line is flushed at once, so that a forked child inherits no half
 * of it; the child itself must not test anything (its count would be lost), and is aborted if it does.
 */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ok(cond, ...) tap_ok((cond) ? true : false, #cond, __FILE__, __LINE__, __VA_ARGS__)
#define is_int(seen, want, ...) tap_is_int((long long)(seen), (long long)(want), __FILE__, __LINE__, __VA_ARGS__)
#define is_str(seen, want, ...) tap_is_str((seen), (want), __FILE__, __LINE__, __VA_ARGS__)
#define is_mem(seen, n_seen, want, n_want, ...) \
	tap_is_mem((seen), (n_seen), (want), (n_want), __FILE__, __LINE__, __VA_ARGS__)

#define TAP_PATH_BYTES 256
#define TAP_BESIDE_BYTES (TAP_PATH_BYTES + 32) /* for a file in such a folder */

static struct {
	unsigned n_done, n_failed;
	pid_t pid; /* of the one process that tests; 0 before its first line */
} tap;

/* Where temporary files are to be; a $TMPDIR that is too long for the path is as good as none. */
__attribute__((unused)) static void tap_template(char path[TAP_PATH_BYTES], const char *name)
{
	const char *folder = getenv("TMPDIR");

	const size_t n_chosen = 6; /* by mkstemp or mkdtemp, in the place of as many letters X */
	if (!folder || folder[0] != '/' || strlen(folder) + strlen(name) + n_chosen + sizeof "/rota--" > TAP_PATH_BYTES)
		folder = P_tmpdir;
	snprintf(path, TAP_PATH_BYTES - n_chosen, "%s/rota-%s-", folder, name);
	size_t n = strlen(path);
	memset(path + n, 'X', n_chosen);
	path[n + n_chosen] = '\0';
}

/* After "#", a word such as SKIP would be a directive, and a newline would end the line. */
__attribute__((unused)) static void tap_put_name(const char *format, va_list args)
{
	char name[1024];

	if (vsnprintf(name, sizeof name, format, args) < 0)
		strcpy(name, "(a name that vsnprintf refuses)");
	for (const char *c = name; *c; c++) {
		if (*c == '#')
			putchar('\\');
		putchar(*c == '\n' ? ' ' : *c);
	}
}

/* Prints one result and leaves stdout locked, so that what belongs to it can follow; tap_end opens the lock. */
__attribute__((unused)) static bool tap_begin(bool passed, const char *format, va_list args)
{
	flockfile(stdout);
	if (!tap.pid)
		tap.pid = getpid();
	if (tap.pid != getpid()) {
		fprintf(stderr, "tap.h: a forked child tests something; only the first process may\n");
		abort();
	}
	if (!passed)
		tap.n_failed++;
	printf("%sok %u - ", passed ? "" : "not ", ++tap.n_done);
	tap_put_name(format, args);
	putchar('\n');
	return passed;
}

__attribute__((unused)) static void tap_end(void)
{
	fflush(stdout);
	funlockfile(stdout);
}

/* One line that shows bytes as a C string would, from a little before the first difference on. */
__attribute__((unused)) static void tap_put_bytes(const char *label, const void *bytes, size_t n_bytes, size_t from)
{
	const unsigned char *b = bytes;
	const size_t n_most = 60;

	if (!b) {
		printf("#   %s NULL\n", label);
		return;
	}
	printf("#   %s \"", label);
	for (size_t i = from; i < n_bytes && i - from < n_most; i++) {
		if (b[i] == '\n')
			fputs("\\n", stdout);
		else if (b[i] == '"' || b[i] == '\\')
			printf("\\%c", b[i]);
		else if (b[i] >= 0x20 && b[i] < 0x7f)
			putchar(b[i]);
		else
			printf("\\x%02x", b[i]);
	}
	printf("\" (%zu bytes%s", n_bytes, from ? ", " : ")\n");
	if (from)
		printf("shown from byte %zu)\n", from);
}

__attribute__((unused, format(printf, 5, 6))) static bool tap_ok(bool passed, const char *cond, const char *file,
                                                                 int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!tap_begin(passed, format, args))
		printf("#   %s:%d: not so: %s\n", file, line, cond);
	tap_end();
	va_end(args);
	return passed;
}

__attribute__((unused, format(printf, 5, 6))) static bool tap_is_int(long long seen, long long want, const char *file,
                                                                     int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!tap_begin(seen == want, format, args))
		printf("#   %s:%d:\n#   seen   %lld\n#   wanted %lld\n", file, line, seen, want);
	tap_end();
	va_end(args);
	return seen == want;
}

__attribute__((unused)) static bool tap_compare(const void *seen, size_t n_seen, const void *want, size_t n_want,
                                                const char *file, int line, const char *format, va_list args)
{
	bool same = (!seen == !want) && n_seen == n_want && (!n_seen || !seen || !memcmp(seen, want, n_seen));

	if (!tap_begin(same, format, args)) {
		const char *s = seen, *w = want;
		size_t i = 0;

		while (s && w && i < n_seen && i < n_want && s[i] == w[i])
			i++;
		i = i > 20 ? i - 20 : 0;
		printf("#   %s:%d:\n", file, line);
		tap_put_bytes("seen  ", seen, n_seen, i);
		tap_put_bytes("wanted", want, n_want, i);
	}
	tap_end();
	return same;
}

__attribute__((unused, format(printf, 5, 6))) static bool tap_is_str(const char *seen, const char *want,
                                                                     const char *file, int line, const char *format,
                                                                     ...)
{
	va_list args;
	bool same;

	va_start(args, format);
	same = tap_compare(seen, seen ? strlen(seen) : 0, want, want ? strlen(want) : 0, file, line, format, args);
	va_end(args);
	return same;
}

__attribute__((unused, format(printf, 7, 8))) static bool tap_is_mem(const void *seen, size_t n_seen, const void *want,
                                                                     size_t n_want, const char *file, int line,
                                                                     const char *format, ...)
{
	va_list args;
	bool same;

	va_start(args, format);
	same = tap_compare(seen, n_seen, want, n_want, file, line, format, args);
	va_end(args);
	return same;
}

__attribute__((unused, format(printf, 1, 2))) static void skip(const char *format, ...)
{
	va_list args;

	flockfile(stdout);
	va_start(args, format);
	printf("ok %u # SKIP ", ++tap.n_done);
	tap_put_name(format, args);
	putchar('\n');
	va_end(args);
	tap_end();
}

__attribute__((unused, noreturn, format(printf, 1, 2))) static void skip_all(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("1..0 # SKIP ", stdout);
	tap_put_name(format, args);
	putchar('\n');
	va_end(args);
	exit(EXIT_SUCCESS);
}

__attribute__((unused, format(printf, 1, 2))) static void diag(const char *format, ...)
{
	va_list args;

	flockfile(stdout);
	va_start(args, format);
	fputs("# ", stdout);
	tap_put_name(format, args);
	putchar('\n');
	va_end(args);
	tap_end();
}

#define must(cond) ((cond) ? (void)0 : tap_bail_out(#cond, __FILE__, __LINE__))

__attribute__((noreturn, unused)) static void tap_bail_out(const char *cond, const char *file, int line)
{
	printf("Bail out! %s:%d: %s: %s\n", file, line, cond, strerror(errno));
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

__attribute__((unused)) static int tap_done(void)
{
	if (!tap.n_done) {
		puts("Bail out! this program tested nothing");
		return EXIT_FAILURE;
	}
	printf("1..%u\n", tap.n_done);
	if (tap.n_failed)
		printf("# %u of %u failed\n", tap.n_failed, tap.n_done);
	return fflush(stdout) == 0 && !tap.n_failed ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
