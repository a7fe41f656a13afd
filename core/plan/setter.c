/* SPDX-License-Identifier: Apache-2.0 */
/* setter - see setter.h. */
#include "config.h"

#include "core/plan/setter.h"

#include "core/base/fileid.h"
#include "core/plan/plan.h"
#include "core/plan/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int set_endpoint(struct endpoint *endpoint, const char *text, enum endpoint_role role, struct place place,
                        struct err *err)
{
	struct endpoint parsed = {.place = place};
	endpoint_fini(endpoint);
	endpoint->place = place;
	if (endpoint_parse(&parsed, text, role, err))
		return -1;
	*endpoint = parsed;
	return 0;
}

int setter_input(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	return set_endpoint(&job->input, value->text, ENDPOINT_SOURCE, place, err);
}

int setter_output(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	return set_endpoint(&job->output, value->text, ENDPOINT_SINK, place, err);
}

/* A number of failures, or a percentage. */
int setter_max_failures(void *owner, struct option_value *value, struct place place, struct err *err)
{
	static const struct option_spec number = {.name = "max-failures", .type = OPTION_INT, .range = "0.."};
	static const struct option_spec percent = {.name = "max-failures", .type = OPTION_INT, .range = "0..100"};
	struct job *job = owner;
	struct option_value parsed;
	size_t n = strlen(value->text);
	(void)place;
	bool is_percent = n > 0 && value->text[n - 1] == '%';
	if (is_percent)
		value->text[n - 1] = '\0';
	if (option_parse(is_percent ? &percent : &number, value->text, &parsed, err))
		return -1;
	job->max_failures = is_percent ? -1 : parsed.number;
	job->max_failures_percent = is_percent ? parsed.number : -1;
	option_value_fini(&parsed);
	return 0;
}

static void take_text(char **text, struct option_value *value)
{
	free(*text);
	*text = value->text;
	value->text = NULL;
}

int setter_plugin(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	if (!value->text[0])
		return err_set(err, ERR_USAGE, "the plugin's name is missing ('rota plugins' lists them)");
	take_text(&job->plugin_name, value);
	job->plugin_place = place;
	return 0;
}

int setter_after(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	if (value->n_elements > JOB_MAX_OPTIONS)
		return err_set(err, ERR_USAGE, "more than %d jobs are listed here", JOB_MAX_OPTIONS);
	for (size_t i = 0; i < job->n_after_names; i++)
		free(job->after_names[i]);
	free(job->after_names);
	job->after_names = value->elements;
	job->n_after_names = value->n_elements;
	job->after_place = place;
	value->elements = NULL;
	value->n_elements = 0;
	return 0;
}

int setter_journal(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct plan *plan = owner;
	(void)err;
	take_text(&plan->journal_file, value);
	plan->journal_place = place;
	return 0;
}

int setter_joblog(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct plan *plan = owner;
	(void)err;
	plan->joblog_fd = strcmp(value->text, "-") == 0 ? STDOUT_FILENO : fileid_descriptor(value->text);
	take_text(&plan->joblog_file, value);
	plan->joblog_place = place;
	return 0;
}

/* Of -q and -v the last one holds. */
int setter_quiet(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct settings *settings = owner;
	(void)place, (void)err;
	if (value->number)
		settings->log_level = LOG_QUIET;
	return 0;
}

int setter_verbose(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct settings *settings = owner;
	(void)place, (void)err;
	if (value->number)
		settings->log_level = settings->log_level < LOG_VERBOSE ? LOG_VERBOSE : LOG_DEBUG;
	return 0;
}
