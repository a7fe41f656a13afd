/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main - rota: makes the standard streams safe, finds the command, reads its options, calls it.
 * The commands stand in the table, each in a file of its own (cmd_*.c).
 */
#include "config.h"

#include "core/base/log.h"
#include "core/base/nearest.h"
#include "core/base/proc.h"
#include "core/base/tree.h"
#include "core/cli/cmd.h"
#include "core/cli/help.h"

#include <errno.h>
#include <locale.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define JOB_OPTIONS (CORE_JOB | CORE_COMMAND | CORE_ANYWHERE)
#define ITEM_OPTIONS (JOB_OPTIONS | CORE_ITEMS)

static const struct command commands[] = {
	{"map", cmd_map, ITEM_OPTIONS | CORE_PLANNED, false, "[OPTIONS] PLUGIN [KEY=VALUE]...", "run a plugin over items",
     "Items come from standard input, one per line, or from --input. Results go to\n"
     "standard output or to --output, in input order. PLUGIN is a name (see 'rota\n"
     "plugins') or a file, if it contains a slash: ./mine.so. KEY=VALUE sets one of the\n"
     "plugin's own options (see 'rota plugins PLUGIN').",
     "  seq 1000000 | rota map upper > out.txt\n"
     "  find /usr -xdev -type f -print0 | rota map -0 sha256 > SUMS\n"
     "  rota map --input files:'src/**/*.c' sha256\n"
     "  rota map -j 2 -i range:400-500/20 sleep",
     WORD_PLUGIN, WORD_NONE, false},
	{"exec", cmd_exec, ITEM_OPTIONS | CORE_EXEC, true, "[OPTIONS] [--] [COMMAND [ARG]...]",
     "run a command for each item",
     "{} in an argument stands for the item. If no argument contains {}, the item is\n"
     "appended. No shell is involved, unless COMMAND is one word that needs one; without\n"
     "COMMAND each item is a command line. Options come before COMMAND. The command's\n"
     "standard output is the item's result; an exit status other than 0 is a failure. The\n"
     "environment contains ROTA_ITEM, ROTA_SEQ and ROTA_ATTEMPT. See rota-exec(1).",
     "  ls *.log | rota exec gzip -9 {}\n"
     "  find . -name '*.wav' -print0 | rota exec -0 -j 4 -- oggenc -Q {}\n"
     "  seq 3 | rota exec sh -c 'echo \"$ROTA_ITEM squared: $((ROTA_ITEM * ROTA_ITEM))\"' --",
     WORD_PROGRAM, WORD_FILE, false},
	{"run", cmd_run, JOB_OPTIONS | CORE_PLANNED | CORE_SET, false, "[OPTIONS] FILE.yaml", "run all jobs of a conf file",
     "Jobs run side by side, except those that wait for others (`after:`). A job option,\n"
     "such as --jobs, applies to every job of the file; --set changes a single job.\n"
     "rota.yaml(5) describes the file; conf/ has examples.",
     "  rota run conf/chain.yaml\n"
     "  rota run --set upper.jobs=4 --set upper.output=none conf/upper.yaml",
     WORD_FILE, WORD_NONE, false},
	{"check", cmd_check, CORE_ANYWHERE, false, "FILE.yaml...", "check conf files without running anything",
     "Reports all errors at once, each with file, line and column.", "  rota check conf/*.yaml", WORD_FILE, WORD_FILE,
     false},
	{"plugins", cmd_plugins, CORE_ANYWHERE, false, "[NAME|FILE.so]", "list the plugins, or describe one of them",
     "rota looks for plugins in the directories of ROTA_PLUGIN_PATH and in the directory\n"
     "of the installed plugins. A name that contains a slash is a file.",
     "  rota plugins\n  rota plugins sleep\n  rota plugins ./mine.so", WORD_PLUGIN, WORD_NONE, false},
	{"try", cmd_try, CORE_ANYWHERE | CORE_TRY, false, "[OPTIONS] PLUGIN [KEY=VALUE]...", "run a plugin by hand",
     "Runs a plugin in one process and one thread, without a journal or retries. Items\n"
     "come from standard input, one per line. Results go to standard output, everything\n"
     "else to standard error. Output of the plugin appears at once. An item that ends the\n"
     "process is named and ends the trial. Counters are shown at the end.\n\n"
     "Under gdb or valgrind, start the process itself, with the plugin's file:\n"
     "  gdb --args rota-worker --try [-0] FILE.so [KEY=VALUE]...\n"
     "  valgrind rota-worker --try FILE.so <items",
     "  echo one | rota try upper\n"
     "  rota try ./mine.so model=small <items",
     WORD_PLUGIN, WORD_NONE, false},
	{"failures", cmd_failures, CORE_ANYWHERE | CORE_FAILURES, false, "[OPTIONS] JOURNAL [JOB]",
     "list the failed items and why they failed",
     "Reads the journal that a run keeps with --journal, even while the run is in\n"
     "progress. Each line shows an item's number, outcome and attempts, the item, and the\n"
     "cause of the failure.",
     "  rota failures run.db\n"
     "  rota failures --items -0 run.db | rota exec -0 -- ls -l {}\n"
     "  rota failures --json run.db | jq .cause",
     WORD_FILE, WORD_NONE, false},
	{"help", cmd_help, CORE_ANYWHERE | CORE_HELP, false, "[--all] [COMMAND]", "describe a command", NULL,
     "  rota help map\n  rota help exec --all", WORD_COMMAND, WORD_NONE, false},
	{"complete", cmd_complete, CORE_ANYWHERE, true, "-- [WORD]...", "list possible continuations of a command line",
     "The completion scripts of bash, zsh and fish call this. The words are the arguments\n"
     "of rota up to the one that is being typed. Each line is a word that the last one may\n"
     "become, a tab, and what that word means. ':files' stands for any file, ':programs'\n"
     "for any program.",
     "  rota complete -- map --back", WORD_NONE, WORD_NONE, true},
	{0},
};

