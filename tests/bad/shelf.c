/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shelf - misbehaves on order: `fault` says how, `when` at which item, `attempts` at how many attempts at it.
 * All other items, and those whose fault leaves the process in a state to go on, have as result what `tell` says:
 * the item itself, or something of the worker that a test wants to see.
 *
 *   rota map tests/bad/shelf.so fault=segv when=7 attempts=1
 *
 * `when` is the text of the item, or #N for item number N, or * for every item. fault=named: each item says itself what
 * goes wrong with it, as "!segv"; one that doesn't begin with ! is a good one.
 */
#define _GNU_SOURCE 1
#include <rota/plugin.h>

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* From a fault: go on as if nothing had happened. */
#define GO_ON (-1)

#define MIB ((size_t)1024 * 1024)

typedef int fault_f(struct rota_task *task);

struct shelf {
	fault_f *misbehave; /* NULL: never */
	bool is_named;      /* each item says its own */
	const char *when;
	int64_t attempts;
	const char *tell;
	int64_t ms;
	unsigned worker_number;
};

/* -- ends of the process -- */

__attribute__((no_sanitize("undefined", "address"))) static int fault_segv(struct rota_task *task)
{
	(void)task;
	volatile int *volatile nowhere = NULL;
	*nowhere = 1;
	return GO_ON;
}

static int fault_abort(struct rota_task *task)
{
	(void)task;
	abort();
}

static int fault_kill(struct rota_task *task)
{
	(void)task;
	raise(SIGKILL);
	return GO_ON;
}

static int fault_exit0(struct rota_task *task)
{
	(void)task;
	exit(0);
}

static int fault_exit3(struct rota_task *task)
{
	(void)task;
	_exit(3);
}

static int eat_stack(volatile char *above)
{
	int (*volatile deeper)(volatile char *) = eat_stack;
	volatile char here[4096];
	here[0] = above[0];
	return deeper(here) + here[0];
}

static int fault_stack(struct rota_task *task)
{
	(void)task;
	volatile char top[1] = {1};
	return eat_stack(top);
}

/* Half of a result, then the end. */
static int fault_die_writing(struct rota_task *task)
{
	rota_write(task, "half", 4);
	abort();
}

/* -- no end in sight -- */

static int fault_stop(struct rota_task *task)
{
	(void)task;
	raise(SIGSTOP);
	return GO_ON;
}

static int fault_loop(struct rota_task *task)
{
	(void)task;
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	volatile bool is_looping = true;
	while (is_looping)
		;
	return GO_ON;
}

static void *wait_for_ever(void *nothing)
{
	while (pause() < 0)
		;
	return nothing;
}

static int fault_hang(struct rota_task *task)
{
	(void)task;
	wait_for_ever(NULL);
	return GO_ON;
}

/* Well-behaved, but only when it is told. */
static int fault_until_cancelled(struct rota_task *task)
{
	while (!rota_cancelled(task))
		usleep(1000);
	return rota_fail(task, "was told to stop");
}

static void hear(int signum)
{
	static const char words[] = "TERM was heard\n";
	(void)signum;
	if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
		abort();
}

/* Isn't ended by TERM, and answers soon after it was told to give up, as if it hadn't been. */
static int fault_late(struct rota_task *task)
{
	signal(SIGTERM, hear);
	while (!rota_cancelled(task))
		usleep(1000);
	usleep(20000);
	return GO_ON;
}

/* Takes memory until somebody ends it, 1.6 GiB a second, up to 4 GiB. */
static int fault_memory(struct rota_task *task)
{
	for (size_t taken = 0; taken < 4096 * MIB; taken += 16 * MIB) {
		char *volatile memory = malloc(16 * MIB);
		if (!memory)
			return rota_fail(task, "no memory after %zu bytes", taken);
		memset(memory, 1, 16 * MIB);
		usleep(10000);
	}
	return rota_fail(task, "nobody ended this item at 4 GiB");
}

/* -- other people's memory -- */

