/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: what an item changes is seen and put right, or it is said that it can't be. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/procfs.h"
#include "core/worker/tidy.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#if defined(__SANITIZE_THREAD__)
#define IS_ACTION_WRAPPED true
#else
#define IS_ACTION_WRAPPED false
#endif

static int channel_fd;
static int64_t now_ns = CLOCK_NS_PER_SEC; /* the worker's clock, as the test moves it */

/* --- what an item does, and whether it shows ---------------------------------------------------------------------- */

static void go_away(void)
{
	must(chdir("/proc") == 0);
}

static bool is_away(void)
{
	char path[4096];
	must(getcwd(path, sizeof path));
	return strcmp(path, "/proc") == 0;
}

static void set_umask(void)
{
	umask(0123);
}

static bool has_umask(void)
{
	mode_t now = umask(0123);
	umask(now);
	return now == 0123;
}

static bool is_blocked(int signum)
{
	sigset_t now;
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	return sigismember(&now, signum) == 1;
}

static void block(int signum)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, signum);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void block_user_signal(void)
{
	block(SIGUSR1);
}

static bool has_user_signal_blocked(void)
{
	return is_blocked(SIGUSR1);
}

/* It would end the process as soon as the mask is put right. */
static void block_with_one_pending(void)
{
	block(SIGUSR1);
	raise(SIGUSR1);
}

static void unblock_last(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMAX);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static bool is_last_open(void)
{
	return !is_blocked(SIGRTMAX);
}

static void handle(int signum)
{
	(void)signum;
}

static void ignore_pipe(void)
{
	signal(SIGPIPE, SIG_IGN);
}

static bool is_pipe_ignored(void)
{
	struct sigaction now;
	sigaction(SIGPIPE, NULL, &now);
	return now.sa_handler == SIG_IGN;
}

static void handle_last(void)
{
	signal(SIGRTMAX, handle);
}

static bool is_last_handled(void)
{
	struct sigaction now;
	sigaction(SIGRTMAX, NULL, &now);
	return now.sa_handler == handle;
}

static void set_flag(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
	sigaction(SIGCHLD, &action, NULL);
}

static bool has_flag(void)
{
	struct sigaction now;
	sigaction(SIGCHLD, NULL, &now);
	return now.sa_flags & SA_NOCLDWAIT;
}

static void set_alarm(void)
{
	alarm(1000);
}

static bool has_alarm(void)
{
	struct itimerval now;
	getitimer(ITIMER_REAL, &now);
	return now.it_value.tv_sec > 0;
}

static void set_profiling_timer(void)
{
	struct itimerval timer = {.it_value.tv_sec = 1000};
	setitimer(ITIMER_PROF, &timer, NULL);
}

static bool has_profiling_timer(void)
{
	struct itimerval now;
	getitimer(ITIMER_PROF, &now);
	return now.it_value.tv_sec > 0;
}

