/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strays - starts processes that live for ever: its load one, whose number is the result of an item, and an item
 * "leave" one in a session of its own, whose parent has ended. It logs the number and hangs.
 */
#define _GNU_SOURCE 1
#include <rota/plugin.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t loaded;

static int load(struct rota_worker *worker)
{
	loaded = fork();
	while (loaded == 0)
		pause();
	return loaded > 0 ? ROTA_OK : rota_refuse(worker, "cannot fork");
}

/* In the child: makes one more, which has nobody then. */
static void leave(int fd)
{
	pid_t pid = setsid() > 0 ? fork() : -1;
	while (pid == 0)
		pause();
	_exit(write(fd, &pid, sizeof pid) == (ssize_t)sizeof pid ? 0 : 1);
}

static int run(struct rota_task *task, void *state)
{
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	char text[32];
	int fds[2];
	pid_t child, stray = 0;
	(void)state;
	if (n_bytes != strlen("leave") || memcmp(item, "leave", n_bytes) != 0)
		return rota_write(task, text, (size_t)snprintf(text, sizeof text, "%d", (int)loaded));
	if (pipe(fds) != 0 || (child = fork()) < 0)
		return rota_fail(task, "cannot fork");
	if (child == 0)
		leave(fds[1]);
	if (waitpid(child, NULL, 0) != child || read(fds[0], &stray, sizeof stray) != (ssize_t)sizeof stray)
		return rota_fail(task, "the child is lost");
	rota_log(task, "%d", (int)stray);
	for (;;)
		pause();
}

ROTA_PLUGIN(.name = "strays", .version = "1.0", .summary = "starts processes that live for ever", .load = load,
            .run = run);
