/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc - see proc.h. A program gets no descriptor by accident because every descriptor of ours is close-on-exec;
 * proc_spawn relies on that, and on 0, 1 and 2 being open.
 */
#include "config.h"

#include "core/base/proc.h"

#include "core/base/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A stream that was closed would be the number of the next file that is opened, and results or messages would go there.
 * Each is opened the wrong way round, so that using it is still an error, but for standard error, which is dropped.
 */
int proc_begin(void)
{
	static const int modes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			return -1;
	return signal(SIGCHLD, SIG_DFL) == SIG_ERR ? -1 : 0;
}

int proc_drop_input(void)
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null_fd < 0)
		return -1;
	int result = dup2(null_fd, STDIN_FILENO), errnum = errno;
	close(null_fd);
	errno = errnum;
	return result < 0 ? -1 : 0;
}

int proc_move_input(int *ret_fd)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (fd < 0)
		return -1;
	if (proc_drop_input() != 0) {
		int errnum = errno;
		close(fd);
		errno = errnum;
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

/* Its folder of threads has a link for each, beside two of its own. */
unsigned proc_threads(void)
{
	struct stat about;
	return stat("/proc/self/task", &about) == 0 && about.st_nlink > 2 ? (unsigned)about.st_nlink - 2 : 0;
}

/* Would the descriptor be overwritten by an entry before n_before, whose to is done first? */
static bool is_overwritten(const struct proc_fd *fds, size_t n_before, int fd)
{
	for (size_t i = 0; i < n_before; i++) {
		if (fds[i].to == fd)
			return true;
	}
	return false;
}

static int max_to(const struct proc_fd *fds, size_t n_fds)
{
	int max = STDERR_FILENO;
	for (size_t i = 0; i < n_fds; i++)
		max = fds[i].to > max ? fds[i].to : max;
	return max;
}

/*
 * The entries are done in their order. One whose from an earlier one overwrites is duplicated out of the way
 * first, close-on-exec and ours to close: copies[i], else -1. A from that equals its to loses close-on-exec in
 * adddup2, as POSIX has it.
 */
static int plan_fds(posix_spawn_file_actions_t *actions, const struct proc_fd *fds, size_t n_fds, int *copies)
{
	int above = max_to(fds, n_fds) + 1;
	for (size_t i = 0; i < n_fds; i++) {
		int from = fds[i].from;
		if (is_overwritten(fds, i, from)) {
			copies[i] = fcntl(from, F_DUPFD_CLOEXEC, above);
			if (copies[i] < 0)
				return errno == EINVAL ? EMFILE : errno; /* EINVAL: above is beyond the limit */
			from = copies[i];
		}
		int errnum = posix_spawn_file_actions_adddup2(actions, from, fds[i].to);
		if (errnum != 0)
			return errnum;
	}
	return 0;
}

static int plan_signals(posix_spawnattr_t *attr, int in_new_session)
{
	sigset_t all, none;
	short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
	if (in_new_session)
		flags |= POSIX_SPAWN_SETSID;
	sigfillset(&all);
	sigemptyset(&none);
	int errnum = posix_spawnattr_setsigdefault(attr, &all);
	if (errnum == 0)
		errnum = posix_spawnattr_setsigmask(attr, &none);
	if (errnum == 0)
		errnum = posix_spawnattr_setflags(attr, flags);
	return errnum;
}

static enum err_code code_of(int errnum)
{
	switch (errnum) {
	case EAGAIN:
	case ENOMEM:
	case EPERM:
	case EMFILE:
	case ENFILE:
		return ERR_RESOURCE;
	default:
		return ERR_RUN;
	}
}

/* The same with everything that is given back at the end. Returns an errno. */
static int spawn(const char *const *argv, const struct proc_fd *fds, size_t n_fds, int *copies, int in_new_session,
                 pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int errnum = posix_spawn_file_actions_init(&actions);
	if (errnum != 0)
		return errnum;
	errnum = posix_spawnattr_init(&attr);
	if (errnum != 0)
		goto out;
	errnum = plan_fds(&actions, fds, n_fds, copies);
	if (errnum == 0)
		errnum = plan_signals(&attr, in_new_session);
	/* posix_spawn doesn't write to the strings; its type only says so since before const. */
	if (errnum == 0)
		errnum = posix_spawn(ret_pid, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attr);
out:
	posix_spawn_file_actions_destroy(&actions);
	return errnum;
}

int proc_spawn(const char *const *argv, const struct proc_fd *fds, size_t n_fds, int in_new_session, pid_t *ret_pid,
               struct err *err)
{
	pid_t pid = -1;
	int *copies = calloc(n_fds + 1, sizeof(*copies));
	if (!copies)
		return err_set(err, ERR_RESOURCE, "cannot start %s: out of memory", argv[0]);
	for (size_t i = 0; i < n_fds; i++)
		copies[i] = -1;
	int errnum = spawn(argv, fds, n_fds, copies, in_new_session, &pid);
	for (size_t i = 0; i < n_fds; i++) {
		if (copies[i] >= 0)
			close(copies[i]);
	}
	free(copies);
	if (errnum != 0)
		return err_set_errno(err, code_of(errnum), errnum, "cannot start %s", argv[0]);
	*ret_pid = pid;
	return 0;
}

int proc_end(pid_t pid)
{
	int status = SIGKILL; /* the wait status of a death by it */
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

void proc_die_by(int signum)
{
	sigset_t one;
	sigemptyset(&one);
	sigaddset(&one, signum);
	signal(signum, SIG_DFL);
	raise(signum);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	_exit(128 + signum);
}

/* Without SIG; NULL: a real-time signal, or none. glibc has such names only from 2.32 on. */
static const char *signal_name(int number)
{
	static const char *const names[] = {
		[SIGHUP] = "HUP",     [SIGINT] = "INT",       [SIGQUIT] = "QUIT",     [SIGILL] = "ILL",   [SIGTRAP] = "TRAP",
		[SIGABRT] = "ABRT",   [SIGBUS] = "BUS",       [SIGFPE] = "FPE",       [SIGKILL] = "KILL", [SIGUSR1] = "USR1",
		[SIGSEGV] = "SEGV",   [SIGUSR2] = "USR2",     [SIGPIPE] = "PIPE",     [SIGALRM] = "ALRM", [SIGTERM] = "TERM",
		[SIGCHLD] = "CHLD",   [SIGCONT] = "CONT",     [SIGSTOP] = "STOP",     [SIGTSTP] = "TSTP", [SIGTTIN] = "TTIN",
		[SIGTTOU] = "TTOU",   [SIGURG] = "URG",       [SIGXCPU] = "XCPU",     [SIGXFSZ] = "XFSZ", [SIGPROF] = "PROF",
		[SIGWINCH] = "WINCH", [SIGVTALRM] = "VTALRM", [SIGSTKFLT] = "STKFLT", [SIGPOLL] = "POLL", [SIGPWR] = "PWR",
		[SIGSYS] = "SYS"};
	return number > 0 && (size_t)number < sizeof(names) / sizeof(*names) ? names[number] : NULL;
}

const char *proc_death(char text[PROC_DEATH_BYTES], int wait_status)
{
	if (WIFEXITED(wait_status)) {
		snprintf(text, PROC_DEATH_BYTES, "exit code %d", WEXITSTATUS(wait_status));
	} else if (WIFSIGNALED(wait_status)) {
		int number = WTERMSIG(wait_status);
		const char *name = signal_name(number);
		if (name)
			snprintf(text, PROC_DEATH_BYTES, "SIG%s (%s)", name, strsignal(number));
		else
			snprintf(text, PROC_DEATH_BYTES, "signal %d", number);
	} else {
		snprintf(text, PROC_DEATH_BYTES, "wait status 0x%x", (unsigned)wait_status);
	}
	return text;
}

/* The path of the running program, without /proc as it was started. */
static char *own_path(void)
{
	char room[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", room, sizeof(room));
	if (n > 0 && (size_t)n < sizeof(room) && room[0] == '/')
		return strndup(room, (size_t)n);
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel hands the address over as a number */
	const char *started_as = (const char *)getauxval(AT_EXECFN);
	if (!started_as) {
		errno = ENOENT;
		return NULL;
	}
	return realpath(started_as, NULL);
}

bool proc_is_dead(pid_t pid)
{
	int fd = proc_open_pidfd(pid);
	if (fd < 0)
		return kill(pid, 0) != 0 && errno == ESRCH;
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	bool is_dead = poll(&polled, 1, 0) > 0;
	close(fd);
	return is_dead;
}

bool proc_was_killed(int wait_status)
{
	int signum = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
	return signum == SIGKILL || signum == SIGTERM || signum == SIGINT || signum == SIGHUP || signum == SIGQUIT;
}

char proc_state(pid_t pid)
{
	struct procfs_process process;
	return procfs_look(pid, &process) ? process.state : '?';
}

int proc_own_folder(char *ret_path, size_t n_bytes, struct err *err)
{
	char *path = own_path();
	if (!path)
		return err_set_errno(err, ERR_RUN, errno,
		                     "cannot find the directory of the running program (is /proc mounted?)");
	char *slash = strrchr(path, '/');
	size_t n = slash == path ? 1 : (size_t)(slash - path);
	if (n >= n_bytes) {
		free(path);
		return err_set(err, ERR_RUN, "the path of the running program's directory is longer than %zu bytes",
		               n_bytes - 1);
	}
	memcpy(ret_path, path, n);
	ret_path[n] = '\0';
	free(path);
	return 0;
}

static bool is_program(const char *path)
{
	struct stat about;
	return stat(path, &about) == 0 && S_ISREG(about.st_mode) && access(path, X_OK) == 0;
}

int proc_find_program(const char *name, const char *installed_folder, char **ret_path, struct err *err)
{
	char own_folder[PATH_MAX];
	if (proc_own_folder(own_folder, sizeof(own_folder), err) < 0)
		return -1;
	const char *folders[] = {own_folder, installed_folder};
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char *path;
		if (asprintf(&path, "%s/%s", folders[i], name) < 0)
			return err_set(err, ERR_RESOURCE, "out of memory for the path of %s", name);
		if (is_program(path)) {
			*ret_path = path;
			return 0;
		}
		free(path);
	}
	return err_set(err, ERR_RUN, "cannot find the program %s in %s or in %s: is rota completely installed?", name,
	               own_folder, installed_folder);
}

int proc_open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}