/* Fills every shared writable mapping with what next_byte gives. */
static void scribble(unsigned char (*next_byte)(void))
{
	FILE *maps = fopen("/proc/self/maps", "re");
	if (!maps)
		abort();
	char line[PATH_MAX + 100];
	while (fgets(line, sizeof(line), maps)) {
		uintptr_t first, end;
		char mode[5];
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &first, &end, mode) == 3 && !strcmp(mode, "rw-s")) {
			for (volatile unsigned char *at = (volatile unsigned char *)first; (uintptr_t)at < end; at++)
				*at = next_byte();
		}
	}
	fclose(maps);
}

static unsigned char zero(void)
{
	return 0;
}

static unsigned char garbage(void)
{
	static uint32_t seed = 2463534242;
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return (unsigned char)seed;
}

static int fault_garbage(struct rota_task *task)
{
	(void)task;
	scribble(garbage);
	return GO_ON;
}

static int fault_zeros(struct rota_task *task)
{
	(void)task;
	scribble(zero);
	return GO_ON;
}

/* A child that goes on with it while its parent answers, and answers, until somebody ends it. */
static void scribble_on(void)
{
	for (;;) {
		scribble(garbage);
		scribble(zero);
	}
}

static int fault_child_scribble(struct rota_task *task)
{
	pid_t child = fork();
	if (child == 0)
		scribble_on();
	return child < 0 ? rota_fail(task, "cannot fork") : GO_ON;
}

/* The same by one that is nobody's child any more, and that has begun when its parent answers. */
static int fault_daemon_scribble(struct rota_task *task)
{
	int begun[2];
	char byte;
	if (pipe(begun))
		return rota_fail(task, "cannot make a pipe");
	pid_t child = fork();
	if (child == 0) {
		setsid();
		if (fork() == 0 && write(begun[1], "", 1) == 1)
			scribble_on();
		_exit(0);
	}
	bool has_begun = child > 0 && waitpid(child, NULL, 0) == child && read(begun[0], &byte, 1) == 1;
	close(begun[0]);
	close(begun[1]);
	return has_begun ? GO_ON : rota_fail(task, "cannot fork");
}

/* Cuts every file in shared memory that it has a descriptor of, or that it finds one of. */
static int fault_truncate(struct rota_task *task)
{
	(void)task;
	DIR *folder = opendir("/proc/self/fd");
	if (!folder)
		abort();
	for (struct dirent *entry; (entry = readdir(folder));) {
		char target[PATH_MAX];
		ssize_t n = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		if (!strncmp(target, "/dev/shm/", 9) || !strncmp(target, "/memfd:", 7)) {
			if (ftruncate(atoi(entry->d_name), 0))
				continue;
		}
	}
	closedir(folder);
	return GO_ON;
}

/* -- descriptors -- */

static int fault_stdout(struct rota_task *task)
{
	(void)task;
	printf("junk on standard output\n");
	fflush(stdout);
	return GO_ON;
}

static int fault_stderr(struct rota_task *task)
{
	(void)task;
	fprintf(stderr, "words on standard error\n");
	return GO_ON;
}

static int fault_stdin(struct rota_task *task)
{
	char byte;
	ssize_t n = read(STDIN_FILENO, &byte, 1);
	return n == 0 ? GO_ON : rota_fail(task, "standard input gave %zd bytes", n);
}

static int fault_closefds(struct rota_task *task)
{
	(void)task;
	close_range(0, ~0u, 0);
	return GO_ON;
}

static int fault_nofile(struct rota_task *task)
{
	(void)task;
	struct rlimit none = {0, 0};
	setrlimit(RLIMIT_NOFILE, &none);
	return GO_ON;
}

/* -- what the next item could see -- */

static int fault_chdir(struct rota_task *task)
{
	return chdir("/") ? rota_fail(task, "cannot go to /") : GO_ON;
}

static int fault_umask(struct rota_task *task)
{
	(void)task;
	umask(0777);
	return GO_ON;
}

static int fault_sigmask(struct rota_task *task)
{
	(void)task;
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	return GO_ON;
}

static int fault_locale(struct rota_task *task)
{
	return setlocale(LC_ALL, "C.UTF-8") ? GO_ON : rota_fail(task, "no locale C.UTF-8");
}

/* -- processes and threads -- */

static int fault_fork(struct rota_task *task)
{
	(void)task;
	if (fork() == 0)
		wait_for_ever(NULL);
	return GO_ON;
}

