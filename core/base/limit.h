/* SPDX-License-Identifier: Apache-2.0 */
/* limit - limits of the process that a message is to name. Thread-safe. */
#ifndef BASE_LIMIT_H
#define BASE_LIMIT_H

#include <stdbool.h>
#include <sys/resource.h>

/* How large a file may become (ulimit -f); shared memory is one, too. false: there is no limit. */
static inline bool limit_file_bytes(unsigned long long *ret)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return false;
	*ret = limit.rlim_cur;
	return true;
}

#endif
