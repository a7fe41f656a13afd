/* SPDX-License-Identifier: Apache-2.0 */
/* splice - see splice.h. */
#include "config.h"

#include "core/io/splice.h"

#include "core/base/ownfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES 8192 /* on the stack, which a limit may have made a small one */

/* Both names are the caller's (free). */
static int find_names(const char *file, char **ret_file, char **ret_new, struct err *err)
{
	*ret_new = NULL;
	*ret_file = realpath(file, NULL);
	if (!*ret_file)
		return err_set_errno(err, ERR_USAGE, errno, "cannot find the output %s", file);
	*ret_new = ownfile_name(*ret_file);
	if (!*ret_new) {
		free(*ret_file);
		*ret_file = NULL;
		return err_set(err, ERR_RESOURCE, "out of memory");
	}
	return 0;
}

static int fail(const struct splice *splice, struct err *err)
{
	return err_set_errno(err, ERR_RUN, errno, "cannot write %s", splice->new_file);
}

static int open_old(struct splice *splice, struct stat *ret, struct err *err)
{
	splice->old_fd = open(splice->file, O_RDONLY | O_CLOEXEC);
	if (splice->old_fd < 0 || fstat(splice->old_fd, ret) != 0)
		return err_set_errno(err, ERR_USAGE, errno, "cannot read %s", splice->file);
	if ((uint64_t)ret->st_size != splice->old_bytes)
		return err_set(err, ERR_USAGE,
		               "%s has %jd bytes, but %" PRIu64
		               " were written to it: it has changed since; restore it, or start over without --resume",
		               splice->file, (intmax_t)ret->st_size, splice->old_bytes);
	return 0;
}

static int open_new(struct splice *splice, const struct stat *old, struct err *err)
{
	int fd = ownfile_clear(splice->new_file, err) == 0 ? ownfile_make(splice->new_file, 0600, err) : -1;
	if (fd < 0)
		return -1;
	/* root can give it to whom it belongs; anybody else's is their own already, or can't be given */
	bool is_given = fchown(fd, old->st_uid, old->st_gid) == 0 || errno == EPERM;
	if (is_given && fchmod(fd, old->st_mode & 07777) == 0)
		splice->out = fdopen(fd, "w");
	if (!splice->out) {
		fail(splice, err);
		close(fd);
		unlink(splice->new_file);
		return -1;
	}
	return 0;
}

int splice_check(const char *file, struct err *err)
{
	char *real, *new_file;
	if (find_names(file, &real, &new_file, err) != 0)
		return -1;
	int result = ownfile_clear(new_file, err);
	free(real);
	free(new_file);
	return result;
}

int splice_open(struct splice *splice, const char *file, uint64_t old_bytes, struct digest was, int pieces_fd,
                struct err *err)
{
	struct stat old;
	*splice = (struct splice){.old_fd = -1, .pieces_fd = pieces_fd, .old_bytes = old_bytes, .was = was};
	digest_init(&splice->old_digest);
	digest_init(&splice->new_digest);
	if (find_names(file, &splice->file, &splice->new_file, err) == 0 && open_old(splice, &old, err) == 0 &&
	    open_new(splice, &old, err) == 0)
		return 0;
	splice_fini(splice);
	return -1;
}

void splice_fini(struct splice *splice)
{
	if (splice->out) {
		fclose(splice->out);
		unlink(splice->new_file); /* it was never finished */
	}
	if (splice->file && splice->old_fd >= 0)
		close(splice->old_fd);
	free(splice->file);
	free(splice->new_file);
	*splice = (struct splice){.old_fd = -1, .pieces_fd = -1};
}

/* Bytes begin to end of a file; what is read is added to that digest, if it isn't NULL. */
static int copy(struct splice *splice, int fd, uint64_t begin, uint64_t end, struct digest_state *digest,
                struct err *err)
{
	char block[BLOCK_BYTES];
	while (begin < end) {
		size_t wanted = end - begin < sizeof block ? (size_t)(end - begin) : sizeof block;
		ssize_t n = pread(fd, block, wanted, (off_t)begin);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_RUN, errno, "cannot read the results for %s", splice->new_file);
		if (n == 0)
			return err_set(err, ERR_RUN, "%s became shorter while it was read", splice->file);
		if (fwrite(block, 1, (size_t)n, splice->out) != (size_t)n)
			return fail(splice, err);
		if (digest)
			digest_add(digest, block, (size_t)n);
		digest_add(&splice->new_digest, block, (size_t)n);
		begin += (uint64_t)n;
		splice->new_bytes += (uint64_t)n;
	}
	return 0;
}

