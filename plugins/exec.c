/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec - runs a command for each item. Its standard output is the result, its standard error is logged line by line,
 * its exit status decides.
 *
 *   exec_open    the command is compiled (exec_template.h), the environment and PATH are looked at once
 *   exec_run     fill (exec_values.h: what the item is made of) -> launch -> command_follow, command_end
 *                (exec_command.h) -> judge
 *
 * What a command and its process group get of signals, and what becomes of what it leaves behind, is exec_group's.
 * Where a shell runs the command is decided once, see takes_shell.
 */
#define _GNU_SOURCE 1
#include "config.h"

#include "plugins/exec_command.h"
#include "plugins/exec_environment.h"
#include "plugins/exec_template.h"
#include "plugins/exec_verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHORT_FIRST_PAUSE_MS 5 /* where processes are short */
#define SHORT_PAUSE_MS 160
#define SHORT_SAY_MS 1000
#define SHORT_MS (5 * 60 * 1000) /* then the item fails */

enum stdin_kind { STDIN_NONE, STDIN_BYTES, STDIN_PART };

/* One worker's. */
struct launcher {
	struct template template;
	bool is_script; /* the template is one text, for sh -c */
	struct values values;
	struct words words;     /* the arguments of this item */
	struct words item_text; /* its ROTA_ITEM=... */
	struct environment environment;
	char *program; /* where PATH has the command; NULL: look it up for each item */
	struct command_line line;
	posix_spawnattr_t attributes;
	struct verdict verdict;
	struct template tag;
	struct words tag_words;
	struct words shown; /* the command as text */
	bool has_tag, is_dry, is_traced;
	enum stdin_kind stdin_kind;
	bool has_no_patience; /* the last item has waited in vain */
	struct command command;
};

