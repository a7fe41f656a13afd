/* SPDX-License-Identifier: Apache-2.0 */
/* journals - a small journal in a folder of the test's own, for the tests of the journal. */
#ifndef TESTS_CORE_RECORD_JOURNALS_H
#define TESTS_CORE_RECORD_JOURNALS_H

#include "core/base/ownfile.h"
#include "core/record/journal_db.h"
#include "tests/tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[TAP_PATH_BYTES];
static char file[TAP_BESIDE_BYTES];

__attribute__((unused)) static const struct journal_key keys[] = {{"map", "plugin", "upper"},
                                                                  {"map", "input", "lines:items"},
                                                                  {"second", "plugin", "sha256"}};
#define N_KEYS (sizeof keys / sizeof *keys)

__attribute__((unused)) static struct journal *create(void)
{
	struct journal *journal = NULL;
	struct err err;
	if (journal_create(&journal, file, keys, N_KEYS, &err) != 0) {
		diag("%s", err.text);
		abort();
	}
	return journal;
}

__attribute__((unused)) static struct journal_position position_of(uint64_t n_items, bool is_finished)
{
	return (struct journal_position){.taken_items = n_items,
	                                 .taken_digest = digest_of(&n_items, sizeof n_items),
	                                 .output_bytes = 10 * n_items,
	                                 .is_finished = is_finished,
	                                 .n_ok = n_items - 1};
}

__attribute__((unused)) static struct journal_failure failure_of(uint64_t seq, const char *item, size_t n_bytes)
{
	return (struct journal_failure){.seq = seq,
	                                .item = item,
	                                .item_bytes = n_bytes,
	                                .kind = CAUSE_DIED,
	                                .code = -1,
	                                .signum = 11,
	                                .attempts = 3,
	                                .cause = "SIGSEGV",
	                                .output_at = 10 * seq};
}

__attribute__((unused)) static void put(struct journal *journal, const char *job,
                                        const struct journal_position *position, const struct journal_failure *failure)
{
	struct err err;
	int result = journal_begin(journal, false, &err);
	if (result == 0 && failure)
		result = journal_add_failure(journal, job, failure, &err);
	if (result == 0)
		result = journal_put_position(journal, job, position, &err);
	if (result == 0)
		result = journal_commit(journal, &err);
	if (result != 0)
		diag("%s", err.text);
	must(result == 0);
}

__attribute__((unused)) static void forget(void)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal", ".lock", ".new"};
	char path[TAP_BESIDE_BYTES + 16];
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		snprintf(path, sizeof path, "%s%s", file, ends[i]);
		unlink(path);
	}
}

/* Two jobs, some checkpoints, failures of odd bytes. */
__attribute__((unused)) static void make_small(void)
{
	struct journal *journal = create();
	struct journal_range unfinished[] = {{3, 4}, {7, 7}};
	for (uint64_t n = 1; n <= 3; n++) {
		struct journal_position position = position_of(10 * n, false);
		struct journal_failure failure = failure_of(10 * n, "bad\0\n\xff", 6);
		put(journal, "map", &position, &failure);
	}
	struct journal_position position = position_of(10, false);
	position.unfinished = unfinished;
	position.n_unfinished = 2;
	put(journal, "second", &position, NULL);
	journal_close(&journal);
}

__attribute__((unused)) static void begin(void)
{
	tap_template(folder, "journal");
	must(mkdtemp(folder) != NULL);
	snprintf(file, sizeof file, "%s/j", folder);
}

#endif