static void limit_files(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 17;
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static bool has_few_files(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur == 17;
}

static void change_locale(void)
{
	must(setlocale(LC_CTYPE, "C.UTF-8"));
}

static bool has_other_locale(void)
{
	return strcmp(setlocale(LC_ALL, NULL), "C") != 0;
}

static void change_thread_locale(void)
{
	static locale_t other;
	if (!other)
		other = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
	must(other);
	uselocale(other);
}

static bool has_thread_locale(void)
{
	return uselocale((locale_t)0) != LC_GLOBAL_LOCALE;
}

static pid_t child; /* left last, and alive */

static void leave_child(void)
{
	child = fork();
	must(child >= 0);
	while (child == 0)
		pause();
}

static void leave_dead_child(void)
{
	pid_t pid = fork();
	siginfo_t info;
	must(pid >= 0);
	if (pid == 0)
		_exit(0);
	must(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
}

static bool has_child(void)
{
	return waitpid(-1, NULL, WNOHANG) >= 0;
}

/* --- put right ---------------------------------------------------------------------------------------------------- */

static const struct {
	enum tidy_kind kind;
	const char *name, *note;
	void (*change)(void);
	bool (*is_changed)(void);
} changes[] = {
	{TIDY_FOLDER, "a folder", "left a changed working directory: restored", go_away, is_away},
	{TIDY_UMASK, "a file mode mask", "left a changed umask: restored", set_umask, has_umask},
	{TIDY_SIGMASK, "a blocked signal", "left a changed signal mask: restored", block_user_signal,
     has_user_signal_blocked},
	{TIDY_SIGMASK, "a pending signal", "left a changed signal mask: restored", block_with_one_pending,
     has_user_signal_blocked},
	{TIDY_SIGMASK, "an unblocked signal", "left a changed signal mask: restored", unblock_last, is_last_open},
	{TIDY_ACTIONS, "an ignored signal", "left changed signal actions: restored", ignore_pipe, is_pipe_ignored},
	{TIDY_ACTIONS, "a handler", "left changed signal actions: restored", handle_last, is_last_handled},
	{TIDY_ACTIONS, "a flag of an action", "left changed signal actions: restored", set_flag, has_flag},
	{TIDY_TIMERS, "an alarm", "left a timer running: restored", set_alarm, has_alarm},
	{TIDY_TIMERS, "a profiling timer", "left a timer running: restored", set_profiling_timer, has_profiling_timer},
	{TIDY_LIMITS, "a soft limit", "left changed resource limits: restored", limit_files, has_few_files},
	{TIDY_LOCALE, "a locale", "left a changed locale: restored", change_locale, has_other_locale},
	{TIDY_THREAD_LOCALE, "a thread's locale", "left a changed locale of the thread: restored", change_thread_locale,
     has_thread_locale},
	{TIDY_CHILDREN, "a child", "left child processes: restored", leave_child, has_child},
	{TIDY_CHILDREN, "a dead child", "left child processes: restored", leave_dead_child, has_child},
};

static bool check(struct tidy *tidy)
{
	now_ns += CLOCK_NS_PER_SEC;
	return tidy_check(tidy, now_ns);
}

static void test_put_right(void)
{
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		const char *name = changes[i].name;
		struct tidy tidy;
		char note[TIDY_NOTE_BYTES];
		tidy_init(&tidy, TIDY_PROCESS, channel_fd);
		ok(check(&tidy) && tidy.found == 0, "%s: nothing is found before", name);
		changes[i].change();
		ok(check(&tidy), "%s: can be restored", name);
		is_int(tidy.found, 1u << changes[i].kind, "%s: is found, and nothing else", name);
		ok(!changes[i].is_changed(), "%s: is restored", name);
		ok(tidy_note(&tidy, 7, 7, note) == strlen(changes[i].note), "%s: there is a note", name);
		is_str(note, changes[i].note, "%s: which says it", name);
		if (IS_ACTION_WRAPPED && changes[i].kind == TIDY_ACTIONS)
			skip("the thread sanitizer puts handlers of its own in front");
		else
			ok(check(&tidy) && tidy.found == 0, "%s: nothing is found afterwards", name);
		tidy_fini(&tidy);
	}
}

static volatile sig_atomic_t n_terms;

static void count_term(int signum)
{
	(void)signum;
	n_terms++;
}

static bool is_pending(int signum)
{
	sigset_t set;
	must(sigpending(&set) == 0);
	return sigismember(&set, signum) == 1;
}

/* Of the signals that wait behind an item's mask, TERM may be the supervisor's: it is late, not lost. */
static void test_pending(void)
{
	struct tidy tidy;
	const struct sigaction action = {.sa_handler = count_term};
	struct sigaction old;
	must(sigaction(SIGTERM, &action, &old) == 0);
	block(SIGUSR2);
	raise(SIGUSR2);
	tidy_init(&tidy, TIDY_PROCESS, channel_fd);
	block_with_one_pending();
	block(SIGTERM);
	raise(SIGTERM);
	is_int(n_terms, 0, "TERM waits behind a mask");
	ok(check(&tidy), "which can be restored");
	is_int(n_terms, 1, "and it comes");
	ok(!is_pending(SIGUSR1), "what else was sent there is gone");
	ok(is_pending(SIGUSR2), "what waits behind a mask of open's waits on");
	ok(check(&tidy) && n_terms == 1, "once");
	tidy_fini(&tidy);
	must(sigaction(SIGTERM, &old, NULL) == 0);
	signal(SIGUSR2, SIG_IGN); /* so that it is gone, too */
	signal(SIGUSR2, SIG_DFL);
}

/* Two folders that only their devices tell apart. */
static bool find_twins(const char **ret_one, const char **ret_other)
{
	static const char *const roots[] = {"/", "/proc", "/sys", "/dev", "/dev/pts", "/dev/shm", "/run", "/sys/fs/cgroup"};
	const size_t n_roots = sizeof roots / sizeof *roots;
	struct stat one, other;
	for (size_t i = 0; i < n_roots; i++)
		for (size_t k = i + 1; k < n_roots; k++) {
			*ret_one = roots[i];
			*ret_other = roots[k];
			if (stat(roots[i], &one) == 0 && stat(roots[k], &other) == 0 && one.st_ino == other.st_ino &&
			    one.st_dev != other.st_dev && access(roots[i], X_OK) == 0 && access(roots[k], X_OK) == 0)
				return true;
		}
	return false;
}

static void test_twins(void)
{
	struct tidy tidy;
	struct stat before, after;
	const char *one, *other;
	if (!find_twins(&one, &other)) {
		skip("no two folders here have the same number");
		return;
	}
	must(chdir(one) == 0 && stat(".", &before) == 0);
	tidy_init(&tidy, TIDY_PROCESS, channel_fd);
	must(chdir(other) == 0);
	ok(check(&tidy), "from %s to %s, which has the same number", one, other);
	is_int(tidy.found, 1u << TIDY_FOLDER, "is seen");
	must(stat(".", &after) == 0);
	ok(before.st_dev == after.st_dev, "and restored");
	/* an item may close what isn't its own, and open something there */
	const int fd = tidy.folder_fd, other_fd = open(other, O_PATH | O_DIRECTORY | O_CLOEXEC);
	must(other_fd >= 0 && dup2(other_fd, fd) == fd);
	tidy_fini(&tidy);
	is_int(close(fd), 0, "the end closes no descriptor of an item's");
	close(other_fd);
}

/* What the plugin's open has set is how it is to be. */
static void test_kept(void)
{
	struct tidy tidy;
	sigset_t before;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	go_away();
	set_umask();
	block_user_signal();
	ignore_pipe();
	set_alarm();
	change_locale();
	leave_child();
	tidy_init(&tidy, TIDY_PROCESS, channel_fd);
	ok(check(&tidy) && tidy.found == 0, "what was so at the beginning stays");
	ok(is_away() && has_umask() && has_user_signal_blocked() && is_pipe_ignored() && has_alarm(), "all of it");
	ok(has_other_locale() && has_child(), "locale and children, too");
	must(chdir("/") == 0);
	umask(022);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	setlocale(LC_ALL, "C");
	ok(check(&tidy) && is_away() && has_umask() && has_user_signal_blocked() && has_other_locale(),
	   "and is put back when it was changed");
	tidy_fini(&tidy);
	kill(child, SIGKILL);
	must(waitpid(child, NULL, 0) == child);
}

/* --- when --------------------------------------------------------------------------------------------------------- */

static void test_when(void)
{
	struct tidy tidy;
	tidy_init(&tidy, TIDY_PROCESS, channel_fd);
	check(&tidy);
	set_alarm();
	go_away();
	limit_files();
	tidy_check(&tidy, now_ns + 100000);
	is_int(tidy.found, 1u << TIDY_FOLDER | 1u << TIDY_LIMITS, "after 0.1 ms what is cheap is compared, limits too");
	tidy_check(&tidy, now_ns + 2 * CLOCK_NS_PER_MS);
	is_int(tidy.found, 1u << TIDY_FOLDER | 1u << TIDY_LIMITS | 1u << TIDY_TIMERS, "after 2 ms all is");
	tidy_fini(&tidy);
	for (enum tidy_scope scope = TIDY_TREE; scope <= TIDY_PROCESS; scope++) {
		int fd = dup(channel_fd);
		tidy_init(&tidy, scope, fd);
		check(&tidy);
		close(fd);
		ok(!tidy_check(&tidy, now_ns + 100000), "scope %d: a closed channel is seen at once", (int)scope);
		is_int(tidy.found, 1u << TIDY_CHANNEL, "and nothing else");
		tidy_fini(&tidy);
	}
}

static void test_scopes(void)
{
	struct tidy tidy;
	tidy_init(&tidy, TIDY_THREAD, channel_fd);
	go_away();
	set_umask();
	set_alarm();
	block_user_signal();
	change_thread_locale();
	ok(check(&tidy), "a thread's own can be restored");
	is_int(tidy.found, 1u << TIDY_SIGMASK | 1u << TIDY_THREAD_LOCALE, "and nothing else is looked at");
	ok(!has_user_signal_blocked() && !has_thread_locale(), "it is restored");
	ok(is_away() && has_umask() && has_alarm(), "what is the process's stays");
	tidy_fini(&tidy);
	tidy_init(&tidy, TIDY_NONE, channel_fd);
	block_user_signal();
	ok(check(&tidy) && tidy.found == 0 && has_user_signal_blocked(), "for a plugin that is tidy nothing is done");
	tidy_fini(&tidy);
}

static void test_notes(void)
{
	struct tidy tidy;
	char note[TIDY_NOTE_BYTES];
	tidy_init(&tidy, TIDY_PROCESS, channel_fd);
	is_int(tidy_note(&tidy, 1, 1, note), 0, "nothing found, nothing to say");
	go_away();
	set_umask();
	check(&tidy);
	tidy_note(&tidy, 3, 9, note);
	is_str(note, "one of the items 3 to 9 left a changed working directory, a changed umask: restored",
	       "several kinds, several items: one note");
	go_away();
	check(&tidy);
	is_int(tidy_note(&tidy, 10, 10, note), 0, "a kind is told once");
	go_away();
	set_alarm();
	check(&tidy);
	tidy_note(&tidy, 11, 11, note);
	is_str(note, "left a timer running: restored", "another kind is told all the same");
	tidy_fini(&tidy);
}

/* --- what can't be put right -------------------------------------------------------------------------------------- */

static void close_stdin(void)
{
	close(STDIN_FILENO);
}

static void close_channel(void)
{
	close(channel_fd);
}

/* Neither by descriptor nor by number: the folder that is kept can't be entered again. */
static void lose_folder(void)
{
	must(chdir("/proc") == 0);
	procfs_close_from(channel_fd + 1);
}

static void lower_hard_limit(void)
{
	struct rlimit limit = {0, 0};
	must(setrlimit(RLIMIT_CORE, &limit) == 0);
}

/* One that can't be put right, and one behind it that can. */
static void lower_two_limits(void)
{
	lower_hard_limit();
	limit_files();
}

/* What an ordinary user's worker is. */
static void be_nobody(void)
{
	struct rlimit limit = {4096, 4096};
	must(setrlimit(RLIMIT_CORE, &limit) == 0 || errno == EPERM);
	must(setresuid(65534, 65534, 65534) == 0 || errno == EPERM);
}

static const struct {
	const char *name;
	void (*before)(void), (*change)(void);
	const char *note;
} losses[] = {
	{"standard input closed", NULL, close_stdin, "left closed standard streams: its worker is replaced"},
	{"the channel's descriptor closed", NULL, close_channel,
     "left the worker's own descriptors closed: its worker is replaced"},
	{"the folder's descriptor closed", NULL, lose_folder, "left a changed working directory: its worker is replaced"},
	{"a hard limit", be_nobody, lower_hard_limit, "left changed resource limits: its worker is replaced"},
	{"two limits, one of them hard", be_nobody, lower_two_limits,
     "left changed resource limits: its worker is replaced"},
};

/* In a child, which then has the thing no more; its exit code says what was wrong. */
static int lose(size_t i)
{
	struct tidy tidy;
	char note[TIDY_NOTE_BYTES] = "";
	if (losses[i].before)
		losses[i].before();
	tidy_init(&tidy, TIDY_PROCESS, channel_fd);
	if (!check(&tidy))
		return 1;
	losses[i].change();
	if (check(&tidy))
		return 2;
	tidy_note(&tidy, 7, 7, note);
	return strcmp(note, losses[i].note) == 0 ? 0 : 3;
}

static int status_of(pid_t pid)
{
	int status = 0;
	must(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void test_losses(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_CORE, &limit);
	for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
		if (losses[i].before && limit.rlim_max == 0 && geteuid() != 0) {
			skip("the hard limit is 0 here");
			continue;
		}
		pid_t pid = fork();
		must(pid >= 0);
		if (pid == 0)
			_exit(lose(i));
		is_int(status_of(pid), 0, "%s: can't be put right, and that is said", losses[i].name);
	}
}

/* What an item forks and lets come back from its run isn't the worker. */
static void test_stray(void)
{
	struct tidy tidy;
	tidy_init(&tidy, TIDY_PROCESS, channel_fd);
	pid_t pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		check(&tidy);
		_exit(1);
	}
	is_int(status_of(pid), 0, "a stray child ends at the next comparison");
	tidy_fini(&tidy);
}

