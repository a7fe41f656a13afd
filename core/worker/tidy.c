/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tidy - see tidy.h. One function a kind, in the order of the table: what could still send a signal first, then what a
 * signal would do, then whether it comes through.
 */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/tree.h"
#include "core/worker/tidy.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEAR_NS (2 * CLOCK_NS_PER_MS)
#define HIGH_FD 100 /* where a plugin that closes or counts descriptors from 3 on doesn't meet ours */

#define SET_BYTES ((TIDY_SIGNALS - 1) / 8)
#define ACTION_FLAGS \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | (int)SA_RESETHAND)

enum verdict { SAME, MENDED, SPOILT };

static enum verdict mended_if(bool is_right)
{
	return is_right ? MENDED : SPOILT;
}

/* --- kind by kind ------------------------------------------------------------------------------------------------- */

static bool is_armed(int which)
{
	struct itimerval now;
	return getitimer(which, &now) == 0 && (now.it_value.tv_sec != 0 || now.it_value.tv_usec != 0);
}

/* One that open has set runs as the plugin likes. */
static enum verdict check_timers(struct tidy *tidy)
{
	static const struct itimerval none;
	enum verdict verdict = SAME;
	for (int which = 0; which < TIDY_TIMERS_MAX; which++)
		if (!tidy->has_timer[which] && is_armed(which))
			verdict = mended_if(setitimer(which, &none, NULL) == 0 && verdict != SPOILT);
	return verdict;
}

/* What the kernel knows of a set is its beginning; the C library leaves anything in the rest. */
static bool is_same_set(const sigset_t *one, const sigset_t *other)
{
	return memcmp(one, other, SET_BYTES) == 0;
}

/* The C library may add a flag of its own. */
static bool is_same_action(const struct sigaction *one, const struct sigaction *other)
{
	return one->sa_handler == other->sa_handler && ((one->sa_flags ^ other->sa_flags) & ACTION_FLAGS) == 0 &&
	       is_same_set(&one->sa_mask, &other->sa_mask);
}

static enum verdict check_actions(struct tidy *tidy)
{
	enum verdict verdict = SAME;
	for (int signum = 1; signum < TIDY_SIGNALS; signum++) {
		const struct sigaction *kept = &tidy->actions[signum];
		struct sigaction now;
		/* two are the C library's own and can't be seen */
		if (sigaction(signum, NULL, &now) == 0 && !is_same_action(&now, kept))
			verdict = mended_if(sigaction(signum, kept, NULL) == 0 && verdict != SPOILT);
	}
	return verdict;
}

/* Those by which the next item could fail though it asks for little, each a system call. */
static bool is_sharp(int limit)
{
	return limit == RLIMIT_NOFILE || limit == RLIMIT_NPROC || limit == RLIMIT_FSIZE || limit == RLIMIT_AS ||
	       limit == RLIMIT_DATA || limit == RLIMIT_CPU;
}

/* A hard limit that was lowered can be raised again by root only. */
static enum verdict check_limits(struct tidy *tidy)
{
	enum verdict verdict = SAME;
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		const struct rlimit *kept = &tidy->limits[i];
		struct rlimit now;
		if ((tidy->is_all || is_sharp(i)) && getrlimit(i, &now) == 0 &&
		    (now.rlim_cur != kept->rlim_cur || now.rlim_max != kept->rlim_max))
			verdict = mended_if(setrlimit(i, kept) == 0 && verdict != SPOILT);
	}
	return verdict;
}

/* By no path, which costs less and needs no right to search the folder. */
static int look_at_folder(struct stat *ret)
{
	return fstatat(AT_FDCWD, "", ret, AT_EMPTY_PATH);
}

/* A number tells folders apart only on their device. */
static bool is_folder(const struct tidy *tidy, const struct stat *seen)
{
	return seen->st_ino == tidy->folder.st_ino && seen->st_dev == tidy->folder.st_dev;
}

static bool is_in_folder(const struct tidy *tidy)
{
	struct stat now;
	return look_at_folder(&now) == 0 && is_folder(tidy, &now);
}

static enum verdict check_folder(struct tidy *tidy)
{
	if (is_in_folder(tidy))
		return SAME;
	/* the item may have closed the descriptor, and opened something else by its number */
	return mended_if(fchdir(tidy->folder_fd) == 0 && is_in_folder(tidy));
}

