/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc: what a started program finds (descriptors, signals, session, environment) and how ends are put in words.
 * The program that is started is this one again: with an argument it tells about itself on descriptor 1.
 */
#include "config.h"

#include "core/base/proc.h"

#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char self[PATH_MAX];

/* The started program */

/* For each open descriptor but 0, 1, 2: its number and the file position that its opener left as a mark. */
static int tell_fds(void)
{
	for (int fd = 3; fd < 200; fd++) {
		off_t mark = lseek(fd, 0, SEEK_CUR);
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d=%lld ", fd, (long long)mark);
	}
	return 0;
}

static int tell_signals(void)
{
	sigset_t mask;
	int n_blocked = 0, n_ignored = 0;
	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int number = 1; number < NSIG; number++) {
		struct sigaction action;
		n_blocked += sigismember(&mask, number) == 1;
		n_ignored += sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
	}
	printf("%d %d", n_blocked, n_ignored);
	return 0;
}

static int tell(const char *what)
{
	if (strcmp(what, "fds") == 0)
		return tell_fds();
	if (strcmp(what, "signals") == 0)
		return tell_signals();
	if (strcmp(what, "session") == 0)
		return printf("%s", getsid(0) == getpid() ? "own" : "inherited") < 0;
	if (strcmp(what, "environment") == 0)
		return printf("%s", getenv("PROC_T") ? getenv("PROC_T") : "") < 0;
	return 3;
}

/* Its tests */

/* Starts this program with one argument; what it wrote to descriptor 1, without other pipes than this one. */
static const char *told(const char *what, const struct proc_fd *fds, size_t n_fds, int in_new_session)
{
	static char text[ERR_TEXT_BYTES];
	const char *const argv[] = {self, what, NULL};
	int ends[2], stdout_before = fcntl(1, F_DUPFD_CLOEXEC, 200), status = -1;
	size_t n = 0;
	pid_t pid;
	struct err err;
	text[0] = '\0';
	if (stdout_before < 0 || pipe2(ends, O_CLOEXEC) < 0)
		abort();
	int read_end = fcntl(ends[0], F_DUPFD_CLOEXEC, 200);
	close(ends[0]);
	if (dup2(ends[1], 1) < 0)
		abort();
	close(ends[1]);
	int result = proc_spawn(argv, fds, n_fds, in_new_session, &pid, &err);
	if (dup2(stdout_before, 1) < 0)
		abort();
	close(stdout_before);
	if (result < 0)
		snprintf(text, sizeof(text), "%s", err.text);
	for (ssize_t got = 1; result == 0 && got > 0; n += got > 0 ? (size_t)got : 0)
		got = read(read_end, text + n, sizeof(text) - 1 - n);
	if (result == 0)
		text[n] = '\0';
	close(read_end);
	if (result == 0 && (waitpid(pid, &status, 0) != pid || status != 0))
		snprintf(text, sizeof(text), "ended with status 0x%x", (unsigned)status);
	return text;
}

/* Descriptors 20 to 23, each on a file of its own, at positions 20 to 23. */
static void open_marked(void)
{
	for (int fd = 20; fd < 24; fd++) {
		int seen = open(self, O_RDONLY | O_CLOEXEC);
		if (seen < 0 || dup3(seen, fd, O_CLOEXEC) < 0 || lseek(fd, fd, SEEK_SET) != fd)
			abort();
		close(seen);
	}
}

