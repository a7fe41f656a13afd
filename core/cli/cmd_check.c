/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check - rota check FILE.yaml...: everything that can be known without running, for each file. */
#include "config.h"

#include "core/base/out.h"
#include "core/cli/cmd.h"

#include <stdio.h>

static int file_check(struct catalog *catalog, const char *file)
{
	struct plan *plan;
	struct err err;
	if (plan_create(&plan, catalog, &err))
		return cmd_error(&err);
	plan_read(plan, file);
	plan_check(plan);
	int status = CMD_OK;
	if (plan->errors.n_errs > 0)
		status = cmd_errors(&plan->errors);
	else
		out_printf("%s: ok, %zu job%s\n", file, plan->n_jobs, plan->n_jobs == 1 ? "" : "s");
	plan_destroy(&plan);
	return status;
}

int cmd_check(const struct command *command, const struct options *options)
{
	struct err err;
	if (options->n_words == 0)
		return cmd_missing(command, options, "the conf file");
	int worst = CMD_OK;
	for (size_t i = 0; i < options->n_words; i++) {
		if (cmd_is_standard_input(command, options->words[i])) {
			worst = worst > CMD_WRONG ? worst : CMD_WRONG;
			continue;
		}
		/* A catalog each: what one file trusts, another doesn't. */
		struct catalog *catalog;
		if (catalog_create(&catalog, cmd_is_given(options, "trust-path"), NULL, &err))
			return cmd_error(&err);
		int status = file_check(catalog, options->words[i]);
		if (status > worst)
			worst = status;
		catalog_destroy(&catalog);
	}
	return worst;
}