static int fault_daemon(struct rota_task *task)
{
	(void)task;
	if (fork() == 0) {
		setsid();
		if (fork() == 0)
			wait_for_ever(NULL);
		_exit(0);
	}
	return GO_ON;
}

/* Parent and child both come back from run. */
static int fault_fork_return(struct rota_task *task)
{
	return fork() < 0 ? rota_fail(task, "cannot fork") : GO_ON;
}

static int fault_thread(struct rota_task *task)
{
	pthread_t thread;
	return pthread_create(&thread, NULL, wait_for_ever, NULL) ? rota_fail(task, "cannot make a thread") : GO_ON;
}

/* Only rota's own: by hand it would be the shell. */
static int fault_killparent(struct rota_task *task)
{
	char path[64], name[32] = "";
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)getppid());
	FILE *file = fopen(path, "re");
	if (file) {
		if (!fgets(name, sizeof(name), file))
			name[0] = '\0';
		fclose(file);
	}
	if (strncmp(name, "rota", 4))
		return rota_fail(task, "the parent is %s, not rota", name);
	kill(getppid(), SIGKILL);
	return GO_ON;
}

static int fault_killgroup(struct rota_task *task)
{
	if (getpgrp() != getpid())
		return rota_fail(task, "leads no process group");
	kill(0, SIGKILL);
	return GO_ON;
}

/* -- wrong use of the host -- */

/* Writes until it is told that it is too much, and passes that on. */
static int fault_toolong(struct rota_task *task)
{
	static const char line[] = "too long too long too long too long too long too long too long too long";
	int status = ROTA_OK;
	while (status == ROTA_OK)
		status = rota_write(task, line, sizeof(line) - 1);
	return status;
}

/* Is told that it is too much, and says that all is well. */
static int fault_toolong_ignored(struct rota_task *task)
{
	fault_toolong(task);
	return ROTA_OK;
}

static int fault_reserve_toolong(struct rota_task *task)
{
	return rota_reserve(task, SIZE_MAX / 4) ? rota_fail(task, "was given room that nobody has") : ROTA_FAILED;
}

static int fault_commit_too_much(struct rota_task *task)
{
	if (!rota_reserve(task, 1))
		return ROTA_FAILED;
	return rota_commit(task, 64 * MIB);
}

static int fault_commit_unreserved(struct rota_task *task)
{
	return rota_commit(task, 64 * MIB);
}

/* Reserves, and makes nothing of it: no result. */
static int fault_reserve_only(struct rota_task *task)
{
	return rota_reserve(task, 100) ? ROTA_OK : ROTA_FAILED;
}

static int fault_fail(struct rota_task *task)
{
	return rota_fail(task, "failed on order");
}

/* What was written before doesn't count. */
static int fault_fail_late(struct rota_task *task)
{
	rota_write(task, "half a result", 13);
	return rota_fail(task, "failed on order, late");
}

static int fault_fail_silent(struct rota_task *task)
{
	(void)task;
	return ROTA_FAILED;
}

static int fault_fail_ignored(struct rota_task *task)
{
	rota_fail(task, "failed on order, but run says ok");
	return ROTA_OK;
}

static int fault_retry(struct rota_task *task)
{
	rota_write(task, "half a result", 13);
	return rota_retry(task, "not now");
}

static int fault_retry_silent(struct rota_task *task)
{
	(void)task;
	return ROTA_AGAIN;
}

static int fault_status(struct rota_task *task)
{
	(void)task;
	return 42;
}

static int fault_refused(struct rota_task *task)
{
	(void)task;
	return ROTA_REFUSED;
}

static int fault_no_result(struct rota_task *task)
{
	(void)task;
	return ROTA_OK;
}

static int fault_empty_result(struct rota_task *task)
{
	return rota_write(task, "", 0);
}

static int fault_log(struct rota_task *task)
{
	static const char odd[] = "odd \001\033[31m\xff bytes\nand a second line";
	rota_log(task, "a line for the user");
	task->host->log(task, odd, sizeof(odd) - 1);
	task->host->log(task, "", 0);
	return GO_ON;
}

static int fault_log_flood(struct rota_task *task)
{
	for (int i = 0; i < 100000; i++)
		rota_log(task, "line %d of too many", i);
	return GO_ON;
}

