/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_words - the arguments of a command as they are put together: one after another, a NUL behind each, in memory
 * that is used again for the next command.
 *
 *   words_begin, for each argument words_next and words_put or words_quote, words_end; words_fini
 *
 * What goes wrong is noted and told by words_end: more than a command can have, or no memory.
 */
#ifndef EXEC_WORDS_H
#define EXEC_WORDS_H

#include <stddef.h>

#define COMMAND_BYTES_MAX (6u * 1024u * 1024u) /* Linux takes no more, whatever the stack's limit */

/* All zero at first. */
struct words {
	char *bytes;
	size_t n_bytes, cap_bytes;
	char **argv; /* while they are put together: offsets */
	size_t n, cap;
	int errnum; /* E2BIG, ENOMEM, or 0 */
};

void words_begin(struct words *words);
void words_next(struct words *words);
void words_put(struct words *words, const char *bytes, size_t n_bytes);
void words_quote(struct words *words, const char *bytes, size_t n_bytes); /* quoted for a shell */

/* argv has words->n arguments and a NULL behind them. Returns an errno, or 0. */
int words_end(struct words *words);
void words_fini(struct words *words);

#endif