/* The path of a command in PATH, malloc'ed; NULL when it isn't to be looked up, or not there. */
static char *find_program(const char *name)
{
	const char *folders = getenv("PATH");
	if (!folders || !*name || strchr(name, '/'))
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

/*
 * One word that has a blank or a character that is special to a shell is a script, unless it is a program as it stands.
 */
static bool is_script(const char *word)
{
	struct stat status;
	if (!strpbrk(word, " \t\n|&;<>()$`\\\"'*?") && *word != '~')
		return false;
	if (strchr(word, '/'))
		return stat(word, &status) != 0 || !S_ISREG(status.st_mode);
	char *program = find_program(word);
	free(program);
	return !program;
}

static bool takes_shell(const char *shell, const char *const *words, size_t n_words)
{
	if (strcmp(shell, "auto") != 0 || n_words == 0)
		return strcmp(shell, "no") != 0;
	return n_words == 1 && is_script(words[0]);
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
	template_fini(&launcher->template);
	template_fini(&launcher->tag);
	words_fini(&launcher->tag_words);
	results_fini(&launcher->command.output.results);
	words_fini(&launcher->shown);
	values_fini(&launcher->values);
	words_fini(&launcher->words);
	words_fini(&launcher->item_text);
	environment_fini(&launcher->environment);
	free(launcher->program);
	free(launcher);
}

/* What is to be run, as a template. Without a command each item is a line for the shell. */
static int compile_command(struct rota_worker *worker, struct launcher *launcher)
{
	static const char *const whole_item = "{}";
	size_t n_words;
	const char *const *words = rota_option_list(worker, "command", &n_words);
	struct template_options options = {
		.replace = rota_option_string(worker, "replace"),
		.has_rows = rota_option_bool(worker, "rows"),
		.has_header = rota_option_bool(worker, "header"),
		.repeats_words = strcmp(rota_option_choice(worker, "fill"), "words") == 0,
		.appends = launcher->stdin_kind == STDIN_NONE,
	};
	if (n_words > 0 && !*words[0])
		return rota_refuse(worker, "the command is empty: give the name of a program and its arguments");
	launcher->is_script = takes_shell(rota_option_choice(worker, "shell"), words, n_words);
	if (n_words == 0 && !launcher->is_script)
		return rota_refuse(worker, "without a command each item is one for a shell, and shell=no forbids that");
	options.kind = !launcher->is_script ? TEMPLATE_WORDS : n_words > 0 ? TEMPLATE_SCRIPT : TEMPLATE_TEXT;
	if (n_words == 0)
		options.replace = whole_item;
	if (template_compile(&launcher->template, &options, n_words > 0 ? words : &whole_item, n_words > 0 ? n_words : 1) !=
	    0)
		return rota_refuse(worker, "out of memory for the command");
	launcher->values = (struct values){.has_rows = options.has_rows,
	                                   .has_header = options.has_rows && options.has_header,
	                                   .slot = rota_worker_number(worker)};
	const char *program = launcher->is_script ? "sh" : words[0];
	if (launcher->is_script || !strpbrk(program, "{") || !strstr(program, options.replace))
		launcher->program = find_program(program);
	return ROTA_OK;
}

/* What stands in front of each line of output; a tab follows. */
static int compile_tag(struct rota_worker *worker, struct launcher *launcher)
{
	static const char *const whole_item = "{}";
	const char *text = rota_option_string(worker, "tagstring");
	const struct template_options options = {.kind = TEMPLATE_TEXT,
	                                         .replace = rota_option_string(worker, "replace"),
	                                         .has_rows = rota_option_bool(worker, "rows"),
	                                         .has_header = rota_option_bool(worker, "header")};
	launcher->has_tag = *text || rota_option_bool(worker, "tag");
	if (launcher->has_tag && template_compile(&launcher->tag, &options, *text ? &text : &whole_item, 1) != 0)
		return rota_refuse(worker, "out of memory for the tag");
	return ROTA_OK;
}

static int choose_results(struct rota_worker *worker, struct launcher *launcher)
{
	const struct template_options options = {.kind = TEMPLATE_TEXT,
	                                         .replace = rota_option_string(worker, "replace"),
	                                         .has_rows = rota_option_bool(worker, "rows"),
	                                         .has_header = rota_option_bool(worker, "header")};
	return results_init(&launcher->command.output.results, worker, rota_option_string(worker, "results"), &options);
}

/* Who writes to a pipe that nobody reads any more is told by an error. */
static int choose_input(struct rota_worker *worker, struct launcher *launcher)
{
	const char *kind = rota_option_choice(worker, "stdin");
	sigset_t pipe;
	if (strcmp(kind, "none") == 0)
		return ROTA_OK;
	launcher->stdin_kind = strcmp(kind, "part") == 0 ? STDIN_PART : STDIN_BYTES;
	launcher->line.has_input = true;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	return pthread_sigmask(SIG_BLOCK, &pipe, NULL) == 0 ? ROTA_OK : rota_refuse(worker, "cannot block SIGPIPE");
}

static int prepare(struct rota_worker *worker, struct launcher *launcher)
{
	const char *folder = rota_option_string(worker, "workdir");
	command_init(&launcher->command);
	launcher->line.null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (launcher->line.null_fd < 0)
		return rota_refuse(worker, "cannot open /dev/null: %s", strerror(errno));
	int status = choose_input(worker, launcher);
	if (status == ROTA_OK)
		status = compile_command(worker, launcher);
	if (status == ROTA_OK)
		status = compile_tag(worker, launcher);
	if (status == ROTA_OK)
		status = choose_results(worker, launcher);
	if (status == ROTA_OK)
		status = verdict_init(&launcher->verdict, worker);
	if (status != ROTA_OK)
		return status;
	if (!environment_init(&launcher->environment, rota_worker_number(worker), rota_option_string(worker, "slot-var")) ||
	    !set_attributes(launcher))
		return rota_refuse(worker, "out of memory for the command");
	launcher->line.program = launcher->program;
	launcher->line.envp = launcher->environment.envp;
	launcher->line.attributes = &launcher->attributes;
	launcher->line.folder = *folder ? folder : NULL;
	launcher->line.joins_error = rota_option_bool(worker, "group-stderr");
	launcher->is_traced = rota_option_bool(worker, "trace");
	launcher->is_dry = rota_option_bool(worker, "dry-run");
	return ROTA_OK;
}

static int exec_open(struct rota_worker *worker, void **state)
{
	struct launcher *launcher = calloc(1, sizeof(*launcher));
	if (!launcher || posix_spawnattr_init(&launcher->attributes) != 0) {
		free(launcher);
		return rota_refuse(worker, "out of memory for the command");
	}
	int status = prepare(worker, launcher);
	if (status != ROTA_OK)
		exec_close(launcher);
	else
		*state = launcher;
	return status;
}

static int fail_too_long(struct rota_task *task, size_t n_item)
{
	return rota_fail(task, "the command is too long with this item of %zu bytes: %s", n_item, strerror(E2BIG));
}

/* A block is the only field of its item, in which some bytes are escaped; any other item is read as it stands. */
static int take_input(struct rota_task *task, struct launcher *launcher, const char *item, size_t n_item)
{
	struct values *values = &launcher->values;
	if (values->has_rows && values_take(values, item, n_item) != 0)
		return rota_retry(task, "out of memory for an item of %zu bytes", n_item);
	if (values->has_rows && values->n == 1)
		input_of_bytes(&launcher->command.input, values->fields[0].bytes, values->fields[0].n_bytes);
	else
		input_of_bytes(&launcher->command.input, item, n_item);
	values->n = values->n_names = 0;
	return ROTA_OK;
}

/* What the item is made of. Of one that the command reads on its standard input no argument has anything. */
static int take_values(struct rota_task *task, struct launcher *launcher, const char *item, size_t n_item)
{
	struct values *values = &launcher->values;
	values->seq = rota_seq(task);
	if (launcher->stdin_kind == STDIN_BYTES)
		return take_input(task, launcher, item, n_item);
	if (n_item > COMMAND_BYTES_MAX)
		return fail_too_long(task, n_item);
	if (values_take(values, item, n_item) != 0)
		return rota_retry(task, "out of memory for an item of %zu bytes", n_item);
	if (values_have_nul(values))
		return rota_fail(task, "the item contains a NUL byte, so it can't be a command's argument");
	return ROTA_OK;
}

static void fill_tag(struct launcher *launcher, const struct values *values)
{
	struct words *words = &launcher->tag_words;
	words_begin(words);
	words_next(words);
	template_fill(&launcher->tag, values, words);
	words_put(words, "\t", 1);
}

static void fill_words(struct launcher *launcher, const struct values *values)
{
	struct words *words = &launcher->words, *text = &launcher->item_text;
	words_begin(words);
	if (launcher->is_script) {
		words_next(words);
		words_put(words, "sh", 2);
		words_next(words);
		words_put(words, "-c", 2);
		words_next(words);
	}
	template_fill(&launcher->template, values, words);
	words_begin(text);
	words_next(text);
	words_put(text, "ROTA_ITEM=", strlen("ROTA_ITEM="));
	values_put(values, text);
}

/* Puts the item into words, environment, tag and input. */
static int fill(struct rota_task *task, struct launcher *launcher, const char *item, size_t n_item)
{
	struct values *values = &launcher->values;
	struct input *input = &launcher->command.input;
	struct words *tag = &launcher->tag_words;
	int status = take_values(task, launcher, item, n_item);
	if (status != ROTA_OK)
		return status;
	if (launcher->stdin_kind == STDIN_PART && !launcher->is_dry)
		status = input_of_part(input, task, values);
	if (status != ROTA_OK)
		return status;
	if (launcher->stdin_kind == STDIN_PART)
		values->n = 0;
	fill_words(launcher, values);
	int errnum = words_end(&launcher->words);
	if (!errnum)
		errnum = words_end(&launcher->item_text);
	if (!errnum && launcher->has_tag) {
		fill_tag(launcher, values);
		errnum = words_end(tag);
	}
	if (errnum == E2BIG)
		return fail_too_long(task, n_item);
	if (errnum)
		return rota_retry(task, "out of memory for the command with an item of %zu bytes", n_item);
	launcher->line.argv = launcher->words.argv;
	environment_set(&launcher->environment, values->seq, rota_attempt(task),
	                launcher->stdin_kind == STDIN_NONE ? launcher->item_text.argv[0] : NULL);
	output_begin(&launcher->command.output, launcher->has_tag ? tag->argv[0] : NULL,
	             launcher->has_tag ? tag->n_bytes - 1 : 0);
	return ROTA_OK;
}

/* The command as a shell would have it, in launcher->shown: false when it is too long. A script is one already. */
static bool quote_command(struct launcher *launcher)
{
	const struct words *words = &launcher->words;
	struct words *text = &launcher->shown;
	words_begin(text);
	words_next(text);
	if (launcher->is_script)
		words_put(text, words->argv[words->n - 1], strlen(words->argv[words->n - 1]));
	for (size_t i = 0; i < words->n && !launcher->is_script; i++) {
		words_put(text, " ", i > 0);
		words_quote(text, words->argv[i], strlen(words->argv[i]));
	}
	return words_end(text) == 0;
}

/* Instead of running it, or before it is run. */
static int show(struct rota_task *task, struct launcher *launcher)
{
	struct words *text = &launcher->shown;
	if (!quote_command(launcher))
		return rota_fail(task, "the command is too long to be shown");
	if (launcher->is_dry)
		return rota_write(task, text->argv[0], text->n_bytes - 1);
	rota_print(task, text->argv[0], text->n_bytes - 1);
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
		if (errnum == E2BIG && *launcher->environment.item_entry) {
			*launcher->environment.item_entry = NULL;
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

static int exec_run(struct rota_task *task, void *state)
{
	struct launcher *launcher = state;
	size_t n_item;
	const char *item = rota_item(task, &n_item);
	int status = fill(task, launcher, item, n_item);
	if (status == ROTA_OK && (launcher->is_dry || launcher->is_traced))
		status = show(task, launcher);
	if (status == ROTA_OK && launcher->is_dry)
		return ROTA_OK;
	if (status == ROTA_OK)
		status = results_open(&launcher->command.output.results, task, &launcher->values);
	if (status == ROTA_OK)
		status = launch(task, launcher, n_item);
	if (status != ROTA_OK) {
		results_close(&launcher->command.output.results);
		input_close(&launcher->command.input);
		return status;
	}
	status = command_follow(task, &launcher->command);
	command_end(task, &launcher->command);
	return status == ROTA_OK ? verdict_judge(&launcher->verdict, task, &launcher->command.group) : status;
}

ROTA_OPTIONS(exec_options,
             {"command", ROTA_LIST, "", "a program and its arguments; none: each item is a line for sh -c"},
             {"shell", ROTA_CHOICE, "auto", "sh -c runs it; auto: when it is one word with signs of the shell",
              "auto,yes,no"},
             {"replace", ROTA_STRING, "{}", "what stands for the item; see rota-exec(1) for {.} {/} {1} and others"},
             {"rows", ROTA_BOOL, "no", "items are rows of fields: several values each"},
             {"header", ROTA_BOOL, "no", "the first row of each item is the names of its columns: {name}"},
             {"fill", ROTA_CHOICE, "insert",
              "several values go into one word, or a word with {} is repeated for each of them", "insert,words"},
             {"slot-var", ROTA_STRING, "", "a variable that has the worker's number, as ROTA_SLOT does"},
             {"ok-status", ROTA_LIST, "0", "exit statuses that are no failure: 0,1 or 0-9"},
             {"retry", ROTA_CHOICE, "again", "any other status wants another attempt, or is final", "again,fail"},
             {"stdin", ROTA_CHOICE, "none",
              "what the command reads: the item, a block, or part of a file (rows of path, offset, size)",
              "none,item,block,part"},
             {"tag", ROTA_BOOL, "no", "each line of output begins with the item and a tab"},
             {"tagstring", ROTA_STRING, "", "the same with this text, in which replacement strings stand for the item"},
             {"group-stderr", ROTA_BOOL, "no", "standard error belongs to the result, too"},
             {"dry-run", ROTA_BOOL, "no", "the result is the command, quoted for a shell; it isn't run"},
             {"trace", ROTA_BOOL, "no", "print each command on standard error before it is run"},
             {"results", ROTA_STRING, "", "each command's output in files, too: a directory, or a file's name with {}"},
             {"workdir", ROTA_STRING, "", "the folder in which commands are run"},
             {"keep-failed", ROTA_BOOL, "yes", "a command that failed keeps its output as the item's result"}, {NULL});

ROTA_PLUGIN(.name = "exec", .version = "1.0",
            .summary = "run a command for each item; its standard output is the result",
            .flags = ROTA_THREAD_SAFE | ROTA_TIDY, .options = exec_options, .open = exec_open, .run = exec_run,
            .close = exec_close);