static int fault_count(struct rota_task *task)
{
	rota_count(task, "counted", 1);
	return GO_ON;
}

static int fault_next(struct rota_task *task)
{
	int status = rota_write(task, "first", 5);
	if (status == ROTA_OK)
		status = rota_next(task);
	return status == ROTA_OK ? rota_write(task, "second", 6) : status;
}

static const struct {
	const char *name;
	fault_f *misbehave;
} faults[] = {
	{"none", NULL},
	{"named", NULL},
	{"segv", fault_segv},
	{"abort", fault_abort},
	{"kill", fault_kill},
	{"exit0", fault_exit0},
	{"exit3", fault_exit3},
	{"stack", fault_stack},
	{"die-writing", fault_die_writing},
	{"stop", fault_stop},
	{"loop", fault_loop},
	{"hang", fault_hang},
	{"until-cancelled", fault_until_cancelled},
	{"late", fault_late},
	{"memory", fault_memory},
	{"garbage", fault_garbage},
	{"zeros", fault_zeros},
	{"child-scribble", fault_child_scribble},
	{"daemon-scribble", fault_daemon_scribble},
	{"truncate", fault_truncate},
	{"stdout", fault_stdout},
	{"stderr", fault_stderr},
	{"stdin", fault_stdin},
	{"closefds", fault_closefds},
	{"nofile", fault_nofile},
	{"chdir", fault_chdir},
	{"umask", fault_umask},
	{"sigmask", fault_sigmask},
	{"locale", fault_locale},
	{"fork", fault_fork},
	{"daemon", fault_daemon},
	{"fork-return", fault_fork_return},
	{"thread", fault_thread},
	{"killparent", fault_killparent},
	{"killgroup", fault_killgroup},
	{"toolong", fault_toolong},
	{"toolong-ignored", fault_toolong_ignored},
	{"reserve-toolong", fault_reserve_toolong},
	{"commit-too-much", fault_commit_too_much},
	{"commit-unreserved", fault_commit_unreserved},
	{"reserve-only", fault_reserve_only},
	{"fail", fault_fail},
	{"fail-late", fault_fail_late},
	{"fail-silent", fault_fail_silent},
	{"fail-ignored", fault_fail_ignored},
	{"retry", fault_retry},
	{"retry-silent", fault_retry_silent},
	{"status", fault_status},
	{"refused", fault_refused},
	{"no-result", fault_no_result},
	{"empty-result", fault_empty_result},
	{"log", fault_log},
	{"log-flood", fault_log_flood},
	{"count", fault_count},
	{"next", fault_next},
};

/* The fault that an item names itself; NULL: it names none. */
static fault_f *find_named(struct rota_task *task)
{
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	for (size_t i = 0; n_bytes > 0 && item[0] == '!' && i < sizeof(faults) / sizeof(faults[0]); i++)
		if (strlen(faults[i].name) == n_bytes - 1 && !memcmp(faults[i].name, item + 1, n_bytes - 1))
			return faults[i].misbehave;
	return NULL;
}

static bool is_due(struct rota_task *task, const struct shelf *shelf)
{
	if (!shelf->misbehave || rota_attempt(task) > shelf->attempts)
		return false;
	if (!strcmp(shelf->when, "*"))
		return true;
	if (shelf->when[0] == '#')
		return rota_seq(task) == strtoull(shelf->when + 1, NULL, 10);
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return n_bytes == strlen(shelf->when) && !memcmp(item, shelf->when, n_bytes);
}

static unsigned current_umask(void)
{
	mode_t mask = umask(0);
	umask(mask);
	return mask;
}

static unsigned n_blocked_signals(void)
{
	unsigned n = 0;
	sigset_t mask;
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	for (int signal = 1; signal < SIGRTMIN; signal++)
		n += sigismember(&mask, signal) == 1;
	return n;
}

