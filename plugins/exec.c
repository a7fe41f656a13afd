/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec - runs a command for each item. Its standard output is the result, its standard error is logged line by line,
 * its exit status decides. No shell is involved.
 *
 *   exec_open    the words of the command, the environment and PATH are looked at once
 *   exec_run     fill (words with the item in them) -> launch -> command_follow, command_end (exec_command.h) -> judge
 *
 * What a command and its process group get of signals, and what becomes of what it leaves behind, is exec_group's.
 */
#define _GNU_SOURCE 1
#include "config.h"

#include "plugins/exec_command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMAND_BYTES_MAX (6u * 1024u * 1024u) /* Linux takes no more, whatever the stack's limit */
#define SHORT_FIRST_PAUSE_MS 5                 /* where processes are short */
#define SHORT_PAUSE_MS 160
#define SHORT_SAY_MS 1000
#define SHORT_MS (5 * 60 * 1000) /* then the item fails */

extern char **environ;

/* One worker's. */
struct launcher {
	const char **words; /* the command, {} appended when no word has one; the strings are the option's */
	size_t n_words;
	char *program;            /* where PATH has the command; NULL: look it up for each item */
	struct command_line line; /* argv: n_words and a NULL, point into text; envp: environ's own strings, then ours */
	char **seq_entry;         /* where in envp they stand: first */
	char **attempt_entry;
	char **item_entry; /* last: where the item is too long for it, a NULL stands there */
	char seq[32];
	char attempt[32];
	char *text; /* the arguments and ROTA_ITEM of this item */
	size_t text_cap;
	posix_spawnattr_t attributes;
	bool has_no_patience; /* the last item has waited in vain */
	struct command command;
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
	launcher->line.argv = calloc(n_words + 2, sizeof(*launcher->line.argv));
	if (!launcher->words || !launcher->line.argv)
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

static const char *const own_names[] = {"ROTA_SEQ", "ROTA_ATTEMPT", "ROTA_ITEM"};
#define N_OWN_NAMES (sizeof(own_names) / sizeof(*own_names))

/* Held to 1 for numerical libraries in workers; a command isn't one. */
static const char *const held_names[] = {"OMP_NUM_THREADS",  "OPENBLAS_NUM_THREADS",   "MKL_NUM_THREADS",
                                         "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"};
#define N_HELD_NAMES (sizeof(held_names) / sizeof(*held_names))

static bool is_entry_of(const char *entry, const char *const *names, size_t n_names)
{
	size_t n_bytes = strcspn(entry, "=");
	for (size_t i = 0; i < n_names; i++)
		if (strlen(names[i]) == n_bytes && strncmp(entry, names[i], n_bytes) == 0)
			return true;
	return false;
}

/* The environment that this process began with, NUL behind each entry; malloc'ed. NULL where it can't be read. */
static char *read_first_environment(size_t *ret_bytes)
{
	int fd = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);
	char *bytes = NULL;
	size_t n_bytes = 0, n_cap = 0;
	ssize_t n = fd >= 0 ? 1 : -1;
	while (n > 0) {
		if (n_cap - n_bytes < 4096) {
			n_cap = n_cap * 2 + 16384;
			char *larger = realloc(bytes, n_cap);
			if (!larger)
				break;
			bytes = larger;
		}
		n = read(fd, bytes + n_bytes, n_cap - n_bytes - 1);
		n_bytes += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	if (n != 0) {
		free(bytes);
		return NULL;
	}
	bytes[n_bytes] = '\0';
	*ret_bytes = n_bytes;
	return bytes;
}

/* Was it there from the beginning? Then the user has set it. Where nobody knows, it stays. */
static bool is_first(const char *entry, const char *first, size_t n_first)
{
	for (const char *at = first; at && at < first + n_first; at += strlen(at) + 1)
		if (strcmp(at, entry) == 0)
			return true;
	return !first;
}

static bool copy_environment(struct launcher *launcher)
{
	size_t n = 0, n_first = 0;
	while (environ[n])
		n++;
	char *first = read_first_environment(&n_first);
	launcher->line.envp = calloc(n + N_OWN_NAMES + 1, sizeof(*launcher->line.envp));
	char **next = launcher->line.envp;
	for (size_t i = 0; i < n && next; i++) {
		bool is_held = is_entry_of(environ[i], held_names, N_HELD_NAMES) && !is_first(environ[i], first, n_first);
		if (!is_held && !is_entry_of(environ[i], own_names, N_OWN_NAMES))
			*next++ = environ[i];
	}
	free(first);
	if (!next)
		return false;
	launcher->seq_entry = next;
	launcher->attempt_entry = next + 1;
	launcher->item_entry = next + 2;
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
	return posix_spawnattr_setsigdefault(attributes, &all) == 0 && posix_spawnattr_setsigmask(attributes, &none) == 0 &&
	       posix_spawnattr_setpgroup(attributes, 0) == 0 && posix_spawnattr_setflags(attributes, flags) == 0;
}

static void exec_close(void *state)
{
	struct launcher *launcher = state;
	if (launcher->line.null_fd >= 0)
		close(launcher->line.null_fd);
	posix_spawnattr_destroy(&launcher->attributes);
	free(launcher->words);
	free(launcher->program);
	free(launcher->line.argv);
	free(launcher->line.envp);
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
		return rota_refuse(worker, "out of memory for the command");
	}
	launcher->line.null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (launcher->line.null_fd < 0) {
		int errnum = errno;
		exec_close(launcher);
		return rota_refuse(worker, "cannot open /dev/null: %s", strerror(errnum));
	}
	if (!copy_words(launcher, words, n_words) || !copy_environment(launcher) || !set_attributes(launcher)) {
		exec_close(launcher);
		return rota_refuse(worker, "out of memory for the command");
	}
	launcher->program = find_program(words[0]);
	launcher->line.program = launcher->program;
	launcher->line.attributes = &launcher->attributes;
	command_init(&launcher->command);
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
			return rota_retry(task, "out of memory for a command of %zu bytes", n_bytes);
		launcher->text = text;
		launcher->text_cap = n_bytes;
	}
	char *out = launcher->text;
	for (size_t i = 0; i < launcher->n_words; i++) {
		launcher->line.argv[i] = out;
		out = fill_word(out, launcher->words[i], item, n_item);
	}
	snprintf(launcher->seq, sizeof(launcher->seq), "ROTA_SEQ=%" PRIu64, rota_seq(task));
	*launcher->seq_entry = launcher->seq;
	snprintf(launcher->attempt, sizeof(launcher->attempt), "ROTA_ATTEMPT=%" PRIu32, rota_attempt(task));
	*launcher->attempt_entry = launcher->attempt;
	*launcher->item_entry = out;
	fill_word(out, item_entry, item, n_item);
	return ROTA_OK;
}

