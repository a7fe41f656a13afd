/* SPDX-License-Identifier: Apache-2.0 */
/* peer_glib LINES: capitals by a GThreadPool of 2 threads, LINES lines a push, WINDOW pushes at a time. */
#include "tests/bench/tokens.h"

#include <glib.h>
#include <stdlib.h>

#define WINDOW 16384

static struct token *tokens[WINDOW];
static GMutex lock;
static GCond is_done;
static size_t n_left;

static void run(gpointer token, gpointer unused)
{
	(void)unused;
	token_run(token);
	g_mutex_lock(&lock);
	if (--n_left == 0)
		g_cond_signal(&is_done);
	g_mutex_unlock(&lock);
}

int main(int argc, char **argv)
{
	const unsigned n_lines = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
	GThreadPool *pool = g_thread_pool_new(run, NULL, 2, TRUE, NULL);
	for (size_t n = WINDOW; n > 0;) {
		n_left = 1; /* this thread's own, until all are pushed */
		for (n = 0; n < WINDOW && (tokens[n] = token_read(n_lines)); n++) {
			g_mutex_lock(&lock);
			n_left++;
			g_mutex_unlock(&lock);
			g_thread_pool_push(pool, tokens[n], NULL);
		}
		g_mutex_lock(&lock);
		n_left--;
		while (n_left > 0)
			g_cond_wait(&is_done, &lock);
		g_mutex_unlock(&lock);
		for (size_t i = 0; i < n; i++)
			token_write(tokens[i]);
	}
	token_write(NULL);
	g_thread_pool_free(pool, FALSE, TRUE);
	return 0;
}