/* --- the cost ----------------------------------------------------------------------------------------------------- */

static void show_cost(const char *what, enum tidy_scope scope, int64_t step_ns, int n)
{
	struct tidy tidy;
	tidy_init(&tidy, scope, channel_fd);
	check(&tidy);
	int64_t begin_ns = clock_now_ns();
	for (int i = 0; i < n; i++)
		tidy_check(&tidy, now_ns + i * step_ns);
	diag("%s: %lld ns", what, (long long)(clock_now_ns() - begin_ns) / n);
	tidy_fini(&tidy);
}

/* Some tests leave the process changed on purpose. */
static void test(void (*run)(void))
{
	sigset_t mask;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	int folder_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	must(folder_fd >= 0);
	run();
	alarm(0);
	signal(SIGPIPE, SIG_DFL);
	uselocale(LC_GLOBAL_LOCALE);
	setlocale(LC_ALL, "C");
	umask(022);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	must(fchdir(folder_fd) == 0);
	close(folder_fd);
}

int main(void)
{
	channel_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	must(channel_fd > STDERR_FILENO);
	block(SIGRTMAX);
	umask(022);
	test(test_put_right);
	test(test_pending);
	test(test_twins);
	test(test_kept);
	test(test_when);
	test(test_scopes);
	test(test_notes);
	test(test_losses);
	test(test_stray);
	show_cost("what is compared after each item", TIDY_PROCESS, 0, 2000);
	show_cost("all, every two milliseconds", TIDY_PROCESS, 2 * CLOCK_NS_PER_MS, 200);
	show_cost("of a thread", TIDY_THREAD, 0, 2000);
	close(channel_fd);
	return tap_done();
}
