/* SPDX-License-Identifier: Apache-2.0 */
/* core_option: each record fits its field, no command takes two of one name, values go where they belong. */
#include "config.h"

#include "core/plan/core_option.h"

#include "core/plan/job.h"
#include "core/plan/settings.h"

#include "tests/tap.h"

static struct err err;

static bool fits(const struct core_option *option)
{
	enum field_kind kind = option->field.kind;
	if (option->set || option->plugin_option || strcmp(option->spec.name, "options") == 0)
		return kind == FIELD_NONE;
	switch (option->spec.type) {
	case OPTION_INT:
	case OPTION_SIZE:
	case OPTION_DURATION:
		return kind == FIELD_NUMBER;
	case OPTION_BOOL:
		return kind == FIELD_FLAG || kind == FIELD_NUMBER;
	case OPTION_CHOICE:
		return kind == FIELD_CHOICE;
	case OPTION_STRING:
		return kind == FIELD_LIST;
	default:
		return false;
	}
}

/* Of two that may stand together. */
static bool clash(const struct core_option *one, const struct core_option *other)
{
	const char *names[] = {one->spec.name, one->other_name}, *others[] = {other->spec.name, other->other_name};
	const char letters[] = {one->letter, one->other_letter}, other_letters[] = {other->letter, other->other_letter};
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < 2; k++)
			if ((names[i] && others[k] && strcmp(names[i], others[k]) == 0) ||
			    (letters[i] && letters[i] == other_letters[k]))
				return true;
	return false;
}

static void test_records(void)
{
	size_t n_options;
	const struct core_option *options = core_options(&n_options);
	for (size_t i = 0; i < n_options; i++) {
		const struct core_option *option = &options[i];
		struct option_spec alone[] = {option->spec, {0}};
		ok(option_check_table(alone, &err) == 0, "%s: its range and default are right", option->spec.name);
		ok(fits(option), "%s: its field is of its type", option->spec.name);
		ok(option->flags != 0 && option->spec.help && option->spec.help[0],
		   "%s: somebody may have it, and help is there", option->spec.name);
		ok(!core_option_has_value(option) || option->spec.unit || strcmp(option->spec.name, "options") == 0,
		   "%s: the help has a word for its value", option->spec.name);
		for (size_t k = i + 1; k < n_options; k++)
			if (option->flags & options[k].flags && clash(option, &options[k]))
				ok(false, "%s and %s have a name or letter in common", option->spec.name, options[k].spec.name);
	}
}

static int put(const char *name, void *owner, const char *text)
{
	return core_option_put(core_option_find(name, ~0u), owner, &text, 1, (struct place){0}, &err);
}

/* The enums are in the order of the words. */
static void test_choices(void)
{
	static const struct {
		const char *name, *word;
		unsigned value;
	} cases[] = {{"backend", "process", BACKEND_PROCESS},
	             {"backend", "thread", BACKEND_THREAD},
	             {"backend", "auto", BACKEND_AUTO},
	             {"pin", "none", PIN_NONE},
	             {"pin", "core", PIN_CORE},
	             {"pin", "numa", PIN_NUMA},
	             {"verify-results", "auto", VERIFY_AUTO},
	             {"verify-results", "always", VERIFY_ALWAYS},
	             {"verify-results", "never", VERIFY_NEVER},
	             {"progress", "auto", PROGRESS_AUTO},
	             {"progress", "always", PROGRESS_ALWAYS},
	             {"progress", "never", PROGRESS_NEVER},
	             {"progress", "json", PROGRESS_JSON}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct core_option *option = core_option_find(cases[i].name, ~0u);
		struct job job = {.name = NULL};
		struct settings settings = {.log_level = LOG_NORMAL};
		void *owner = option->owner == OWNER_JOB ? (void *)&job : &settings;
		char text[FIELD_TEXT_BYTES];
		is_int(put(cases[i].name, owner, cases[i].word), 0, "--%s %s", cases[i].name, cases[i].word);
		is_int(*(unsigned *)((char *)owner + option->field.offset), cases[i].value, "is that value");
		is_str(field_describe(&option->field, owner, &option->spec, text), cases[i].word, "and is told so");
	}
}

static void test_put(void)
{
	struct job job = {.name = NULL};
	struct settings settings = {.log_level = LOG_NORMAL};
	is_int(put("spin", &job, "yes"), 0, "a switch for the workers");
	is_int(job.duty.spins, 1, "is in their duty");
	is_int(put("unordered", &job, "no"), 0, "a setting's other name");
	ok(job.is_ordered, "is its opposite");
	ok(core_option_is_same(core_option_find("unordered", ~0u), core_option_find("keep-order", ~0u)) &&
	       !core_option_is_same(core_option_find("input", ~0u), core_option_find("output", ~0u)),
	   "they are one setting, input and output aren't");
	is_int(put("set", &settings, "a.b=c,d"), 0, "an option that may be repeated");
	is_int(put("set", &settings, "e.f=g"), 0, "once more");
	is_int(settings.sets.n_texts, 2, "has each value");
	is_str(settings.sets.texts[0], "a.b=c,d", "whole");
	is_int(put("retries", &job, "x"), -1, "what isn't a number");
	ok(strstr(err.text, "'x' isn't a whole number"), "is refused: %s", err.text);
	is_int(put("options", &job, "x"), -1, "what has no field is refused");
	is_int(core_options_reset(OWNER_SETTINGS, &settings, (struct place){0}, &err), 0, "the defaults");
	is_int(settings.log_level, LOG_NORMAL, "leave alone what no value is given for");
	text_list_fini(&settings.sets);
}

int main(void)
{
	test_records();
	test_choices();
	test_put();
	return tap_done();
}
