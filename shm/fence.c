/* SPDX-License-Identifier: Apache-2.0 */
/* fence - see fence.h. */
#include "config.h"

#include "shm/fence.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

static long membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

bool fence_has_heavy(void)
{
	const long needed = MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |
	                    MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
	long known = membarrier(MEMBARRIER_CMD_QUERY);
	return known >= 0 && (known & needed) == needed;
}

bool fence_register(void)
{
	return membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) == 0 &&
	       membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

int fence_heavy(bool has_heavy)
{
	/* of ours in any case: the call is one too, but nobody needs to know */
	atomic_thread_fence(memory_order_seq_cst);
	if (!has_heavy)
		return 0;
	/* our own threads: there are some only if this process is registered */
	if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 && errno != EPERM)
		return -1;
	return (int)membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}
