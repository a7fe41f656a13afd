/* SPDX-License-Identifier: Apache-2.0 */
/* peer_openmp LINES: capitals by OpenMP tasks in 2 threads, LINES lines a task, WINDOW tasks at a time. */
#include "tests/bench/tokens.h"

#include <stdlib.h>

#define WINDOW 16384

static struct token *tokens[WINDOW];

static size_t run_window(unsigned n_lines)
{
	size_t n = 0;
	for (struct token *token; n < WINDOW && (token = token_read(n_lines)); n++) {
		tokens[n] = token;
#pragma omp task firstprivate(token)
		token_run(token);
	}
#pragma omp taskwait
	return n;
}

int main(int argc, char **argv)
{
	const unsigned n_lines = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
#pragma omp parallel num_threads(2)
#pragma omp single
	for (size_t n; (n = run_window(n_lines)) > 0;)
		for (size_t i = 0; i < n; i++)
			token_write(tokens[i]);
	token_write(NULL);
	return 0;
}
