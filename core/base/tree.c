/* SPDX-License-Identifier: Apache-2.0 */
/* tree - see tree.h. The children are those that /proc/self/task/TID/children lists, for each of our threads. */
#include "config.h"

#include "core/base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_kept(pid_t pid, const pid_t *kept, size_t n_kept)
{
	for (size_t i = 0; i < n_kept; i++)
		if (kept[i] == pid)
			return true;
	return false;
}

/* Kills those in one list; how many. A list longer than the buffer is seen whole once its beginning is dead. */
static int kill_listed(const char *thread, const pid_t *kept, size_t n_kept)
{
	char path[300], text[4096];
	snprintf(path, sizeof path, "/proc/self/task/%s/children", thread);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n_bytes = read(fd, text, sizeof text - 1);
	close(fd);
	text[n_bytes > 0 ? n_bytes : 0] = '\0';
	int n_killed = 0;
	char *at = text;
	for (;;) {
		char *end;
		long pid = strtol(at, &end, 10);
		/* a number that the buffer's end may have cut isn't one */
		if (end == at || pid <= 1 || *end == '\0')
			break;
		if (!is_kept((pid_t)pid, kept, n_kept) && kill((pid_t)pid, SIGKILL) == 0)
			n_killed++;
		at = end;
	}
	return n_killed;
}

int tree_kill_strays(const pid_t *kept, size_t n_kept)
{
	DIR *threads = opendir("/proc/self/task");
	if (!threads)
		return 0;
	int n_killed = 0;
	for (struct dirent *entry; (entry = readdir(threads));)
		if (entry->d_name[0] != '.')
			n_killed += kill_listed(entry->d_name, kept, n_kept);
	closedir(threads);
	return n_killed;
}

void tree_kill(void)
{
	for (;;) {
		int n_killed = tree_kill_strays(NULL, 0);
		/* one death at least is on its way when something was killed; its children come to us with it */
		pid_t pid = waitpid(-1, NULL, n_killed > 0 ? 0 : WNOHANG);
		if (pid == 0 || (pid < 0 && errno != EINTR))
			return;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}
