/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run - rota run [OPTIONS] FILE.yaml: read the file, put the command line's words on top, check, run. */
#include "config.h"

#include "core/cli/cmd.h"

/* Options of a job hold for every job of the file. A wrong one is said once. */
static void jobs_set(struct plan *plan, const struct options *options)
{
	for (size_t i = 0; i < plan->n_jobs; i++)
		if (cmd_job_set(plan, &plan->jobs[i], options))
			return;
}

int cmd_run(const struct command *command, const struct options *options)
{
	struct plan *plan = NULL;
	struct catalog *catalog = NULL;
	struct err err;
	if (options->n_words == 0)
		return cmd_missing(command, options, "the conf file");
	if (options->n_words > 1)
		return cmd_usage_error(command, "only one conf file can be given");
	if (cmd_is_standard_input(command, options->words[0]))
		return CMD_WRONG;
	if (cmd_plan_create(&plan, &catalog, options, true, &err))
		return cmd_error(&err);

	plan_read(plan, options->words[0]);
	/* Where no job could be read, --set would only complain that there is none. */
	for (size_t i = 0; i < options->settings.sets.n_texts && plan->n_jobs > 0; i++)
		plan_set(plan, options->settings.sets.texts[i]);
	jobs_set(plan, options);
	int status = cmd_plan_run(plan, catalog, options);
	plan_destroy(&plan);
	catalog_destroy(&catalog);
	return status;
}
