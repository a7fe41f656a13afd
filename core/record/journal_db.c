/* SPDX-License-Identifier: Apache-2.0 */
/* journal_db - see journal_db.h. */
#include "config.h"

#include "core/record/journal_db.h"

#include "core/base/limit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MS 10000 /* somebody with sqlite3 in the way of a commit is waited for */

const char *const journal_db_schema[] = {
	"CREATE TABLE plan(id INTEGER PRIMARY KEY, change INTEGER NOT NULL, job TEXT NOT NULL, key TEXT NOT NULL, "
	"value TEXT NOT NULL) STRICT",
	"CREATE TABLE checkpoint(id INTEGER PRIMARY KEY, job TEXT NOT NULL, taken_items INTEGER NOT NULL, "
	"taken_digest BLOB NOT NULL, unfinished TEXT NOT NULL, output_bytes INTEGER NOT NULL, "
	"output_digest BLOB NOT NULL, is_finished INTEGER NOT NULL, n_ok INTEGER NOT NULL, n_failed INTEGER NOT NULL, "
	"is_renaming INTEGER NOT NULL, "
	"failures_digest BLOB NOT NULL, previous BLOB NOT NULL, digest BLOB NOT NULL) STRICT",
	"CREATE TABLE failure(id INTEGER PRIMARY KEY, job TEXT NOT NULL, seq INTEGER NOT NULL, item BLOB NOT NULL, "
	"is_cut INTEGER NOT NULL, outcome TEXT NOT NULL, kind TEXT NOT NULL, code INTEGER, signal INTEGER, "
	"attempts INTEGER NOT NULL, cause TEXT NOT NULL, "
	"output_at INTEGER NOT NULL, output_bytes INTEGER NOT NULL, digest BLOB NOT NULL) STRICT",
	"CREATE UNIQUE INDEX failure_seq ON failure(job, seq)",
	"CREATE VIEW failures AS SELECT job, seq, outcome, kind, code, signal, attempts, CAST(item AS TEXT) AS item, "
	"cause, is_cut FROM failure ORDER BY job, seq",
	"CREATE VIEW summary AS SELECT job, CASE is_finished WHEN 1 THEN 'finished' ELSE 'unfinished' END AS state, "
	"taken_items AS items, n_ok AS ok, n_failed AS failed, output_bytes FROM checkpoint "
	"WHERE id IN (SELECT max(id) FROM checkpoint GROUP BY job) ORDER BY job",
	"CREATE VIEW changes AS SELECT change, job, key, (SELECT value FROM plan AS old WHERE old.change = new.change - 1 "
	"AND old.job = new.job AND old.key = new.key) AS was, value FROM plan AS new WHERE change > 0 AND was IS NOT value "
	"ORDER BY id",
	NULL};

