/* SPDX-License-Identifier: Apache-2.0 */
/* cmd - see cmd.h. */
#include "config.h"

#include "core/cli/cmd.h"
#include "core/cli/execute.h"

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/crew/backend_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool ends_with(const char *word, const char *end)
{
	size_t n_word = strlen(word), n_end = strlen(end);
	return n_word > n_end && strcmp(word + n_word - n_end, end) == 0;
}

static bool is_plugin_name(const char *word)
{
	struct catalog *catalog;
	struct err err;
	const char *const *names;
	size_t n_names;
	bool is_one = false;
	if (catalog_create(&catalog, false, NULL, &err))
		return false;
	if (catalog_names(catalog, &names, &n_names, &err) == 0)
		for (size_t i = 0; i < n_names; i++)
			is_one = is_one || strcmp(names[i], word) == 0;
	catalog_destroy(&catalog);
	return is_one;
}

const char *cmd_of_word(const char *word)
{
	if (ends_with(word, ".yaml") || ends_with(word, ".yml"))
		return "run";
	return (strchr(word, '/') && ends_with(word, ".so")) || is_plugin_name(word) ? "map" : NULL;
}

bool cmd_is_given(const struct options *options, const char *name)
{
	for (size_t i = 0; i < options->n_given; i++)
		if (strcmp(options->given[i].option->spec.name, name) == 0)
			return true;
	return false;
}

int cmd_usage_error(const struct command *command, const char *format, ...)
{
	char text[ERR_TEXT_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error("%s: %s; usage: rota %s %s (see 'rota help %s')", command->name, text, command->name, command->usage,
	          command->name);
	return CMD_WRONG;
}

bool cmd_is_eaten(const struct options *options, bool may_be_text)
{
	struct option_value value;
	struct err err;
	if (!options->last || !options->last_value)
		return false;
	const struct option_spec *spec = &options->last->spec;
	if (option_parse(spec, options->last_value, &value, &err) != 0)
		return true;
	option_value_fini(&value);
	/* a number is no name of a plugin or command */
	return may_be_text && spec->type == OPTION_STRING && !strchr("+-0123456789", options->last_value[0]);
}

int cmd_missing(const struct command *command, const struct options *options, const char *what)
{
	char value[LOG_QUOTE_BYTES];
	if (!cmd_is_eaten(options, true))
		return cmd_usage_error(command, "%s is missing", what);
	const struct core_option *last = options->last;
	return cmd_usage_error(command, "%s is missing: %s was taken as the value of --%s, which needs %s%s", what,
	                       log_quote_value(value, options->last_value), last->spec.name,
	                       last->spec.type == OPTION_STRING ? "a " : "",
	                       last->spec.type == OPTION_STRING ? last->spec.unit : option_type_example(last->spec.type));
}

bool cmd_is_standard_input(const struct command *command, const char *file)
{
	if (strcmp(file, "-") != 0)
		return false;
	cmd_usage_error(command, "a conf file can't come from standard input, which may be a job's input: name a file (in "
	                         "bash, <(COMMAND) is one)");
	return true;
}

int cmd_error(const struct err *err)
{
	log_error("%s", err->text);
	return err->code == ERR_USAGE ? CMD_WRONG : CMD_BROKEN;
}

int cmd_errors(const struct err_list *errors)
{
	int status = CMD_BROKEN;
	for (size_t i = 0; i < errors->n_errs; i++)
		if (cmd_error(&errors->errs[i]) == CMD_WRONG)
			status = CMD_WRONG;
	return status;
}

int cmd_plan_create(struct plan **ret_plan, struct catalog **ret_catalog, const struct options *options,
                    bool may_load_here, struct err *err)
{
	struct catalog *catalog;
	if (catalog_create(&catalog, cmd_is_given(options, "trust-path"), may_load_here ? backend_thread_describe : NULL,
	                   err))
		return -1;
	if (plan_create(ret_plan, catalog, err)) {
		catalog_destroy(&catalog);
		return -1;
	}
	*ret_catalog = catalog;
	return 0;
}

/* The command line's options of the run. */
static void run_set(struct plan *plan, const struct options *options)
{
	const struct place place = {0};
	struct err err;
	for (size_t i = 0; i < options->n_given; i++) {
		const struct option_given *given = &options->given[i];
		if (given->option->owner == OWNER_PLAN && core_option_put(given->option, plan, &given->text, 1, place, &err))
			place_error(&plan->errors, place, err.code, "--%s: %s", given->option->spec.name, err.text);
	}
}

/* A list of values: its mark and the words behind it. */
static int list_set(struct job *job, const struct options *options, size_t begin, size_t end, struct err *err)
{
	const char *const *words = (const char *const *)options->list_words + begin + 1;
	enum list_kind kind = options_list_kind(options->list_words[begin]);
	bool is_linked = kind == LIST_WORDS_LINKED || kind == LIST_FILES_LINKED;
	bool is_first = job->recipe.n_lists == 0;
	if (is_linked && is_first && (kind == LIST_WORDS_LINKED || end - begin < 3))
		return err_set(err, ERR_USAGE, "'%s' links a list to the one before it, and there is none: write :::%s",
		               options->list_words[begin], kind == LIST_FILES_LINKED ? ":" : "");
	if (kind == LIST_WORDS || kind == LIST_WORDS_LINKED)
		return recipe_add_words(&job->recipe, words, end - begin - 1, is_linked, err);
	if (end - begin == 1)
		return err_set(err, ERR_USAGE, "'%s' has no file behind it: write :::: FILE", options->list_words[begin]);
	for (size_t i = 0; i < end - begin - 1; i++)
		if (recipe_add_source(&job->recipe, words[i], is_linked && !(is_first && i == 0), (struct place){0}, err))
			return -1;
	return 0;
}

static int lists_set(struct plan *plan, struct job *job, const struct options *options)
{
	struct err err;
	for (size_t begin = 0, end; begin < options->n_list_words; begin = end) {
		for (end = begin + 1; end < options->n_list_words && !options_list_kind(options->list_words[end]);)
			end++;
		if (list_set(job, options, begin, end, &err))
			return place_error(&plan->errors, (struct place){0}, err.code, "%s", err.text);
	}
	return 0;
}

/* Of several that are given the last one holds. */
static int plugin_tell(struct plan *plan, struct job *job, const struct option_given *given)
{
	const char *text = given->option->plugin_text ? given->option->plugin_text : given->text;
	return job_set_option(plan, job, given->option->plugin_option, &text, 1, false, (struct place){0}, true);
}

int cmd_job_set(struct plan *plan, struct job *job, const struct options *options)
{
	int rc = 0;
	for (size_t i = 0; i < options->n_given; i++) {
		const struct option_given *given = &options->given[i];
		if (given->option->owner == OWNER_JOB &&
		    job_set(plan, job, given->option->spec.name, &given->text, 1, (struct place){0}))
			rc = -1;
		if (given->option->owner == OWNER_PLUGIN && plugin_tell(plan, job, given))
			rc = -1;
	}
	return lists_set(plan, job, options) ? -1 : rc;
}

/* Is it open the wrong way round? So is one that was closed when rota was started (see main). */
static bool is_unusable(int fd, int wrong_mode)
{
	int flags = fcntl(fd, F_GETFL);
	return flags < 0 || (flags & O_ACCMODE) == wrong_mode;
}

static int streams_check(const struct plan *plan)
{
	int status = CMD_OK;
	for (size_t i = 0; i < plan->n_jobs; i++) {
		const struct job *job = &plan->jobs[i];
		if (job_reads_standard_input(job) && is_unusable(STDIN_FILENO, O_WRONLY)) {
			log_error("job '%s': standard input is closed: give the items with --input", job->name);
			status = CMD_WRONG;
		}
		if (endpoint_is_standard(&job->output) && is_unusable(STDOUT_FILENO, O_RDONLY)) {
			log_error("job '%s': standard output is closed: use --output to say where results go ('none' drops them)",
			          job->name);
			status = CMD_WRONG;
		}
	}
	return status;
}

/* Whoever forgot the input would wait for a program that waits for them. */
static void say_waits_for_terminal(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_jobs; i++) {
		const struct job *job = &plan->jobs[i];
		if (endpoint_is_standard(&job->input) && !job_is_given(job, "input") && isatty(STDIN_FILENO))
			log_notice(
				"reading items from the terminal, one per line; Ctrl-D ends the input, --input FILE reads a file");
	}
}