const struct command *cmd_all(void)
{
	return commands;
}

const struct command *cmd_find(const char *name)
{
	for (const struct command *command = commands; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

static int unknown_command(const char *name)
{
	const char *names[sizeof(commands) / sizeof(commands[0])];
	size_t n_names = 0;
	for (const struct command *command = commands; command->name; command++)
		names[n_names++] = command->name;
	const char *nearest = nearest_find(name, names, n_names), *meant = cmd_of_word(name);
	if (name[0] == '-')
		log_error("found option '%s' instead of a command; options follow the command: rota map %s ...", name, name);
	else if (meant)
		log_error("there is no command '%s', did you mean 'rota %s %s'?", name, meant, name);
	else if (nearest)
		log_error("there is no command '%s', did you mean '%s'? ('rota help' lists them)", name, nearest);
	else
		log_error("there is no command '%s' ('rota help' lists them)", name);
	return CMD_WRONG;
}

int cmd_help(const struct command *command, const struct options *options)
{
	const struct command *about = options->n_words == 1 ? cmd_find(options->words[0]) : NULL;
	if (options->n_words > 1)
		return cmd_usage_error(command, "only one command can be given");
	if (options->n_words == 1 && !about)
		return unknown_command(options->words[0]);
	if (about)
		help_print(about, options->settings.wants_all);
	else
		help_print_overview(commands);
	return CMD_OK;
}

static int command_run(const struct command *command, int argc, char **argv)
{
	struct options options;
	struct err err;
	if (options_parse(&options, command, argc, argv, &err)) {
		log_error("%s (see 'rota help %s')", err.text, command->name);
		return CMD_WRONG;
	}
	log_init(options.settings.log_level);
	int status = CMD_OK;
	if (options.settings.wants_help)
		help_print(command, false);
	else if (options.settings.wants_version)
		help_print_version();
	else
		status = command->run(command, &options);
	options_fini(&options);
	return status;
}

/* rota, rota --help, rota --version, rota COMMAND ... */
static int arguments_run(int argc, char **argv)
{
	if (argc < 2) {
		log_error("a command is missing: map, exec, run, check, plugins, try or failures (see 'rota help')");
		return CMD_WRONG;
	}
	const char *word = argv[1];
	const struct command *command = cmd_find(word);
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		help_print_overview(commands);
	else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		help_print_version();
	else
		return command ? command_run(command, argc - 1, argv + 1) : unknown_command(word);
	return CMD_OK;
}

static bool has_reader(int fd)
{
	struct pollfd polled = {.fd = fd};
	return poll(&polled, 1, 0) <= 0 || !(polled.revents & POLLERR);
}

/* What was printed is written, or it is said that it wasn't. A reader that went away ends rota quietly, as for head. */
static int output_finish(int status)
{
	errno = 0;
	bool is_written = fflush(stdout) == 0 && !ferror(stdout);
	if (is_written)
		return status;
	int errnum = errno;
	if (!has_reader(STDOUT_FILENO))
		proc_die_by(SIGPIPE);
	log_error("standard output can't be written: %s", errnum ? strerror(errnum) : "an error came earlier");
	return CMD_BROKEN;
}

/*
 * Blocks of items and results come and go by the thousand a second: they are had from what was freed, instead of from
 * the kernel, a page fault for each page. What is larger than any of them goes back at once.
 */
static void memory_keep(void)
{
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
	mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

/* While a run has no loop that takes signals: what was started to look at plugins ends with us, and all it started. */
static void on_end(int signum)
{
	tree_end();
	proc_die_by(signum);
}

static void ends_prepare(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_end};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaddset(&action.sa_mask, ends[i]);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct sigaction before;
		/* what nohup or a shell's & has had ignored stays ignored */
		if (sigaction(ends[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			sigaction(ends[i], &action, NULL);
	}
}

/*
 * A plugin's setlocale, where it runs in a thread of ours, is for its threads: numbers that rota writes and reads have
 * a point, whatever it says.
 */
static int locale_keep(void)
{
	locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	return plain == (locale_t)0 || uselocale(plain) == (locale_t)0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	if (proc_begin() != 0 || locale_keep() != 0)
		return CMD_BROKEN;
	tree_begin();
	ends_prepare();
	memory_keep();
	signal(SIGPIPE, SIG_IGN);
	/* a file that may not grow is an error of the write (EFBIG), said with its name */
	signal(SIGXFSZ, SIG_IGN);
	log_init(LOG_NORMAL);
	return output_finish(arguments_run(argc, argv));
}
