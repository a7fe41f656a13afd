/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_verify-t - somebody has edited a journal with SQLite's own tools, so that it is a sound database: it is
 * refused, whatever the edit, and says where.
 */
#include "config.h"

#include "journals.h"

#include <fcntl.h>

static void edit(const char *sql)
{
	sqlite3 *db = NULL;
	char *why = NULL;
	must(sqlite3_open(file, &db) == SQLITE_OK);
	must(sqlite3_exec(db, "PRAGMA synchronous=OFF", NULL, NULL, NULL) == SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
		diag("%s: %s", sql, why);
		abort();
	}
	must(sqlite3_close(db) == SQLITE_OK);
}

/* Is it refused for that reason, by who goes on from it and by who reads it? NULL: it is right. */
static void check(const char *what, const char *why)
{
	struct journal *journal = NULL;
	struct err err = {0};
	int result = journal_open(&journal, file, &err);
	if (!why)
		ok(result == 0 && journal, "%s: is a journal", what);
	else
		ok(result == -1 && err.code == ERR_USAGE && strstr(err.text, why), "%s: %s", what,
		   result == 0 ? "believed" : err.text);
	journal_close(&journal);
	is_int(journal_open_reader(&journal, file, &err), result, "%s: and so says who reads it", what);
	journal_close(&journal);
}

