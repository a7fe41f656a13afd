/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec - runs a command for each item. Its standard output is the result, its standard error is logged line by line,
 * its exit status decides. No shell is involved.
 *
 *   exec_open    the words of the command, the environment and PATH are looked at once
 *   exec_run     fill (words with the item in them) -> launch -> follow (relays output until it ended) -> judge
 *
 * Invariants:
 *   The item ends when the command exits, whoever else still holds its pipes: what is in them then is read, no more.
 *   Memory is bounded: output goes into the result as it comes, of standard error LOG_BYTES_MAX are logged.
 *   The command leads a process group of its own, so that all of it can be stopped when nobody wants it any more.
 *   It is reaped last, after any signal was sent: until then its number can't belong to anybody else.
 *   All descriptors are close-on-exec: several threads may launch at the same time.
 */
#define _GNU_SOURCE 1
#include <rota/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUFFER_BYTES (64 * 1024)               /* what a pipe holds */
#define LOG_BYTES_MAX (64 * 1024)              /* of one item's standard error */
#define COMMAND_BYTES_MAX (6u * 1024u * 1024u) /* Linux takes no more, whatever the stack's limit */
#define TICK_MS 100                            /* how often a running command is asked whether it was cancelled */
#define TICK_BLIND_MS 2                        /* the same where the kernel has no pidfd that tells of its end */
#define STOP_MS 200                            /* from SIGTERM to SIGKILL */

extern char **environ;

/* One worker's. */
struct launcher {
	const char **words; /* the command, {} appended when no word has one; the strings are the option's */
	size_t n_words;
	char *program;      /* where PATH has the command; NULL: look it up for each item */
	char **argv;        /* n_words and a NULL; point into text */
	char **envp;        /* environ's own strings, the three below, a NULL */
	char **envp_own;    /* where in envp the three stand */
	char seq[32];
	char attempt[32];
	char *text;         /* the arguments and ROTA_ITEM of this item */
	size_t text_cap;
	int null_fd;
	posix_spawnattr_t attributes;
	char buffer[BUFFER_BYTES];
};

/* One item's running command. */
struct command {
	pid_t pid;
	int pid_fd; /* -1: the kernel has none */
	int out_fd; /* -1: at its end */
	int err_fd;
	char line[ROTA_TEXT_MAX]; /* of standard error, not yet logged */
	size_t n_line;
	size_t n_logged_bytes;
	uint64_t n_unlogged_bytes;
};

/* The path of a command in PATH, malloc'ed; NULL when it isn't to be looked up, or not there. */
static char *find_program(const char *name)
{
	const char *folders = getenv("PATH");
	if (!folders || !*name || strchr(name, '/') || strstr(name, "{}"))
		return NULL;
	for (;;) {
		int n_bytes = (int)strcspn(folders, ":");
		char *path;
		if (asprintf(&path, "%.*s%s%s", n_bytes, folders, n_bytes ? "/" : "./", name) < 0)
			return NULL;
		struct stat status;
		if (access(path, X_OK) == 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode))
			return path;
		free(path);
		if (!folders[n_bytes])
			return NULL;
		folders += n_bytes + 1;
	}
}

static bool copy_words(struct launcher *launcher, const char *const *words, size_t n_words)
{
	launcher->words = calloc(n_words + 1, sizeof(*launcher->words));
	launcher->argv = calloc(n_words + 2, sizeof(*launcher->argv));
	if (!launcher->words || !launcher->argv)
		return false;
	bool has_braces = false;
	for (size_t i = 0; i < n_words; i++) {
		launcher->words[i] = words[i];
		has_braces |= strstr(words[i], "{}") != NULL;
	}
	launcher->n_words = n_words;
	if (!has_braces)
		launcher->words[launcher->n_words++] = "{}";
	return true;
}

static bool copy_environment(struct launcher *launcher)
{
	size_t n = 0;
	while (environ[n])
		n++;
	launcher->envp = calloc(n + 4, sizeof(*launcher->envp));
	if (!launcher->envp)
		return false;
	char **next = launcher->envp;
	for (size_t i = 0; i < n; i++) {
		const char *entry = environ[i];
		if (strncmp(entry, "ROTA_ITEM=", 10) && strncmp(entry, "ROTA_SEQ=", 9) && strncmp(entry, "ROTA_ATTEMPT=", 13))
			*next++ = environ[i];
	}
	launcher->envp_own = next;
	return true;
}

/* In the command all signals are as at a login, whatever the worker does with its own. */
static bool set_attributes(struct launcher *launcher)
{
	const short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP;
	posix_spawnattr_t *attributes = &launcher->attributes;
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	return posix_spawnattr_setsigdefault(attributes, &all) == 0 &&
	       posix_spawnattr_setsigmask(attributes, &none) == 0 &&
	       posix_spawnattr_setpgroup(attributes, 0) == 0 &&
	       posix_spawnattr_setflags(attributes, flags) == 0;
}

