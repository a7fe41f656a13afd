/* SPDX-License-Identifier: Apache-2.0 */
/* help - see help.h. */
#include "config.h"

#include "core/cli/help.h"

#include "core/plan/plugin_info.h"

#include <stdio.h>
#include <string.h>

#define LINE_COLUMNS 79
#define TEXT_COLUMN 28

/* Words from column TEXT_COLUMN on; `column` is where the line stands. */
static void wrap_print(const char *text, int column)
{
	if (column >= TEXT_COLUMN) {
		putchar('\n');
		column = 0;
	}
	printf("%*s", TEXT_COLUMN - column, "");
	column = TEXT_COLUMN;
	while (*text) {
		int n = (int)strcspn(text, " ");
		if (column > TEXT_COLUMN && column + 1 + n > LINE_COLUMNS) {
			printf("\n%*s", TEXT_COLUMN, "");
			column = TEXT_COLUMN;
		} else if (column > TEXT_COLUMN) {
			putchar(' ');
			column++;
		}
		printf("%.*s", n, text);
		column += n;
		text += n;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void option_print(const struct core_option *option)
{
	const struct option_spec *spec = &option->spec;
	char text[512];
	int column = option->letter ? printf("  -%c, --%s", option->letter, spec->name) : printf("      --%s", spec->name);
	if (core_option_has_value(option))
		column += printf(option->alone ? "[=%s]" : "=%s", spec->unit);
	int n = snprintf(text, sizeof(text), "%s", spec->help);
	if (option->other_name && n > 0 && option->other_letter)
		n +=
			snprintf(text + n, sizeof(text) - (size_t)n, " (also -%c, --%s)", option->other_letter, option->other_name);
	else if (option->other_name && n > 0)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " (also --%s)", option->other_name);
	/* A switch is off, but for one that says so; so do texts. */
	if (core_option_has_value(option) && spec->fallback && !strstr(spec->help, "default") && n > 0)
		snprintf(text + n, sizeof(text) - (size_t)n, " (default: %s)", spec->fallback);
	wrap_print(text, column);
}

void help_print(const struct command *command, bool shows_all)
{
	size_t n_options, n_rare = 0;
	const struct core_option *options = core_options(&n_options);
	printf("Usage: rota %s %s\n\n%s\n", command->name, command->usage, command->summary);
	if (command->details)
		printf("\n%s\n", command->details);
	printf("\nOptions:\n");
	for (size_t i = 0; i < n_options; i++) {
		if (!(options[i].flags & command->takes))
			continue;
		if (shows_all || !options[i].is_rare)
			option_print(&options[i]);
		else
			n_rare++;
	}
	if (n_rare > 0)
		printf("\n%zu more options are described by 'rota help --all %s' and the manual.\n", n_rare, command->name);
	if (command->examples)
		printf("\nExamples:\n%s\n", command->examples);
	if (command->takes & CORE_JOB)
		printf("\nExit status: 0 every item ok; 1 finished, but some items failed; 2 the command\n"
		       "line, conf file or plugin is wrong, nothing was run; 3 the run could not finish.\n");
	else
		printf("\nExit status: 0 success; 2 an error, described on standard error.\n");
}

void help_print_overview(const struct command *commands)
{
	printf("Usage: rota COMMAND [OPTIONS] ...\n\n"
	       "Runs your function, a plugin, over a stream of items, in worker processes\n"
	       "on every core. A worker that crashes costs its item, not the run.\n\nCommands:\n");
	for (const struct command *command = commands; command->name; command++)
		if (!command->is_hidden)
			printf("  %-9s%s\n", command->name, command->summary);
	printf("\nSee 'rota COMMAND --help' for one command, and 'man rota' for the whole manual.\n\n"
	       "Examples:\n"
	       "  seq 10 | rota map upper\n"
	       "  find /usr/share/doc -type f | rota map sha256 > SUMS\n"
	       "  ls *.log | rota exec gzip -9 {}\n"
	       "  rota run jobs.yaml\n");
}

void help_print_version(void)
{
	printf("rota %s (plugin ABI %u)\n", PACKAGE_VERSION, plugin_info_abi());
}
