/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capitals - lines in ASCII capitals by the plugin's own loop over bytes, so that the bench compares what is around it.
 *
 *   capitals < LINES      in one thread: read, memchr, write
 *   capitals ARG...       each argument, a line each, in one write: what xargs starts
 */
#include "plugins/upper.c"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES ((size_t)256 * 1024) /* a line has to fit */

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "capitals: %s\n", what);
	exit(1);
}

static void write_all(const char *bytes, size_t n_bytes)
{
	while (n_bytes > 0) {
		ssize_t n = write(STDOUT_FILENO, bytes, n_bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			give_up(strerror(errno));
		bytes += n;
		n_bytes -= (size_t)n;
	}
}

/* The whole lines of the first n_bytes; returns how many bytes they are. */
static size_t write_lines(char *restrict out, const char *restrict in, size_t n_bytes)
{
	const char *at = in, *end = in + n_bytes, *stop;
	while (at < end && (stop = memchr(at, '\n', (size_t)(end - at)))) {
		write_capitals(out, at, (size_t)(stop - at));
		out += stop - at;
		*out++ = '\n';
		at = stop + 1;
	}
	return (size_t)(at - in);
}

static void copy_lines(char *in, char *out)
{
	size_t n_bytes = 0;
	for (;;) {
		ssize_t n_read = read(STDIN_FILENO, in + n_bytes, READ_BYTES - n_bytes);
		if (n_read < 0 && errno == EINTR)
			continue;
		if (n_read < 0)
			give_up(strerror(errno));
		if (n_read == 0)
			break;
		n_bytes += (size_t)n_read;
		size_t n_done = write_lines(out, in, n_bytes);
		write_all(out, n_done);
		n_bytes -= n_done;
		memmove(in, in + n_done, n_bytes);
		if (n_bytes == READ_BYTES)
			give_up("a line is too long");
	}
	if (n_bytes == 0)
		return;
	in[n_bytes] = '\n';
	write_lines(out, in, n_bytes + 1);
	write_all(out, n_bytes + 1);
}

static void copy_arguments(char **arguments)
{
	size_t n_bytes = 0, at = 0;
	for (char **argument = arguments; *argument; argument++)
		n_bytes += strlen(*argument) + 1;
	char *out = malloc(n_bytes);
	if (!out)
		give_up("out of memory");
	for (char **argument = arguments; *argument; argument++) {
		size_t n_here = strlen(*argument);
		write_capitals(out + at, *argument, n_here);
		out[at + n_here] = '\n';
		at += n_here + 1;
	}
	write_all(out, n_bytes);
	free(out);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		copy_arguments(argv + 1);
		return 0;
	}
	char *in = malloc(READ_BYTES + 1), *out = malloc(READ_BYTES + 1);
	if (!in || !out)
		give_up("out of memory");
	copy_lines(in, out);
	free(out);
	free(in);
	return 0;
}