static void exec_close(void *state)
{
	struct launcher *launcher = state;
	if (launcher->null_fd >= 0)
		close(launcher->null_fd);
	posix_spawnattr_destroy(&launcher->attributes);
	free(launcher->words);
	free(launcher->program);
	free(launcher->argv);
	free(launcher->envp);
	free(launcher->text);
	free(launcher);
}

static int exec_open(struct rota_worker *worker, void **state)
{
	size_t n_words;
	const char *const *words = rota_option_list(worker, "command", &n_words);
	if (n_words == 0 || !*words[0])
		return rota_refuse(worker, "the command is empty: give the name of a program and its arguments");

	struct launcher *launcher = calloc(1, sizeof(*launcher));
	if (!launcher || posix_spawnattr_init(&launcher->attributes) != 0) {
		free(launcher);
		return rota_refuse(worker, "no memory for the command");
	}
	launcher->null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (launcher->null_fd < 0) {
		int errnum = errno;
		exec_close(launcher);
		return rota_refuse(worker, "cannot open /dev/null: %s", strerror(errnum));
	}
	if (!copy_words(launcher, words, n_words) || !copy_environment(launcher) || !set_attributes(launcher)) {
		exec_close(launcher);
		return rota_refuse(worker, "no memory for the command");
	}
	launcher->program = find_program(words[0]);
	*state = launcher;
	return ROTA_OK;
}

/* What a word takes with the item in it and a NUL behind it; no exact figure above COMMAND_BYTES_MAX. */
static size_t filled_bytes(const char *word, size_t n_item)
{
	size_t n_bytes = strlen(word) + 1;
	for (const char *at = word; n_bytes <= COMMAND_BYTES_MAX && (at = strstr(at, "{}")); at += 2)
		n_bytes += n_item - 2;
	return n_bytes;
}

static char *fill_word(char *out, const char *word, const char *item, size_t n_item)
{
	for (const char *braces; (braces = strstr(word, "{}")); word = braces + 2) {
		out = mempcpy(out, word, (size_t)(braces - word));
		out = mempcpy(out, item, n_item);
	}
	return stpcpy(out, word) + 1;
}

static int fail_too_long(struct rota_task *task, size_t n_item)
{
	return rota_fail(task, "the command is too long with this item of %zu bytes: %s", n_item, strerror(E2BIG));
}

