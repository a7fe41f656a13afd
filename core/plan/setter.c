/* SPDX-License-Identifier: Apache-2.0 */
/* setter - see setter.h. */
#include "config.h"

#include "core/plan/setter.h"

#include "core/base/clock.h"
#include "core/base/fileid.h"
#include "core/base/log.h"
#include "core/plan/cpus.h"
#include "core/plan/plan.h"
#include "core/plan/settings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
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
	halt_set_failures(&job->halt, parsed.number, is_percent);
	option_value_fini(&parsed);
	return 0;
}

int setter_halt(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	(void)place;
	return halt_parse(&job->halt, value->text, err);
}

int setter_retry_on(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	(void)place;
	return retry_on_parse(&job->retry_on, (const char *const *)value->elements, value->n_elements, err);
}

int setter_jobs(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	job->worker_count_place = place;
	return worker_count_parse(&job->worker_count, value->text, err);
}

/* "10/s", "100/m", "5/h"; a bare number is a second's. */
int setter_rate(void *owner, struct option_value *value, struct place place, struct err *err)
{
	static const struct {
		const char *unit;
		int64_t period_ns;
	} units[] = {{"", CLOCK_NS_PER_SEC},
	             {"/s", CLOCK_NS_PER_SEC},
	             {"/m", 60 * CLOCK_NS_PER_SEC},
	             {"/min", 60 * CLOCK_NS_PER_SEC},
	             {"/h", 3600 * CLOCK_NS_PER_SEC}};
	struct job *job = owner;
	char quoted[LOG_QUOTE_BYTES];
	char *unit;
	double number = value->text[0] >= '0' && value->text[0] <= '9' ? strtod(value->text, &unit) : 0;
	(void)place;
	for (size_t i = 0; number > 0 && i < sizeof(units) / sizeof(units[0]); i++) {
		double pause_ns = (double)units[i].period_ns / number;
		if (strcmp(unit, units[i].unit) == 0 && pause_ns >= 1 && pause_ns <= (double)(24 * 3600 * CLOCK_NS_PER_SEC)) {
			job->rate_pause_ns = (int64_t)pause_ns;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE,
	               "%s isn't a rate (expected items per second, minute or hour, such as 10/s, 100/m, 5/h)",
	               log_quote_value(quoted, value->text));
}

/* The mean number of processes that run or want to; or a percentage of the CPUs. */
int setter_load(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	char quoted[LOG_QUOTE_BYTES];
	const char *why;
	char *end = value->text;
	double number = value->text[0] >= '0' && value->text[0] <= '9' ? strtod(value->text, &end) : 0;
	(void)place;
	if (end[0] == '%' && end[1] == '\0')
		number = number / 100 * (double)plan_usable_cpus(&why);
	if (number <= 0 || number > 1e6 || (end[0] != '\0' && strcmp(end, "%") != 0))
		return err_set(err, ERR_USAGE,
		               "%s isn't a load (expected a number of processes that want a CPU, such as 4 or 0.5, or a "
		               "percentage of the CPUs, such as 80%%)",
		               log_quote_value(quoted, value->text));
	job->max_load_milli = (int64_t)(number * 1000 + 0.5);
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

int setter_arg_file(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	return recipe_add_source(&job->recipe, value->text, false, place, err);
}

int setter_values(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	(void)place;
	return recipe_add_words(&job->recipe, (const char *const *)value->elements, value->n_elements, false, err);
}

int setter_delimiter(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	(void)place;
	job->recipe.has_delimiter = true;
	return recipe_read_delimiter(&job->recipe.delimiter, value->text, err);
}

int setter_eof(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	(void)place, (void)err;
	take_text(&job->recipe.end_value, value);
	return 0;
}

int setter_colsep(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	(void)place;
	if (!value->text[0])
		return err_set(err, ERR_USAGE,
		               "what stands between columns is missing: give a character, or a regular "
		               "expression");
	take_text(&job->recipe.column_end, value);
	return 0;
}

int setter_header(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	(void)place;
	if (strcmp(value->text, ":") != 0)
		return err_set(err, ERR_USAGE, "'%.100s' isn't ':', which says that the first value or line has the names",
		               value->text);
	job->recipe.has_header = true;
	return 0;
}

int setter_trim(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	(void)place, (void)err;
	job->recipe.trim = (strchr(value->text, 'l') ? TRIM_LEFT : 0) | (strchr(value->text, 'r') ? TRIM_RIGHT : 0);
	return 0;
}

int setter_recstart(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	(void)place;
	return recipe_read_text(&job->recipe.record_start, value->text, err);
}

int setter_recend(void *owner, struct option_value *value, struct place place, struct err *err)
{
	struct job *job = owner;
	(void)place;
	return recipe_read_text(&job->recipe.record_end, value->text, err);
}

/* Without a number it is one of chance, which is told: the order can be had again. */
int setter_shuf(void *owner, struct option_value *value, struct place place, struct err *err)
{
	static const struct option_spec number = {.name = "shuf", .type = OPTION_INT, .range = "0.."};
	struct job *job = owner;
	struct option_value parsed;
	uint32_t chance;
	(void)place;
	job->recipe.is_shuffled = true;
	if (strcmp(value->text, SHUF_ANY) == 0) {
		if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
			return err_set(err, ERR_RESOURCE, "no number of chance can be had; give one: --shuf=NUMBER");
		job->recipe.seed = chance;
		log_notice("the order of the items is that of --shuf=%" PRIu64, job->recipe.seed);
		return 0;
	}
	if (option_parse(&number, value->text, &parsed, err))
		return -1;
	job->recipe.seed = (uint64_t)parsed.number;
	option_value_fini(&parsed);
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
	plan->joblog_appends = value->text[0] == '+';
	if (plan->joblog_appends)
		memmove(value->text, value->text + 1, strlen(value->text));
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
