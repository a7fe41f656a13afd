/* SPDX-License-Identifier: Apache-2.0 */
/* options - see options.h. */
#include "config.h"

#include "core/cli/options.h"

#include "core/cli/cmd.h"
#include "core/cli/foreign.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* getopt_long gives back OPTION_BASE + the option's place in the table. */
#define OPTION_BASE 256
#define MAX_NAMES 128
#define MAX_LETTERS 256

/* The table in getopt's form. */
struct grammar {
	struct option names[MAX_NAMES];
	char letters[MAX_LETTERS]; /* "+:j:P:..." */
	unsigned takes;
};

static void grammar_add(struct grammar *grammar, const struct core_option *option, size_t *n_names)
{
	const char *names[] = {option->spec.name, option->other_name};
	const char letters[] = {option->letter, option->other_letter};
	for (size_t i = 0; i < 2; i++) {
		if (names[i] && *n_names + 1 < MAX_NAMES)
			grammar->names[(*n_names)++] = (struct option){
				.name = names[i],
				.has_arg = option->alone                   ? optional_argument
			               : core_option_has_value(option) ? required_argument
			                                               : no_argument,
				.val = OPTION_BASE + (int)core_option_index(option),
			};
		size_t n = strlen(grammar->letters);
		if (letters[i] && n + 2 < MAX_LETTERS)
			snprintf(grammar->letters + n, MAX_LETTERS - n, "%c%s", letters[i],
			         core_option_has_value(option) ? ":" : "");
	}
}

static void grammar_init(struct grammar *grammar, const struct command *command)
{
	size_t n_options, n_names = 0;
	const struct core_option *options = core_options(&n_options);
	*grammar = (struct grammar){.takes = command->takes};
	snprintf(grammar->letters, MAX_LETTERS, "%s:", command->stops_at_word ? "+" : "");
	for (size_t i = 0; i < n_options; i++)
		if (options[i].flags & command->takes)
			grammar_add(grammar, &options[i], &n_names);
}

static const struct core_option *option_of_letter(const struct grammar *grammar, int letter)
{
	size_t n_options;
	const struct core_option *options = core_options(&n_options);
	for (size_t i = 0; letter && i < n_options; i++)
		if (options[i].flags & grammar->takes && (options[i].letter == letter || options[i].other_letter == letter))
			return &options[i];
	return NULL;
}

/* What getopt_long gave back: a letter or OPTION_BASE + place. */
static const struct core_option *option_of_code(const struct grammar *grammar, int code)
{
	size_t n_options;
	const struct core_option *options = core_options(&n_options);
	if (code >= OPTION_BASE && (size_t)(code - OPTION_BASE) < n_options)
		return &options[code - OPTION_BASE];
	return option_of_letter(grammar, code);
}

/* The long options that begin so: how many, and a list of them. */
static size_t names_begun(const struct grammar *grammar, const char *name, char *list, size_t room_bytes)
{
	size_t n_begun = 0, at = 0;
	for (const struct option *option = grammar->names; option->name; option++) {
		if (strncmp(option->name, name, strlen(name)) != 0)
			continue;
		if (at < room_bytes)
			at += (size_t)snprintf(list + at, room_bytes - at, "%s--%s", n_begun ? ", " : "", option->name);
		n_begun++;
	}
	return n_begun;
}

/* A long option that isn't there: --jbos=2. */
static int set_unknown(const struct grammar *grammar, const struct command *command, const char *word, struct err *err)
{
	char name[64];
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	const struct core_option *elsewhere = core_option_find(name, ~0u & ~(unsigned)CORE_CONF);
	const char *instead = grammar->takes & CORE_ITEMS ? foreign_find(name, 0) : NULL;
	if (instead)
		return err_set(err, ERR_USAGE, "rota has no --%s: %s", name, instead);
	if (elsewhere)
		return err_set(err, ERR_USAGE, "--%s isn't an option of 'rota %s'", name, command->name);
	char begun[256];
	if (names_begun(grammar, name, begun, sizeof(begun)) > 1)
		return err_set(err, ERR_USAGE, "--%s could mean %s: write it in full", name, begun);
	const char *nearest = core_option_nearest(name, grammar->takes);
	if (nearest)
		return err_set(err, ERR_USAGE, "unknown option --%s, did you mean --%s?", name, nearest);
	return err_set(err, ERR_USAGE, "unknown option --%s", name);
}

