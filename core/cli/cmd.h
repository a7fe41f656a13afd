/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd - the user commands: the table of them is in main.c, each has a file of its own, and what several of them need is
 * in cmd.c.
 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "core/base/err.h"
#include "core/cli/options.h"
#include "core/plan/catalog.h"
#include "core/plan/plan.h"

/* Exit statuses. */
enum cmd_status {
	CMD_OK = 0,
	CMD_SOME_FAILED = 1, /* finished, but some items failed */
	CMD_WRONG = 2,       /* the command line, conf file or plugin is wrong: nothing was run */
	CMD_BROKEN = 3       /* the run could not finish */
};

/* What may stand where a command has words, for completion. */
enum cmd_word { WORD_NONE, WORD_FILE, WORD_PLUGIN, WORD_PROGRAM, WORD_COMMAND };

struct command {
	const char *name;
	int (*run)(const struct command *command, const struct options *options); /* the exit status */
	unsigned takes;                                                           /* which options: enum core_flag */
	bool stops_at_word;   /* options stand before the first word only */
	const char *usage;    /* behind "rota NAME" */
	const char *summary;  /* one line */
	const char *details;  /* paragraphs for its help */
	const char *examples; /* lines */
	enum cmd_word first_word, other_words;
	bool is_hidden; /* from people: for programs */
};

/* All of them, up to one without a name. */
const struct command *cmd_all(void);

/* The command of that name, or NULL. */
const struct command *cmd_find(const char *name);

int cmd_map(const struct command *command, const struct options *options);
int cmd_exec(const struct command *command, const struct options *options);
int cmd_run(const struct command *command, const struct options *options);
int cmd_check(const struct command *command, const struct options *options);
int cmd_try(const struct command *command, const struct options *options);
int cmd_failures(const struct command *command, const struct options *options);
int cmd_plugins(const struct command *command, const struct options *options);
int cmd_complete(const struct command *command, const struct options *options);
int cmd_help(const struct command *command, const struct options *options);

/* A word stands where a command should: the one it belongs behind, as a plugin or a conf file would, or NULL. */
const char *cmd_of_word(const char *word);

/* Was the option of that name given? Only of those that a struct options has no field for. */
bool cmd_is_given(const struct options *options, const char *name);

/* Says what is wrong and how to learn more. Returns CMD_WRONG. */
__attribute__((format(printf, 2, 3))) int cmd_usage_error(const struct command *command, const char *format, ...);

/*
 * Could the value of the last option have been meant for something else? A number that is one couldn't; a text could,
 * if that may be.
 */
bool cmd_is_eaten(const struct options *options, bool may_be_text);

/* The same where a word is missing: an option in front may have eaten it, as in -j upper. */
int cmd_missing(const struct command *command, const struct options *options, const char *what);

/* Is the conf file's name `-`? Then it is said that it can't be. */
bool cmd_is_standard_input(const struct command *command, const char *file);

/* Says it; returns the exit status that belongs to the code. */
int cmd_error(const struct err *err);

/* Says all of them; returns the exit status that belongs to the worst. */
int cmd_errors(const struct err_list *errors);

/*
 * A catalog and an empty plan for it, or neither. may_load_here: where no process can be made, plugins may be loaded in
 * this one (the thread backend will run them here).
 */
int cmd_plan_create(struct plan **ret_plan, struct catalog **ret_catalog, const struct options *options,
                    bool may_load_here, struct err *err);

/* The command line's options and lists of a job. What is wrong goes to the plan's list. */
int cmd_job_set(struct plan *plan, struct job *job, const struct options *options);

/* Checks the plan, then runs it or (--dry-run) prints it. Returns the exit status. */
int cmd_plan_run(struct plan *plan, struct catalog *catalog, const struct options *options);

#endif
