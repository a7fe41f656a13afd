/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digests - the least that can be done for the SHA-256 of many files: digests PROCESSES < NAMES > SUMS
 *
 * Process i of n reads files i, i + n, i + 2n ... into one block and gives it to libcrypto; the sums stand in shared
 * memory, and are written in order when all are done. For files of up to FILE_BYTES_MAX.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1 << 20)
#define NAMES_MAX 100000
#define SUM_BYTES 32

static char *names[NAMES_MAX];
static unsigned char (*sums)[SUM_BYTES];

static void fail(const char *what)
{
	fprintf(stderr, "digests: %s: %m\n", what);
	_exit(125);
}

static size_t read_file(const char *name, char *block)
{
	size_t n_bytes = 0;
	ssize_t n;
	int fd = open(name, O_RDONLY);
	if (fd < 0)
		fail(name);
	while ((n = read(fd, block + n_bytes, FILE_BYTES_MAX - n_bytes)) > 0)
		n_bytes += (size_t)n;
	if (n < 0)
		fail(name);
	close(fd);
	return n_bytes;
}

static void take_files(int first, int step, int n_names)
{
	char *block = malloc(FILE_BYTES_MAX);
	if (!block)
		fail("memory");
	for (int i = first; i < n_names; i += step)
		if (EVP_Digest(block, read_file(names[i], block), sums[i], NULL, EVP_sha256(), NULL) != 1)
			fail("EVP_Digest");
	_exit(0);
}

int main(int argc, char **argv)
{
	int n_processes = argc > 1 ? atoi(argv[1]) : 0, n_names = 0, status;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	sums = mmap(NULL, (size_t)NAMES_MAX * SUM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (n_processes < 1 || sums == MAP_FAILED)
		fail("usage: digests PROCESSES < NAMES");
	while (n_names < NAMES_MAX && (n = getline(&line, &room, stdin)) > 0)
		if (!(names[n_names++] = strndup(line, (size_t)n - 1)))
			fail("memory");
	for (int i = 0; i < n_processes; i++) {
		pid_t pid = fork();
		if (pid < 0)
			fail("fork");
		if (pid == 0)
			take_files(i, n_processes, n_names);
	}
	for (int i = 0; i < n_processes; i++)
		if (wait(&status) < 0 || status != 0)
			fail("a process");
	for (int i = 0; i < n_names; i++) {
		for (int k = 0; k < SUM_BYTES; k++)
			printf("%02x", sums[i][k]);
		printf("  %s\n", names[i]);
	}
	return fflush(stdout) == 0 ? 0 : 125;
}