/* Puts the item into words and environment. */
static int fill(struct rota_task *task, struct launcher *launcher, const char *item, size_t n_item)
{
	static const char item_entry[] = "ROTA_ITEM={}";
	if (n_item > COMMAND_BYTES_MAX)
		return fail_too_long(task, n_item);
	size_t n_bytes = filled_bytes(item_entry, n_item);
	for (size_t i = 0; i < launcher->n_words && n_bytes <= COMMAND_BYTES_MAX; i++)
		n_bytes += filled_bytes(launcher->words[i], n_item);
	if (n_bytes > COMMAND_BYTES_MAX)
		return fail_too_long(task, n_item);

	if (n_bytes > launcher->text_cap) {
		char *text = realloc(launcher->text, n_bytes);
		if (!text)
			return rota_retry(task, "no memory for a command of %zu bytes", n_bytes);
		launcher->text = text;
		launcher->text_cap = n_bytes;
	}
	char *out = launcher->text;
	for (size_t i = 0; i < launcher->n_words; i++) {
		launcher->argv[i] = out;
		out = fill_word(out, launcher->words[i], item, n_item);
	}
	launcher->envp_own[0] = out;
	fill_word(out, item_entry, item, n_item);
	snprintf(launcher->seq, sizeof(launcher->seq), "ROTA_SEQ=%" PRIu64, rota_seq(task));
	launcher->envp_own[1] = launcher->seq;
	snprintf(launcher->attempt, sizeof(launcher->attempt), "ROTA_ATTEMPT=%" PRIu32, rota_attempt(task));
	launcher->envp_own[2] = launcher->attempt;
	return ROTA_OK;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* posix_spawn with these as the command's standard output and error. Returns an errno, or 0. */
static int spawn(struct launcher *launcher, int out_fd, int err_fd, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int errnum = posix_spawn_file_actions_init(&actions);
	if (errnum)
		return errnum;
	errnum = posix_spawn_file_actions_adddup2(&actions, launcher->null_fd, STDIN_FILENO);
	if (!errnum)
		errnum = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	if (!errnum)
		errnum = posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
	if (errnum)
		goto out;

	char **argv = launcher->argv;
	errnum = ENOENT;
	if (launcher->program)
		errnum = posix_spawn(ret_pid, launcher->program, &actions, &launcher->attributes, argv, launcher->envp);
	if (errnum == ENOENT) /* not looked up before, or no longer where it was */
		errnum = posix_spawnp(ret_pid, argv[0], &actions, &launcher->attributes, argv, launcher->envp);
out:
	posix_spawn_file_actions_destroy(&actions);
	return errnum;
}

static int fail_to_run(struct rota_task *task, const char *program, size_t n_item, int errnum)
{
	const char *why = strerror(errnum);
	if (errnum == E2BIG)
		return fail_too_long(task, n_item);
	if (errnum == EAGAIN || errnum == ENOMEM || errnum == EMFILE || errnum == ENFILE)
		return rota_retry(task, "cannot run '%s' now: %s", program, why);
	if (errnum == ENOEXEC)
		return rota_fail(task, "cannot run '%s': %s (a script needs a first line such as #!/bin/sh)", program, why);
	return rota_fail(task, "cannot run '%s': %s", program, why);
}

static int launch(struct rota_task *task, struct launcher *launcher, size_t n_item, struct command *command)
{
	int out[2] = {-1, -1}, err[2] = {-1, -1};
	pid_t pid;
	int errnum = 0;
	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		errnum = errno;
	else
		errnum = spawn(launcher, out[1], err[1], &pid);
	close_fd(&out[1]);
	close_fd(&err[1]);
	if (errnum) {
		close_fd(&out[0]);
		close_fd(&err[0]);
		return fail_to_run(task, launcher->argv[0], n_item, errnum);
	}
	command->pid = pid;
	command->pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	command->out_fd = out[0];
	command->err_fd = err[0];
	command->n_line = 0;
	command->n_logged_bytes = 0;
	command->n_unlogged_bytes = 0;
	return ROTA_OK;
}

/* Leaves the command unreaped. One that somebody else reaped has ended, too. */
static bool has_ended(const struct command *command)
{
	siginfo_t info = {0};
	int result;
	do
		result = waitid(P_PID, (id_t)command->pid, &info, WEXITED | WNOHANG | WNOWAIT);
	while (result && errno == EINTR);
	return result || info.si_pid == command->pid;
}

/* Ends the command and all of its process group that is left; TERM first, then KILL. */
static void stop(const struct command *command)
{
	struct pollfd end = {.fd = command->pid_fd, .events = POLLIN};
	kill(-command->pid, SIGTERM);
	kill(command->pid, SIGTERM);
	for (int waited_ms = 0; waited_ms < STOP_MS && !has_ended(command); waited_ms += 10)
		poll(&end, 1, 10);
	kill(-command->pid, SIGKILL);
	kill(command->pid, SIGKILL);
}

/* Reads at most n_bytes into the buffer; how many came. At the end of the pipe it is closed. */
static size_t read_pipe(struct launcher *launcher, int *fd, size_t n_bytes)
{
	ssize_t n;
	do
		n = read(*fd, launcher->buffer, n_bytes < BUFFER_BYTES ? n_bytes : BUFFER_BYTES);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		close_fd(fd);
	return n > 0 ? (size_t)n : 0;
}

static void log_line(struct rota_task *task, struct command *command)
{
	/* Not rota_log: a line may have NUL bytes inside. */
	task->host->log(task, command->line, command->n_line);
	command->n_line = 0;
}

/* Lines that are too long come in pieces. */
static void log_bytes(struct rota_task *task, struct command *command, const char *bytes, size_t n_bytes)
{
	size_t n_left = LOG_BYTES_MAX - command->n_logged_bytes;
	if (n_bytes > n_left) {
		command->n_unlogged_bytes += n_bytes - n_left;
		n_bytes = n_left;
	}
	command->n_logged_bytes += n_bytes;

	for (const char *end = bytes + n_bytes; bytes < end;) {
		if (*bytes == '\n') {
			log_line(task, command);
			bytes++;
			continue;
		}
		if (command->n_line == sizeof(command->line))
			log_line(task, command);
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		size_t n_part = (size_t)((newline ? newline : end) - bytes);
		size_t n_room = sizeof(command->line) - command->n_line;
		if (n_part > n_room)
			n_part = n_room;
		memcpy(command->line + command->n_line, bytes, n_part);
		command->n_line += n_part;
		bytes += n_part;
	}
}

/* How many bytes are in a pipe: the last words of a command that has ended, however much others still write. */
static size_t pipe_bytes(int fd)
{
	int n_bytes = 0;
	return fd >= 0 && ioctl(fd, FIONREAD, &n_bytes) == 0 && n_bytes > 0 ? (size_t)n_bytes : 0;
}

static int drain(struct rota_task *task, struct launcher *launcher, struct command *command)
{
	size_t n;
	for (size_t n_left = pipe_bytes(command->err_fd); n_left > 0; n_left -= n) {
		n = read_pipe(launcher, &command->err_fd, n_left);
		if (n == 0)
			break;
		log_bytes(task, command, launcher->buffer, n);
	}
	for (size_t n_left = pipe_bytes(command->out_fd); n_left > 0; n_left -= n) {
		n = read_pipe(launcher, &command->out_fd, n_left);
		if (n == 0)
			break;
		int status = rota_write(task, launcher->buffer, n);
		if (status != ROTA_OK)
			return status;
	}
	return ROTA_OK;
}

/* Relays until the command has ended: ROTA_OK. Anything else: it is still to be stopped. */
static int follow(struct rota_task *task, struct launcher *launcher, struct command *command)
{
	bool is_blind = command->pid_fd < 0;
	for (;;) {
		struct pollfd fds[] = {
			{.fd = command->pid_fd, .events = POLLIN},
			{.fd = command->out_fd, .events = POLLIN},
			{.fd = command->err_fd, .events = POLLIN},
		};
		int n_ready = poll(fds, 3, is_blind ? TICK_BLIND_MS : TICK_MS);
		if (n_ready < 0 && errno != EINTR)
			return rota_fail(task, "cannot wait for the command: %s", strerror(errno));
		if ((is_blind || (n_ready > 0 && fds[0].revents)) && has_ended(command))
			return drain(task, launcher, command);
		if (rota_cancelled(task))
			return rota_fail(task, "cancelled while its command was running");
		if (n_ready > 0 && fds[2].revents)
			log_bytes(task, command, launcher->buffer, read_pipe(launcher, &command->err_fd, BUFFER_BYTES));
		if (n_ready > 0 && fds[1].revents) {
			size_t n = read_pipe(launcher, &command->out_fd, BUFFER_BYTES);
			int status = n > 0 ? rota_write(task, launcher->buffer, n) : ROTA_OK;
			if (status != ROTA_OK)
				return status;
		}
	}
}

static void end_log(struct rota_task *task, struct command *command)
{
	if (command->n_line > 0)
		log_line(task, command);
	if (command->n_unlogged_bytes > 0)
		rota_log(task, "%" PRIu64 " more bytes of standard error", command->n_unlogged_bytes);
}

static int reap(const struct command *command, int *ret_wait_status)
{
	pid_t pid;
	do
		pid = waitpid(command->pid, ret_wait_status, 0);
	while (pid < 0 && errno == EINTR);
	return pid < 0 ? -1 : 0;
}

/* Reaps the command, and its exit status decides. */
static int judge(struct rota_task *task, const struct command *command)
{
	int wait_status;
	if (reap(command, &wait_status))
		return rota_fail(task, "the command's exit status is lost: %s", strerror(errno));
	if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
		return ROTA_OK;
	rota_command_ended(task, wait_status);
	if (WIFEXITED(wait_status))
		return rota_fail(task, "exited with code %d", WEXITSTATUS(wait_status));
	const char *name = sigabbrev_np(WTERMSIG(wait_status));
	if (!name)
		return rota_fail(task, "killed by signal %d", WTERMSIG(wait_status));
	return rota_fail(task, "killed by SIG%s", name);
}

static int exec_run(struct rota_task *task, void *state)
{
	struct launcher *launcher = state;
	size_t n_item;
	const char *item = rota_item(task, &n_item);
	if (memchr(item, '\0', n_item))
		return rota_fail(task, "the item has a NUL byte inside: no command can take it as an argument");
	int status = fill(task, launcher, item, n_item);
	if (status != ROTA_OK)
		return status;
	struct command command;
	status = launch(task, launcher, n_item, &command);
	if (status != ROTA_OK)
		return status;

	status = follow(task, launcher, &command);
	if (status != ROTA_OK)
		stop(&command);
	end_log(task, &command);
	close_fd(&command.pid_fd);
	close_fd(&command.out_fd);
	close_fd(&command.err_fd);
	if (status != ROTA_OK) {
		reap(&command, NULL);
		return status;
	}
	return judge(task, &command);
}

static const struct rota_option exec_options[] = {
	{"command", ROTA_LIST, NULL, "a program and its arguments; {} is the item, appended when absent"},
	{NULL},
};

ROTA_PLUGIN(
	.name = "exec", .version = "1.0", .summary = "runs a command for each item; its standard output is the result",
	.flags = ROTA_THREAD_SAFE | ROTA_TIDY,
	.options = exec_options,
	.open = exec_open, .run = exec_run, .close = exec_close);
