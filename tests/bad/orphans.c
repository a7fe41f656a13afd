/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orphans - promises to be tidy, and each of its items leaves a child of a child: dead, or alive with lives=yes. The
 * result is its number.
 */
#include <rota/plugin.h>

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: makes one more, which has nobody then. */
static void leave(int fd, bool lives)
{
	pid_t pid = fork();
	while (pid == 0 && lives)
		pause();
	if (pid > 0 && write(fd, &pid, sizeof pid) < 0)
		_exit(1);
	_exit(0);
}

static int open_orphans(struct rota_worker *worker, void **state)
{
	static bool lives;
	lives = rota_option_bool(worker, "lives");
	*state = &lives;
	return ROTA_OK;
}

static int run(struct rota_task *task, void *state)
{
	const bool *lives = state;
	int fds[2];
	pid_t orphan = 0;
	char text[32];
	if (pipe(fds) != 0)
		return rota_fail(task, "cannot make a pipe");
	pid_t child = fork();
	if (child == 0)
		leave(fds[1], *lives);
	close(fds[1]);
	ssize_t n = child > 0 && waitpid(child, NULL, 0) == child ? read(fds[0], &orphan, sizeof orphan) : -1;
	close(fds[0]);
	if (n != (ssize_t)sizeof orphan)
		return rota_fail(task, "cannot fork");
	return rota_write(task, text, (size_t)snprintf(text, sizeof text, "%d", (int)orphan));
}

ROTA_PLUGIN(.name = "orphans", .version = "1.0", .summary = "leaves what its children have started",
            .flags = ROTA_THREAD_SAFE | ROTA_TIDY,
            .options = (const struct rota_option[]){{"lives", ROTA_BOOL, "no", "what is left is alive"}, {NULL}},
            .open = open_orphans, .run = run);