/* Jobs map (checkpoints 1 to 3, each with a failure) and second (checkpoint 4): fewer than are kept. */
static void test_edits(void)
{
	static const struct {
		const char *sql, *why;
	} edits[] = {
		{"SELECT 1", NULL},
		{"VACUUM", NULL},
		{"DELETE FROM checkpoint WHERE id = 1", "checkpoint 2 of job 'map'"},
		{"DELETE FROM checkpoint WHERE id = 2", "checkpoint 3 of job 'map'"},
		{"DELETE FROM checkpoint WHERE id < 3", "checkpoint 3 of job 'map'"},
		{"DELETE FROM checkpoint WHERE id = 3", "failures of job 'map' are missing"},
		{"DELETE FROM checkpoint WHERE job = 'map'", "the checkpoints of job 'map' are missing"},
		{"UPDATE checkpoint SET id = 9 WHERE id = 4", "checkpoint 9 of job 'second'"},
		{"UPDATE checkpoint SET job = 'map' WHERE id = 4", "checkpoint 4 of job 'map'"},
		{"UPDATE checkpoint SET job = 'third' WHERE id = 4", "a checkpoint belongs to no job"},
		{"UPDATE checkpoint SET taken_items = 31 WHERE id = 3", "checkpoint 3"},
		{"UPDATE checkpoint SET taken_digest = zeroblob(16) WHERE id = 3", "checkpoint 3"},
		{"UPDATE checkpoint SET unfinished = '3-5 7-7' WHERE id = 4", "checkpoint 4"},
		{"UPDATE checkpoint SET unfinished = '' WHERE id = 4", "checkpoint 4"},
		{"UPDATE checkpoint SET unfinished = 'some' WHERE id = 4", "its list of unfinished items is invalid"},
		{"UPDATE checkpoint SET output_bytes = 299 WHERE id = 3", "checkpoint 3"},
		{"UPDATE checkpoint SET output_digest = x'00000000000000000000000000000001' WHERE id = 3", "checkpoint 3"},
		{"UPDATE checkpoint SET is_finished = 1 WHERE id = 3", "checkpoint 3"},
		{"UPDATE checkpoint SET n_ok = 0 WHERE id = 3", "checkpoint 3"},
		{"UPDATE checkpoint SET n_failed = 2 WHERE id = 3", "checkpoint 3"},
		{"UPDATE checkpoint SET is_renaming = 1 WHERE id = 3", "checkpoint 3"},
		{"UPDATE checkpoint SET failures_digest = zeroblob(16) WHERE id = 2", "checkpoint 2"},
		{"UPDATE checkpoint SET previous = zeroblob(16) WHERE id = 1", "checkpoint 1"},
		{"UPDATE checkpoint SET digest = previous WHERE id = 3", "checkpoint 3"},
		{"UPDATE plan SET value = 'lines:others' WHERE key = 'input'", "checkpoint 1"},
		{"UPDATE plan SET key = 'output' WHERE key = 'input'", "checkpoint 1"},
		{"UPDATE plan SET change = 1 WHERE key = 'input'", "checkpoint 1"},
		{"DELETE FROM plan WHERE key = 'input'", "checkpoint 1"},
		{"INSERT INTO plan VALUES(NULL, 0, 'map', 'output', 'x')", "checkpoint 1"},
		{"DELETE FROM plan", "its plan is missing"},
		{"UPDATE plan SET job = 'first' WHERE job = 'map'", "the failure of item"},
		{"DELETE FROM failure WHERE seq = 20", "failures of job 'map' are missing"},
		{"DELETE FROM failure", "failures of job 'map' are missing"},
		{"INSERT INTO failure SELECT 9, job, 40, item, is_cut, outcome, kind, code, signal, attempts, cause, "
	     "output_at, output_bytes, digest FROM failure WHERE seq = 30",
	     "the failure of item 40"},
		{"UPDATE failure SET job = 'second' WHERE seq = 20", "the failure of item 20"},
		{"UPDATE failure SET seq = 21 WHERE seq = 20", "the failure of item 21"},
		{"UPDATE failure SET item = x'00' WHERE seq = 20", "the failure of item 20"},
		{"UPDATE failure SET is_cut = 1 WHERE seq = 20", "the failure of item 20"},
		{"UPDATE failure SET outcome = 'failed' WHERE seq = 20", "the failure of item 20"},
		{"UPDATE failure SET kind = 'failed' WHERE seq = 20", "the failure of item 20"},
		{"UPDATE failure SET code = 1 WHERE seq = 20", "the failure of item 20"},
		{"UPDATE failure SET signal = NULL WHERE seq = 20", "the failure of item 20"},
		{"UPDATE failure SET attempts = 4 WHERE seq = 20", "the failure of item 20"},
		{"UPDATE failure SET attempts = attempts + 4294967296 WHERE seq = 20", "the failure of item 20"},
		{"UPDATE failure SET cause = '' WHERE seq = 20", "the failure of item 20"},
		{"UPDATE failure SET output_at = 0 WHERE seq = 20", "the failure of item 20"},
		{"UPDATE failure SET digest = zeroblob(16) WHERE seq = 20", "the failure of item 20"},
		{"PRAGMA user_version = 99", "version 99"},
		{"PRAGMA application_id = 1", "not a rota journal"},
		{"CREATE TABLE more(x)", "its tables aren't those of a journal"},
		{"CREATE TRIGGER more AFTER INSERT ON checkpoint BEGIN DELETE FROM failure; END", "its tables aren't those"},
		{"DROP VIEW changes; CREATE VIEW changes AS SELECT 1", "its tables aren't those of a journal"},
		{"DROP VIEW changes", "a table is missing"},
	};
	char bytes[65536];
	make_small();
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n_bytes = read(fd, bytes, sizeof bytes);
	must(n_bytes > 0 && (size_t)n_bytes < sizeof bytes && close(fd) == 0);
	for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
		fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		must(fd >= 0 && write(fd, bytes, (size_t)n_bytes) == n_bytes && close(fd) == 0);
		edit(edits[i].sql);
		check(edits[i].sql, edits[i].why);
		forget();
	}
}

