/* SPDX-License-Identifier: Apache-2.0 */
/* plan_command - see plan_command.h. Programs are looked up as execvp does it. */
#include "config.h"

#include "core/base/log.h"
#include "core/plan/plan_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_DEFAULT "/bin:/usr/bin" /* execvp's, without PATH */
#define ADVICE_BYTES 600

/* Can it be run? 0, or an errno. */
static int look_at(const char *path)
{
	struct stat status;
	if (stat(path, &status) != 0)
		return errno;
	if (S_ISDIR(status.st_mode))
		return EISDIR;
	return access(path, X_OK) == 0 ? 0 : errno;
}

/* What is found but can't be run is told when nothing else is found. */
static int find_program(const char *name)
{
	const char *folders = getenv("PATH");
	int result = ENOENT;
	if (strchr(name, '/'))
		return look_at(name);
	for (folders = folders ? folders : PATH_DEFAULT;; folders++) {
		size_t n_bytes = strcspn(folders, ":");
		char path[4096];
		int n = snprintf(path, sizeof path, "%.*s%s%s", (int)n_bytes, folders, n_bytes > 0 ? "/" : "", name);
		int here = n > 0 && (size_t)n < sizeof path ? look_at(path) : ENOENT;
		if (here == 0)
			return 0;
		if (here == EACCES)
			result = EACCES;
		folders += n_bytes;
		if (!*folders)
			return result;
	}
}

