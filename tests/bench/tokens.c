/* SPDX-License-Identifier: Apache-2.0 */
/* tokens - see tokens.h. */
#include "tests/bench/tokens.h"

#include "plugins/upper.c"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)256 * 1024) /* a token has to fit */

static struct {
	char bytes[BUFFER_BYTES];
	size_t begin, end;
} in, out;
static bool has_ended;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "tokens: %s\n", what);
	exit(1);
}

/* Where n_lines lines end; 0 when not so many are there. */
static size_t find_end(unsigned n_lines)
{
	size_t at = in.begin;
	for (unsigned i = 0; i < n_lines; i++) {
		const char *stop = memchr(in.bytes + at, '\n', in.end - at);
		if (!stop)
			return 0;
		at = (size_t)(stop - in.bytes) + 1;
	}
	return at;
}

static void fill(void)
{
	memmove(in.bytes, in.bytes + in.begin, in.end - in.begin);
	in.end -= in.begin;
	in.begin = 0;
	if (in.end == BUFFER_BYTES)
		give_up("a token is too long");
	ssize_t n = read(STDIN_FILENO, in.bytes + in.end, BUFFER_BYTES - in.end);
	if (n < 0 && errno != EINTR)
		give_up(strerror(errno));
	has_ended = n == 0;
	in.end += n > 0 ? (size_t)n : 0;
}

struct token *token_read(unsigned n_lines)
{
	size_t end;
	while (!(end = find_end(n_lines)) && !has_ended)
		fill();
	if (!end)
		end = in.end;
	size_t n_bytes = end - in.begin;
	if (n_bytes == 0)
		return NULL;
	struct token *token = malloc(sizeof *token + 2 * n_bytes);
	if (!token)
		give_up("out of memory");
	token->n_bytes = n_bytes;
	token->result = token->bytes + n_bytes;
	memcpy(token->bytes, in.bytes + in.begin, n_bytes);
	in.begin = end;
	return token;
}

void token_run(struct token *token)
{
	const char *at = token->bytes, *end = at + token->n_bytes, *stop;
	for (char *result = token->result; at < end; at = stop + 1) {
		stop = memchr(at, '\n', (size_t)(end - at));
		if (!stop)
			stop = end;
		write_capitals(result, at, (size_t)(stop - at));
		result += stop - at;
		if (stop < end)
			*result++ = '\n';
	}
}

static void flush(void)
{
	while (out.begin < out.end) {
		ssize_t n = write(STDOUT_FILENO, out.bytes + out.begin, out.end - out.begin);
		if (n < 0 && errno != EINTR)
			give_up(strerror(errno));
		out.begin += n > 0 ? (size_t)n : 0;
	}
	out.begin = out.end = 0;
}

void token_write(struct token *token)
{
	if (!token || token->n_bytes > BUFFER_BYTES - out.end)
		flush();
	if (!token)
		return;
	memcpy(out.bytes + out.end, token->result, token->n_bytes);
	out.end += token->n_bytes;
	free(token);
}