/* What ends when others end. A worker that is a process has its descriptors for itself: more won't come. */
static bool is_shortage(const struct launcher *launcher, int errnum)
{
	return errnum == EAGAIN || errnum == ENOMEM || errnum == ENFILE ||
	       (errnum == EMFILE && !launcher->command.group.is_alone);
}

static int fail_to_run(struct rota_task *task, const struct launcher *launcher, size_t n_item, int errnum)
{
	const char *why = strerror(errnum), *program = launcher->line.argv[0];
	if (errnum == E2BIG)
		return fail_too_long(task, n_item);
	if (errnum == EMFILE || is_shortage(launcher, errnum))
		return rota_retry(task, "cannot run '%s' now: %s", program, why);
	if (errnum == ENOEXEC)
		return rota_fail(task, "cannot run '%s': %s (a script needs a first line such as #!/bin/sh)", program, why);
	return rota_fail(task, "cannot run '%s': %s", program, why);
}

/* Where processes are short, one that ends is waited for: of the other workers, or whoever has them. */
static int launch(struct rota_task *task, struct launcher *launcher, size_t n_item)
{
	struct command *command = &launcher->command;
	int64_t waited_ms = launcher->has_no_patience ? SHORT_MS : 0;
	int pause_ms = SHORT_FIRST_PAUSE_MS;
	for (;;) {
		int errnum = command_launch(command, &launcher->line);
		if (errnum == E2BIG && *launcher->item_entry) {
			*launcher->item_entry = NULL;
			errnum = command_launch(command, &launcher->line);
		}
		launcher->has_no_patience = is_shortage(launcher, errnum) && waited_ms >= SHORT_MS;
		if (!errnum)
			return ROTA_OK;
		if (!is_shortage(launcher, errnum) || waited_ms >= SHORT_MS)
			return fail_to_run(task, launcher, n_item, errnum);
		if (rota_cancelled(task))
			return rota_fail(task, "cancelled before its command could be run: %s", strerror(errnum));
		if (waited_ms >= SHORT_SAY_MS && !command->has_said_short) {
			rota_log(task, "cannot run '%s' now: %s; waiting for other processes to end", launcher->line.argv[0],
			         strerror(errnum));
			command->has_said_short = true;
		}
		poll(NULL, 0, pause_ms);
		waited_ms += pause_ms;
		pause_ms = pause_ms < SHORT_PAUSE_MS ? pause_ms * 2 : SHORT_PAUSE_MS;
	}
}

/* Without SIG; NULL where the C library (glibc before 2.32) or nobody knows one. */
static const char *signal_name(int number)
{
#ifdef HAVE_SIGABBREV_NP
	return sigabbrev_np(number);
#else
	(void)number;
	return NULL;
#endif
}

/* The command's exit status decides. */
static int judge(struct rota_task *task, const struct group *group)
{
	int wait_status = group->wait_status;
	if (!group->has_status)
		return rota_fail(task, "the command's exit status is lost: something else reaped it");
	if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
		return ROTA_OK;
	rota_command_ended(task, wait_status);
	if (WIFEXITED(wait_status))
		return rota_fail(task, "exited with code %d", WEXITSTATUS(wait_status));
	const char *name = signal_name(WTERMSIG(wait_status));
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
		return rota_fail(task, "the item contains a NUL byte, so it can't be a command's argument");
	int status = fill(task, launcher, item, n_item);
	if (status == ROTA_OK)
		status = launch(task, launcher, n_item);
	if (status != ROTA_OK)
		return status;
	status = command_follow(task, &launcher->command);
	command_end(task, &launcher->command);
	return status == ROTA_OK ? judge(task, &launcher->command.group) : status;
}

ROTA_OPTIONS(exec_options,
             {"command", ROTA_LIST, NULL, "a program and its arguments; {} is the item, appended if absent"}, {NULL});

ROTA_PLUGIN(.name = "exec", .version = "1.0",
            .summary = "run a command for each item; its standard output is the result",
            .flags = ROTA_THREAD_SAFE | ROTA_TIDY, .options = exec_options, .open = exec_open, .run = exec_run,
            .close = exec_close);