static const char *const statements[STATEMENT_COUNT] = {
	[STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
	[STATEMENT_COMMIT] = "COMMIT",
	[STATEMENT_ADD_KEY] = "INSERT INTO plan(change, job, key, value) VALUES(?1, ?2, ?3, ?4)",
	[STATEMENT_ADD_FAILURE] = "INSERT INTO failure(" JOURNAL_FAILURE_COLUMNS ") "
							  "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
	[STATEMENT_DROP_FAILURES] = "DELETE FROM failure WHERE job = ?1",
	[STATEMENT_ADD_CHECKPOINT] = "INSERT INTO checkpoint(" JOURNAL_CHECKPOINT_COLUMNS ") "
								 "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
	[STATEMENT_DROP_CHECKPOINTS] = "DELETE FROM checkpoint WHERE job = ?1",
	[STATEMENT_PRUNE] = "DELETE FROM checkpoint WHERE job = ?1 AND id NOT IN "
						"(SELECT id FROM checkpoint WHERE job = ?1 ORDER BY id DESC LIMIT ?2)",
	[STATEMENT_LAST_CHECKPOINT] = "SELECT " JOURNAL_CHECKPOINT_COLUMNS " FROM checkpoint WHERE job = ?1 "
								  "ORDER BY id DESC LIMIT 1",
};

int journal_db_error(const struct journal *journal, int code, const char *what, struct err *err)
{
	int primary = code & 0xff;
	if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
		return journal_db_damaged(journal, err, "%s: %s", what, sqlite3_errstr(code));
	if (primary == SQLITE_TOOBIG)
		return err_set(err, ERR_RUN, "journal %s: cannot %s: an item is too large for it", journal->file, what);
	int errnum = journal->db ? sqlite3_system_errno(journal->db) : 0;
	if (primary == SQLITE_FULL) {
		err_set(err, ERR_RUN, "journal %s: cannot %s: the disk is full", journal->file, what);
		err->errnum = ENOSPC;
		return -1;
	}
	if (errnum != 0 && (primary == SQLITE_CANTOPEN || primary == SQLITE_IOERR || primary == SQLITE_READONLY))
		return err_set_errno(err, ERR_RUN, errnum, "journal %s: cannot %s", journal->file, what);
	/* SQLite doesn't always keep the reason */
	unsigned long long limit_bytes;
	if (primary == SQLITE_IOERR && limit_file_bytes(&limit_bytes))
		err_set(err, ERR_RUN, "journal %s: cannot %s: %s; no file may have more than %llu bytes here (ulimit -f)",
		        journal->file, what, sqlite3_errstr(code), limit_bytes);
	else
		err_set(err, primary == SQLITE_NOMEM ? ERR_RESOURCE : ERR_RUN, "journal %s: cannot %s: %s", journal->file, what,
		        sqlite3_errstr(code));
	err->errnum = primary == SQLITE_IOERR ? EIO : 0;
	return -1;
}

int journal_db_damaged(const struct journal *journal, struct err *err, const char *format, ...)
{
	char text[200];
	va_list args;
	if ((sqlite3_errcode(journal->db) & 0xff) == SQLITE_NOMEM) /* what wasn't read is no damage */
		return err_set(err, ERR_RESOURCE, "journal %s: cannot read it: out of memory", journal->file);
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return err_set(
		err, ERR_USAGE,
		"journal %s is damaged (%s): it can't be resumed; keep it for inspection, and start over with another journal",
		journal->file, text);
}

/* Nothing that a file says may make SQLite do more than read it. */
static int harden(struct journal *journal, struct err *err)
{
	static const struct {
		int setting, value;
	} settings[] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
	                {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
	                {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
	                {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}};
	sqlite3 *db = journal->db;
	int code = sqlite3_extended_result_codes(db, 1);
	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(db, BUSY_MS);
	for (size_t i = 0; code == SQLITE_OK && i < sizeof settings / sizeof *settings; i++)
		code = sqlite3_db_config(db, settings[i].setting, settings[i].value, NULL);
	if (code != SQLITE_OK)
		return journal_db_error(journal, code, "open it", err);
	return journal_db_exec(journal, "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0", err);
}

int journal_db_open(struct journal *journal, const char *name, struct err *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
	int code = sqlite3_open_v2(name, &journal->db, flags, NULL);
	if (code != SQLITE_OK)
		return journal_db_error(journal, code, "open it", err);
	return harden(journal, err);
}

void journal_db_trust(struct journal *journal)
{
	sqlite3_db_config(journal->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
}

void journal_db_close(struct journal *journal)
{
	for (int i = 0; i < STATEMENT_COUNT; i++) {
		sqlite3_finalize(journal->statements[i]);
		journal->statements[i] = NULL;
	}
	sqlite3_close(journal->db);
	journal->db = NULL;
}

int journal_db_exec(struct journal *journal, const char *sql, struct err *err)
{
	int code = sqlite3_exec(journal->db, sql, NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : journal_db_error(journal, code, "use it", err);
}

sqlite3_stmt *journal_db_prepare(struct journal *journal, const char *sql, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v3(journal->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
	if (code == SQLITE_OK)
		return statement;
	journal_db_error(journal, code, "read it", err);
	return NULL;
}

sqlite3_stmt *journal_db_statement(struct journal *journal, enum journal_statement which, struct err *err)
{
	if (!journal->statements[which])
		journal->statements[which] = journal_db_prepare(journal, statements[which], err);
	return journal->statements[which];
}

int journal_db_run(struct journal *journal, sqlite3_stmt *statement, struct err *err)
{
	int code = sqlite3_step(statement);
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return code == SQLITE_DONE || code == SQLITE_ROW ? 0 : journal_db_error(journal, code, "write it", err);
}

/* --- bindings ----------------------------------------------------------------------------------------------------- */

static void bound(struct journal_binding *binding, int code)
{
	if (binding->code == SQLITE_OK)
		binding->code = code;
}

void journal_bind_number(struct journal_binding *binding, uint64_t number)
{
	bound(binding, sqlite3_bind_int64(binding->statement, ++binding->place, (sqlite3_int64)number));
}

void journal_bind_text(struct journal_binding *binding, const char *text)
{
	bound(binding, sqlite3_bind_text(binding->statement, ++binding->place, text, -1, SQLITE_STATIC));
}

void journal_bind_bytes(struct journal_binding *binding, const void *bytes, size_t n_bytes)
{
	/* no bytes at all would be a NULL */
	bound(binding,
	      sqlite3_bind_blob64(binding->statement, ++binding->place, n_bytes > 0 ? bytes : "", n_bytes, SQLITE_STATIC));
}

static void put_number(unsigned char bytes[8], uint64_t number)
{
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(number >> 8 * (7 - i));
}

void journal_bind_digest(struct journal_binding *binding, struct digest digest)
{
	unsigned char bytes[16];
	put_number(bytes, digest.high);
	put_number(bytes + 8, digest.low);
	bound(binding, sqlite3_bind_blob(binding->statement, ++binding->place, bytes, sizeof bytes, SQLITE_TRANSIENT));
}

int journal_binding_check(const struct journal *journal, const struct journal_binding *binding, struct err *err)
{
	return binding->code == SQLITE_OK ? 0 : journal_db_error(journal, binding->code, "use it", err);
}

int journal_binding_run(struct journal *journal, const struct journal_binding *binding, struct err *err)
{
	if (journal_binding_check(journal, binding, err) == 0)
		return journal_db_run(journal, binding->statement, err);
	sqlite3_clear_bindings(binding->statement);
	return -1;
}

/* --- digests ------------------------------------------------------------------------------------------------------ */

void journal_digest_number(struct digest_state *state, uint64_t number)
{
	unsigned char bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(number >> 8 * i);
	digest_add(state, bytes, sizeof bytes);
}

void journal_digest_text(struct digest_state *state, const void *bytes, size_t n_bytes)
{
	journal_digest_number(state, n_bytes);
	digest_add(state, bytes, n_bytes);
}

static void add_digest(struct digest_state *state, struct digest digest)
{
	journal_digest_number(state, digest.high);
	journal_digest_number(state, digest.low);
}

struct digest journal_digest_failure(const char *job, const struct journal_failure *failure)
{
	struct digest_state state;
	digest_init(&state);
	journal_digest_text(&state, job, strlen(job));
	journal_digest_number(&state, failure->seq);
	journal_digest_text(&state, failure->item, failure->item_bytes);
	journal_digest_number(&state, failure->is_cut);
	journal_digest_text(&state, cause_kind_name(failure->kind), strlen(cause_kind_name(failure->kind)));
	journal_digest_number(&state, (uint64_t)failure->code);
	journal_digest_number(&state, (uint64_t)failure->signum);
	journal_digest_number(&state, failure->attempts);
	journal_digest_text(&state, failure->cause, strlen(failure->cause));
	journal_digest_number(&state, failure->output_at);
	journal_digest_number(&state, failure->output_bytes);
	return digest_value(&state);
}

struct digest journal_digest_checkpoint(struct digest previous, const struct journal_job *job, int64_t id,
                                        const struct journal_position *position, const char *unfinished)
{
	struct digest_state state;
	digest_init(&state);
	add_digest(&state, previous);
	journal_digest_text(&state, job->name, strlen(job->name));
	journal_digest_number(&state, (uint64_t)id);
	journal_digest_number(&state, position->taken_items);
	add_digest(&state, position->taken_digest);
	journal_digest_text(&state, unfinished, strlen(unfinished));
	journal_digest_number(&state, position->output_bytes);
	add_digest(&state, position->output_digest);
	journal_digest_number(&state, position->is_finished);
	journal_digest_number(&state, position->n_ok);
	journal_digest_number(&state, position->n_failed);
	journal_digest_number(&state, position->is_renaming);
	add_digest(&state, job->failures);
	journal_digest_number(&state, job->n_failures);
	return digest_value(&state);
}

/* Mod 2^128: the order of the failures is no matter. */
struct digest journal_digest_sum(struct digest one, struct digest other)
{
	uint64_t low = one.low + other.low;
	return (struct digest){.high = one.high + other.high + (low < one.low), .low = low};
}
