/* SPDX-License-Identifier: Apache-2.0 */
/* digest_avx2 - see digest_avx2.h. Compiled with -mavx2 where the compiler has it, and empty elsewhere. */
#include "config.h"

#include "core/base/digest_avx2.h"

#ifdef HAVE_AVX2
#define XXH_INLINE_ALL
#include <xxhash.h>

void digest_add_avx2(struct digest_state *state, const void *bytes, size_t n_bytes)
{
	XXH3_128bits_update((void *)state, bytes, n_bytes);
}
#endif
