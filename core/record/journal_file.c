/* SPDX-License-Identifier: Apache-2.0 */
/* journal_file - see journal_file.h. */
#include "config.h"

#include "core/record/journal_file.h"

#include "core/base/fileid.h"
#include "core/base/ownfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint32_t index_version = 3007000; /* in the machine's byte order */

/* What SQLite keeps beside a database, and the bytes that such a file begins with. */
static const struct kin {
	const char *suffix;
	const char *head;
	size_t n_head;
} kin[] = {
	{"-wal", "\x37\x7f\x06", 3}, /* 82 or 83 follows: the byte order */
	{"-shm", (const char *)&index_version, sizeof index_version},
	{"-journal", "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8},
};

#define N_KIN (sizeof kin / sizeof *kin)
#define HEAD_BYTES 16

/* Never "file:..." nor ":memory:", which SQLite would understand in its own way. */
int journal_file_find(struct journal *journal, struct err *err)
{
	journal->path = fileid_real_name(journal->file);
	if (!journal->path && errno != ENOMEM &&
	    asprintf(&journal->path, "%s%s", journal->file[0] == '/' ? "" : "./", journal->file) < 0)
		journal->path = NULL;
	return journal->path ? 0 : err_set(err, ERR_RESOURCE, "out of memory");
}

int journal_file_lock(struct journal *journal, struct err *err)
{
	char *name = NULL;
	pid_t owner;
	if (asprintf(&name, "%s.lock", journal->path) < 0)
		return err_set(err, ERR_RESOURCE, "out of memory");
	int result = lockfile_take(&journal->lock, name, &owner, err);
	free(name);
	if (result == 0)
		return 0;
	journal->lock.fd = -1;
	if (err->code != ERR_USAGE)
		return err_prefix(err, "journal %.1000s", journal->file);
	if (owner > 0)
		return err_set(err, ERR_USAGE, "journal %s is in use by process %ld: wait until that run has ended",
		               journal->file, (long)owner);
	return err_set(err, ERR_USAGE, "journal %s is in use by another run: wait until it has ended", journal->file);
}

/* The first bytes; zeros where it has fewer. -1 with errno. */
static int read_head(const char *name, char head[HEAD_BYTES])
{
	memset(head, 0, HEAD_BYTES);
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0)
		return -1;
	ssize_t n = read(fd, head, HEAD_BYTES);
	int saved_errno = errno;
	close(fd);
	errno = saved_errno;
	return n < 0 ? -1 : 0;
}

/* A file that a kill or a power failure has left may be empty, or begin with zeros. */
static bool is_kin(const char *name, const struct kin *one)
{
	static const char zeros[HEAD_BYTES];
	char head[HEAD_BYTES];
	struct stat status;
	if (lstat(name, &status) != 0)
		return errno == ENOENT;
	return S_ISREG(status.st_mode) && read_head(name, head) == 0 &&
	       (memcmp(head, zeros, one->n_head) == 0 || memcmp(head, one->head, one->n_head) == 0);
}

static int look_beside(const struct journal *journal, struct err *err)
{
	for (size_t i = 0; i < N_KIN; i++) {
		char *name = NULL;
		if (asprintf(&name, "%s%s", journal->path, kin[i].suffix) < 0)
			return err_set(err, ERR_RESOURCE, "out of memory");
		bool is_ours = is_kin(name, &kin[i]);
		free(name);
		if (!is_ours)
			return err_set(err, ERR_USAGE,
			               "journal %s: %s%s is in the way: SQLite needs that name for its own file, and this isn't "
			               "one; move it away, or give the journal another name",
			               journal->file, journal->file, kin[i].suffix);
	}
	return 0;
}

static int set_foreign(const struct journal *journal, struct err *err)
{
	if (journal->lock.fd < 0) /* it is only to be read: nothing is in its way */
		return err_set(err, ERR_USAGE, "%s isn't a rota journal: give the file that a run kept with --journal",
		               journal->file);
	return err_set(err, ERR_USAGE, "%s isn't a rota journal: give the journal another name, or remove that file",
	               journal->file);
}

int journal_file_look(const struct journal *journal, struct err *err)
{
	static const char magic[HEAD_BYTES] = "SQLite format 3";
	char head[HEAD_BYTES];
	struct stat status;
	if (look_beside(journal, err) != 0)
		return -1;
	if (stat(journal->path, &status) != 0) {
		if (errno == ENOENT)
			return 0;
		return err_set_errno(err, ERR_USAGE, errno, "journal %s", journal->file);
	}
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_USAGE, "journal %s: it is %s: give the name of a file", journal->file,
		               S_ISDIR(status.st_mode) ? "a directory" : "not a regular file");
	if (read_head(journal->path, head) != 0)
		return err_set_errno(err, ERR_USAGE, errno, "journal %s", journal->file);
	if (memcmp(head, magic, sizeof magic) != 0)
		return set_foreign(journal, err);
	/* by each of its names it would have another lock, and another -wal: one would undo what the other writes */
	if (journal->lock.fd >= 0 && status.st_nlink > 1)
		return err_set(err, ERR_USAGE,
		               "journal %s has %ju names (hard links), but a journal must have only one: remove the others, or "
		               "resume from a copy",
		               journal->file, (uintmax_t)status.st_nlink);
	return 1;
}

static int sync_file(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int result = fd < 0 ? -1 : fsync(fd), saved_errno = errno;
	if (fd >= 0)
		close(fd);
	errno = saved_errno;
	return result;
}

static int for_each(const char *name, int (*act)(const char *name, struct err *err), struct err *err)
{
	for (size_t i = 0; i < N_KIN; i++) {
		char *beside = NULL;
		if (asprintf(&beside, "%s%s", name, kin[i].suffix) < 0)
			return err_set(err, ERR_RESOURCE, "out of memory");
		int result = act(beside, err);
		free(beside);
		if (result != 0)
			return -1;
	}
	return 0;
}

int journal_file_make(const struct journal *journal, char **ret_name, struct err *err)
{
	*ret_name = ownfile_name(journal->path);
	if (!*ret_name)
		return err_set(err, ERR_RESOURCE, "out of memory");
	if (ownfile_clear(*ret_name, err) != 0 || for_each(*ret_name, ownfile_clear, err) != 0)
		return err_prefix(err, "journal %.1000s", journal->file);
	int fd = ownfile_make(*ret_name, 0644, err);
	if (fd < 0)
		return err_prefix(err, "journal %.1000s", journal->file);
	close(fd);
	return 0;
}

static int remove_one(const char *name, struct err *err)
{
	(void)err;
	unlink(name);
	return 0;
}

void journal_file_discard(const char *name)
{
	struct err err;
	remove_one(name, &err);
	for_each(name, remove_one, &err);
}

int journal_file_replace(const struct journal *journal, const char *name, struct err *err)
{
	if (sync_file(name) != 0)
		return err_set_errno(err, ERR_RUN, errno, "journal %s: cannot write it", journal->file);
	/* what an old one has left must not be replayed; journal_file_look has seen that it's SQLite's */
	if (for_each(journal->path, remove_one, err) != 0)
		return -1;
	if (rename(name, journal->path) != 0)
		return err_set_errno(err, ERR_RUN, errno, "journal %s: cannot rename %s", journal->file, name);
	if (ownfile_sync_folder(journal->path) == 0)
		return 0;
	err_set_errno(err, ERR_RUN, errno, "journal %s: cannot sync its directory", journal->file);
	journal_file_discard(journal->path);
	return -1;
}
