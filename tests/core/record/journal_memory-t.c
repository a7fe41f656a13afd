/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_memory: each allocation of ours that a journal needs fails once, and some of SQLite's (all with
 * ROTA_TESTS=sweep): what was asked for is done, or memory is short and the journal is whole; it is never called
 * damaged.
 */
#include "config.h"

#include "core/record/journal_compare.h"
#include "core/record/journal_file.h"
#include "tests/nomemory.h"
#include "tests/tap.h"

#include <errno.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[TAP_PATH_BYTES];
static char file[TAP_BESIDE_BYTES];

static const struct journal_key keys[] = {{"map", "plugin", "upper"}, {"map", "option x", "1"}};
static const struct journal_key other_keys[] = {{"map", "plugin", "upper"}, {"map", "option x", "2"}};
#define N_KEYS (sizeof keys / sizeof *keys)

/* --- SQLite's memory, counted by itself --------------------------------------------------------------------------- */

static long sqlite_calls, sqlite_at; /* 0: none fails */

static void *sqlite_malloc(int n_bytes)
{
	return ++sqlite_calls == sqlite_at ? NULL : __libc_malloc((size_t)n_bytes);
}

static void *sqlite_realloc(void *old, int n_bytes)
{
	return ++sqlite_calls == sqlite_at ? NULL : __libc_realloc(old, (size_t)n_bytes);
}

static int sqlite_size(void *bytes)
{
	return (int)malloc_usable_size(bytes);
}

static int sqlite_roundup(int n_bytes)
{
	return (n_bytes + 7) & ~7;
}

static int sqlite_init(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static void sqlite_shutdown(void *arg)
{
	(void)arg;
}

static const sqlite3_mem_methods sqlite_memory = {.xMalloc = sqlite_malloc,
                                                  .xFree = free,
                                                  .xRealloc = sqlite_realloc,
                                                  .xSize = sqlite_size,
                                                  .xRoundup = sqlite_roundup,
                                                  .xInit = sqlite_init,
                                                  .xShutdown = sqlite_shutdown};

/* --- what is tried ------------------------------------------------------------------------------------------------ */

static void forget(void)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal", ".lock"};
	char path[TAP_BESIDE_BYTES + 16];
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		snprintf(path, sizeof path, "%s%s", file, ends[i]);
		unlink(path);
	}
}

static int put(struct journal *journal, uint64_t n_items, struct err *err)
{
	struct journal_range unfinished[] = {{1, 2}, {4, 4}};
	struct journal_position position = {.taken_items = n_items,
	                                    .unfinished = unfinished,
	                                    .n_unfinished = 2,
	                                    .n_ok = n_items - 4};
	struct journal_failure failure = {.seq = n_items,
	                                  .item = "an item",
	                                  .item_bytes = 7,
	                                  .kind = CAUSE_DIED,
	                                  .code = -1,
	                                  .signum = 11,
	                                  .attempts = 1,
	                                  .cause = "SIGSEGV"};
	return journal_begin(journal, false, err) == 0 && journal_add_failure(journal, "map", &failure, err) == 0 &&
	               journal_put_position(journal, "map", &position, err) == 0 && journal_commit(journal, err) == 0
	           ? 0
	           : -1;
}

/* What is tried with memory that is short; a journal of 10 items is there before it, or none. */
static int try_create(struct err *err)
{
	struct journal *journal = NULL;
	int result = journal_create(&journal, file, keys, N_KEYS, err);
	journal_close(&journal);
	return result;
}

static int try_open_and_put(struct err *err)
{
	struct journal *journal;
	int result = journal_open(&journal, file, err);
	if (result == 0)
		result = put(journal, 20, err);
	journal_close(&journal);
	return result;
}

static int try_drop(struct err *err)
{
	struct journal *journal;
	int result = journal_open(&journal, file, err);
	if (result == 0)
		result = journal_begin(journal, true, err) == 0 && journal_drop_failures(journal, "map", err) == 0 ? 0 : -1;
	journal_close(&journal);
	return result;
}

static int try_accept(struct err *err)
{
	struct journal *journal;
	int result = journal_open(&journal, file, err);
	if (result == 0)
		result = journal_compare(journal, other_keys, N_KEYS, err) == 1 ? 0 : -1;
	if (result == 0)
		result = journal_accept(journal, other_keys, N_KEYS, err);
	journal_close(&journal);
	return result;
}