/* Bytes of the old file that aren't taken over. */
static int leave_out(struct splice *splice, uint64_t n_bytes, struct err *err)
{
	char block[BLOCK_BYTES];
	while (n_bytes > 0) {
		ssize_t n = pread(splice->old_fd, block, n_bytes < sizeof block ? (size_t)n_bytes : sizeof block,
		                  (off_t)splice->old_at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_RUN, errno, "cannot read %s", splice->file);
		if (n == 0)
			return err_set(err, ERR_RUN, "%s became shorter while it was read", splice->file);
		digest_add(&splice->old_digest, block, (size_t)n);
		splice->old_at += (uint64_t)n;
		n_bytes -= (uint64_t)n;
	}
	return 0;
}

int splice_put(struct splice *splice, uint64_t old_at, uint64_t n_old, uint64_t begin, uint64_t end, uint64_t *ret_at,
               struct err *err)
{
	if (old_at < splice->old_at || old_at > splice->old_bytes || n_old > splice->old_bytes - old_at)
		return err_set(err, ERR_USAGE, "%s has no place %" PRIu64 " for a result", splice->file, old_at);
	if (copy(splice, splice->old_fd, splice->old_at, old_at, &splice->old_digest, err) != 0)
		return -1;
	splice->old_at = old_at;
	if (leave_out(splice, n_old, err) != 0)
		return -1;
	*ret_at = splice->new_bytes;
	return copy(splice, splice->pieces_fd, begin, end, NULL, err);
}

int splice_finish(struct splice *splice, uint64_t *ret_bytes, struct digest *ret_digest, struct err *err)
{
	if (copy(splice, splice->old_fd, splice->old_at, splice->old_bytes, &splice->old_digest, err) != 0)
		return -1;
	if (!digest_is_equal(digest_value(&splice->old_digest), splice->was))
		return err_set(err, ERR_USAGE,
		               "%s has changed since it was written: restore it, or start over without --resume", splice->file);
	if (fflush(splice->out) != 0 || fsync(fileno(splice->out)) != 0)
		return fail(splice, err);
	FILE *out = splice->out;
	splice->out = NULL;
	*ret_bytes = splice->new_bytes;
	*ret_digest = digest_value(&splice->new_digest);
	if (fclose(out) == 0)
		return 0;
	fail(splice, err);
	unlink(splice->new_file);
	return -1;
}

static bool has_bytes(const char *file, uint64_t n_bytes, struct digest digest)
{
	struct stat status;
	struct digest seen;
	struct err err;
	return lstat(file, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size == n_bytes &&
	       digest_of_file(file, &seen, &err) == 0 && digest_is_equal(seen, digest);
}

int splice_rename(const char *file, uint64_t n_bytes, struct digest digest, struct err *err)
{
	char *real, *new_file;
	int result = 0;
	if (find_names(file, &real, &new_file, err) != 0)
		return -1;
	if (has_bytes(new_file, n_bytes, digest)) {
		if (rename(new_file, real) != 0)
			result = err_set_errno(err, ERR_RUN, errno, "cannot rename %s", new_file);
	} else if (!has_bytes(real, n_bytes, digest))
		result = err_set(err, ERR_USAGE,
		                 "neither %s nor %s has the %" PRIu64
		                 " bytes that were written: restore it, or start over without --resume",
		                 new_file, real, n_bytes);
	/* an earlier run may have been killed when it had renamed it */
	if (result == 0 && ownfile_sync_folder(real) != 0)
		result = err_set_errno(err, ERR_RUN, errno, "cannot sync the directory of %s", real);
	free(real);
	free(new_file);
	return result;
}
