/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sha256 - items are paths, the result is sha256sum's line for that file, so that `sha256sum -c` accepts it.
 *
 * The line is GNU coreutils': the digest, two blanks, the name as it was given. In a name with a backslash,
 * newline or carriage return these are written \\, \n and \r, and the whole line begins with a backslash.
 * "-" is a file of that name, not standard input.
 *
 * A worker keeps one digest context and one buffer for all of its files.
 */
#define _GNU_SOURCE 1
#include <rota/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES (128 * 1024)
#define DIGEST_BYTES 32

struct hasher {
	EVP_MD *md;
	EVP_MD_CTX *context;
	char path[PATH_MAX];
	unsigned char buffer[BUFFER_BYTES];
};

static void sha256_close(void *state)
{
	struct hasher *hasher = state;
	EVP_MD_CTX_free(hasher->context);
	EVP_MD_free(hasher->md);
	free(hasher);
}

static int sha256_open(struct rota_worker *worker, void **state)
{
	struct hasher *hasher = calloc(1, sizeof(*hasher));
	if (!hasher)
		return rota_refuse(worker, "out of memory for the read buffer");
	hasher->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	hasher->context = EVP_MD_CTX_new();
	if (!hasher->md || !hasher->context) {
		sha256_close(hasher);
		return rota_refuse(worker, "OpenSSL offers no SHA-256: check its openssl.cnf");
	}
	*state = hasher;
	return ROTA_OK;
}

/* The digest of what can be read from an open file. */
static int hash_fd(struct rota_task *task, struct hasher *hasher, int fd, unsigned char digest[DIGEST_BYTES])
{
	if (!EVP_DigestInit_ex2(hasher->context, hasher->md, NULL))
		return rota_fail(task, "OpenSSL can't begin a SHA-256 digest");
	for (;;) {
		ssize_t n = read(fd, hasher->buffer, sizeof(hasher->buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EISDIR)
			return rota_fail(task, "%s: Is a directory", hasher->path);
		if (n < 0)
			return rota_fail(task, "cannot read %s: %s", hasher->path, strerror(errno));
		if (n == 0)
			break;
		if (!EVP_DigestUpdate(hasher->context, hasher->buffer, (size_t)n))
			return rota_fail(task, "OpenSSL failed to continue the digest of %s", hasher->path);
	}
	if (!EVP_DigestFinal_ex(hasher->context, digest, NULL))
		return rota_fail(task, "OpenSSL failed to finish the digest of %s", hasher->path);
	return ROTA_OK;
}

static int hash_file(struct rota_task *task, struct hasher *hasher, unsigned char digest[DIGEST_BYTES])
{
	int fd;
	do
		fd = open(hasher->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return rota_fail(task, "cannot open %s: %s", hasher->path, strerror(errno));
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	int status = hash_fd(task, hasher, fd, digest);
	close(fd);
	return status;
}

/* The letter that stands behind a backslash for this one; 0 when it stands for itself. */
static char escape_of(char letter)
{
	return letter == '\\' ? '\\' : letter == '\n' ? 'n' : letter == '\r' ? 'r' : 0;
}

static char *put_hex(char *out, const unsigned char digest[DIGEST_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		*out++ = digits[digest[i] >> 4];
		*out++ = digits[digest[i] & 15];
	}
	return out;
}

static int write_line(struct rota_task *task, const unsigned char digest[DIGEST_BYTES], const char *name,
                      size_t n_bytes)
{
	size_t n_escapes = 0;
	for (size_t i = 0; i < n_bytes; i++)
		n_escapes += escape_of(name[i]) != 0;

	size_t n_line = (n_escapes ? 1u : 0u) + 2 * DIGEST_BYTES + 2 + n_bytes + n_escapes;
	char *out = rota_reserve(task, n_line);
	if (!out)
		return ROTA_FAILED;
	if (n_escapes)
		*out++ = '\\';
	out = put_hex(out, digest);
	*out++ = ' ';
	*out++ = ' ';
	for (size_t i = 0; i < n_bytes; i++) {
		char escape = escape_of(name[i]);
		if (escape)
			*out++ = '\\';
		*out++ = escape ? escape : name[i];
	}
	return rota_commit(task, n_line);
}

static int sha256_run(struct rota_task *task, void *state)
{
	struct hasher *hasher = state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	if (n_bytes == 0)
		return rota_fail(task, "the item is empty, but a path was expected");
	if (memchr(item, '\0', n_bytes))
		return rota_fail(task, "the item contains a NUL byte, so it can't be a path");
	if (n_bytes >= sizeof(hasher->path))
		return rota_fail(task, "cannot open a path of %zu bytes: %s", n_bytes, strerror(ENAMETOOLONG));
	memcpy(hasher->path, item, n_bytes);
	hasher->path[n_bytes] = '\0';

	unsigned char digest[DIGEST_BYTES];
	int status = hash_file(task, hasher, digest);
	return status == ROTA_OK ? write_line(task, digest, item, n_bytes) : status;
}

ROTA_PLUGIN(.name = "sha256", .version = "1.0",
            .summary = "write each file's SHA-256 as sha256sum prints it; items are paths",
            .flags = ROTA_THREAD_SAFE | ROTA_TIDY, .open = sha256_open, .run = sha256_run, .close = sha256_close);
