/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_map - rota map [OPTIONS] PLUGIN [KEY=VALUE]...: a plan of one job, from the command line. */
#include "config.h"

#include "core/cli/cmd.h"

#include <stdlib.h>
#include <string.h>

static void plugin_option_set(struct plan *plan, struct job *job, const char *word)
{
	struct place place = {0};
	const char *equals = strchr(word, '=');
	if (!equals || equals == word) {
		place_error(
			&plan->errors, place, ERR_USAGE,
			"'%s' isn't a plugin option: expected KEY=VALUE; items come from standard input, from --input FILE, "
			"or stand behind :::",
			word);
		return;
	}
	char *name = strndup(word, (size_t)(equals - word));
	const char *value = equals + 1;
	if (name)
		job_set_option(plan, job, name, &value, 1, false, place, false);
	else
		place_error(&plan->errors, place, ERR_RESOURCE, "out of memory");
	free(name);
}

int cmd_map(const struct command *command, const struct options *options)
{
	struct plan *plan = NULL;
	struct catalog *catalog = NULL;
	struct err err;
	if (options->n_words == 0)
		return cmd_missing(command, options, "the plugin");
	if (cmd_plan_create(&plan, &catalog, options, true, &err))
		return cmd_error(&err);

	struct place place = {0};
	struct job *job = plan_add_job(plan, command->name, place);
	if (job) {
		cmd_job_set(plan, job, options);
		job_set(plan, job, "plugin", (const char *const *)options->words, 1, place);
		for (size_t i = 1; i < options->n_words; i++)
			plugin_option_set(plan, job, options->words[i]);
	}
	int status = cmd_plan_run(plan, catalog, options);
	plan_destroy(&plan);
	catalog_destroy(&catalog);
	return status;
}
