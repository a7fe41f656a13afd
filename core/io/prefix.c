/* SPDX-License-Identifier: Apache-2.0 */
/* prefix - see prefix.h. */
#include "config.h"

#include "core/io/prefix.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES (256u << 10)
#define STEP_BYTES (16u << 20)

int prefix_open(struct prefix *prefix, const char *file, uint64_t n_bytes, struct err *err)
{
	*prefix = (struct prefix){.n_bytes = n_bytes, .fd = -1, .file = strdup(file), .block = malloc(BLOCK_BYTES)};
	digest_init(&prefix->digest);
	if (!prefix->file || !prefix->block)
		err_set(err, ERR_RESOURCE, "out of memory");
	else if ((prefix->fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) < 0)
		err_set_errno(err, ERR_USAGE, errno, "cannot read %s to compare it with what was written", file);
	else
		return 0;
	prefix_close(prefix);
	return -1;
}

int prefix_step(struct prefix *prefix, struct err *err)
{
	uint64_t more = prefix->n_bytes - prefix->read_bytes;
	uint64_t end = prefix->read_bytes + (more < STEP_BYTES ? more : STEP_BYTES);
	while (prefix->read_bytes < end) {
		uint64_t left = end - prefix->read_bytes;
		ssize_t n = pread(prefix->fd, prefix->block, left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES,
		                  (off_t)prefix->read_bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_RUN, errno, "cannot read %s to compare it with what was written",
			                     prefix->file);
		if (n == 0)
			return err_set(err, ERR_USAGE, "%s became shorter than %" PRIu64 " bytes while it was read", prefix->file,
			               prefix->n_bytes);
		digest_add(&prefix->digest, prefix->block, (size_t)n);
		prefix->read_bytes += (uint64_t)n;
	}
	return prefix->read_bytes == prefix->n_bytes;
}

int prefix_check(struct prefix *prefix, struct digest want, struct err *err)
{
	int result = prefix_step(prefix, err);
	if (result > 0 && !digest_is_equal(digest_value(&prefix->digest), want))
		result = err_set(err, ERR_USAGE,
		                 "%s has changed: its first %" PRIu64
		                 " bytes aren't those that were written to it; restore it, or start over without --resume",
		                 prefix->file, prefix->n_bytes);
	if (result != 0)
		prefix_close(prefix);
	return result;
}

void prefix_close(struct prefix *prefix)
{
	if (prefix->file && prefix->fd >= 0)
		close(prefix->fd);
	free(prefix->file);
	free(prefix->block);
	prefix->file = prefix->block = NULL;
}
