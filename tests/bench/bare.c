/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare - what the plugin sleep does, and nothing around it: bare [spin] PROCESSES < ITEMS. Each item is a number of
 * milliseconds; process i of n takes items i, i + n, i + 2n ... When all are done, the items are written as they came.
 */
#include "plugins/sleep.c"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ITEMS_BYTES_MAX (1 << 20)
#define PROCESSES_MAX 64

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "bare: %s\n", what);
	exit(1);
}

static size_t read_all(char *bytes)
{
	size_t n_bytes = 0;
	ssize_t n;
	while ((n = read(STDIN_FILENO, bytes + n_bytes, ITEMS_BYTES_MAX - n_bytes)) > 0)
		n_bytes += (size_t)n;
	if (n < 0)
		give_up(strerror(errno));
	return n_bytes;
}

static void take_items(const char *bytes, size_t n_bytes, int first, int step, bool is_spinning)
{
	const char *at = bytes, *end = bytes + n_bytes, *stop;
	for (int i = 0; at < end && (stop = memchr(at, '\n', (size_t)(end - at))); i++, at = stop + 1) {
		if (i % step != first)
			continue;
		int64_t until_ns = now_ns(), duration_ns = 0;
		parse_ms(at, (size_t)(stop - at), &duration_ns);
		until_ns += duration_ns;
		if (is_spinning)
			spin_until(until_ns);
		else
			sleep_until(until_ns);
	}
}

int main(int argc, char **argv)
{
	bool is_spinning = argc > 2 && strcmp(argv[1], "spin") == 0;
	int n_processes = argc > 1 ? atoi(argv[argc - 1]) : 0;
	char *bytes = malloc(ITEMS_BYTES_MAX);
	if (!bytes || n_processes < 1 || n_processes > PROCESSES_MAX)
		give_up("usage: bare [spin] PROCESSES < ITEMS");
	size_t n_bytes = read_all(bytes);
	for (int i = 0; i < n_processes; i++) {
		pid_t pid = fork();
		if (pid < 0)
			give_up(strerror(errno));
		if (pid == 0) {
			take_items(bytes, n_bytes, i, n_processes, is_spinning);
			_exit(0);
		}
	}
	for (int i = 0, status; i < n_processes; i++)
		if (wait(&status) < 0 || status != 0)
			give_up("a process failed");
	if (fwrite(bytes, 1, n_bytes, stdout) != n_bytes || fflush(stdout) != 0)
		give_up("cannot write");
	free(bytes);
	return 0;
}
