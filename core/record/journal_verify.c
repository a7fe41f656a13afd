/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_verify - is a journal what was written? SQLite's structures, the schema, then each row against its digest and
 * the sums and chains of digests. Nothing in the file is believed before.
 */
#include "config.h"

#include "core/record/journal_db.h"
#include "core/record/tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct journal_job *journal_find_job(const struct journal *journal, const char *name)
{
	for (size_t i = 0; i < journal->n_jobs; i++)
		if (strcmp(journal->jobs[i].name, name) == 0)
			return &journal->jobs[i];
	return NULL;
}

struct journal_job *journal_add_job(struct journal *journal, const char *name, struct err *err)
{
	struct journal_job *known = journal_find_job(journal, name);
	if (known)
		return known;
	char *copy = strdup(name);
	struct journal_job *grown = copy ? reallocarray(journal->jobs, journal->n_jobs + 1, sizeof *journal->jobs) : NULL;
	if (!grown) {
		free(copy);
		err_set(err, ERR_RESOURCE, "out of memory");
		return NULL;
	}
	journal->jobs = grown;
	grown[journal->n_jobs] = (struct journal_job){.name = copy};
	return &grown[journal->n_jobs++];
}

const char *journal_column_text(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);
	return text ? text : "";
}

static uint64_t column_number(sqlite3_stmt *row, int column)
{
	return (uint64_t)sqlite3_column_int64(row, column);
}

static uint64_t number_of(const unsigned char bytes[8])
{
	uint64_t number = 0;
	for (int i = 0; i < 8; i++)
		number = number << 8 | bytes[i];
	return number;
}

struct digest journal_column_digest(sqlite3_stmt *row, int column)
{
	const unsigned char *bytes = sqlite3_column_blob(row, column);
	if (!bytes || sqlite3_column_bytes(row, column) != 16)
		return (struct digest){0};
	return (struct digest){.high = number_of(bytes), .low = number_of(bytes + 8)};
}

/* "5-9 12-12": ascending, apart, all within what was taken. */
static int parse_unfinished(const char *text, struct journal_position *position)
{
	size_t n_room = 1;
	uint64_t end = 0;
	for (const char *at = text; *at; at++)
		n_room += *at == ' ';
	position->unfinished = calloc(n_room, sizeof *position->unfinished);
	if (!position->unfinished)
		return -1;
	while (*text) {
		char *next;
		uint64_t first = strtoull(text, &next, 10);
		if (*next != '-')
			return -1;
		uint64_t last = strtoull(next + 1, &next, 10);
		if ((*next != ' ' && *next != '\0') || first <= end || last < first || last > position->taken_items)
			return -1;
		position->unfinished[position->n_unfinished++] = (struct journal_range){first, last};
		end = last;
		text = *next ? next + 1 : next;
	}
	return 0;
}

int journal_read_checkpoint(const struct journal *journal, sqlite3_stmt *row, struct journal_position *ret,
                            struct err *err)
{
	struct journal_position position = {.taken_items = column_number(row, 2),
	                                    .taken_digest = journal_column_digest(row, 3),
	                                    .output_bytes = column_number(row, 5),
	                                    .output_digest = journal_column_digest(row, 6),
	                                    .is_finished = sqlite3_column_int64(row, 7) == 1,
	                                    .n_ok = column_number(row, 8),
	                                    .n_failed = column_number(row, 9),
	                                    .is_renaming = sqlite3_column_int64(row, 10) == 1};
	if (parse_unfinished(journal_column_text(row, 4), &position) != 0) {
		bool is_short = !position.unfinished;
		journal_position_fini(&position);
		return is_short ? err_set(err, ERR_RESOURCE, "out of memory")
		                : journal_db_damaged(journal, err, "its list of unfinished items is invalid");
	}
	*ret = position;
	return 0;
}

/* What stands for no value can't stand there itself. */
static int64_t column_unless(sqlite3_stmt *row, int column, int64_t none)
{
	int64_t number = sqlite3_column_int64(row, column);
	if (sqlite3_column_type(row, column) == SQLITE_NULL)
		return none;
	return number == none ? INT64_MIN : number;
}