/* It can be read only by setting it; to what it was, so that no thread of the plugin's ever sees another. */
static enum verdict check_umask(struct tidy *tidy)
{
	return umask(tidy->umask) == tidy->umask ? SAME : MENDED;
}

/* What waits behind a mask that is taken away would end the worker. TERM is the supervisor's, and may. */
static void forget_pending(const sigset_t *now, const sigset_t *kept)
{
	static const struct timespec no_time;
	sigset_t opening;
	sigemptyset(&opening);
	for (int signum = 1; signum < TIDY_SIGNALS; signum++)
		if (signum != SIGTERM && sigismember(now, signum) == 1 && sigismember(kept, signum) == 0)
			sigaddset(&opening, signum);
	while (sigtimedwait(&opening, NULL, &no_time) > 0)
		;
}

static enum verdict check_sigmask(struct tidy *tidy)
{
	sigset_t now;
	if (pthread_sigmask(SIG_SETMASK, NULL, &now) != 0 || is_same_set(&now, &tidy->sigmask))
		return SAME;
	forget_pending(&now, &tidy->sigmask);
	return mended_if(pthread_sigmask(SIG_SETMASK, &tidy->sigmask, NULL) == 0);
}

static enum verdict check_locale(struct tidy *tidy)
{
	const char *now = setlocale(LC_ALL, NULL);
	if (!tidy->locale || (now && strcmp(now, tidy->locale) == 0))
		return SAME;
	return mended_if(setlocale(LC_ALL, tidy->locale) != NULL);
}

static enum verdict check_thread_locale(struct tidy *tidy)
{
	if (uselocale((locale_t)0) == tidy->thread_locale)
		return SAME;
	return mended_if(uselocale(tidy->thread_locale) != (locale_t)0);
}

/* Living or dead, and without taking a death from the plugin, which may wait for it. */
static bool has_children(void)
{
	siginfo_t info;
	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 || errno != ECHILD;
}

static bool has_dead_children(void)
{
	siginfo_t info = {0};
	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 && info.si_pid != 0;
}

