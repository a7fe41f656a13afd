/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_complete - rota complete -- WORD...: what the last word of a command line may become, a line each, from the
 * tables of commands and options. The scripts in completion/ ask it, so that they know no option themselves.
 */
#include "config.h"

#include "core/cli/cmd.h"

#include "core/base/out.h"

#include <stdio.h>
#include <string.h>

/* The word that is being written. head: what of it stands before the part that is completed, as in --backend=pro. */
struct blank {
	const char *head, *text;
	int n_head;
};

static void offer(const struct blank *blank, const char *word, size_t n_word, const char *end, const char *help)
{
	size_t n = strlen(blank->text);
	if (n_word >= n && strncmp(word, blank->text, n) == 0)
		out_printf("%.*s%.*s%s\t%s\n", blank->n_head, blank->head, (int)n_word, word, end, help);
}

static void offer_commands(const struct blank *blank)
{
	for (const struct command *command = cmd_all(); command->name; command++)
		if (!command->is_hidden)
			offer(blank, command->name, strlen(command->name), "", command->summary);
}

static void offer_plugins(const struct blank *blank, const struct options *options)
{
	struct catalog *catalog;
	struct err err;
	const char *const *names;
	size_t n_names;
	if (strchr(blank->text, '/'))
		out_printf(":files\n");
	else if (catalog_create(&catalog, cmd_is_given(options, "trust-path"), NULL, &err) == 0) {
		if (catalog_names(catalog, &names, &n_names, &err) == 0)
			for (size_t i = 0; i < n_names; i++)
				offer(blank, names[i], strlen(names[i]), "", "a plugin");
		catalog_destroy(&catalog);
	}
}

static void offer_words(enum cmd_word kind, const struct blank *blank, const struct options *options)
{
	switch (kind) {
	case WORD_NONE:
		break;
	case WORD_FILE:
		out_printf(":files\n");
		break;
	case WORD_PROGRAM:
		out_printf(":programs\n");
		break;
	case WORD_PLUGIN:
		offer_plugins(blank, options);
		break;
	case WORD_COMMAND:
		offer_commands(blank);
		break;
	}
}

static void offer_options(const struct command *command, const struct blank *blank)
{
	size_t n_options;
	const struct core_option *options = core_options(&n_options);
	for (size_t i = 0; i < n_options; i++) {
		const struct core_option *option = &options[i];
		const char *names[] = {option->spec.name, option->other_name};
		const char letters[] = {option->letter, option->other_letter};
		for (size_t k = 0; k < 2 && option->flags & command->takes; k++) {
			char text[64];
			int n = letters[k] ? snprintf(text, sizeof text, "-%c", letters[k]) : 0;
			if (n > 0)
				offer(blank, text, (size_t)n, "", option->spec.help);
			n = names[k] ? snprintf(text, sizeof text, "--%s", names[k]) : 0;
			if (n > 0)
				offer(blank, text, (size_t)n, "", option->spec.help);
		}
	}
}

/* JOB.KEY= and run.KEY=: the job's name is the user's. */
static void offer_keys(const struct blank *blank)
{
	const char *dot = strchr(blank->text, '.');
	if (!dot || strchr(dot, '='))
		return;
	struct blank key = {.head = blank->head, .text = dot + 1, .n_head = blank->n_head + (int)(dot + 1 - blank->text)};
	bool is_run = dot - blank->text == 3 && strncmp(blank->text, "run", 3) == 0;
	size_t n_options;
	const struct core_option *options = core_options(&n_options);
	for (size_t i = 0; i < n_options; i++) {
		const struct option_spec *spec = &options[i].spec;
		if (!(options[i].flags & (is_run ? CORE_RUN_KEY : CORE_JOB | CORE_CONF)))
			continue;
		offer(&key, spec->name, strlen(spec->name), strcmp(spec->name, "options") == 0 ? "." : "=", spec->help);
		if (options[i].other_name)
			offer(&key, options[i].other_name, strlen(options[i].other_name), "=", spec->help);
	}
}

static void offer_values(const struct core_option *option, const struct blank *blank)
{
	const char *word;
	size_t n_word;
	if (option->spec.type == OPTION_CHOICE)
		for (size_t i = 0; (word = option_word(&option->spec, i, &n_word)); i++)
			offer(blank, word, n_word, "", option->spec.name);
	else if (option->flags & CORE_SET)
		offer_keys(blank);
	else if (option->spec.type == OPTION_STRING)
		out_printf(":files\n");
}

static const struct core_option *option_of_letter(const struct command *command, char letter)
{
	size_t n_options;
	const struct core_option *options = core_options(&n_options);
	for (size_t i = 0; i < n_options; i++)
		if (options[i].flags & command->takes && (options[i].letter == letter || options[i].other_letter == letter))
			return &options[i];
	return NULL;
}

/* The option of such a word whose value is to come: behind it, *ret_value, or in the next word, NULL. NULL: none. */
static const struct core_option *option_of_word(const struct command *command, char *word, char **ret_value)
{
	*ret_value = NULL;
	if (word[0] != '-' || word[1] == '\0')
		return NULL;
	if (word[1] == '-') {
		char name[64], *equals = strchr(word, '=');
		snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
		const struct core_option *option = core_option_find(name, command->takes);
		*ret_value = equals ? equals + 1 : NULL;
		return option && core_option_has_value(option) ? option : NULL;
	}
	for (char *letter = word + 1; *letter; letter++) {
		const struct core_option *option = option_of_letter(command, *letter);
		if (!option || !core_option_has_value(option))
			continue;
		*ret_value = letter[1] ? letter + 1 : NULL;
		return option;
	}
	return NULL;
}

int cmd_complete(const struct command *self, const struct options *options)
{
	char **words = options->words, *value;
	size_t n_before = options->n_words - 1, n_plain = 0;
	bool may_be_option = true;
	(void)self;
	if (options->n_words == 0)
		return CMD_OK;
	struct blank blank = {.head = words[n_before], .text = words[n_before]};
	const struct command *command = n_before > 0 ? cmd_find(words[0]) : NULL;
	if (n_before == 0)
		offer_commands(&blank);
	if (!command)
		return CMD_OK;
	const struct core_option *open = NULL; /* the word before wants its value here */
	for (size_t i = 1; i < n_before; i++) {
		if (open) {
			open = NULL;
			continue;
		}
		bool is_option = may_be_option && words[i][0] == '-' && words[i][1] != '\0';
		open = is_option ? option_of_word(command, words[i], &value) : NULL;
		if (open && value)
			open = NULL;
		n_plain += !is_option;
		may_be_option = may_be_option && strcmp(words[i], "--") != 0 && !(command->stops_at_word && n_plain > 0);
	}
	const struct core_option *here = open || !may_be_option ? NULL : option_of_word(command, words[n_before], &value);
	if (here && value) {
		blank.n_head = (int)(value - words[n_before]);
		blank.text = value;
	}
	if (open || (here && value))
		offer_values(open ? open : here, &blank);
	else if (may_be_option && blank.text[0] == '-')
		offer_options(command, &blank);
	else
		offer_words(n_plain == 0 ? command->first_word : command->other_words, &blank, options);
	return CMD_OK;
}
