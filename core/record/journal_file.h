/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_file - the files of a journal: the database itself by its real name, whatever link leads to it, its lock, and
 * those that SQLite keeps beside it. For journal.c alone.
 *
 *   journal_file_find, journal_file_lock (who writes), journal_file_look; journal_file_make, journal_file_replace
 *
 * What has such a name and is none of ours is left alone, and said: SQLite would empty or remove it.
 */
#ifndef RECORD_JOURNAL_FILE_H
#define RECORD_JOURNAL_FILE_H

#include "core/record/journal_db.h"

/* Sets journal->path, by journal->file. */
int journal_file_find(struct journal *journal, struct err *err);

/* Until the journal is closed. -1 (ERR_USAGE): another run has it. */
int journal_file_lock(struct journal *journal, struct err *err);

/* 1: a file that may be a database, 0: none is there, -1. With the lock, also what only one who writes must know. */
int journal_file_look(const struct journal *journal, struct err *err);

/* An empty file, which will take the journal's place. *ret_name is the caller's (free), also after an error. */
int journal_file_make(const struct journal *journal, char **ret_name, struct err *err);

/* It takes its place, with all that stands in it. -1: it isn't there; the old one may be gone. */
int journal_file_replace(const struct journal *journal, const char *name, struct err *err);

/* Removes it and what SQLite has made beside it. */
void journal_file_discard(const char *name);

#endif
