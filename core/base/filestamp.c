/* SPDX-License-Identifier: Apache-2.0 */
/* filestamp - see filestamp.h. */
#include "config.h"

#include "core/base/filestamp.h"

#include <sys/stat.h>

struct filestamp filestamp_take(const char *file)
{
	struct stat status;
	if (stat(file, &status) != 0)
		return (struct filestamp){0};
	return (struct filestamp){.device = status.st_dev,
	                          .inode = status.st_ino,
	                          .size_bytes = status.st_size,
	                          .changed = status.st_mtim};
}

bool filestamp_is_current(const struct filestamp *stamp, const char *file)
{
	const struct filestamp now = filestamp_take(file);
	return stamp->inode == 0 ||
	       (now.inode == stamp->inode && now.device == stamp->device && now.size_bytes == stamp->size_bytes &&
	        now.changed.tv_sec == stamp->changed.tv_sec && now.changed.tv_nsec == stamp->changed.tv_nsec);
}
