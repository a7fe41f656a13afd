/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splice - an output file anew, with results put in where they were missing: FILE.MARK.new (base/ownfile.h) is written
 * beside it, with the old one's mode and, where that may be, its owner; when it's complete it is renamed.
 *
 *   splice_check, long before; splice_open, splice_put for each piece, places ascending, splice_finish; splice_rename;
 *   splice_fini
 *
 * A kill leaves FILE as it was, and maybe a FILE.MARK.new that the next one removes. One thread.
 */
#ifndef IO_SPLICE_H
#define IO_SPLICE_H

#include "core/base/digest.h"
#include "core/base/err.h"

#include <stdint.h>
#include <stdio.h>

struct splice {
	char *file, *new_file; /* no symbolic links; NULL: nothing is open */
	int old_fd;
	struct digest was;                          /* of the old one, when it was written */
	struct digest_state old_digest, new_digest; /* of what was taken over, and of what was written */
	int pieces_fd;                              /* borrowed */
	FILE *out;
	uint64_t old_bytes, old_at; /* of the old one: all, and what was taken over */
	uint64_t new_bytes;
};

/* Can the new one be made? What an earlier one has left is removed. */
int splice_check(const char *file, struct err *err);

/*
 * The old file must have exactly old_bytes, with that digest (else ERR_USAGE, here or by splice_finish). pieces_fd:
 * where the pieces stand, to be read.
 */
int splice_open(struct splice *splice, const char *file, uint64_t old_bytes, struct digest was, int pieces_fd,
                struct err *err);

/*
 * The old file up to old_at, then bytes begin to end of the pieces, which replace n_old bytes of the old file. *ret_at:
 * where they stand in the new one.
 */
int splice_put(struct splice *splice, uint64_t old_at, uint64_t n_old, uint64_t begin, uint64_t end, uint64_t *ret_at,
               struct err *err);

/* The rest of the old file; all is with the disk. *ret_bytes: the new one's size; *ret_digest: that of its bytes. */
int splice_finish(struct splice *splice, uint64_t *ret_bytes, struct digest *ret_digest, struct err *err);

/*
 * The new one becomes FILE, if it's there and has n_bytes of that digest; where FILE has them already, that was done
 * before. Else -1 (ERR_USAGE).
 */
int splice_rename(const char *file, uint64_t n_bytes, struct digest digest, struct err *err);

void splice_fini(struct splice *splice);

#endif