static int n_open(void)
{
	int n = 0;
	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_descriptors(void)
{
	static const struct {
		size_t n_fds;
		struct proc_fd fds[4];
		const char *want;
	} cases[] = {
		{0, {{0, 0}}, ""},
		{1, {{20, 3}}, "3=20 "},
		{2, {{20, 3}, {21, 4}}, "3=20 4=21 "},
		{2, {{20, 3}, {20, 4}}, "3=20 4=20 "},
		{1, {{20, 20}}, "20=20 "},
		{2, {{20, 21}, {21, 20}}, "20=21 21=20 "},
		{3, {{20, 21}, {21, 22}, {22, 20}}, "20=22 21=20 22=21 "},
		{3, {{22, 20}, {21, 22}, {20, 21}}, "20=22 21=20 22=21 "},
		{2, {{21, 20}, {22, 21}}, "20=21 21=22 "},
		{2, {{20, 21}, {21, 22}}, "21=20 22=21 "},
		{3, {{20, 20}, {21, 22}, {20, 21}}, "20=20 21=20 22=21 "},
		{4, {{23, 20}, {20, 21}, {21, 3}, {22, 22}}, "3=21 20=23 21=20 22=22 "},
	};
	open_marked();
	int n_before = n_open();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_str(told("fds", cases[i].fds, cases[i].n_fds, 0), cases[i].want, "descriptors, case %zu", i);
	is_int(n_open(), n_before, "no descriptor of ours is left behind or lost");
	for (int fd = 20; fd < 24; fd++) {
		is_int(lseek(fd, 0, SEEK_CUR), fd, "descriptor %d is what it was", fd);
		is_int(fcntl(fd, F_GETFD), FD_CLOEXEC, "and close-on-exec");
		close(fd);
	}
}

static void test_surroundings(void)
{
	sigset_t all, before;
	struct sigaction ignore = {.sa_handler = SIG_IGN}, usr1, pipe_action;
	sigfillset(&all);
	sigaction(SIGUSR1, &ignore, &usr1);
	sigaction(SIGPIPE, &ignore, &pipe_action);
	sigprocmask(SIG_BLOCK, &all, &before);
	const char *signals = told("signals", NULL, 0, 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	sigaction(SIGUSR1, &usr1, NULL);
	sigaction(SIGPIPE, &pipe_action, NULL);
	is_str(signals, "0 0", "no signal is blocked or ignored");
	is_str(told("session", NULL, 0, 1), "own", "a session of its own");
	is_str(told("session", NULL, 0, 0), "inherited", "or not");
	setenv("PROC_T", "passed on", 1);
	is_str(told("environment", NULL, 0, 0), "passed on", "the environment");
}

static void test_failures(void)
{
	static const char *const argv[] = {"/nonexistent/program", NULL};
	struct err err = {0};
	pid_t pid = 77;
	int n_before = n_open();
	is_int(proc_spawn(argv, NULL, 0, 0, &pid, &err), -1, "no such program");
	is_str(err.text, "cannot start /nonexistent/program: No such file or directory", "and says so");
	is_int(err.code, ERR_RUN, "not a matter of resources");
	is_int(pid, 77, "the pid is untouched");
	struct rlimit limit, few;
	getrlimit(RLIMIT_NOFILE, &limit);
	few = limit;
	few.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &few);
	is_int(proc_spawn(argv, (struct proc_fd[]){{0, 1}, {1, 0}}, 2, 0, &pid, &err), -1, "no room for a copy");
	is_int(err.code, ERR_RESOURCE, "a matter of resources");
	setrlimit(RLIMIT_NOFILE, &limit);
	is_int(n_open(), n_before, "no descriptor is left behind");
	is_int(pid, 77, "the pid is untouched");
}

static void test_death(void)
{
	static const struct {
		int status;
		const char *want;
	} cases[] = {
		{W_EXITCODE(0, 0), "exit code 0"},
		{W_EXITCODE(3, 0), "exit code 3"},
		{W_EXITCODE(255, 0), "exit code 255"},
		{W_EXITCODE(0, SIGSEGV), "SIGSEGV (Segmentation fault)"},
		{W_EXITCODE(0, SIGKILL), "SIGKILL (Killed)"},
		{W_EXITCODE(0, SIGABRT) | WCOREFLAG, "SIGABRT (Aborted)"},
		{W_EXITCODE(0, 40), "signal 40"},
		{W_STOPCODE(SIGSTOP), "wait status 0x137f"},
	};
	char text[PROC_DEATH_BYTES];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_str(proc_death(text, cases[i].status), cases[i].want, "status 0x%x", (unsigned)cases[i].status);
	ok(proc_death(text, 0) == text, "gives its text back");
}

static void test_folders(void)
{
	char folder[PATH_MAX], small[4], *path = NULL;
	char installed[TAP_PATH_BYTES];
	struct err err = {0};
	const char *name = strrchr(self, '/') + 1;
	is_int(proc_own_folder(folder, sizeof(folder), &err), 0, "the own folder");
	is_mem(folder, strlen(folder), self, (size_t)(name - 1 - self), "is the one that this program is in");
	is_int(proc_own_folder(small, sizeof(small), &err), -1, "too little room for it");
	is_int(proc_find_program(name, "/nonexistent", &path, &err), 0, "a program beside the own one");
	is_str(path, self, "is found there");
	free(path);
	is_int(proc_find_program("sh", "/bin", &path, &err), 0, "an installed program");
	is_str(path, "/bin/sh", "is found there");
	free(path);
	path = NULL;
	is_int(proc_find_program("no-such-program", "/bin", &path, &err), -1, "one that is nowhere");
	ok(strstr(err.text, "no-such-program") && strstr(err.text, "/bin") && strstr(err.text, folder), "names all: %s",
	   err.text);
	tap_template(installed, "proc");
	if (!mkdtemp(installed))
		abort();
	is_int(proc_find_program("tmp", "/", &path, &err), -1, "a folder is no program");
	char plain[TAP_BESIDE_BYTES];
	snprintf(plain, sizeof(plain), "%s/plain", installed);
	close(open(plain, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	is_int(proc_find_program("plain", installed, &path, &err), -1, "nor is a file that isn't executable");
	ok(!path, "and the path is untouched");
	unlink(plain);
	rmdir(installed);
}

static void test_state(void)
{
	int gate[2];
	if (pipe(gate) != 0)
		abort();
	pid_t pid = fork();
	if (pid == 0) {
		char byte;
		close(gate[1]);
		_exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);
	}
	int status = -1;
	bool has_slept = false;
	while (!has_slept && waitpid(pid, &status, WNOHANG) == 0)
		has_slept = proc_state(pid) == 'S';
	ok(has_slept, "one that waits for a pipe sleeps");
	close(gate[1]);
	close(gate[0]);
	waitpid(pid, &status, 0);
	is_int(proc_state(getpid()), 'R', "who asks runs");
	is_int(proc_state(pid), '?', "of one that is gone nothing is known");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return tell(argv[1]);
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		skip_all("needs /proc to start itself");
	/* What whoever runs the tests left open is neither ours nor close-on-exec. */
	for (int fd = 3; fd < 200; fd++)
		close(fd);
	test_descriptors();
	test_surroundings();
	test_failures();
	test_death();
	test_folders();
	test_state();
	return tap_done();
}