static int try_compare_new(struct err *err)
{
	static const struct journal_key more_keys[] = {{"map", "plugin", "upper"},
	                                               {"map", "option x", "1"},
	                                               {"map", "option y", "1"}};
	struct journal *journal;
	int result = journal_open(&journal, file, err);
	if (result == 0)
		result = journal_compare(journal, more_keys, 3, err) == 1 ? 0 : -1;
	journal_close(&journal);
	return result;
}

static int try_list(struct err *err)
{
	struct journal *journal = NULL;
	struct journal_cursor *cursor = NULL;
	struct journal_failure failure;
	const char *job;
	int result = journal_open_reader(&journal, file, err);
	if (result == 0)
		result = journal_list(&cursor, journal, "map", JOURNAL_BY_SEQ, err);
	while (result == 0 && (result = journal_next(cursor, &job, &failure, err)) > 0)
		result = failure.seq == 10 && failure.item_bytes == 7 && strcmp(failure.cause, "SIGSEGV") == 0 ? 0 : -1;
	journal_cursor_close(&cursor);
	journal_close(&journal);
	return result;
}

static const struct {
	const char *what;
	int (*act)(struct err *err);
	bool is_new;
} cases[] = {
	{"a new journal", try_create, true},           {"an item more", try_open_and_put, false},
	{"failures dropped", try_drop, false},         {"a change accepted", try_accept, false},
	{"a key that is new", try_compare_new, false}, {"a list of failures", try_list, false},
};

/* Whatever was tried, it is there and can be gone on from. */
static bool is_whole(void)
{
	struct journal *journal = NULL;
	struct journal_position position;
	struct err err;
	if (journal_open(&journal, file, &err) != 0 || !journal || journal_read_position(journal, "map", &position, &err)) {
		diag("%s", err.text);
		return false;
	}
	uint64_t n_items = position.taken_items;
	journal_position_fini(&position);
	journal_close(&journal);
	return n_items == 10 || n_items == 20;
}

static void make(void)
{
	struct journal *journal = NULL;
	struct err err;
	must(journal_create(&journal, file, keys, N_KEYS, &err) == 0 && put(journal, 10, &err) == 0);
	journal_close(&journal);
}

/* With memory that is short at that place. Was it ever short? */
static bool try_at(size_t i, long at, bool is_sqlite, unsigned *n_wrong)
{
	struct err err = {0};
	if (cases[i].is_new)
		forget();
	else if (access(file, F_OK) != 0)
		make();
	sqlite_calls = 0;
	sqlite_at = is_sqlite ? at : 0;
	nomemory_begin(is_sqlite ? 0 : at, false);
	int result = cases[i].act(&err);
	bool has_failed = nomemory_end() || (sqlite_at > 0 && sqlite_calls >= sqlite_at);
	sqlite_at = 0;
	/* SQLite does without some of what it asks for */
	bool is_right = result == 0 || (has_failed && err.code == ERR_RESOURCE);
	if (result != 0 && !cases[i].is_new)
		is_right = is_right && is_whole();
	if (!is_right)
		diag("allocation %ld%s: %s", at, is_sqlite ? " of SQLite's" : "", err.text);
	*n_wrong += !is_right;
	if (result == 0)
		forget();
	return has_failed;
}

static void test_case(size_t i, long step)
{
	unsigned n_wrong = 0;
	long at = 1, sqlite = 1;
	while (try_at(i, at, false, &n_wrong))
		at++;
	while (try_at(i, sqlite, true, &n_wrong))
		sqlite += step;
	is_int(n_wrong, 0, "%s: done, or memory is short: of %ld places, and %ld of SQLite's", cases[i].what, at - 1,
	       sqlite);
	forget();
}

int main(void)
{
	if (!NOMEMORY_IS_KNOWN)
		skip_all("a sanitizer has its own malloc");
	const char *tests = getenv("ROTA_TESTS");
	long step = !tests || !*tests ? 10 : strcmp(tests, "sweep") == 0 ? 1 : 50;
	must(sqlite3_config(SQLITE_CONFIG_MALLOC, &sqlite_memory) == SQLITE_OK);
	tap_template(folder, "journal");
	must(mkdtemp(folder) != NULL);
	snprintf(file, sizeof file, "%s/j", folder);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		test_case(i, step);
	ok(rmdir(folder) == 0, "nothing is left");
	return tap_done();
}
