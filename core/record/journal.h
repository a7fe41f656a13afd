/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal - the file from which a run is resumed and its failures are read: an SQLite database in WAL mode, whose
 * tables and views are described in rota-journal(5). It stores; what is to be stored, and when, is for
 * resume/checkpoint.
 *
 *   journal_create, or to go on: journal_open, journal_compare (of its own file), journal_read_position for each job
 *   then: journal_begin, journal_add_failure ..., journal_put_position, journal_commit; at the end journal_finish
 *   `rota failures`: journal_open_reader, journal_list, journal_next ..., journal_cursor_close; journal_close
 *
 * One run a file, by whatever name: FILE.lock is held from create or open to close, FILE being its real name. A new
 * journal is made beside it, complete with its keys, and renamed. A commit isn't synced to the disk
 * (synchronous=NORMAL), unless it's to last: after a power failure the journal may be older than it was, never newer
 * than the output, which is synced before. An item that is too large for a row, of 10^9 bytes, is stored cut.
 *
 * Each checkpoint row has a digest of its fields and of the row before it, the first of the keys; each failure has a
 * digest of its fields, and each checkpoint the sum of those of its job. Opening checks all of them, the schema and
 * SQLite's own structures; what isn't right is refused and not written to.
 *
 * One thread. Errors: ERR_USAGE, when it's the user's to decide what to do; else ERR_RUN. Each names the file.
 */
#ifndef RECORD_JOURNAL_H
#define RECORD_JOURNAL_H

#include "core/base/cause.h"
#include "core/base/digest.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal;

/* What must be unchanged: job, key and value, each a string. */
struct journal_key {
	const char *job, *key, *value;
};

/* Items first to last, both of them too; from 1. */
struct journal_range {
	uint64_t first, last;
};

/* How far a job is. */
struct journal_position {
	uint64_t taken_items;             /* so many were taken from the input */
	struct digest taken_digest;       /* of their bytes */
	struct journal_range *unfinished; /* those of them without an outcome: in order, apart; owned */
	size_t n_unfinished;
	uint64_t output_bytes;       /* the results of all others are the first so many bytes of the output */
	struct digest output_digest; /* of these; of what is no file that can be read again: all zero */
	bool is_finished;            /* the input has no more */
	bool is_renaming;            /* the output of so many bytes is OUTPUT.new until that has become OUTPUT */
	uint64_t n_ok, n_failed;     /* for people who look */
};

struct journal_failure {
	uint64_t seq;
	const void *item;
	size_t item_bytes;
	bool is_cut; /* these bytes are only its beginning: it was over max-item, or too large for the journal */
	enum cause_kind kind;
	int64_t code, signum; /* of the cause, as cause_code (-1: none) and cause_signal (0: none) have them */
	uint32_t attempts;
	const char *cause;     /* for people */
	uint64_t output_at;    /* where in the output its result would stand */
	uint64_t output_bytes; /* so many bytes of it stand there all the same */
};

/*
 * A new journal with these keys. A file that is there is replaced when it's the journal of a finished run; anything
 * else is refused.
 */
int journal_create(struct journal **ret, const char *file, const struct journal_key *keys, size_t n_keys,
                   struct err *err);

/* To go on from. *ret is NULL when there is no such file. */
int journal_open(struct journal **ret, const char *file, struct err *err);

/* Only to be read, also while a run is going on; what is read stays as it is now. */
int journal_open_reader(struct journal **ret, const char *file, struct err *err);

/*
 * When nothing more is to come: all that was committed is brought to the disk, and into the one file unless somebody
 * reads it. -1: a power failure may take what wasn't to last; without one it is there, and can be gone on from.
 */
int journal_finish(struct journal *journal, struct err *err);

/* Also NULL. A lock is given back, all is in the one file; whether it could be, only journal_finish says. */
void journal_close(struct journal **journal);

/* -1 (ERR_USAGE): the journal's run has no such job; err names those that it has. */
int journal_check_job(struct journal *journal, const char *job, struct err *err);

/* What the plan says of a job, as it is now: 1, and its first n_bytes are in value; 0: it says nothing; -1. */
#define JOURNAL_KEY_SHAPE "shape of items" /* item_shape_name; none: values */
int journal_find_value(struct journal *journal, const char *job, const char *key, char *value, size_t n_bytes,
                       struct err *err);

/* Are all jobs finished? */
bool journal_is_finished(struct journal *journal);

/* As of the last commit; all zero before the first. *ret is the caller's (journal_position_fini). */
int journal_read_position(struct journal *journal, const char *job, struct journal_position *ret, struct err *err);
void journal_position_fini(struct journal_position *position);

/*
 * Failures one after another; job NULL: of all jobs, in the order of jobs and items. By place: as their results would
 * stand in the output. While a cursor is open nothing is written, and job stays.
 */
enum journal_order { JOURNAL_BY_SEQ, JOURNAL_BY_PLACE };
struct journal_cursor;
int journal_list(struct journal_cursor **ret, struct journal *journal, const char *job, enum journal_order order,
                 struct err *err);
/* 1, 0: no more, -1. What the failure points to is good until the next call. */
int journal_next(struct journal_cursor *cursor, const char **ret_job, struct journal_failure *ret, struct err *err);
void journal_cursor_close(struct journal_cursor **cursor); /* also NULL */

/*
 * One transaction; after a failure nothing of it is there, and the journal can only be closed. is_lasting: it is with
 * the disk when journal_commit returns, whoever reads the journal meanwhile.
 */
int journal_begin(struct journal *journal, bool is_lasting, struct err *err);
int journal_add_failure(struct journal *journal, const char *job, const struct journal_failure *failure,
                        struct err *err);
int journal_drop_failures(struct journal *journal, const char *job, struct err *err); /* all of the job's */
int journal_put_position(struct journal *journal, const char *job, const struct journal_position *position,
                         struct err *err);
int journal_commit(struct journal *journal, struct err *err);

/*
 * The plan is another from now on: its keys are those that the journal is compared with, the old ones stay as its
 * history. What is done stands.
 */
int journal_accept(struct journal *journal, const struct journal_key *keys, size_t n_keys, struct err *err);

#endif
