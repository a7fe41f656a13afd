/* SPDX-License-Identifier: Apache-2.0 */
/* tree: what is ours ends, however it got away; what isn't is left alone, and reaped when it dies. */
#include "config.h"

#include "core/base/tree.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MANY 250

/* --- processes ---------------------------------------------------------------------------------------------------- */

static pid_t fork_idler(void)
{
	pid_t pid = fork();
	must(pid >= 0);
	while (pid == 0)
		pause();
	return pid;
}

/* The lines of shells that a case has started, and what those read. */
static int words[2], go[2];

static void open_pipes(void)
{
	must(pipe(words) == 0 && pipe(go) == 0);
	fcntl(words[0], F_SETFD, FD_CLOEXEC);
	fcntl(go[1], F_SETFD, FD_CLOEXEC);
}

/* The number that a shell says next. */
static pid_t hear(void)
{
	char line[64];
	size_t n = 0;
	while (n < sizeof line - 1 && read(words[0], line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
	must(atoi(line) > 1);
	return (pid_t)atoi(line);
}

/* A program of its own, which isn't a fork of us; `echo $$` or more comes back by hear. */
static pid_t start_shell(const char *script, bool is_leader, char *const *environment)
{
	pid_t pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		if (is_leader)
			setsid();
		dup2(go[0], STDIN_FILENO);
		dup2(words[1], STDOUT_FILENO);
		const char *const argv[] = {"sh", "-c", script, NULL};
		execve("/bin/sh", (char *const *)(uintptr_t)argv, environment);
		_exit(127);
	}
	return pid;
}

static char **without_mark(void)
{
	static char path[] = "PATH=/usr/bin:/bin", *environment[] = {path, NULL};
	return environment;
}

/* Z: dead, and nobody has waited for it; 0: there is none. */
static char state_of(pid_t pid)
{
	char path[64], text[512];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	const char *end = strrchr(text, ')');
	return end ? end[2] : '\0';
}

static bool lives(pid_t pid)
{
	char state = state_of(pid);
	return state != '\0' && state != 'Z' && state != 'X';
}

static bool is_child(pid_t pid)
{
	siginfo_t info;
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void await(bool (*is_so)(pid_t pid), bool wanted, pid_t pid)
{
	for (int i = 0; i < 30000 && is_so(pid) != wanted; i++)
		poll(NULL, 0, 1);
	must(is_so(pid) == wanted);
}

static bool is_zombie(pid_t pid)
{
	return state_of(pid) == 'Z';
}

/* --- cases, each in a process of its own; 0: as it should be, or which of its conditions isn't ------------------ */

#define SLEEP "echo $$; exec sleep 60"

static pid_t start_sleeper(bool is_leader, char *const *environment)
{
	pid_t pid = start_shell(SLEEP, is_leader, environment);
	must(hear() == pid);
	return pid;
}

/* As a program that a shell has executed: with a child that it never started. */
static int keeps_strangers(void)
{
	pid_t stranger = start_sleeper(false, without_mark());
	tree_begin();
	pid_t ours = start_sleeper(false, environ), copy = fork_idler();
	tree_end();
	int result = !lives(stranger) ? 1 : lives(ours) ? 2 : lives(copy) ? 4 : is_child(ours) || is_child(copy) ? 3 : 0;
	kill(stranger, SIGKILL);
	return result;
}

/* What a stranger starts during the run, and leaves to us. */
static int keeps_what_strangers_leave(void)
{
	pid_t stranger = start_shell("echo $$; read go; sleep 60 & echo $!", false, without_mark());
	must(hear() == stranger);
	tree_begin();
	must(write(go[1], "\n", 1) == 1);
	pid_t orphan = hear();
	await(is_child, true, orphan);
	tree_end_strays(NULL, 0);
	tree_end();
	if (!lives(orphan))
		return 1;
	kill(orphan, SIGKILL);
	await(is_zombie, true, orphan);
	tree_reap();
	/* the one that we had from the beginning is nobody's to reap, but for process 1 */
	return is_child(orphan) ? 2 : !is_child(stranger) ? 3 : 0;
}

/* Nobody else's can be there: all goes, without a mark and out of its session, too. */
static int ends_daemons(void)
{
	tree_begin();
	start_shell("setsid sh -c 'sleep 60 & echo $!'", true, without_mark());
	pid_t daemon = hear();
	tree_end();
	return lives(daemon) ? 1 : waitpid(-1, NULL, WNOHANG) >= 0 ? 2 : 0;
}

/* Beside strangers: in a session of ours, without a mark. */
static int knows_sessions(void)
{
	pid_t stranger = start_sleeper(true, without_mark());
	tree_begin();
	pid_t ours = start_sleeper(true, without_mark());
	tree_end_strays(NULL, 0);
	if (!lives(ours))
		return 1;
	tree_end_strays(&ours, 1);
	int result = lives(ours) ? 2 : !lives(stranger) ? 3 : 0;
	kill(stranger, SIGKILL);
	return result;
}

/* Children that die while they are looked at, and leave others. */
static int ends_what_breeds(void)
{
	tree_begin();
	start_shell("echo $$; f() { (f &) ; (f &) ; exec sleep 0.01; }; f", false, environ);
	hear();
	poll(NULL, 0, 20);
	tree_end();
	return waitpid(-1, NULL, WNOHANG) >= 0 ? 1 : 0;
}

/* In a fork server: load's, then workers, then what a worker has left. */
static int keeps_what_load_has_left(void)
{
	pid_t left = fork_idler();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	must(setsid() > 0);
	tree_note(true);
	pid_t worker = start_sleeper(true, environ), later = start_sleeper(false, environ);
	tree_own(worker);
	pid_t stray = start_sleeper(true, environ);
	if (tree_kill_strays() != 1)
		return 1;
	await(is_zombie, true, stray);
	if (!lives(left) || !lives(worker) || !lives(later))
		return 2;
	tree_forget();
	tree_end();
	return lives(left) || lives(worker) || lives(later) ? 3 : 0;
}

static void *idle(void *nothing)
{
	(void)nothing;
	for (;;)
		pause();
	return NULL;
}

/* Its first thread has ended, another lives: /proc calls it a zombie. */
static int ends_what_looks_dead(void)
{
	tree_begin();
	pid_t pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		pthread_t thread;
		fork_idler();
		must(pthread_create(&thread, NULL, idle, NULL) == 0);
		syscall(SYS_exit, 0);
	}
	await(is_zombie, true, pid);
	tree_end();
	int result = kill(pid, 0) == 0 ? 1 : waitpid(-1, NULL, WNOHANG) >= 0 ? 2 : 0;
	kill(pid, SIGKILL);
	return result;
}

/* Who is waited for is left to the one who waits. */
static int leaves_the_owned_to_their_owner(void)
{
	tree_begin();
	pid_t owned = fork_idler(), stray = fork_idler();
	tree_own(owned);
	kill(owned, SIGKILL);
	kill(stray, SIGKILL);
	await(is_zombie, true, owned);
	await(is_zombie, true, stray);
	tree_reap();
	if (!is_child(owned) || is_child(stray))
		return 1;
	tree_disown(owned);
	tree_reap();
	return is_child(owned) ? 2 : 0;
}

/* Behind hundreds that stay. */
static int sees_many(void)
{
	tree_begin();
	for (int i = 0; i < MANY; i++)
		tree_own(fork_idler());
	pid_t stray = fork_idler();
	bool is_found = tree_kill_strays() == 1;
	await(is_zombie, true, stray);
	tree_end();
	return !is_found ? 1 : waitpid(-1, NULL, WNOHANG) >= 0 ? 2 : 0;
}

int main(void)
{
	static const struct {
		int (*run)(void);
		const char *what;
	} cases[] = {
		{keeps_strangers, "what was there before lives on, and all that we have started since has ended"},
		{keeps_what_strangers_leave, "what strangers leave to us lives on, and is reaped when it dies"},
		{ends_daemons, "where nobody else's can be below us, all ends: out of its session, without a mark"},
		{knows_sessions, "beside strangers, what is in a session of ours ends without a mark, too"},
		{ends_what_breeds, "children that start others while they are killed: none is left"},
		{keeps_what_load_has_left, "in a fork server what load has left stays, and strays go"},
		{ends_what_looks_dead, "a process whose first thread has ended isn't dead yet: it ends, and what it leaves"},
		{leaves_the_owned_to_their_owner, "a death that somebody waits for is left to them"},
		{sees_many, "a stray is found behind 250 that stay"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int status = 0;
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			open_pipes();
			_exit(cases[i].run());
		}
		must(pid > 0 && waitpid(pid, &status, 0) == pid);
		is_int(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), 0, "%s", cases[i].what);
	}
	return tap_done();
}