/* getopt_long said '?' or ':'. */
static int set_refused(const struct grammar *grammar, const struct command *command, int answer, const char *word,
                       struct err *err)
{
	const struct core_option *option = option_of_code(grammar, optopt);
	if (answer == ':' && option)
		return err_set(err, ERR_USAGE, "--%s needs a value: %s", option->spec.name, option->spec.unit);
	if (option)
		return err_set(err, ERR_USAGE, "--%s takes no value", option->spec.name);
	const char *instead = optopt && grammar->takes & CORE_ITEMS ? foreign_find(NULL, (char)optopt) : NULL;
	if (instead)
		return err_set(err, ERR_USAGE, "rota has no -%c: %s", optopt, instead);
	if (optopt)
		return err_set(err, ERR_USAGE, "unknown option -%c", optopt);
	return set_unknown(grammar, command, word, err);
}

/* Of most options the last one holds; of some the first would be left out without a word. */
static int check_once(const struct options *options, const struct core_option *option, const char *text,
                      struct err *err)
{
	for (size_t i = 0; option->once && i < options->n_given; i++)
		if (options->given[i].option == option)
			return err_set(err, ERR_USAGE, "--%s is given twice, '%s' and '%s': %s", option->spec.name,
			               options->given[i].text, text, option->once);
	return 0;
}

static int given_add(struct options *options, const struct core_option *option, const char *text, struct err *err)
{
	if (check_once(options, option, text, err))
		return -1;
	struct option_given *grown = reallocarray(options->given, options->n_given + 1, sizeof(*grown));
	if (!grown)
		return err_set(err, ERR_RESOURCE, "out of memory");
	options->given = grown;
	grown[options->n_given++] = (struct option_given){.option = option, .text = text};
	return 0;
}

static int option_apply(struct options *options, const struct core_option *option, const char *text, struct err *err)
{
	const char *value = text ? text : option->alone ? option->alone : "yes";
	if (option->owner != OWNER_SETTINGS)
		return given_add(options, option, value, err);
	if (core_option_put(option, &options->settings, &value, 1, (struct place){0}, err))
		return err_prefix(err, "--%s", option->spec.name);
	return 0;
}

/* Where the lists of values begin: nothing behind it is an option. */
static int lists_begin(const struct command *command, int argc, char **argv)
{
	int at = argc;
	for (int i = argc - 1; i > 0 && command->takes & CORE_ITEMS; i--)
		if (options_list_kind(argv[i]) != LIST_NONE)
			at = i;
	return at;
}

enum list_kind options_list_kind(const char *word)
{
	static const char *const marks[] = {
		[LIST_WORDS] = ":::", [LIST_WORDS_LINKED] = ":::+", [LIST_FILES] = "::::", [LIST_FILES_LINKED] = "::::+"};
	for (int i = LIST_WORDS; i <= LIST_FILES_LINKED; i++)
		if (strcmp(word, marks[i]) == 0)
			return (enum list_kind)i;
	return LIST_NONE;
}

/* A value that may be left out, but is a number in a word of its own. */
static char *number_behind(const struct core_option *option, int argc, char **argv)
{
	if (!option || !option->alone || optind >= argc || !argv[optind][0] ||
	    argv[optind][strspn(argv[optind], "0123456789")])
		return NULL;
	return argv[optind++];
}

int options_parse(struct options *ret, const struct command *command, int argc, char **argv, struct err *err)
{
	struct options options = {.settings.log_level = LOG_NORMAL};
	struct grammar grammar;
	int rc = core_options_reset(OWNER_SETTINGS, &options.settings, (struct place){0}, err), code;
	grammar_init(&grammar, command);
	const int n_before = lists_begin(command, argc, argv);
	opterr = 0;
	optind = 1;
	while (rc == 0) {
		optopt = 0;
		code = getopt_long(n_before, argv, grammar.letters, grammar.names, NULL);
		if (code == -1)
			break;
		if (code != '?' && code != ':' && !optarg)
			optarg = number_behind(option_of_code(&grammar, code), n_before, argv);
		if (code == '?' || code == ':')
			rc = set_refused(&grammar, command, code, argv[optind - 1], err);
		else
			rc = option_apply(&options, option_of_code(&grammar, code), optarg, err);
		options.last = option_of_code(&grammar, code);
		options.last_value = optarg;
		if (options.settings.wants_help || options.settings.wants_version)
			break;
	}
	if (rc) {
		options_fini(&options);
		return -1;
	}
	options.argv = argv;
	options.words = argv + optind;
	options.n_words = (size_t)(n_before - optind);
	options.list_words = argv + n_before;
	options.n_list_words = (size_t)(argc - n_before);
	*ret = options;
	return 0;
}

void options_fini(struct options *options)
{
	free(options->given);
	text_list_fini(&options->settings.sets);
	*options = (struct options){0};
}
