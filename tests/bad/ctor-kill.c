/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctor-kill - its constructor ends the process by a signal that others send, too: CTOR_SIGNAL, a number, as often as
 * CTOR_KILLS says. The file `kills` in the current folder counts. Items are their own results.
 */
#include <rota/plugin.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((constructor)) static void construct(void)
{
	const char *signum = getenv("CTOR_SIGNAL"), *n_kills = getenv("CTOR_KILLS");
	struct stat about;
	int fd = open("kills", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || !signum || !n_kills || fstat(fd, &about) != 0 || about.st_size >= atol(n_kills))
		return;
	if (write(fd, "x", 1) == 1)
		raise(atoi(signum));
}

static int run(struct rota_task *task, void *state)
{
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	(void)state;
	return rota_write(task, item, n_bytes);
}

ROTA_PLUGIN(.name = "ctor-kill", .version = "1.0", .summary = "is killed while it is loaded", .run = run);
