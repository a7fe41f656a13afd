/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_compare - see journal_compare.h. The journal's rows are held against the plan's keys first, in the order in
 * which they were written; only where the plan has more keys than were found there is each of these looked up.
 */
#include "config.h"

#include "core/record/journal_compare.h"

#include "core/record/journal_db.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct journal_key *find_key(const struct journal_key *keys, size_t n_keys, const char *job,
                                          const char *key)
{
	for (size_t i = 0; i < n_keys; i++)
		if (strcmp(keys[i].job, job) == 0 && strcmp(keys[i].key, key) == 0)
			return &keys[i];
	return NULL;
}

static bool has_job(const struct journal_key *keys, size_t n_keys, const char *job)
{
	for (size_t i = 0; i < n_keys; i++)
		if (strcmp(keys[i].job, job) == 0)
			return true;
	return false;
}

/* Adds a difference to the sentence. */
__attribute__((format(printf, 2, 3))) static void differ(char text[ERR_TEXT_BYTES / 2], const char *format, ...)
{
	size_t n = strlen(text);
	va_list args;
	if (n > 0 && n + 2 < ERR_TEXT_BYTES / 2)
		n += (size_t)snprintf(text + n, ERR_TEXT_BYTES / 2 - n, "; ");
	va_start(args, format);
	vsnprintf(text + n, ERR_TEXT_BYTES / 2 - n, format, args);
	va_end(args);
}

/* What runs may be another for what is left to be done; which items there are and where results go, never. */
static bool may_change(const char *key)
{
	return strncmp(key, "plugin", 6) == 0 || strncmp(key, "option ", 7) == 0 || strcmp(key, "max-result") == 0;
}

/* How a plan differs from the journal's. */
struct differences {
	char text[ERR_TEXT_BYTES / 2];
	bool is_barred; /* in what may never change */
	size_t n_common;
};

static void compare_row(struct differences *differences, const char *job, const char *key, const char *was,
                        const struct journal_key *now)
{
	differences->n_common += now != NULL;
	if (now && strcmp(now->value, was) == 0)
		return;
	if (!now)
		differ(differences->text, "job '%s': %s was '%s'", job, key, was);
	else if (strcmp(key, "plugin file") == 0)
		differ(differences->text, "job '%s': the plugin's file has changed", job);
	else
		differ(differences->text, "job '%s': %s was '%s' and is now '%s'", job, key, was, now->value);
	differences->is_barred = differences->is_barred || !may_change(key);
}

static sqlite3_stmt *prepare_with_number(struct journal *journal, const char *sql, int64_t number, struct err *err)
{
	struct journal_binding binding = {.statement = journal_db_prepare(journal, sql, err)};
	if (!binding.statement)
		return NULL;
	journal_bind_number(&binding, (uint64_t)number);
	if (journal_binding_check(journal, &binding, err) == 0)
		return binding.statement;
	sqlite3_finalize(binding.statement);
	return NULL;
}

static int compare_rows(struct journal *journal, const struct journal_key *keys, size_t n_keys,
                        struct differences *differences, struct err *err)
{
	sqlite3_stmt *row = prepare_with_number(journal, "SELECT job, key, value FROM plan WHERE change = ?1 ORDER BY id",
	                                        journal->n_changes, err);
	int code = SQLITE_DONE;
	char missing[ERR_TEXT_BYTES / 8] = ""; /* the job that was named last as such; its rows stand together */
	while (row && (code = sqlite3_step(row)) == SQLITE_ROW) {
		const char *job = journal_column_text(row, 0), *key = journal_column_text(row, 1);
		if (has_job(keys, n_keys, job)) {
			compare_row(differences, job, key, journal_column_text(row, 2), find_key(keys, n_keys, job, key));
			continue;
		}
		if (strncmp(missing, job, sizeof missing - 1) != 0)
			differ(differences->text, "job '%s' no longer exists", job);
		snprintf(missing, sizeof missing, "%s", job);
		differences->is_barred = true;
	}
	sqlite3_finalize(row);
	if (!row)
		return -1;
	return code == SQLITE_DONE ? 0 : journal_db_error(journal, code, "read it", err);
}

int journal_find_value(struct journal *journal, const char *job, const char *key, char *value, size_t n_bytes,
                       struct err *err)
{
	sqlite3_stmt *row =
		prepare_with_number(journal, "SELECT value FROM plan WHERE change = ?1 AND job = ?2 AND key = ?3",
	                        journal->n_changes, err);
	struct journal_binding binding = {.statement = row, .place = 1};
	int result = -1;
	if (!row)
		return -1;
	journal_bind_text(&binding, job);
	journal_bind_text(&binding, key);
	if (journal_binding_check(journal, &binding, err) == 0) {
		int code = sqlite3_step(row);
		result = code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : journal_db_error(journal, code, "read it", err);
		if (result > 0)
			snprintf(value, n_bytes, "%s", journal_column_text(row, 0));
	}
	sqlite3_finalize(row);
	return result;
}

/* Keys that the journal doesn't have. */
static int find_new(struct journal *journal, const struct journal_key *keys, size_t n_keys,
                    struct differences *differences, struct err *err)
{
	for (size_t i = 0; differences->n_common < n_keys && i < n_keys; i++) {
		const struct journal_key *key = &keys[i];
		bool is_known = journal_find_job(journal, key->job) != NULL;
		char value[2];
		int has = is_known ? journal_find_value(journal, key->job, key->key, value, sizeof value, err) : 0;
		if (has < 0)
			return -1;
		if (!is_known && (i == 0 || strcmp(keys[i - 1].job, key->job) != 0))
			differ(differences->text, "job '%s' is new", key->job);
		else if (is_known && !has)
			differ(differences->text, "job '%s': %s is '%s' and was not given", key->job, key->key, key->value);
		differences->is_barred = differences->is_barred || !is_known || (!has && !may_change(key->key));
	}
	return 0;
}

int journal_compare(struct journal *journal, const struct journal_key *keys, size_t n_keys, struct err *err)
{
	struct differences differences = {.text = ""};
	if (compare_rows(journal, keys, n_keys, &differences, err) != 0 ||
	    find_new(journal, keys, n_keys, &differences, err) != 0)
		return -1;
	if (!differences.text[0])
		return 0;
	err_set(err, ERR_USAGE, "journal %s belongs to another run: %s; restore what it was, %sor start over",
	        journal->file, differences.text,
	        differences.is_barred ? "" : "use --accept-change to run the rest with the change, ");
	return differences.is_barred ? -1 : 1;
}
