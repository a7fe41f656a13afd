/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_db - the database of a journal: opening it with care, statements, errors. For journal*.c alone; the only file
 * that knows sqlite3.h.
 */
#ifndef RECORD_JOURNAL_DB_H
#define RECORD_JOURNAL_DB_H

#include "core/base/lockfile.h"
#include "core/record/journal.h"

#include <sqlite3.h>

#define JOURNAL_APPLICATION_ID 0x526f7461 /* "Rota" */
#define JOURNAL_VERSION 3
#define JOURNAL_KEPT_CHECKPOINTS 16
#define JOURNAL_BEGINNING_BYTES 200 /* of an item that is too large for a row */
#define JOURNAL_ROW_BYTES 65536     /* and what a row needs besides its item, at most */

enum journal_statement {
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_ADD_KEY,
	STATEMENT_ADD_FAILURE,
	STATEMENT_DROP_FAILURES,
	STATEMENT_ADD_CHECKPOINT,
	STATEMENT_DROP_CHECKPOINTS,
	STATEMENT_PRUNE,
	STATEMENT_LAST_CHECKPOINT,
	STATEMENT_COUNT
};

/* A job as its rows add up. */
struct journal_job {
	char *name;
	struct digest last;     /* of its last checkpoint; before the first: of the keys */
	struct digest failures; /* the sum of those of its failures */
	uint64_t n_failures;
	bool is_finished;
};

struct journal {
	sqlite3 *db;
	char *file;           /* as the user calls it */
	char *path;           /* without symbolic links: what is opened */
	struct lockfile lock; /* fd -1: a reader */
	struct journal_job *jobs;
	size_t n_jobs;
	struct digest keys; /* the chains' beginning */
	bool is_lasting;    /* a commit is synced */
	int64_t n_changes;  /* of the plan, that were accepted */
	int64_t last_id;    /* of a checkpoint, whichever job's */
	sqlite3_stmt *statements[STATEMENT_COUNT];
};

/* "journal FILE: " and what SQLite says, or what the code means in plain words. Returns -1. */
int journal_db_error(const struct journal *journal, int code, const char *what, struct err *err);
__attribute__((format(printf, 3, 4))) int journal_db_damaged(const struct journal *journal, struct err *err,
                                                             const char *format, ...);

/*
 * Opens the file of that name as it is; one that may not be written can be read. Closing won't write to
 * it until journal_db_trust; from then on the last one who closes it puts its -wal into it and removes that.
 */
int journal_db_open(struct journal *journal, const char *name, struct err *err);
void journal_db_trust(struct journal *journal);
void journal_db_close(struct journal *journal);

int journal_db_exec(struct journal *journal, const char *sql, struct err *err);

/* The statement, made at its first use, without bindings; NULL with err. */
sqlite3_stmt *journal_db_statement(struct journal *journal, enum journal_statement which, struct err *err);
/* A statement of one's own (sqlite3_finalize). */
sqlite3_stmt *journal_db_prepare(struct journal *journal, const char *sql, struct err *err);

/* Runs a statement that gives no rows, and resets it. */
int journal_db_run(struct journal *journal, sqlite3_stmt *statement, struct err *err);

/*
 * The values of a statement, one after another: journal_bind_... for each, then journal_binding_run, or to step through
 * rows: journal_binding_check. A binding that fails is told by these. Texts and bytes are borrowed until the statement
 * has run.
 */
struct journal_binding {
	sqlite3_stmt *statement;
	int place, code;
};
void journal_bind_number(struct journal_binding *binding, uint64_t number);
void journal_bind_text(struct journal_binding *binding, const char *text); /* NULL: no value */
void journal_bind_bytes(struct journal_binding *binding, const void *bytes, size_t n_bytes);
void journal_bind_digest(struct journal_binding *binding, struct digest digest);
int journal_binding_check(const struct journal *journal, const struct journal_binding *binding, struct err *err);
int journal_binding_run(struct journal *journal, const struct journal_binding *binding, struct err *err);

/* The schema's objects, in the order in which they are made; NULL behind the last. */
extern const char *const journal_db_schema[];

/* Digests of rows: each field with its length. */
void journal_digest_number(struct digest_state *state, uint64_t number);
void journal_digest_text(struct digest_state *state, const void *bytes, size_t n_bytes);
struct digest journal_digest_failure(const char *job, const struct journal_failure *failure);
struct digest journal_digest_checkpoint(struct digest previous, const struct journal_job *job, int64_t id,
                                        const struct journal_position *position, const char *unfinished);
struct digest journal_digest_sum(struct digest one, struct digest other);

/* The keys of the plan as it is now, with the number of the change that made it so. */
int journal_add_keys(struct journal *journal, const struct journal_key *keys, size_t n_keys, struct err *err);
/* All that the plan has ever been: its jobs, keys and n_changes; the chains begin anew with it. */
int journal_read_keys(struct journal *journal, struct err *err);

/* Everything that the file says, held against its digests; fills jobs and keys. */
int journal_verify(struct journal *journal, struct err *err);

/* Columns of a checkpoint (STATEMENT_LAST_CHECKPOINT, journal_verify), in this order. */
#define JOURNAL_CHECKPOINT_COLUMNS \
	"id, job, taken_items, taken_digest, unfinished, output_bytes, output_digest, is_finished, n_ok, n_failed, " \
	"is_renaming, failures_digest, previous, digest"
/* *ret is the caller's; -1: a field can't be true. */
int journal_read_checkpoint(const struct journal *journal, sqlite3_stmt *row, struct journal_position *ret,
                            struct err *err);
/* Columns of a failure, in this order; what *ret points to is the row's. The digest isn't looked at. */
#define JOURNAL_FAILURE_COLUMNS \
	"job, seq, item, is_cut, outcome, kind, code, signal, attempts, cause, output_at, output_bytes, digest"
void journal_read_failure(sqlite3_stmt *row, const char **ret_job, struct journal_failure *ret);
struct digest journal_column_digest(sqlite3_stmt *row, int column); /* all zero, when it is none */
const char *journal_column_text(sqlite3_stmt *row, int column);     /* "", when it is none or memory is short */

struct journal_job *journal_find_job(const struct journal *journal, const char *name);
struct journal_job *journal_add_job(struct journal *journal, const char *name, struct err *err);

#endif