/* What only SQLite itself can see: the rows are right, and its index leads elsewhere. */
static void test_structure(void)
{
	make_small();
	edit("CREATE TABLE kept AS SELECT rowid AS r, * FROM sqlite_schema WHERE name = 'failure_seq';"
	     "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'failure_seq'");
	edit("UPDATE failure SET id = id + 100;"
	     "PRAGMA writable_schema = ON;"
	     "INSERT INTO sqlite_schema(rowid, type, name, tbl_name, rootpage, sql) SELECT * FROM kept");
	edit("DROP TABLE kept");
	check("an index of other rows", "is damaged");
	forget();
}

/* One link from the journal of another run with the same plan: right by itself. */
static void test_another_chain(void)
{
	char sql[TAP_BESIDE_BYTES + 300], other[TAP_BESIDE_BYTES + 16];
	make_small();
	snprintf(other, sizeof other, "%s.other", file);
	must(rename(file, other) == 0);
	struct journal *journal = create();
	for (uint64_t n = 1; n <= 3; n++) {
		struct journal_position position = position_of(9 * n, false);
		put(journal, "map", &position, NULL);
	}
	journal_close(&journal);
	check("a chain without failures", NULL);
	snprintf(sql, sizeof sql,
	         "ATTACH '%s' AS other; DELETE FROM checkpoint WHERE id = 2;"
	         "INSERT INTO checkpoint SELECT * FROM other.checkpoint WHERE id = 2",
	         other);
	edit(sql);
	check("a link of another chain", "checkpoint 2 of job 'map'");
	must(unlink(other) == 0);
	forget();
}

/* A chain that has been pruned begins with a link to what is gone, and has all that are kept. */
static void test_pruned(void)
{
	static const char *const edits[] = {
		"DELETE FROM checkpoint WHERE id = (SELECT min(id) FROM checkpoint)",
		"DELETE FROM checkpoint WHERE id = (SELECT max(id) FROM checkpoint)",
		"DELETE FROM checkpoint WHERE id = (SELECT max(id) - 1 FROM checkpoint)",
		("INSERT INTO checkpoint SELECT 1, job, taken_items, taken_digest, unfinished, output_bytes, output_digest, "
	     "is_finished, n_ok, n_failed, is_renaming, failures_digest, previous, digest FROM checkpoint LIMIT 1"),
		"UPDATE checkpoint SET previous = zeroblob(16) WHERE id = (SELECT min(id) FROM checkpoint)",
	};
	for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
		struct journal *journal = create();
		for (uint64_t n = 1; n <= JOURNAL_KEPT_CHECKPOINTS + 3; n++) {
			struct journal_position position = position_of(n, false);
			put(journal, "map", &position, NULL);
		}
		journal_close(&journal);
		check("a pruned chain", NULL);
		edit(edits[i]);
		check(edits[i], "is damaged");
		forget();
	}
}

/* Ranges that can't be true, with a right digest. */
static void test_unfinished(void)
{
	static const struct {
		struct journal_range ranges[2];
		const char *why, *what;
	} cases[] = {
		{{{3, 4}, {7, 10}}, NULL, "apart, to the last that was taken"},
		{{{3, 4}, {4, 5}}, "list of unfinished items", "one on another"},
		{{{7, 7}, {3, 4}}, "list of unfinished items", "the later first"},
		{{{3, 4}, {7, 6}}, "list of unfinished items", "one that ends before it begins"},
		{{{3, 4}, {7, 11}}, "list of unfinished items", "behind what was taken"},
		{{{0, 1}, {3, 4}}, "list of unfinished items", "item 0"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct journal *journal = create();
		struct journal_position position = position_of(10, false);
		struct journal_range ranges[2];
		memcpy(ranges, cases[i].ranges, sizeof ranges);
		position.unfinished = ranges;
		position.n_unfinished = 2;
		put(journal, "map", &position, NULL);
		journal_close(&journal);
		check(cases[i].what, cases[i].why);
		forget();
	}
}

int main(void)
{
	begin();
	test_edits();
	test_structure();
	test_another_chain();
	test_pruned();
	test_unfinished();
	ok(rmdir(folder) == 0, "nothing is left");
	return tap_done();
}
