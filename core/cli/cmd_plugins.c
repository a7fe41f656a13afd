/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plugins - rota plugins [NAME|FILE.so]: the plugins that are found and where; or all about one. */
#include "config.h"

#include "core/base/log.h"
#include "core/base/out.h"
#include "core/cli/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_COLUMNS 79

enum column { COLUMN_NAME, COLUMN_VERSION, COLUMN_SUMMARY, N_COLUMNS };

struct row {
	const char *text[N_COLUMNS];
	const struct plugin_info *info; /* NULL: the heading */
};

static void flags_describe(const struct plugin_info *info, char text[64])
{
	snprintf(text, 64, "%s%s%s", info->is_thread_safe ? ",thread-safe" : "", info->is_pure ? ",pure" : "",
	         info->is_tidy ? ",tidy" : "");
	if (text[0] == ',')
		memmove(text, text + 1, strlen(text));
	else
		snprintf(text, 64, "-");
}

/* The last column ends where the line does: at a word, with three dots. */
static void summary_print(const char *text, int room)
{
	int n = (int)strlen(text), shown = n;
	if (n > room) {
		for (shown = room > 4 ? room - 4 : 1; shown > 1 && text[shown] != ' ';)
			shown--;
	}
	out_printf("%.*s%s\n", shown, text, shown < n ? " ..." : "");
}

static size_t folder_bytes(const struct row *row)
{
	return (size_t)(strrchr(row->info->file, '/') - row->info->file);
}

/* Where they are: each folder once. */
static void folders_print(const struct row *rows, size_t n_rows)
{
	out_printf("\n'rota plugins NAME' shows a plugin's file, flags and options. These are in\n");
	for (size_t i = 1; i < n_rows; i++) {
		size_t n = folder_bytes(&rows[i]), k = 1;
		while (k < i && (folder_bytes(&rows[k]) != n || memcmp(rows[k].info->file, rows[i].info->file, n) != 0))
			k++;
		if (k == i)
			out_printf("  %.*s\n", (int)n, rows[i].info->file);
	}
}

static void table_print(const struct row *rows, size_t n_rows)
{
	int widths[N_COLUMNS] = {0};
	for (size_t i = 0; i < n_rows; i++)
		for (size_t k = 0; k < N_COLUMNS; k++) {
			int n = (int)strlen(rows[i].text[k]);
			widths[k] = n > widths[k] ? n : widths[k];
		}
	for (size_t i = 0; i < n_rows; i++) {
		for (size_t k = 0; k + 1 < N_COLUMNS; k++)
			out_printf("%-*s  ", widths[k], rows[i].text[k]);
		summary_print(rows[i].text[COLUMN_SUMMARY], LINE_COLUMNS - widths[COLUMN_NAME] - widths[COLUMN_VERSION] - 4);
	}
}

/* One that is wrong is said and passed over: the others are there all the same. */
static int all_print(struct catalog *catalog)
{
	const char *const *names;
	size_t n_names, n_rows = 1;
	int status = CMD_OK;
	struct err err;
	if (catalog_names(catalog, &names, &n_names, &err))
		return cmd_error(&err);
	struct row *rows = calloc(n_names + 1, sizeof(*rows));
	if (!rows)
		return cmd_error(&(struct err){.code = ERR_RESOURCE, .text = "out of memory"});
	rows[0] = (struct row){.text = {"NAME", "VERSION", "SUMMARY"}};
	for (size_t i = 0; i < n_names && status == CMD_OK; i++) {
		const struct plugin_info *info;
		struct row *row = &rows[n_rows];
		if (catalog_describe(catalog, names[i], &info, &err)) {
			if (err.code == ERR_USAGE)
				log_warning("%s", err.text);
			else
				status = cmd_error(&err);
			continue;
		}
		row->text[COLUMN_NAME] = names[i];
		row->text[COLUMN_VERSION] = info->version;
		row->text[COLUMN_SUMMARY] = info->summary;
		row->info = info;
		n_rows++;
	}
	if (n_rows > 1) {
		table_print(rows, n_rows);
		folders_print(rows, n_rows);
	}
	free(rows);
	size_t n_folders;
	const char *const *folders = catalog_folders(catalog, &n_folders);
	for (size_t i = 0; n_names == 0 && i < n_folders; i++)
		log_notice("no plugins in %s", folders[i]);
	return status;
}

static void option_print(const struct option_spec *spec)
{
	out_printf("\n  %s=%s", spec->name, option_type_name(spec->type));
	if (spec->fallback)
		out_printf("  [%s]\n", spec->fallback);
	else
		out_printf("  (required)\n");
	if (spec->help && spec->help[0])
		out_printf("      %s\n", spec->help);
	if (spec->range)
		out_printf("      %s: %s\n", spec->type == OPTION_CHOICE ? "one of" : "range", spec->range);
	if (spec->unit)
		out_printf("      unit: %s\n", spec->unit);
	if (spec->type != OPTION_CHOICE)
		out_printf("      expects %s\n", option_type_example(spec->type));
}

static int one_print(struct catalog *catalog, const char *name)
{
	const struct plugin_info *info;
	struct err err;
	if (catalog_describe(catalog, name, &info, &err))
		return cmd_error(&err);
	char flags[64];
	flags_describe(info, flags);
	out_printf("%s %s%s%s\n\n  file:  %s\n  flags: %s\n", info->name, info->version, info->summary[0] ? " - " : "",
	           info->summary, info->file, flags);
	if (info->has_flush)
		out_printf("  it accumulates (flush), which this version of rota does not support yet\n");
	out_printf("\nOptions (KEY=VALUE after the plugin's name, or under `options:` in a conf file):%s\n",
	           info->n_options ? "" : " none");
	for (size_t i = 0; i < info->n_options; i++)
		option_print(&info->options[i]);
	return CMD_OK;
}

int cmd_plugins(const struct command *command, const struct options *options)
{
	struct catalog *catalog;
	struct err err;
	if (options->n_words > 1)
		return cmd_usage_error(command, "only one plugin can be given");
	if (catalog_create(&catalog, cmd_is_given(options, "trust-path"), NULL, &err))
		return cmd_error(&err);
	int status = options->n_words == 1 ? one_print(catalog, options->words[0]) : all_print(catalog);
	catalog_destroy(&catalog);
	return status;
}