void journal_read_failure(sqlite3_stmt *row, const char **ret_job, struct journal_failure *ret)
{
	const void *item = sqlite3_column_blob(row, 2);
	*ret_job = journal_column_text(row, 0);
	*ret = (struct journal_failure){.seq = column_number(row, 1),
	                                .item = item ? item : "",
	                                .item_bytes = (size_t)sqlite3_column_bytes(row, 2),
	                                .is_cut = sqlite3_column_int64(row, 3) == 1,
	                                .kind = cause_kind_find(journal_column_text(row, 5)),
	                                .code = column_unless(row, 6, -1),
	                                .signum = column_unless(row, 7, 0),
	                                .attempts = (uint32_t)column_number(row, 8),
	                                .cause = journal_column_text(row, 9),
	                                .output_at = column_number(row, 10),
	                                .output_bytes = column_number(row, 11)};
}

/* --- the parts ---------------------------------------------------------------------------------------------------- */

static int step(struct journal *journal, sqlite3_stmt *row, struct err *err)
{
	int code = sqlite3_step(row);
	return code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : journal_db_error(journal, code, "read it", err);
}

static int verify_structure(struct journal *journal, struct err *err)
{
	sqlite3_stmt *row = journal_db_prepare(journal, "PRAGMA integrity_check(1)", err);
	int result = row ? step(journal, row, err) : -1;
	if (result > 0 && strcmp(journal_column_text(row, 0), "ok") != 0)
		result = journal_db_damaged(journal, err, "%.100s", journal_column_text(row, 0));
	sqlite3_finalize(row);
	return result < 0 ? -1 : 0;
}

static int verify_header(struct journal *journal, struct err *err)
{
	sqlite3_stmt *row = journal_db_prepare(journal,
	                                       "SELECT application_id, user_version FROM "
	                                       "pragma_application_id, pragma_user_version",
	                                       err);
	int result = row ? step(journal, row, err) : -1;
	if (result > 0 && sqlite3_column_int64(row, 0) != JOURNAL_APPLICATION_ID)
		result = err_set(err, ERR_USAGE, "%s is a database, but not a rota journal: give the journal another name",
		                 journal->file);
	else if (result > 0 && sqlite3_column_int64(row, 1) != JOURNAL_VERSION)
		result = err_set(err, ERR_USAGE, "journal %s has version %" PRId64 ", but this rota knows version %d",
		                 journal->file, (int64_t)sqlite3_column_int64(row, 1), JOURNAL_VERSION);
	sqlite3_finalize(row);
	return result < 0 ? -1 : 0;
}

static int verify_schema(struct journal *journal, struct err *err)
{
	sqlite3_stmt *row = journal_db_prepare(journal, "SELECT sql FROM sqlite_schema ORDER BY rowid", err);
	size_t n = 0;
	int result = row ? 1 : -1;
	while (result > 0 && (result = step(journal, row, err)) > 0) {
		if (!journal_db_schema[n] || strcmp(journal_column_text(row, 0), journal_db_schema[n]) != 0)
			result = journal_db_damaged(journal, err, "its tables aren't those of a journal");
		n++;
	}
	if (result == 0 && journal_db_schema[n])
		result = journal_db_damaged(journal, err, "a table is missing");
	sqlite3_finalize(row);
	return result;
}

int journal_read_keys(struct journal *journal, struct err *err)
{
	sqlite3_stmt *row = journal_db_prepare(journal, "SELECT change, job, key, value FROM plan ORDER BY id", err);
	struct digest_state state;
	int result = row ? 1 : -1;
	digest_init(&state);
	while (result > 0 && (result = step(journal, row, err)) > 0) {
		journal->n_changes = sqlite3_column_int64(row, 0);
		journal_digest_number(&state, column_number(row, 0));
		for (int i = 1; i < 4; i++)
			journal_digest_text(&state, journal_column_text(row, i), strlen(journal_column_text(row, i)));
		if (!journal_add_job(journal, journal_column_text(row, 1), err))
			result = -1;
	}
	sqlite3_finalize(row);
	journal->keys = digest_value(&state);
	for (size_t i = 0; i < journal->n_jobs; i++)
		journal->jobs[i].last = journal->keys;
	if (result == 0 && journal->n_jobs == 0)
		result = journal_db_damaged(journal, err, "its plan is missing");
	return result;
}

static int verify_failure(struct journal *journal, sqlite3_stmt *row, struct err *err)
{
	const char *name;
	struct journal_failure failure;
	journal_read_failure(row, &name, &failure);
	struct journal_job *job = journal_find_job(journal, name);
	struct digest digest = journal_column_digest(row, 12);
	if (!job || !digest_is_equal(digest, journal_digest_failure(name, &failure)) ||
	    strcmp(journal_column_text(row, 4), outcome_name(outcome_of(failure.kind))) != 0 ||
	    column_number(row, 8) > UINT32_MAX)
		return journal_db_damaged(journal, err, "the failure of item %" PRIu64, failure.seq);
	job->failures = journal_digest_sum(job->failures, digest);
	job->n_failures++;
	return 1;
}

