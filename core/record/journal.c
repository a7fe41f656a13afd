/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal - see journal.h. Making a new one, so that a kill at any point leaves the old one or the new one:
 *
 *   an old one is read, and closed, which puts its -wal into it and removes that;
 *   FILE.MARK.new (base/ownfile.h) is made, filled, put into WAL mode, closed (so it has no -wal), all without care for
 *   a crash, and synced;
 *   a -wal or -shm that stands beside FILE all the same, without its database, is removed: it must not be replayed;
 *   FILE.MARK.new is renamed to FILE, and FILE's folder synced.
 *
 * What fails behind the renaming removes the new one: nothing is begun, and no run is left that hasn't finished.
 *
 * One failure of the disk isn't seen: SQLite syncs the folder once, when it has made the -wal, and doesn't say whether
 * that went well. A power failure may then take the -wal with all that it has: the journal is older than it was.
 */
#include "config.h"

#include "core/record/journal_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- life --------------------------------------------------------------------------------------------------------- */

static void forget_jobs(struct journal *journal)
{
	for (size_t i = 0; i < journal->n_jobs; i++)
		free(journal->jobs[i].name);
	free(journal->jobs);
	journal->jobs = NULL;
	journal->n_jobs = 0;
	journal->last_id = 0;
}

/* A reader may keep some of it in the -wal, which is synced first; so does sqlite3 at the same work. */
int journal_finish(struct journal *journal, struct err *err)
{
	int code = sqlite3_wal_checkpoint_v2(journal->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY)
		return 0;
	return journal_db_error(journal, code, "write it", err);
}

void journal_close(struct journal **journal)
{
	if (!*journal)
		return;
	int saved_errno = errno;
	journal_db_close(*journal);
	lockfile_drop(&(*journal)->lock);
	forget_jobs(*journal);
	free((*journal)->file);
	free((*journal)->path);
	free(*journal);
	*journal = NULL;
	errno = saved_errno;
}

static struct journal *allocate(const char *file, struct err *err)
{
	struct journal *journal = calloc(1, sizeof *journal);
	if (journal) {
		journal->lock.fd = -1;
		journal->file = strdup(file);
	}
	if (!journal || !journal->file) {
		free(journal);
		err_set(err, ERR_RESOURCE, "out of memory");
		return NULL;
	}
	if (journal_file_find(journal, err) != 0)
		journal_close(&journal);
	return journal;
}

static int open_verified(struct journal *journal, struct err *err)
{
	if (journal_db_open(journal, journal->path, err) != 0 || journal_verify(journal, err) != 0 ||
	    journal_db_exec(journal, "PRAGMA synchronous=NORMAL", err) != 0)
		return -1;
	journal_db_trust(journal);
	return 0;
}

bool journal_is_finished(struct journal *journal)
{
	for (size_t i = 0; i < journal->n_jobs; i++)
		if (!journal->jobs[i].is_finished)
			return false;
	return true;
}

/* An old journal may be replaced when it has done its work. */
static int retire_old(struct journal *journal, struct err *err)
{
	int result = journal_file_look(journal, err);
	if (result <= 0)
		return result;
	result = open_verified(journal, err);
	bool is_finished = result == 0 && journal_is_finished(journal);
	journal_db_close(journal);
	forget_jobs(journal);
	if (result == 0 && !is_finished)
		result = err_set(
			err, ERR_USAGE,
			"journal %s belongs to a run that hasn't finished: continue it with --resume, or remove it to start over",
			journal->file);
	return result;
}

/* SQLite says in a row which mode it is now: where a file system can't have it, another, and no error. */
static int use_wal(struct journal *journal, struct err *err)
{
	sqlite3_stmt *row = journal_db_prepare(journal, "PRAGMA journal_mode=WAL", err);
	int code = row ? sqlite3_step(row) : SQLITE_ERROR, result = -1;
	if (row && code != SQLITE_ROW)
		journal_db_error(journal, code, "make it", err);
	else if (row && strcmp(journal_column_text(row, 0), "wal") != 0)
		err_set(err, ERR_USAGE, "journal %s: SQLite can't keep a log (WAL) there: put it on another file system",
		        journal->file);
	else if (row)
		result = 0;
	sqlite3_finalize(row);
	return result;
}

static int fill(struct journal *journal, const struct journal_key *keys, size_t n_keys, struct err *err)
{
	char pragmas[200];
	snprintf(pragmas, sizeof pragmas,
	         "PRAGMA page_size=4096; PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY; BEGIN; "
	         "PRAGMA application_id=%d; PRAGMA user_version=%d",
	         JOURNAL_APPLICATION_ID, JOURNAL_VERSION);
	if (journal_db_exec(journal, pragmas, err) != 0)
		return -1;
	for (size_t i = 0; journal_db_schema[i]; i++)
		if (journal_db_exec(journal, journal_db_schema[i], err) != 0)
			return -1;
	if (journal_add_keys(journal, keys, n_keys, err) != 0)
		return -1;
	return journal_db_exec(journal, "COMMIT", err) == 0 ? use_wal(journal, err) : -1;
}

static int make_new(struct journal *journal, const struct journal_key *keys, size_t n_keys, struct err *err)
{
	char *name = NULL;
	int result = journal_file_make(journal, &name, err);
	if (result != 0) {
		free(name);
		return -1;
	}
	result = journal_db_open(journal, name, err);
	if (result == 0) {
		journal_db_trust(journal);
		result = fill(journal, keys, n_keys, err);
	}
	journal_db_close(journal);
	if (result == 0)
		result = journal_file_replace(journal, name, err);
	if (result != 0)
		journal_file_discard(name);
	free(name);
	return result;
}

