/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefix - the digest of what a file begins with, taken piece by piece so that whoever asks has time for other things.
 *
 *   prefix_open, prefix_step until it says 1; then digest is that of the first n_bytes; prefix_close
 *
 * One thread.
 */
#ifndef IO_PREFIX_H
#define IO_PREFIX_H

#include "core/base/digest.h"
#include "core/base/err.h"

#include <stdint.h>

struct prefix {
	struct digest_state digest; /* of what was read */
	uint64_t n_bytes, read_bytes;
	char *file, *block; /* owned; NULL: nothing is open */
	int fd;
};

int prefix_open(struct prefix *prefix, const char *file, uint64_t n_bytes, struct err *err);

/* Some milliseconds' worth. 1: all is read, 0: there is more, -1: it can't be, or the file is shorter (ERR_USAGE). */
int prefix_step(struct prefix *prefix, struct err *err);

/* The same, and at the end it must be that digest (else -1, ERR_USAGE): it was written so. Closes it then. */
int prefix_check(struct prefix *prefix, struct digest want, struct err *err);

/* Also one that is all zero, and once more. */
void prefix_close(struct prefix *prefix);

#endif
