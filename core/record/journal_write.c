/* SPDX-License-Identifier: Apache-2.0 */
/* journal_write - the journal's transactions: failures, then the position that they belong to. */
#include "config.h"

#include "core/base/buf.h"
#include "core/record/journal_db.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RANGE_BYTES 44 /* two numbers of 20 digits, a dash, a space, a NUL */

static int run(struct journal *journal, enum journal_statement which, struct err *err)
{
	sqlite3_stmt *statement = journal_db_statement(journal, which, err);
	return statement ? journal_db_run(journal, statement, err) : -1;
}

int journal_begin(struct journal *journal, struct err *err)
{
	return run(journal, STATEMENT_BEGIN, err);
}

int journal_commit(struct journal *journal, struct err *err)
{
	return run(journal, STATEMENT_COMMIT, err);
}

/* The log is copied into the file, which syncs both. */
int journal_sync(struct journal *journal, struct err *err)
{
	return journal_db_exec(journal, "PRAGMA wal_checkpoint(FULL)", err);
}

static void put_number(unsigned char bytes[8], uint64_t number)
{
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(number >> 8 * (7 - i));
}

/* Into bytes, which stay until the statement has run: a copy is something that could fail. */
static void bind_digest(sqlite3_stmt *statement, int place, struct digest digest, unsigned char bytes[16])
{
	put_number(bytes, digest.high);
	put_number(bytes + 8, digest.low);
	sqlite3_bind_blob(statement, place, bytes, 16, SQLITE_STATIC);
}

static struct journal_job *the_job(const struct journal *journal, const char *name, struct err *err)
{
	struct journal_job *job = journal_find_job(journal, name);
	if (!job)
		err_set(err, ERR_RUN, "journal %s: it knows no job '%s'", journal->file, name);
	return job;
}

int journal_add_failure(struct journal *journal, const char *name, const struct journal_failure *failure,
                        struct err *err)
{
	sqlite3_stmt *statement = journal_db_statement(journal, STATEMENT_ADD_FAILURE, err);
	struct journal_job *job = statement ? the_job(journal, name, err) : NULL;
	if (!job)
		return -1;
	struct digest digest = journal_digest_failure(name, failure);
	unsigned char bytes[16];
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 2, (sqlite3_int64)failure->seq);
	sqlite3_bind_blob64(statement, 3, failure->item_bytes > 0 ? failure->item : "", failure->item_bytes, SQLITE_STATIC);
	sqlite3_bind_text(statement, 4, failure->outcome, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 5, failure->attempts);
	sqlite3_bind_text(statement, 6, failure->cause, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 7, (sqlite3_int64)failure->output_at);
	bind_digest(statement, 8, digest, bytes);
	if (journal_db_run(journal, statement, err) != 0)
		return -1;
	job->failures = journal_digest_sum(job->failures, digest);
	job->n_failures++;
	return 0;
}

int journal_drop_failures(struct journal *journal, const char *name, struct err *err)
{
	sqlite3_stmt *statement = journal_db_statement(journal, STATEMENT_DROP_FAILURES, err);
	struct journal_job *job = statement ? the_job(journal, name, err) : NULL;
	if (!job)
		return -1;
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	if (journal_db_run(journal, statement, err) != 0)
		return -1;
	job->failures = (struct digest){0};
	job->n_failures = 0;
	return 0;
}

/* "5-9 12-12" and a NUL. */
static int put_unfinished(struct buf *text, const struct journal_position *position, struct err *err)
{
	char range[RANGE_BYTES];
	for (size_t i = 0; i < position->n_unfinished; i++) {
		int n = snprintf(range, sizeof range, "%s%" PRIu64 "-%" PRIu64, i > 0 ? " " : "", position->unfinished[i].first,
		                 position->unfinished[i].last);
		if (buf_append(text, range, (size_t)n) != 0)
			return err_set(err, ERR_RUN, "out of memory");
	}
	return buf_append(text, "", 1) == 0 ? 0 : err_set(err, ERR_RUN, "out of memory");
}

static int add_checkpoint(struct journal *journal, struct journal_job *job, const struct journal_position *position,
                          const char *unfinished, struct err *err)
{
	sqlite3_stmt *statement = journal_db_statement(journal, STATEMENT_ADD_CHECKPOINT, err);
	if (!statement)
		return -1;
	struct journal_position stored = *position;
	stored.n_failed = job->n_failures;
	int64_t id = journal->last_id + 1;
	struct digest digest = journal_digest_checkpoint(job->last, job, id, &stored, unfinished);
	unsigned char bytes[4][16];
	sqlite3_bind_int64(statement, 1, id);
	sqlite3_bind_text(statement, 2, job->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, (sqlite3_int64)stored.taken_items);
	bind_digest(statement, 4, stored.taken_digest, bytes[0]);
	sqlite3_bind_text(statement, 5, unfinished, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 6, (sqlite3_int64)stored.output_bytes);
	sqlite3_bind_int64(statement, 7, stored.is_finished);
	sqlite3_bind_int64(statement, 8, (sqlite3_int64)stored.n_ok);
	sqlite3_bind_int64(statement, 9, (sqlite3_int64)stored.n_failed);
	sqlite3_bind_int64(statement, 10, stored.is_renaming);
	bind_digest(statement, 11, job->failures, bytes[1]);
	bind_digest(statement, 12, job->last, bytes[2]);
	bind_digest(statement, 13, digest, bytes[3]);
	if (journal_db_run(journal, statement, err) != 0)
		return -1;
	job->last = digest;
	job->is_finished = stored.is_finished;
	journal->last_id = id;
	return 0;
}

static int prune(struct journal *journal, const struct journal_job *job, struct err *err)
{
	sqlite3_stmt *statement = journal_db_statement(journal, STATEMENT_PRUNE, err);
	if (!statement)
		return -1;
	sqlite3_bind_text(statement, 1, job->name, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 2, JOURNAL_KEPT_CHECKPOINTS);
	return journal_db_run(journal, statement, err);
}

int journal_put_position(struct journal *journal, const char *name, const struct journal_position *position,
                         struct err *err)
{
	struct buf unfinished = {0};
	struct journal_job *job = the_job(journal, name, err);
	int result = -1;
	if (job && put_unfinished(&unfinished, position, err) == 0 &&
	    add_checkpoint(journal, job, position, unfinished.bytes, err) == 0)
		result = prune(journal, job, err);
	buf_fini(&unfinished);
	return result;
}