static int tell(struct rota_task *task, const struct shelf *shelf)
{
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	const char *what = shelf->tell;
	char text[PATH_MAX + 100] = "?";
	if (!strcmp(what, "item"))
		return rota_write(task, item, n_bytes);
	if (!strcmp(what, "pid"))
		snprintf(text, sizeof(text), "%d", (int)getpid());
	else if (!strcmp(what, "parent"))
		snprintf(text, sizeof(text), "%d", (int)getppid());
	else if (!strcmp(what, "worker"))
		snprintf(text, sizeof(text), "%u", shelf->worker_number);
	else if (!strcmp(what, "seq"))
		snprintf(text, sizeof(text), "%" PRIu64, rota_seq(task));
	else if (!strcmp(what, "attempt"))
		snprintf(text, sizeof(text), "%" PRIu32, rota_attempt(task));
	else if (!strcmp(what, "seed"))
		snprintf(text, sizeof(text), "%" PRIu64, rota_seed(task));
	else if (!strcmp(what, "folder") && !getcwd(text, sizeof(text)))
		return rota_fail(task, "is in no folder");
	else if (!strcmp(what, "umask"))
		snprintf(text, sizeof(text), "%04o", current_umask());
	else if (!strcmp(what, "sigmask"))
		snprintf(text, sizeof(text), "%u", n_blocked_signals());
	else if (!strcmp(what, "locale"))
		snprintf(text, sizeof(text), "%s", setlocale(LC_ALL, NULL));
	return rota_write(task, text, strlen(text));
}

static int shelf_open(struct rota_worker *worker, void **state)
{
	struct shelf *shelf = calloc(1, sizeof(*shelf));
	if (!shelf)
		return rota_refuse(worker, "no memory for the shelf");
	const char *fault = rota_option_choice(worker, "fault");
	size_t i = 0;
	while (i < sizeof(faults) / sizeof(faults[0]) && strcmp(faults[i].name, fault))
		i++;
	if (i == sizeof(faults) / sizeof(faults[0])) {
		free(shelf);
		return rota_refuse(worker, "the fault %s stands in the options, but not on the shelf", fault);
	}
	shelf->misbehave = faults[i].misbehave;
	shelf->is_named = !strcmp(fault, "named");
	shelf->when = rota_option_string(worker, "when");
	shelf->attempts = rota_option_int(worker, "attempts");
	shelf->tell = rota_option_choice(worker, "tell");
	shelf->ms = rota_option_int(worker, "ms");
	shelf->worker_number = rota_worker_number(worker);
	*state = shelf;
	return ROTA_OK;
}

static int shelf_run(struct rota_task *task, void *state)
{
	const struct shelf *shelf = state;
	fault_f *misbehave = shelf->is_named ? find_named(task) : is_due(task, shelf) ? shelf->misbehave : NULL;
	if (shelf->ms > 0)
		usleep((useconds_t)shelf->ms * 1000);
	int status = misbehave ? misbehave(task) : GO_ON;
	return status == GO_ON ? tell(task, shelf) : status;
}

static void shelf_close(void *state)
{
	free(state);
}

static const struct rota_option shelf_options[] = {
	{"fault", ROTA_CHOICE, "none", "what goes wrong",
	 "none,named,segv,abort,kill,exit0,exit3,stack,die-writing,stop,loop,hang,until-cancelled,late,memory,garbage,"
	 "zeros,child-scribble,daemon-scribble,truncate,stdout,stderr,stdin,closefds,nofile,chdir,umask,sigmask,"
	 "locale,fork,daemon,fork-return,thread,killparent,killgroup,toolong,toolong-ignored,reserve-toolong,"
	 "commit-too-much,commit-unreserved,reserve-only,fail,fail-late,fail-silent,fail-ignored,retry,retry-silent,"
	 "status,refused,no-result,empty-result,log,log-flood,count,next"},
	{"when", ROTA_STRING, "7", "at which item: its text, #N for its number, * for all"},
	{"attempts", ROTA_INT, "1000000", "only at so many attempts at it", "0.."},
	{"tell", ROTA_CHOICE, "item", "what the result is",
	 "item,pid,parent,worker,seq,attempt,seed,folder,umask,sigmask,locale"},
	{"ms", ROTA_INT, "0", "how long each item takes, before anything goes wrong", "0..1000"},
	{NULL},
};

ROTA_PLUGIN(
	.name = "shelf", .version = "1.0", .summary = "misbehaves on order",
	.flags = ROTA_THREAD_SAFE,
	.options = shelf_options,
	.open = shelf_open, .run = shelf_run, .close = shelf_close);
