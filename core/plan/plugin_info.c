/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_info - see plugin_info.h. */
#include "config.h"

#include "core/plan/plugin_info.h"

#include "core/base/fields.h"

#include <inttypes.h>
#include <rota/plugin.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPTIONS 1000

/* Where the records have got to: each may only stand behind the one before it. */
enum step { STEP_START, STEP_PLUGIN, STEP_NAME, STEP_VERSION, STEP_SUMMARY, STEP_FLAGS, STEP_OPTIONS, STEP_END };

struct parser {
	struct plugin_info info;
	char **field;
	size_t n_fields;
	enum step step;
};

typedef int record_f(struct parser *parser, struct err *err);

static int set_memory(struct err *err)
{
	return err_set(err, ERR_RESOURCE, "out of memory");
}

static int string_set(char **string, const char *text, struct err *err)
{
	*string = strdup(text);
	return *string ? 0 : set_memory(err);
}

/* strtoull would take "-1", " 1" and "1x". */
static bool is_number(const char *text)
{
	return text[0] && strlen(text) < 10 && text[strspn(text, "0123456789")] == '\0';
}

static int read_plugin(struct parser *parser, struct err *err)
{
	if (!is_number(parser->field[1]))
		return err_set(err, ERR_USAGE, "'%s' isn't an ABI number", parser->field[1]);
	unsigned long abi = strtoul(parser->field[1], NULL, 10);
	if (abi != ROTA_ABI)
		return err_set(err, ERR_USAGE, "it was built for plugin ABI %lu, but this rota has %u: compile it again", abi,
		               ROTA_ABI);
	if (parser->field[2][0] != '/')
		return err_set(err, ERR_USAGE, "'%s' isn't the path of its file", parser->field[2]);
	return string_set(&parser->info.file, parser->field[2], err);
}

static int read_name(struct parser *parser, struct err *err)
{
	if (!parser->field[1][0])
		return err_set(err, ERR_USAGE, "it has no name");
	return string_set(&parser->info.name, parser->field[1], err);
}

static int read_version(struct parser *parser, struct err *err)
{
	return string_set(&parser->info.version, parser->field[1], err);
}

static int read_summary(struct parser *parser, struct err *err)
{
	return string_set(&parser->info.summary, parser->field[1], err);
}

static int read_flags(struct parser *parser, struct err *err)
{
	for (size_t i = 1; i < parser->n_fields; i++) {
		const char *flag = parser->field[i];
		if (strcmp(flag, "thread-safe") == 0)
			parser->info.is_thread_safe = true;
		else if (strcmp(flag, "pure") == 0)
			parser->info.is_pure = true;
		else if (strcmp(flag, "tidy") == 0)
			parser->info.is_tidy = true;
		else
			return err_set(err, ERR_USAGE, "flag '%s' isn't known", flag);
	}
	return 0;
}

static int read_flush(struct parser *parser, struct err *err)
{
	(void)err;
	parser->info.has_flush = true;
	return 0;
}

/* A string that may be missing, as two fields: 0 or 1, and the text. */
static int maybe_set(const char **string, const char *has, const char *text, struct err *err)
{
	bool is_there = strcmp(has, "1") == 0;
	if (!is_there && strcmp(has, "0") != 0)
		return err_set(err, ERR_USAGE, "found '%s' instead of 0 or 1", has);
	*string = is_there ? strdup(text) : NULL;
	return is_there && !*string ? set_memory(err) : 0;
}

static int read_option(struct parser *parser, struct err *err)
{
	struct plugin_info *info = &parser->info;
	char **field = parser->field;
	if (info->n_options >= MAX_OPTIONS)
		return err_set(err, ERR_USAGE, "it has more than %d options", MAX_OPTIONS);
	struct option_spec *grown = reallocarray(info->options, info->n_options + 2, sizeof(*grown));
	if (!grown)
		return set_memory(err);
	info->options = grown;
	struct option_spec *spec = &grown[info->n_options];
	spec[0] = spec[1] = (struct option_spec){0};
	spec->type = option_type_of(field[2]);
	if (!spec->type)
		return err_set(err, ERR_USAGE, "option '%s': '%s' isn't a type", field[1], field[2]);
	spec->name = strdup(field[1]);
	if (!spec->name)
		return set_memory(err);
	info->n_options++;
	const char *has_unit = field[8][0] ? "1" : "0";
	if (maybe_set(&spec->fallback, field[3], field[4], err) || maybe_set(&spec->help, "1", field[5], err) ||
	    maybe_set(&spec->range, field[6], field[7], err) || maybe_set(&spec->unit, has_unit, field[8], err))
		return -1;
	return 0;
}

