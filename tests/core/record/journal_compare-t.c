/* SPDX-License-Identifier: Apache-2.0 */
/* journal_compare: in what a plan differs from that of a journal, and whether that may be accepted. */
#include "config.h"

#include "core/record/journal_compare.h"

#include "journals.h"

static void test_compare(void)
{
	struct journal_key others[N_KEYS];
	struct err err;
	struct journal *journal = create();
	is_int(journal_compare(journal, keys, N_KEYS, &err), 0, "the same plan");
	memcpy(others, keys, sizeof keys);
	others[0].value = "identity";
	ok(journal_compare(journal, others, N_KEYS, &err) == 1 && err.code == ERR_USAGE &&
	       strstr(err.text, "job 'map': plugin was 'upper' and is now 'identity'"),
	   "%s", err.text);
	ok(journal_compare(journal, keys, N_KEYS - 1, &err) == -1 && strstr(err.text, "job 'second' no longer exists"),
	   "%s", err.text);
	memcpy(others, keys, sizeof keys);
	others[1].key = "order";
	ok(journal_compare(journal, others, N_KEYS, &err) == -1 && strstr(err.text, "input was") &&
	       strstr(err.text, "was not given"),
	   "%s", err.text);
	memcpy(others, keys, sizeof keys);
	others[1].value = "lines:others";
	ok(journal_compare(journal, others, N_KEYS, &err) == -1 && !strstr(err.text, "--accept-change"),
	   "which items there are may never change: %s", err.text);
	struct journal_key more[N_KEYS + 1] = {keys[0], keys[1], {"map", "split", "lines"}, keys[2]};
	ok(journal_compare(journal, more, N_KEYS + 1, &err) == -1 && strstr(err.text, "split is 'lines' and was not given"),
	   "nor by a word that wasn't there: %s", err.text);
	more[2].key = "option mark";
	ok(journal_compare(journal, more, N_KEYS + 1, &err) == 1 && strstr(err.text, "--accept-change"),
	   "how they are done may: %s", err.text);
	memcpy(others, keys, sizeof keys);
	for (size_t i = 0; i < N_KEYS; i++)
		others[i].job = "other";
	ok(journal_compare(journal, others, N_KEYS, &err) == -1 &&
	       strstr(err.text, "job 'map' no longer exists; job 'second' no longer exists; job 'other' is new; "),
	   "%s", err.text);
	journal_close(&journal);
	forget();
}

int main(void)
{
	begin();
	test_compare();
	ok(rmdir(folder) == 0, "nothing is left");
	return tap_done();
}
