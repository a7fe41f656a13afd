/* SPDX-License-Identifier: Apache-2.0 */
/* lifecycle: which event leads where, and that what isn't in the table ends the program with its names. */
#include "config.h"

#include "core/base/lifecycle.h"

#include "core/base/log.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OFF, ON, STATES };
enum { PRESS, KICK, EVENTS };

static const char *const states[] = {"OFF", "ON"};
static const char *const events[] = {"press", "kick"};
static const struct lifecycle_step steps[] = {{OFF, PRESS, ON}, {ON, PRESS, OFF}, {ON, KICK, ON}};
static const struct lifecycle lamp = {states, events, steps, STATES, EVENTS, sizeof steps / sizeof steps[0]};

/* What a child says that goes that way, and how it ends. */
static int go(int state, int event, char said[256])
{
	int fds[2], status;
	ssize_t n, n_said = 0;
	must(pipe2(fds, O_CLOEXEC) == 0);
	pid_t pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		if (dup2(fds[1], STDERR_FILENO) < 0)
			_exit(100);
		log_init(LOG_DEBUG);
		_exit(lifecycle_go(&lamp, state, event, "lamp 3"));
	}
	close(fds[1]);
	while ((n = read(fds[0], said + n_said, 255 - (size_t)n_said)) > 0)
		n_said += n;
	said[n_said] = '\0';
	close(fds[0]);
	must(waitpid(pid, &status, 0) == pid);
	return status;
}

int main(void)
{
	char said[256];
	log_init(LOG_NORMAL);
	is_int(lifecycle_next(&lamp, OFF, PRESS), ON, "an event leads to another state");
	is_int(lifecycle_next(&lamp, ON, PRESS), OFF, "from each to its own");
	is_int(lifecycle_next(&lamp, OFF, KICK), -1, "or can't come");
	int status = go(OFF, PRESS, said);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == ON, "who goes is there");
	ok(strstr(said, "lamp 3: OFF -> ON (press)"), "and with -vv both names are said: %s", said);
	status = go(ON, KICK, said);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == ON && said[0] == '\0', "who stays says nothing");
	status = go(OFF, KICK, said);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "what can't be ends the program");
	ok(strstr(said, "internal error: lamp 3: \"kick\" can't come in state OFF"), "and says what it was: %s", said);
	return tap_done();
}