int journal_create(struct journal **ret, const char *file, const struct journal_key *keys, size_t n_keys,
                   struct err *err)
{
	struct journal *journal = allocate(file, err);
	if (!journal)
		return -1;
	int result = journal_file_lock(journal, err);
	if (result == 0)
		result = retire_old(journal, err);
	if (result == 0)
		result = make_new(journal, keys, n_keys, err);
	if (result == 0 && (result = open_verified(journal, err)) != 0) {
		/* nothing is begun: another attempt isn't to find a run that hasn't finished */
		journal_db_close(journal);
		journal_file_discard(journal->path);
	}
	if (result == 0)
		*ret = journal;
	else
		journal_close(&journal);
	return result;
}

int journal_open(struct journal **ret, const char *file, struct err *err)
{
	struct journal *journal = allocate(file, err);
	*ret = NULL;
	if (!journal)
		return -1;
	int result = journal_file_lock(journal, err) == 0 ? journal_file_look(journal, err) : -1;
	if (result > 0)
		result = open_verified(journal, err) == 0 ? 1 : -1;
	if (result > 0)
		*ret = journal;
	else
		journal_close(&journal);
	return result < 0 ? -1 : 0;
}

int journal_open_reader(struct journal **ret, const char *file, struct err *err)
{
	struct journal *journal = allocate(file, err);
	if (!journal)
		return -1;
	int result = journal_file_look(journal, err);
	if (result == 0)
		result = err_set(err, ERR_USAGE, "journal %s: there is no such file", file);
	/* one transaction: what was verified is what is read */
	if (result < 0 || journal_db_open(journal, journal->path, err) != 0 ||
	    journal_db_exec(journal, "PRAGMA query_only=ON; BEGIN", err) != 0 || journal_verify(journal, err) != 0) {
		journal_close(&journal);
		return -1;
	}
	journal_db_trust(journal);
	*ret = journal;
	return 0;
}

int journal_check_job(struct journal *journal, const char *job, struct err *err)
{
	char names[ERR_TEXT_BYTES / 2] = "";
	size_t n = 0;
	if (journal_find_job(journal, job))
		return 0;
	for (size_t i = 0; i < journal->n_jobs && n < sizeof names; i++)
		n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i > 0 ? ", " : "", journal->jobs[i].name);
	return err_set(err, ERR_USAGE, "journal %s has no job '%s'; it has: %s", journal->file, job, names);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

void journal_position_fini(struct journal_position *position)
{
	free(position->unfinished);
	*position = (struct journal_position){0};
}

int journal_read_position(struct journal *journal, const char *job, struct journal_position *ret, struct err *err)
{
	sqlite3_stmt *row = journal_db_statement(journal, STATEMENT_LAST_CHECKPOINT, err);
	if (!row)
		return -1;
	struct journal_binding binding = {.statement = row};
	journal_bind_text(&binding, job);
	if (journal_binding_check(journal, &binding, err) != 0)
		return -1;
	int code = sqlite3_step(row), result = 0;
	if (code == SQLITE_ROW)
		result = journal_read_checkpoint(journal, row, ret, err);
	else if (code == SQLITE_DONE)
		*ret = (struct journal_position){0};
	else
		result = journal_db_error(journal, code, "read it", err);
	sqlite3_reset(row);
	return result;
}

struct journal_cursor {
	struct journal *journal; /* borrowed */
	sqlite3_stmt *row;
};

int journal_list(struct journal_cursor **ret, struct journal *journal, const char *job, enum journal_order order,
                 struct err *err)
{
	static const char *const texts[] = {[JOURNAL_BY_SEQ] = "SELECT " JOURNAL_FAILURE_COLUMNS " FROM failure "
	                                                       "WHERE ?1 IS NULL OR job = ?1 ORDER BY job, seq",
	                                    [JOURNAL_BY_PLACE] =
	                                        "SELECT " JOURNAL_FAILURE_COLUMNS " FROM failure "
	                                        "WHERE ?1 IS NULL OR job = ?1 ORDER BY job, output_at, seq"};
	struct journal_cursor *cursor = *ret = calloc(1, sizeof *cursor);
	if (!cursor)
		return err_set(err, ERR_RESOURCE, "out of memory");
	cursor->journal = journal;
	cursor->row = journal_db_prepare(journal, texts[order], err);
	if (!cursor->row) {
		journal_cursor_close(ret);
		return -1;
	}
	struct journal_binding binding = {.statement = cursor->row};
	journal_bind_text(&binding, job);
	if (journal_binding_check(journal, &binding, err) == 0)
		return 0;
	journal_cursor_close(ret);
	return -1;
}

int journal_next(struct journal_cursor *cursor, const char **ret_job, struct journal_failure *ret, struct err *err)
{
	sqlite3_stmt *row = cursor->row;
	int code = sqlite3_step(row);
	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? 0 : journal_db_error(cursor->journal, code, "read it", err);
	journal_read_failure(row, ret_job, ret);
	code = sqlite3_errcode(cursor->journal->db); /* of the columns */
	return (code & 0xff) == SQLITE_NOMEM ? journal_db_error(cursor->journal, code, "read it", err) : 1;
}

void journal_cursor_close(struct journal_cursor **cursor)
{
	if (!*cursor)
		return;
	sqlite3_finalize((*cursor)->row);
	free(*cursor);
	*cursor = NULL;
}
