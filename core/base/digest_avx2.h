/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_avx2 - digest_add for processors that have AVX2: half the time. The library chooses its vectors when it is
 * compiled, so this is its code a second time; a state is the same whoever adds to it. For digest.c alone.
 */
#ifndef BASE_DIGEST_AVX2_H
#define BASE_DIGEST_AVX2_H

#include "core/base/digest.h"

/* There only where HAVE_AVX2 is defined. */
void digest_add_avx2(struct digest_state *state, const void *bytes, size_t n_bytes);

#endif
