/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens - what the peers that are libraries have in common: standard input cut into tokens of so many lines, a token
 * in capitals by the plugin's own loop (kernel.c), and its result on standard output.
 *
 *   token_read in one thread; token_run in any; token_write in one, in the order of token_read
 */
#ifndef BENCH_TOKENS_H
#define BENCH_TOKENS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct token {
	char *result; /* behind the bytes */
	size_t n_bytes;
	char bytes[];
};

/* The next n_lines lines, or what is left of them; NULL at the end. */
struct token *token_read(unsigned n_lines);
void token_run(struct token *token);
/* Frees it. NULL: that was the last. */
void token_write(struct token *token);

#ifdef __cplusplus
}
#endif

#endif
