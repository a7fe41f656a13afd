/* SPDX-License-Identifier: Apache-2.0 */
/* digest - see digest.h. The library's code is compiled in here: nothing is linked. */
#include "config.h"

#include "core/base/digest.h"

#include "core/base/digest_avx2.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define BLOCK_BYTES 8192 /* on the stack, which a limit may have made a small one */

_Static_assert(sizeof(XXH3_state_t) <= sizeof(struct digest_state) &&
                   _Alignof(XXH3_state_t) <= _Alignof(struct digest_state),
               "the library's state has grown: so must ours");

static struct digest to_digest(XXH128_hash_t hash)
{
	return (struct digest){.high = hash.high64, .low = hash.low64};
}

void digest_init(struct digest_state *state)
{
	XXH3_state_t *own = (void *)state;
	XXH3_INITSTATE(own);
	XXH3_128bits_reset(own);
}

void digest_add(struct digest_state *state, const void *bytes, size_t n_bytes)
{
#ifdef HAVE_AVX2
	if (__builtin_cpu_supports("avx2")) {
		digest_add_avx2(state, bytes, n_bytes);
		return;
	}
#endif
	XXH3_128bits_update((void *)state, bytes, n_bytes);
}

struct digest digest_value(const struct digest_state *state)
{
	return to_digest(XXH3_128bits_digest((const void *)state));
}

struct digest digest_of(const void *bytes, size_t n_bytes)
{
	return to_digest(XXH3_128bits(bytes, n_bytes));
}

int digest_of_file(const char *file, struct digest *ret, struct err *err)
{
	struct digest_state state;
	char block[BLOCK_BYTES];
	ssize_t n = 1;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	digest_init(&state);
	while (fd >= 0 && n > 0) {
		n = read(fd, block, sizeof block);
		if (n > 0)
			digest_add(&state, block, (size_t)n);
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	if (fd < 0 || n < 0) {
		err_set_errno(err, ERR_RUN, errno, "cannot read %s", file);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	close(fd);
	*ret = digest_value(&state);
	return 0;
}

const char *digest_text(struct digest digest, char text[DIGEST_TEXT_BYTES])
{
	snprintf(text, DIGEST_TEXT_BYTES, "%016" PRIx64 "%016" PRIx64, digest.high, digest.low);
	return text;
}
