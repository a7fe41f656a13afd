/* SPDX-License-Identifier: Apache-2.0 */
/* nearest: misspelt names, and words that are none of them. */
#include "config.h"

#include "core/base/nearest.h"

#include "tests/tap.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

int main(void)
{
	static const char *const names[] = {"jobs", "time-out", "retries", "max-item", "max-result", "output", "order"};
	static const struct {
		const char *word;
		const char *want;
	} cases[] = {
		{"jobs", "jobs"},
		{"jbos", "jobs"},
		{"jobz", "jobs"},
		{"job", "jobs"},
		{"JOBS", "jobs"},
		{"timeout", "time-out"},
		{"tiemout", "time-out"},
		{"retry", NULL},
		{"retrys", "retries"},
		{"max-itme", "max-item"},
		{"max-resutl", "max-result"},
		{"max", NULL},
		{"max-", NULL},
		{"max-r", "max-result"},
		{"tim", "time-out"},
		{"ti", NULL},
		{"outptu", "output"},
		{"ordre", "order"},
		{"x", NULL},
		{"", NULL},
		{"something-else", NULL},
	};
	for (size_t i = 0; i < N(cases); i++)
		is_str(nearest_find(cases[i].word, names, N(names)), cases[i].want, "nearest to '%s'", cases[i].word);
	char long_word[300];
	memset(long_word, 'j', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	is_str(nearest_find(long_word, names, N(names)), NULL, "nearest to a very long word");
	is_str(nearest_find("jjj", (const char *const[]){long_word}, 1), long_word, "a very long name, begun");
	is_str(nearest_find("jobs", NULL, 0), NULL, "no names");
	return tap_done();
}
