/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shelf - misbehaves on order: `fault` says how, `when` at which item, `attempts` at how many attempts at it.
 * All other items, and those whose fault leaves the process in a state to go on, have as result what `tell` says:
 * the item itself, or something of the worker that a test wants to see.
 *
 *   rota map tests/bad/shelf.so fault=segv when=7 attempts=1
 *
 * `when` is the text of the item, or #N for item number N, or * for every item. fault=named: each item says itself what
 * goes wrong with it, as "!segv"; one that doesn't begin with ! is a good one. The faults are in shelf/, by kind.
 */
#define _GNU_SOURCE 1
#include "tests/bad/shelf/shelf.h"

#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct shelf_fault *const kinds[] = {shelf_ends,   shelf_waits,     shelf_memory,
                                                  shelf_traces, shelf_processes, shelf_host};

struct shelf {
	fault_f *misbehave; /* NULL: never */
	bool is_named;      /* each item says its own */
	const char *when;
	int64_t attempts;
	const char *tell;
	int64_t ms;
	unsigned worker_number;
};

/* The fault of that name, which needn't end with a NUL; NULL: it isn't on the shelf. */
static fault_f *find_fault(const char *name, size_t n_bytes)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (const struct shelf_fault *fault = kinds[i]; fault->name; fault++)
			if (strlen(fault->name) == n_bytes && !memcmp(fault->name, name, n_bytes))
				return fault->misbehave;
	return NULL;
}

/* The fault that an item names itself; NULL: it names none. */
static fault_f *find_named(struct rota_task *task)
{
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	return n_bytes > 0 && item[0] == '!' ? find_fault(item + 1, n_bytes - 1) : NULL;
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
	shelf->misbehave = find_fault(fault, strlen(fault));
	shelf->is_named = !strcmp(fault, "named");
	if (!shelf->misbehave && !shelf->is_named && strcmp(fault, "none") != 0) {
		free(shelf);
		return rota_refuse(worker, "the fault %s stands in the options, but not on the shelf", fault);
	}
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

ROTA_OPTIONS(
	shelf_options,
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
	{"ms", ROTA_INT, "0", "how long each item takes, before anything goes wrong", "0..1000"}, {NULL});

ROTA_PLUGIN(.name = "shelf", .version = "1.0", .summary = "misbehaves on order", .flags = ROTA_THREAD_SAFE,
            .options = shelf_options, .open = shelf_open, .run = shelf_run, .close = shelf_close);
