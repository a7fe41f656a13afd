/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_exec - rota exec [OPTIONS] [--] [COMMAND [ARG]...]: a plan of one job, whose plugin runs the command an item.
 * Without a command each item is a line for the shell; whoever types nothing but that has forgotten something.
 */
#include "config.h"

#include "core/cli/cmd.h"

#include <string.h>
#include <unistd.h>

static bool has_forgotten_command(const struct options *options)
{
	const char *before = options->words[-1];
	return options->n_words == 0 && (strcmp(before, "--") == 0 || cmd_is_eaten(options, false) || isatty(STDIN_FILENO));
}

int cmd_exec(const struct command *command, const struct options *options)
{
	struct plan *plan = NULL;
	struct catalog *catalog = NULL;
	struct err err;
	if (has_forgotten_command(options))
		return cmd_missing(command, options, "the command");
	if (cmd_plan_create(&plan, &catalog, options, true, &err))
		return cmd_error(&err);

	struct place place = {0};
	struct job *job = plan_add_job(plan, command->name, place);
	if (job) {
		const char *plugin = "exec";
		cmd_job_set(plan, job, options);
		job_set(plan, job, "plugin", &plugin, 1, place);
		if (options->n_words > 0)
			job_set_option(plan, job, "command", (const char *const *)options->words, options->n_words, true, place,
			               false);
	}
	int status = cmd_plan_run(plan, catalog, options);
	plan_destroy(&plan);
	catalog_destroy(&catalog);
	return status;
}