/* What only a shell knows. */
static bool is_builtin(const char *name)
{
	static const char *const names[] = {".",     "alias", "bg",     "cd",    "eval", "exec",    "exit",   "export",
	                                    "fc",    "fg",    "for",    "hash",  "if",   "jobs",    "local",  "read",
	                                    "set",   "shift", "source", "times", "trap", "type",    "ulimit", "umask",
	                                    "unset", "until", "wait",   "while", "case", "declare", "return", "command"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* NAME=VALUE, as a shell takes it before a command. */
static bool is_assignment(const char *word)
{
	size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
	return n > 0 && word[n] == '=' && !(word[0] >= '0' && word[0] <= '9');
}

/* A program's name with its arguments behind it, all in one word: its first part. false: it isn't that. */
static bool split_first(const char *word, char *ret, size_t n_ret)
{
	size_t n = strcspn(word, " \t\n");
	if (!word[n] || n == 0 || n >= n_ret)
		return false;
	memcpy(ret, word, n);
	ret[n] = '\0';
	return !strstr(ret, "{}");
}

/* How the user would write it: as a list in a file, in words on a command line. */
static void advise_words(const struct job_option *command, char advice[ADVICE_BYTES])
{
	const char *text = command->elements[0];
	if (!place_is_in_file(command->place)) {
		snprintf(advice, ADVICE_BYTES, "do not quote the command as a whole: rota exec -- %.300s", text);
		return;
	}
	size_t n = (size_t)snprintf(advice, ADVICE_BYTES, "write its words as a list: command: [");
	bool is_first = true;
	while (*(text += strspn(text, " \t\n"))) {
		int n_word = (int)strcspn(text, " \t\n");
		bool is_quoted = memchr(text, '{', (size_t)n_word) != NULL;
		int n_more = snprintf(advice + n, ADVICE_BYTES - n, "%s%s%.*s%s", is_first ? "" : ", ", is_quoted ? "\"" : "",
		                      n_word, text, is_quoted ? "\"" : "");
		if (n_more < 0 || n + (size_t)n_more >= ADVICE_BYTES - 2)
			break;
		n += (size_t)n_more;
		text += n_word;
		is_first = false;
	}
	snprintf(advice + n, ADVICE_BYTES - n, "]");
}

static void advise_builtin(const char *name, char advice[ADVICE_BYTES])
{
	bool is_cd = strcmp(name, "cd") == 0;
	snprintf(advice, ADVICE_BYTES, "it is a shell builtin: write sh -c '%.100s%s' sh {}", name,
	         is_cd ? " \"$1\" && ..." : " ...");
}

/* Why it can't be run, and what to write instead. errnum: that of the program as it stands. */
static void refuse(struct plan *plan, const struct job *job, const struct job_option *command, int errnum)
{
	const char *program = command->elements[0], *why = strerror(errnum);
	char prefix[JOB_PREFIX_BYTES], first[1000], advice[ADVICE_BYTES] = "";
	if (strcmp(program, "") == 0)
		snprintf(advice, sizeof advice, "give the name of a program and its arguments");
	else if (is_assignment(program))
		snprintf(advice, sizeof advice, "to set a variable, write env %.300s ...", program);
	else if (split_first(program, first, sizeof first) && (is_builtin(first) || find_program(first) == 0))
		is_builtin(first) ? advise_builtin(first, advice) : advise_words(command, advice);
	else if (is_builtin(program))
		advise_builtin(program, advice);
	else if (errnum == EISDIR)
		snprintf(advice, sizeof advice, "name a program in it");
	else if (errnum == EACCES)
		snprintf(advice, sizeof advice, "it isn't executable: chmod +x, or name its interpreter before it");
	else if (strchr(program, '/'))
		snprintf(advice, sizeof advice, "a name with a slash is relative to the directory in which rota is started");
	else
		snprintf(advice, sizeof advice, "it isn't in PATH");
	place_error(&plan->errors, command->place, ERR_USAGE, "%scannot run '%.300s': %s: %s",
	            job_prefix(job, command->place, prefix), program, why, advice);
}

/* One that an item names can't be looked up, unless its first word is a program: then the item is an argument. */
static int check_program(const struct job *job, const char *program)
{
	char first[1000];
	if (strstr(program, "{}")) {
		if (split_first(program, first, sizeof first) && (is_builtin(first) || find_program(first) == 0))
			return ENOENT;
		return is_assignment(program) ? ENOENT : 0;
	}
	int errnum = find_program(program);
	/* a job before this one may make it */
	return errnum == ENOENT && strchr(program, '/') && job->n_after_names > 0 ? 0 : errnum;
}

/* To these such an argument means something. */
static bool takes_signs(const char *program)
{
	static const char *const names[] = {"find", "fd", "fdfind", "expr", "test", "[", "xargs", "parallel"};
	const char *slash = strrchr(program, '/');
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(slash ? slash + 1 : program, names[i]) == 0)
			return true;
	return false;
}

static void warn_of_signs(const struct job *job, const struct job_option *command)
{
	static const char *const signs[] = {"|", ">", ">>", "<", ";", "&&", "||", "&"};
	char prefix[JOB_PREFIX_BYTES];
	if (takes_signs(command->elements[0]))
		return;
	for (size_t i = 1; i < command->n_elements; i++)
		for (size_t k = 0; k < sizeof signs / sizeof *signs; k++)
			if (strcmp(command->elements[i], signs[k]) == 0) {
				log_warning("%s'%s' is an ordinary argument of %.100s, because no shell is involved: to use one, %s",
				            job_prefix(job, command->place, prefix), signs[k], command->elements[0],
				            place_is_in_file(command->place) ? "set the option 'shell: yes'"
				                                             : "give --shell, or quote the command as one word");
				return;
			}
}

/* What the job says of the plugin's option; else what that is by itself. */
static const char *option_text(const struct job *job, const char *name, const char *fallback)
{
	for (size_t i = 0; i < job->n_options; i++)
		if (strcmp(job->options[i].name, name) == 0 && job->options[i].n_elements == 1)
			return job->options[i].elements[0];
	return fallback;
}

/* As the plugin decides it: one word with signs of the shell is a script, unless it is a program as it stands. */
static bool is_script(const struct job *job, const struct job_option *command)
{
	const char *shell = option_text(job, "shell", "auto"), *word = command->elements[0];
	if (strcmp(shell, "auto") != 0)
		return strcmp(shell, "no") != 0;
	return command->n_elements == 1 && (strpbrk(word, " \t\n|&;<>()$`\\\"'*?") || *word == '~') &&
	       find_program(word) == ENOENT;
}

void plan_command_check(struct plan *plan, const struct job *job, const struct job_option *command)
{
	if (command->n_elements == 0 || is_script(job, command))
		return;
	int errnum = check_program(job, command->elements[0]);
	if (errnum != 0)
		refuse(plan, job, command, errnum);
	else
		warn_of_signs(job, command);
}