/* A plugin that promises to be tidy may leave the dead to us: what its children's children were comes here, too. */
static enum verdict check_children(struct tidy *tidy)
{
	if (!has_children())
		return SAME;
	if (tree_has_noted() || tidy->scope == TIDY_TREE) {
		if (has_dead_children())
			tree_reap();
		if (tree_has_noted() || !has_children())
			return SAME;
	}
	tree_end();
	return mended_if(!has_children());
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static enum verdict check_streams(struct tidy *tidy)
{
	for (int fd = 0; fd < TIDY_STREAMS_MAX; fd++)
		if (tidy->has_stream[fd] && !is_open(fd))
			return SPOILT;
	return SAME;
}

static enum verdict check_channel(struct tidy *tidy)
{
	return is_open(tidy->channel_fd) ? SAME : SPOILT;
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static const struct {
	enum verdict (*check)(struct tidy *tidy);
	bool is_dear, is_the_threads;
	const char *name; /* an item left ... */
} kinds[] = {
	[TIDY_TIMERS] = {check_timers, true, false, "a timer running"},
	[TIDY_ACTIONS] = {check_actions, true, false, "changed signal actions"},
	[TIDY_LIMITS] = {check_limits, false, false, "changed resource limits"},
	[TIDY_FOLDER] = {check_folder, false, false, "a changed working directory"},
	[TIDY_UMASK] = {check_umask, false, false, "a changed umask"},
	[TIDY_SIGMASK] = {check_sigmask, false, true, "a changed signal mask"},
	[TIDY_LOCALE] = {check_locale, false, false, "a changed locale"},
	[TIDY_THREAD_LOCALE] = {check_thread_locale, false, true, "a changed locale of the thread"},
	[TIDY_CHILDREN] = {check_children, false, false, "child processes"},
	[TIDY_STREAMS] = {check_streams, true, false, "closed standard streams"},
	[TIDY_CHANNEL] = {check_channel, false, false, "the worker's own descriptors closed"},
};
static_assert(sizeof kinds / sizeof *kinds == TIDY_KINDS, "a line each");

static void keep_process(struct tidy *tidy)
{
	int folder_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (look_at_folder(&tidy->folder) != 0)
		tidy->folder = (struct stat){0};
	tidy->folder_fd = folder_fd < 0 ? -1 : fcntl(folder_fd, F_DUPFD_CLOEXEC, HIGH_FD);
	if (tidy->folder_fd < 0)
		tidy->folder_fd = folder_fd;
	else
		close(folder_fd);
	tidy->umask = umask(077);
	umask(tidy->umask);
	for (int signum = 1; signum < TIDY_SIGNALS; signum++)
		sigaction(signum, NULL, &tidy->actions[signum]);
	for (int which = 0; which < TIDY_TIMERS_MAX; which++)
		tidy->has_timer[which] = is_armed(which);
	for (int i = 0; i < RLIM_NLIMITS; i++)
		getrlimit(i, &tidy->limits[i]);
	const char *locale = setlocale(LC_ALL, NULL);
	tidy->locale = locale ? strdup(locale) : NULL;
	for (int fd = 0; fd < TIDY_STREAMS_MAX; fd++)
		tidy->has_stream[fd] = is_open(fd);
}

void tidy_init(struct tidy *tidy, enum tidy_scope scope, int channel_fd)
{
	memset(tidy, 0, sizeof *tidy);
	tidy->scope = scope;
	tidy->channel_fd = channel_fd;
	tidy->folder_fd = -1;
	tidy->pid = getpid();
	if (scope == TIDY_TREE || scope == TIDY_PROCESS)
		tree_note(false);
	if (scope == TIDY_NONE || scope == TIDY_TREE)
		return;
	pthread_sigmask(SIG_SETMASK, NULL, &tidy->sigmask);
	tidy->thread_locale = uselocale((locale_t)0);
	if (scope == TIDY_PROCESS)
		keep_process(tidy);
}

void tidy_fini(struct tidy *tidy)
{
	struct stat now;
	/* an item may have closed it, and the number be another's */
	if (tidy->folder_fd >= 0 && fstat(tidy->folder_fd, &now) == 0 && is_folder(tidy, &now))
		close(tidy->folder_fd);
	tidy->folder_fd = -1;
	free(tidy->locale);
	tidy->locale = NULL;
}

static bool is_in_scope(enum tidy_scope scope, size_t kind)
{
	if (scope == TIDY_PROCESS)
		return true;
	return scope == TIDY_THREAD ? kinds[kind].is_the_threads : kind == TIDY_CHILDREN || kind == TIDY_CHANNEL;
}

bool tidy_check(struct tidy *tidy, int64_t now_ns)
{
	if (tidy->scope == TIDY_NONE)
		return true;
	/* what an item forked has come back from its run, too: only one of them is the worker */
	if (tidy->scope != TIDY_THREAD && getpid() != tidy->pid)
		_exit(0);
	tidy->is_all = now_ns - tidy->dear_ns >= DEAR_NS;
	if (tidy->is_all)
		tidy->dear_ns = now_ns;
	for (size_t i = 0; i < TIDY_KINDS; i++) {
		if ((kinds[i].is_dear && !tidy->is_all) || !is_in_scope(tidy->scope, i))
			continue;
		enum verdict verdict = kinds[i].check(tidy);
		if (verdict != SAME)
			tidy->found |= 1u << i;
		if (verdict == SPOILT)
			tidy->is_spoilt = true;
	}
	return !tidy->is_spoilt;
}

size_t tidy_note(struct tidy *tidy, uint64_t first, uint64_t last, char ret_text[TIDY_NOTE_BYTES])
{
	unsigned news = tidy->found & ~tidy->told;
	tidy->found = 0;
	if (news == 0)
		return 0;
	tidy->told |= news;
	char text[TIDY_NOTE_BYTES];
	size_t n = 0;
	for (size_t i = 0; i < TIDY_KINDS; i++)
		if (news & 1u << i)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n > 0 ? ", " : "", kinds[i].name);
	const char *what = tidy->is_spoilt ? "its worker is replaced" : "restored";
	int n_bytes = first < last ? snprintf(ret_text, TIDY_NOTE_BYTES, "one of the items %llu to %llu left %.300s: %s",
	                                      (unsigned long long)first, (unsigned long long)last, text, what)
	                           : snprintf(ret_text, TIDY_NOTE_BYTES, "left %.300s: %s", text, what);
	return n_bytes > 0 ? (size_t)n_bytes : 0;
}