static int read_end(struct parser *parser, struct err *err)
{
	struct plugin_info *info = &parser->info;
	if (!info->options)
		info->options = calloc(1, sizeof(*info->options));
	return info->options ? option_check_table(info->options, err) : set_memory(err);
}

static const struct record {
	const char *name;
	size_t least_fields, most_fields;
	enum step from, to; /* it may stand when the last record left us between these; the last is where it leaves us */
	record_f *read;
} records[] = {
	{"rota-plugin", 3, 3, STEP_START, STEP_PLUGIN, read_plugin},
	{"name", 2, 2, STEP_PLUGIN, STEP_NAME, read_name},
	{"version", 2, 2, STEP_NAME, STEP_VERSION, read_version},
	{"summary", 2, 2, STEP_VERSION, STEP_SUMMARY, read_summary},
	{"flags", 1, 4, STEP_SUMMARY, STEP_FLAGS, read_flags},
	{"flush", 1, 1, STEP_FLAGS, STEP_OPTIONS, read_flush},
	{"option", 9, 9, STEP_FLAGS, STEP_OPTIONS, read_option},
	{"end", 1, 1, STEP_FLAGS, STEP_END, read_end},
};

static const struct record *record_find(const char *name)
{
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		if (strcmp(records[i].name, name) == 0)
			return &records[i];
	return NULL;
}

/* An option may stand behind another, `end` behind options or straight behind the flags. */
static bool is_in_order(const struct record *record, enum step step)
{
	return step == record->from || (step == STEP_OPTIONS && record->from == STEP_FLAGS && record->read != read_flush);
}

static int parse_record(struct parser *parser, struct err *err)
{
	const struct record *record = record_find(parser->field[0]);
	if (!record || !is_in_order(record, parser->step) || parser->n_fields < record->least_fields ||
	    parser->n_fields > record->most_fields)
		return err_set(err, ERR_USAGE, "its description is invalid at record '%s' with %zu fields", parser->field[0],
		               parser->n_fields);
	parser->step = record->to;
	return record->read(parser, err);
}

unsigned plugin_info_abi(void)
{
	return ROTA_ABI;
}

int plugin_info_parse(struct plugin_info *ret, char *text, size_t n_bytes, struct err *err)
{
	struct parser parser = {.step = STEP_START};
	struct fields fields;
	fields_init(&fields, text, n_bytes);
	int n, rc = 0;
	while (rc == 0 && (n = fields_next(&fields)) != 0) {
		parser.field = fields.field;
		parser.n_fields = n > 0 ? (size_t)n : 0;
		rc = n < 0 ? err_set(err, ERR_USAGE, "its description isn't a text of records") : parse_record(&parser, err);
	}
	if (rc == 0 && parser.step != STEP_END)
		rc = err_set(err, ERR_USAGE, "its description ends too early");
	fields_fini(&fields);
	if (rc)
		plugin_info_fini(&parser.info);
	else
		*ret = parser.info;
	return rc;
}

/* The specs' strings are const for everybody but their owner. */
static void const_free(const char *string)
{
	free((void *)(uintptr_t)string);
}

void plugin_info_fini(struct plugin_info *info)
{
	for (size_t i = 0; i < info->n_options; i++) {
		const_free(info->options[i].name);
		const_free(info->options[i].fallback);
		const_free(info->options[i].help);
		const_free(info->options[i].range);
		const_free(info->options[i].unit);
	}
	free(info->options);
	free(info->file);
	free(info->name);
	free(info->version);
	free(info->summary);
	*info = (struct plugin_info){0};
}
