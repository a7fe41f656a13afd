/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_exec - rota exec [OPTIONS] [--] COMMAND [ARG]...: a plan of one job, whose plugin runs the command an item. */
#include "config.h"

#include "core/cli/cmd.h"

int cmd_exec(const struct command *command, const struct options *options)
{
	struct plan *plan = NULL;
	struct catalog *catalog = NULL;
	struct err err;
	if (options->n_words == 0)
		return cmd_missing(command, options, "the command");
	if (cmd_plan_create(&plan, &catalog, options, true, &err))
		return cmd_error(&err);

	struct place place = {0};
	struct job *job = plan_add_job(plan, command->name, place);
	if (job) {
		const char *plugin = "exec";
		cmd_job_set(plan, job, options);
		job_set(plan, job, "plugin", &plugin, 1, place);
		job_set_option(plan, job, "command", (const char *const *)options->words, options->n_words, true, place, false);
	}
	int status = cmd_plan_run(plan, catalog, options);
	plan_destroy(&plan);
	catalog_destroy(&catalog);
	return status;
}
