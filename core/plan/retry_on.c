/* SPDX-License-Identifier: Apache-2.0 */
/* retry_on - see retry_on.h. */
#include "config.h"

#include "core/plan/retry_on.h"

#include "core/base/log.h"
#include "core/base/notation.h"

#include <stdint.h>
#include <string.h>

#define STATUS_MAX 255

static const struct {
	const char *name;
	unsigned kind;
} kinds[] = {{"crash", RETRY_ON_CRASH},
             {"timeout", RETRY_ON_TIMEOUT},
             {"limit", RETRY_ON_LIMIT},
             {"again", RETRY_ON_AGAIN},
             {"fail", RETRY_ON_FAIL}};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool add_kind(struct retry_on *retry_on, const char *word)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		if (strcmp(word, kinds[i].name) == 0) {
			retry_on->kinds |= kinds[i].kind;
			return true;
		}
	}
	return false;
}

/* "75" or "100-110". */
static bool add_exits(struct retry_on *retry_on, const char *text)
{
	int64_t first, last;
	size_t n_first = strcspn(text, "-");

	if (notation_read_int(text, n_first, &first) != NOTATION_OK)
		return false;
	last = first;
	if (text[n_first] == '-' && notation_read_int(text + n_first + 1, strlen(text + n_first + 1), &last) != NOTATION_OK)
		return false;
	if (first < 1 || last > STATUS_MAX || first > last)
		return false;
	for (int64_t status = first; status <= last; status++)
		retry_on->exits[status / 8] |= (unsigned char)(1u << (status % 8));
	retry_on->has_exits = true;
	return true;
}

int retry_on_parse(struct retry_on *ret, const char *const *words, size_t n_words, struct err *err)
{
	static const char exit_prefix[] = "exit:";
	struct retry_on retry_on = {0};
	char quoted[LOG_QUOTE_BYTES];

	for (size_t i = 0; i < n_words; i++) {
		const char *word = words[i];
		bool is_exit = strncmp(word, exit_prefix, sizeof(exit_prefix) - 1) == 0;

		if (is_exit || retry_on.has_exits ? add_exits(&retry_on, is_exit ? word + sizeof(exit_prefix) - 1 : word)
		                                  : false)
			continue;
		if (is_exit || !add_kind(&retry_on, word))
			return err_set(err, ERR_USAGE,
			               "%s is no failure to try again after (expected crash, timeout, limit, again, fail, or "
			               "exit: with statuses from 1 to 255, as exit:75,100-110)",
			               log_quote_value(quoted, word));
	}
	*ret = retry_on;
	return 0;
}

static bool has_exit(const struct retry_on *retry_on, int status)
{
	return status > 0 && status <= STATUS_MAX && (retry_on->exits[status / 8] >> (status % 8) & 1);
}

bool retry_on_wants(const struct retry_on *retry_on, const struct cause *cause)
{
	unsigned kind = 0;

	switch (cause->kind) {
	case CAUSE_FAILED:
	case CAUSE_AGAIN:
		/* a command's exit status: those that were named */
		if (retry_on->has_exits && cause_exit_code(cause) >= 0)
			return has_exit(retry_on, cause_exit_code(cause));
		kind = cause->kind == CAUSE_AGAIN ? RETRY_ON_AGAIN : RETRY_ON_FAIL;
		break;
	case CAUSE_DIED:
	case CAUSE_THREAD_ENDED:
	case CAUSE_BROKEN_CHANNEL:
		kind = RETRY_ON_CRASH;
		break;
	case CAUSE_TIMED_OUT:
		kind = RETRY_ON_TIMEOUT;
		break;
	case CAUSE_MAX_RESULT:
	case CAUSE_OVER_MEMORY:
	case CAUSE_OOM_KILLED:
		kind = RETRY_ON_LIMIT;
		break;
	case CAUSE_NONE:
	case CAUSE_MAX_ITEM:
		break;
	}
	return (retry_on->kinds & kind) != 0;
}