static int describe_in_spare(void *spare, const char *file, int64_t timeout_ns, struct buf *ret_text)
{
	return server_describe(spare, file, timeout_ns, ret_text);
}

/*
 * The process that the first plugin will run in can say what it is, which saves one that is thrown away. Where there
 * can't be one yet, the run will see to it.
 */
static void start_spare(struct server *ret, const struct plan *plan, struct catalog *catalog)
{
	struct err err;
	if (plan->errors.n_errs > 0 || plan->n_jobs == 0 || plan->jobs[0].backend == BACKEND_THREAD)
		return;
	if (server_start(ret, catalog_worker_program(catalog), &err) == 0)
		catalog_ask_first(catalog, describe_in_spare, ret);
}

/* A word as a shell would want it. */
static int put_word(struct buf *line, const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
	if (*word && word[strspn(word, plain)] == '\0')
		return buf_append(line, word, strlen(word));
	int result = buf_append(line, "'", 1);
	for (; *word && result == 0; word++)
		result = *word == '\'' ? buf_append(line, "'\\''", 4) : buf_append(line, word, 1);
	return result == 0 ? buf_append(line, "'", 1) : -1;
}

/* This command line, with --resume. The caller's (buf_fini); no bytes: memory is short. */
static struct buf resume_command(const struct options *options)
{
	bool is_resuming = cmd_is_given(options, "resume");
	struct buf line = {0};
	int result = put_word(&line, program_invocation_name);
	for (char **word = options->argv; *word && result == 0; word++) {
		result = buf_append(&line, " ", 1) == 0 ? put_word(&line, *word) : -1;
		if (result == 0 && word == options->argv && !is_resuming)
			result = buf_append(&line, " --resume", 9);
	}
	if (result != 0 || buf_append(&line, "", 1) != 0)
		buf_fini(&line);
	return line;
}

int cmd_plan_run(struct plan *plan, struct catalog *catalog, const struct options *options)
{
	run_set(plan, options);
	struct server spare = SERVER_NONE;
	struct buf command = resume_command(options);
	struct run_settings settings = {.progress = options->settings.progress,
	                                .resume_command = command.bytes,
	                                .worker_program = catalog_worker_program(catalog),
	                                .spare = &spare};
	if (!options->settings.is_dry_run)
		start_spare(&spare, plan, catalog);
	plan_check(plan);
	int status = plan->errors.n_errs > 0 ? cmd_errors(&plan->errors) : CMD_OK;
	struct err err;
	/* exec's is a run in which the commands are the results */
	if (status == CMD_OK && cmd_is_given(options, "dry-run") && plan_divert(plan, &err))
		status = cmd_error(&err);
	if (status == CMD_OK && options->settings.is_dry_run)
		plan_print(plan);
	else if (status == CMD_OK && (status = streams_check(plan)) == CMD_OK) {
		say_waits_for_terminal(plan);
		status = execute(plan, &settings);
	}
	catalog_ask_first(catalog, NULL, NULL);
	server_kill(&spare);
	buf_fini(&command);
	return status;
}
