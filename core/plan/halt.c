/* SPDX-License-Identifier: Apache-2.0 */
/* halt - see halt.h. */
#include "config.h"

#include "core/plan/halt.h"

#include "core/base/log.h"
#include "core/base/notation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const whens[] = {[HALT_NEVER] = "never", [HALT_SOON] = "soon", [HALT_NOW] = "now"};
static const char *const whats[] = {[HALT_FAIL] = "fail", [HALT_SUCCESS] = "success", [HALT_DONE] = "done"};

static int refuse(const char *text, struct err *err)
{
	char quoted[LOG_QUOTE_BYTES];
	return err_set(err, ERR_USAGE,
	               "%s doesn't say when to halt (expected never, or now or soon, then fail, success or done, with a "
	               "number or a percentage: now,fail=1 or soon,done=30%%)",
	               log_quote_value(quoted, text));
}

/* What parallel took before it had words. */
static bool parse_old(struct halt *ret, const char *text)
{
	static const struct {
		const char *text;
		struct halt halt;
	} olds[] = {{"never", {.when = HALT_NEVER}},
	            {"0", {.when = HALT_NEVER}},
	            {"1", {.when = HALT_SOON, .what = HALT_FAIL, .number = 1}},
	            {"2", {.when = HALT_NOW, .what = HALT_FAIL, .number = 1}},
	            {"-1", {.when = HALT_SOON, .what = HALT_SUCCESS, .number = 1}},
	            {"-2", {.when = HALT_NOW, .what = HALT_SUCCESS, .number = 1}}};

	for (size_t i = 0; i < sizeof(olds) / sizeof(olds[0]); i++) {
		if (strcmp(text, olds[i].text) == 0) {
			*ret = olds[i].halt;
			return true;
		}
	}
	return false;
}

/* The word of n_bytes among those; -1: it is none of them. */
static int find_word(const char *text, size_t n_bytes, const char *const *words, int n_words)
{
	for (int i = 0; i < n_words; i++)
		if (strlen(words[i]) == n_bytes && memcmp(words[i], text, n_bytes) == 0)
			return i;
	return -1;
}

int halt_parse(struct halt *ret, const char *text, struct err *err)
{
	size_t n_when = strcspn(text, ","), n_what, n_number;

	if (parse_old(ret, text))
		return 0;
	if (text[n_when] == '\0')
		return refuse(text, err);
	const char *what = text + n_when + 1;
	n_what = strcspn(what, "=");
	int when_index = find_word(text, n_when, whens, 3), what_index = find_word(what, n_what, whats, 3);
	if (when_index <= HALT_NEVER || what_index < 0 || what[n_what] == '\0')
		return refuse(text, err);
	const char *number = what + n_what + 1;
	n_number = strlen(number);
	struct halt halt = {.when = (enum halt_when)when_index, .what = (enum halt_what)what_index};
	halt.is_percent = n_number > 0 && number[n_number - 1] == '%';
	if (notation_read_int(number, n_number - halt.is_percent, &halt.number) != NOTATION_OK || halt.number < 1 ||
	    (halt.is_percent && halt.number > 100))
		return refuse(text, err);
	*ret = halt;
	return 0;
}

void halt_set_failures(struct halt *ret, int64_t n_most, bool is_percent)
{
	*ret = (struct halt){
		.when = HALT_NOW, .what = HALT_FAIL, .number = n_most, .is_percent = is_percent, .is_by_max_failures = true};
}

bool halt_is_reached(const struct halt *halt, uint64_t n_ok, uint64_t n_not_ok)
{
	uint64_t n_done = n_ok + n_not_ok;
	uint64_t n = halt->what == HALT_FAIL ? n_not_ok : halt->what == HALT_SUCCESS ? n_ok : n_done;
	uint64_t number = (uint64_t)halt->number;

	if (halt->when == HALT_NEVER || (halt->is_percent && n_done < HALT_PERCENT_LEAST))
		return false;
	if (halt->is_percent)
		return halt->is_by_max_failures ? n * 100 > n_done * number : n * 100 >= n_done * number;
	return halt->is_by_max_failures ? n > number : n >= number;
}

const char *halt_prose(char text[HALT_PROSE_BYTES], const struct halt *halt)
{
	static const char *const did[] = {[HALT_FAIL] = "failed", [HALT_SUCCESS] = "succeeded", [HALT_DONE] = "finished"};
	const char *more = halt->is_by_max_failures ? "more than " : "";
	const char *option = halt->is_by_max_failures ? "--max-failures" : "--halt";

	if (halt->is_percent)
		snprintf(text, HALT_PROSE_BYTES, "%s%" PRId64 " %% of the items %s (%s)", more, halt->number, did[halt->what],
		         option);
	else
		snprintf(text, HALT_PROSE_BYTES, "%s%" PRId64 " item%s %s (%s)", more, halt->number,
		         halt->number == 1 && !*more ? "" : "s", did[halt->what], option);
	return text;
}