static int verify_failures(struct journal *journal, struct err *err)
{
	sqlite3_stmt *row = journal_db_prepare(journal, "SELECT " JOURNAL_FAILURE_COLUMNS " FROM failure", err);
	int result = row ? 1 : -1;
	while (result > 0 && (result = step(journal, row, err)) > 0)
		result = verify_failure(journal, row, err);
	sqlite3_finalize(row);
	return result;
}

/* One link. The last one's failures are those that stand in the file; older ones are believed for their chain only. */
static int verify_link(struct journal *journal, sqlite3_stmt *row, struct journal_job *job, bool is_first, bool is_last,
                       struct err *err)
{
	struct journal_position position;
	int64_t id = sqlite3_column_int64(row, 0);
	if (journal_read_checkpoint(journal, row, &position, err) != 0)
		return -1;
	struct journal_job as_was = *job;
	struct digest previous = journal_column_digest(row, 12), digest = journal_column_digest(row, 13);
	as_was.failures = journal_column_digest(row, 11);
	as_was.n_failures = position.n_failed;
	bool is_right = digest_is_equal(digest, journal_digest_checkpoint(previous, &as_was, id, &position,
	                                                                  journal_column_text(row, 4)));
	bool is_linked = is_first || digest_is_equal(previous, job->last);
	bool has_failures =
		!is_last || (digest_is_equal(as_was.failures, job->failures) && as_was.n_failures == job->n_failures);
	job->last = digest;
	journal->last_id = id > journal->last_id ? id : journal->last_id;
	job->is_finished = position.is_finished;
	journal_position_fini(&position);
	if (!is_right || !is_linked)
		return journal_db_damaged(journal, err, "checkpoint %" PRId64 " of job '%.60s'", id, job->name);
	return has_failures ? 1 : journal_db_damaged(journal, err, "failures of job '%.60s' are missing", job->name);
}

/* A pruned chain begins anywhere; a whole one with the keys. */
static int verify_chain(struct journal *journal, struct journal_job *job, struct err *err)
{
	sqlite3_stmt *row =
		journal_db_prepare(journal, "SELECT " JOURNAL_CHECKPOINT_COLUMNS " FROM checkpoint WHERE job = ?1 ORDER BY id",
	                       err);
	int64_t n_rows = 0, n = 0;
	int result = row ? 1 : -1;
	struct journal_binding binding = {.statement = row};
	if (row) {
		journal_bind_text(&binding, job->name);
		result = journal_binding_check(journal, &binding, err) == 0 ? 1 : -1;
	}
	while (result > 0 && (result = step(journal, row, err)) > 0)
		n_rows++;
	if (row)
		sqlite3_reset(row);
	if (result == 0 && n_rows > JOURNAL_KEPT_CHECKPOINTS)
		result = journal_db_damaged(journal, err, "too many checkpoints");
	for (result = result == 0 ? 1 : result; result > 0 && (result = step(journal, row, err)) > 0; n++)
		result = verify_link(journal, row, job, n == 0 && n_rows == JOURNAL_KEPT_CHECKPOINTS, n == n_rows - 1, err);
	sqlite3_finalize(row);
	if (result == 0 && n_rows == 0 && job->n_failures > 0)
		result = journal_db_damaged(journal, err, "the checkpoints of job '%.60s' are missing", job->name);
	return result;
}

/* A checkpoint of a job that the plan doesn't have. */
static int verify_names(struct journal *journal, struct err *err)
{
	sqlite3_stmt *row = journal_db_prepare(journal, "SELECT DISTINCT job FROM checkpoint", err);
	int result = row ? 1 : -1;
	while (result > 0 && (result = step(journal, row, err)) > 0)
		if (!journal_find_job(journal, journal_column_text(row, 0)))
			result = journal_db_damaged(journal, err, "a checkpoint belongs to no job");
	sqlite3_finalize(row);
	return result;
}

int journal_verify(struct journal *journal, struct err *err)
{
	if (verify_header(journal, err) != 0 || verify_structure(journal, err) != 0 || verify_schema(journal, err) != 0 ||
	    journal_read_keys(journal, err) != 0 || verify_failures(journal, err) != 0 || verify_names(journal, err) != 0)
		return -1;
	for (size_t i = 0; i < journal->n_jobs; i++)
		if (verify_chain(journal, &journal->jobs[i], err) != 0)
			return -1;
	return 0;
}
