/* SPDX-License-Identifier: Apache-2.0 */
/* journal_write - the journal's transactions: failures, then the position that they belong to. */
#include "config.h"

#include "core/base/buf.h"
#include "core/record/journal_db.h"
#include "core/record/tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RANGE_BYTES 44 /* two numbers of 20 digits, a dash, a space, a NUL */

static int run(struct journal *journal, enum journal_statement which, struct err *err)
{
	sqlite3_stmt *statement = journal_db_statement(journal, which, err);
	return statement ? journal_db_run(journal, statement, err) : -1;
}

int journal_begin(struct journal *journal, bool is_lasting, struct err *err)
{
	const char *sync = is_lasting ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL";
	if (is_lasting != journal->is_lasting && journal_db_exec(journal, sync, err) != 0)
		return -1;
	journal->is_lasting = is_lasting;
	return run(journal, STATEMENT_BEGIN, err);
}

int journal_commit(struct journal *journal, struct err *err)
{
	return run(journal, STATEMENT_COMMIT, err);
}

static struct journal_job *the_job(const struct journal *journal, const char *name, struct err *err)
{
	struct journal_job *job = journal_find_job(journal, name);
	if (!job)
		err_set(err, ERR_RUN, "journal %s: it has no job '%s'", journal->file, name);
	return job;
}

/* SQLite has a limit for a row: an item that goes beyond it is there in part. */
static struct journal_failure cut_to_fit(const struct journal *journal, const struct journal_failure *failure)
{
	struct journal_failure stored = *failure;
	size_t row_bytes = (size_t)sqlite3_limit(journal->db, SQLITE_LIMIT_LENGTH, -1);
	size_t item_bytes_max = row_bytes > JOURNAL_ROW_BYTES ? row_bytes - JOURNAL_ROW_BYTES : 0;
	if (stored.item_bytes > item_bytes_max) {
		stored.item_bytes = item_bytes_max < JOURNAL_BEGINNING_BYTES ? item_bytes_max : JOURNAL_BEGINNING_BYTES;
		stored.is_cut = true;
	}
	return stored;
}

/* No value where there is none. */
static void bind_unless(struct journal_binding *binding, int64_t number, int64_t none)
{
	if (number == none)
		journal_bind_text(binding, NULL);
	else
		journal_bind_number(binding, (uint64_t)number);
}

int journal_add_failure(struct journal *journal, const char *name, const struct journal_failure *failure,
                        struct err *err)
{
	sqlite3_stmt *statement = journal_db_statement(journal, STATEMENT_ADD_FAILURE, err);
	struct journal_job *job = statement ? the_job(journal, name, err) : NULL;
	if (!job)
		return -1;
	const struct journal_failure stored = cut_to_fit(journal, failure);
	struct digest digest = journal_digest_failure(name, &stored);
	struct journal_binding binding = {.statement = statement};
	journal_bind_text(&binding, name);
	journal_bind_number(&binding, stored.seq);
	journal_bind_bytes(&binding, stored.item, stored.item_bytes);
	journal_bind_number(&binding, stored.is_cut);
	journal_bind_text(&binding, outcome_name(outcome_of(stored.kind)));
	journal_bind_text(&binding, cause_kind_name(stored.kind));
	bind_unless(&binding, stored.code, -1);
	bind_unless(&binding, stored.signum, 0);
	journal_bind_number(&binding, stored.attempts);
	journal_bind_text(&binding, stored.cause);
	journal_bind_number(&binding, stored.output_at);
	journal_bind_number(&binding, stored.output_bytes);
	journal_bind_digest(&binding, digest);
	if (journal_binding_run(journal, &binding, err) != 0)
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
	struct journal_binding binding = {.statement = statement};
	journal_bind_text(&binding, name);
	if (journal_binding_run(journal, &binding, err) != 0)
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
			return err_set(err, ERR_RESOURCE, "out of memory");
	}
	return buf_append(text, "", 1) == 0 ? 0 : err_set(err, ERR_RESOURCE, "out of memory");
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
	struct journal_binding binding = {.statement = statement};
	journal_bind_number(&binding, (uint64_t)id);
	journal_bind_text(&binding, job->name);
	journal_bind_number(&binding, stored.taken_items);
	journal_bind_digest(&binding, stored.taken_digest);
	journal_bind_text(&binding, unfinished);
	journal_bind_number(&binding, stored.output_bytes);
	journal_bind_digest(&binding, stored.output_digest);
	journal_bind_number(&binding, stored.is_finished);
	journal_bind_number(&binding, stored.n_ok);
	journal_bind_number(&binding, stored.n_failed);
	journal_bind_number(&binding, stored.is_renaming);
	journal_bind_digest(&binding, job->failures);
	journal_bind_digest(&binding, job->last);
	journal_bind_digest(&binding, digest);
	if (journal_binding_run(journal, &binding, err) != 0)
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
	struct journal_binding binding = {.statement = statement};
	journal_bind_text(&binding, job->name);
	journal_bind_number(&binding, JOURNAL_KEPT_CHECKPOINTS);
	return journal_binding_run(journal, &binding, err);
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

/* --- the plan ----------------------------------------------------------------------------------------------------- */

int journal_add_keys(struct journal *journal, const struct journal_key *keys, size_t n_keys, struct err *err)
{
	struct journal_binding binding = {.statement = journal_db_statement(journal, STATEMENT_ADD_KEY, err)};
	for (size_t i = 0; binding.statement && i < n_keys; i++) {
		binding.place = 0;
		journal_bind_number(&binding, (uint64_t)journal->n_changes);
		journal_bind_text(&binding, keys[i].job);
		journal_bind_text(&binding, keys[i].key);
		journal_bind_text(&binding, keys[i].value);
		if (journal_binding_run(journal, &binding, err) != 0)
			return -1;
	}
	return binding.statement ? 0 : -1;
}

/* The last checkpoint of each job begins a chain of its own. */
static int restart_chain(struct journal *journal, struct journal_job *job, struct err *err)
{
	struct journal_position position;
	struct journal_binding binding = {.statement = journal_db_statement(journal, STATEMENT_DROP_CHECKPOINTS, err)};
	if (!binding.statement || journal_read_position(journal, job->name, &position, err) != 0)
		return -1;
	bool has_begun = position.taken_items > 0 || position.is_finished;
	journal_bind_text(&binding, job->name);
	int result = journal_binding_run(journal, &binding, err);
	if (result == 0 && has_begun)
		result = journal_put_position(journal, job->name, &position, err);
	journal_position_fini(&position);
	return result;
}

int journal_accept(struct journal *journal, const struct journal_key *keys, size_t n_keys, struct err *err)
{
	if (journal_begin(journal, true, err) != 0)
		return -1;
	journal->n_changes++;
	if (journal_add_keys(journal, keys, n_keys, err) != 0 || journal_read_keys(journal, err) != 0)
		return -1;
	for (size_t i = 0; i < journal->n_jobs; i++)
		if (restart_chain(journal, &journal->jobs[i], err) != 0)
			return -1;
	return journal_commit(journal, err);
}
