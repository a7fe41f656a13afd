/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal-t - what is put into a journal comes out of it; what is another run's, damaged or no journal at all is
 * refused with what it is, and is never written to. One bit of each byte of a small journal that says something is
 * flipped, and of some that don't; with ROTA_TESTS=sweep every bit of all is.
 */
#include "config.h"

#include "core/record/journal_compare.h"
#include "journals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- helpers ------------------------------------------------------------------------------------------------------ */

/* All that a journal says, as text. */
struct words {
	char text[2048];
	size_t n_bytes;
};

static int say_failures(struct journal *journal, struct words *words, struct err *err)
{
	struct journal_cursor *cursor;
	struct journal_failure failure;
	const char *job;
	int result = -1;
	if (journal_list(&cursor, journal, NULL, JOURNAL_BY_SEQ, err) == 0)
		while ((result = journal_next(cursor, &job, &failure, err)) > 0 && words->n_bytes < sizeof words->text - 100)
			words->n_bytes +=
				(size_t)snprintf(words->text + words->n_bytes, sizeof words->text - words->n_bytes,
			                     "%s %llu '%.*s' (%zu) %s %lld %lld %u %s at %llu\n", job,
			                     (unsigned long long)failure.seq, (int)failure.item_bytes, (const char *)failure.item,
			                     failure.item_bytes, cause_kind_name(failure.kind), (long long)failure.code,
			                     (long long)failure.signum, (unsigned)failure.attempts, failure.cause,
			                     (unsigned long long)failure.output_at);
	journal_cursor_close(&cursor);
	return result;
}

static int say(struct journal *journal, struct words *words, struct err *err)
{
	static const char *const jobs[] = {"map", "second"};
	*words = (struct words){0};
	for (size_t i = 0; i < 2; i++) {
		struct journal_position position;
		char digest[DIGEST_TEXT_BYTES];
		if (journal_read_position(journal, jobs[i], &position, err) != 0)
			return -1;
		words->n_bytes +=
			(size_t)snprintf(words->text + words->n_bytes, sizeof words->text - words->n_bytes,
		                     "%s: %llu %s %llu %d %llu %llu:", jobs[i], (unsigned long long)position.taken_items,
		                     digest_text(position.taken_digest, digest), (unsigned long long)position.output_bytes,
		                     position.is_finished, (unsigned long long)position.n_ok,
		                     (unsigned long long)position.n_failed);
		for (size_t k = 0; k < position.n_unfinished; k++)
			words->n_bytes += (size_t)snprintf(words->text + words->n_bytes, sizeof words->text - words->n_bytes,
			                                   " %llu-%llu", (unsigned long long)position.unfinished[k].first,
			                                   (unsigned long long)position.unfinished[k].last);
		words->n_bytes += (size_t)snprintf(words->text + words->n_bytes, sizeof words->text - words->n_bytes, "\n");
		journal_position_fini(&position);
	}
	return say_failures(journal, words, err);
}

static bool opens(struct words *ret, struct err *err)
{
	struct journal *journal;
	if (journal_open(&journal, file, err) != 0)
		return false;
	must(journal != NULL);
	bool is_right = say(journal, ret, err) == 0;
	journal_close(&journal);
	return is_right;
}

static size_t size_of(const char *path)
{
	struct stat status;
	must(stat(path, &status) == 0);
	return (size_t)status.st_size;
}

static char *read_all(const char *path, size_t *ret_n)
{
	*ret_n = size_of(path);
	char *bytes = malloc(*ret_n + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	must(bytes && fd >= 0 && read(fd, bytes, *ret_n) == (ssize_t)*ret_n);
	close(fd);
	return bytes;
}

static void write_all(const char *path, const char *bytes, size_t n_bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	must(fd >= 0 && write(fd, bytes, n_bytes) == (ssize_t)n_bytes);
	close(fd);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void test_life(void)
{
	struct journal *journal = create(), *other;
	struct words words;
	struct err err;
	char want[2048], digest[DIGEST_TEXT_BYTES];
	is_int(say(journal, &words, &err), 0, "a new one can be read");
	is_str(words.text,
	       "map: 0 00000000000000000000000000000000 0 0 0 0:\nsecond: 0 00000000000000000000000000000000 0 0 0 0:\n",
	       "nothing is done");
	ok(!journal_is_finished(journal), "it isn't finished");
	ok(journal_open(&other, file, &err) == -1 && err.code == ERR_USAGE && strstr(err.text, "in use by process"),
	   "nobody else may have it: %s", err.text);
	ok(journal_create(&other, file, keys, N_KEYS, &err) == -1 && strstr(err.text, "in use"), "nor make another");
	struct journal_position position = position_of(7, true);
	struct journal_failure failure = failure_of(5, "x", 1);
	put(journal, "map", &position, &failure);
	is_int(journal_open_reader(&other, file, &err), 0, "it can be read meanwhile");
	is_int(say(other, &words, &err), 0, "and says");
	snprintf(want, sizeof want,
	         "map: 7 %s 70 1 6 1:\nsecond: 0 00000000000000000000000000000000 0 0 0 0:\n"
	         "map 5 'x' (1) died -1 11 3 SIGSEGV at 50\n",
	         digest_text(position.taken_digest, digest));
	is_str(words.text, want, "what was put into it");
	journal_close(&other);
	ok(!journal_is_finished(journal), "one job of two is finished");
	put(journal, "second", &position, NULL);
	ok(journal_is_finished(journal), "now both are");
	journal_close(&journal);
	ok(!journal, "closed");
	ok(opens(&words, &err) && strstr(words.text, "second: 7"), "it is opened again");
	journal = create();
	ok(journal && !journal_is_finished(journal), "a finished one is replaced");
	journal_close(&journal);
	ok(journal_create(&journal, file, keys, N_KEYS, &err) == -1 && strstr(err.text, "--resume"),
	   "an unfinished one isn't: %s", err.text);
	forget();
	ok(journal_open(&journal, file, &err) == 0 && !journal, "none is there: none is opened");
	ok(journal_open_reader(&journal, file, &err) == -1 && strstr(err.text, "no such file"), "none to read");
	journal_close(&journal);
}

/* Item 11 at 110, item 9 at 500. */
static void test_order(struct journal *journal)
{
	struct journal_cursor *cursor;
	struct journal_failure failure;
	const char *job;
	struct err err;
	static const uint64_t firsts[] = {[JOURNAL_BY_SEQ] = 9, [JOURNAL_BY_PLACE] = 11};
	for (int order = JOURNAL_BY_SEQ; order <= JOURNAL_BY_PLACE; order++) {
		is_int(journal_list(&cursor, journal, "map", (enum journal_order)order, &err), 0, "a list");
		ok(journal_next(cursor, &job, &failure, &err) == 1 && failure.seq == firsts[order], "begins with the first");
		ok(journal_next(cursor, &job, &failure, &err) == 1 && failure.seq == 20 - firsts[order], "then the second");
		is_int(journal_next(cursor, &job, &failure, &err), 0, "and that is all");
		journal_cursor_close(&cursor);
	}
	is_int(journal_list(&cursor, journal, "second", JOURNAL_BY_SEQ, &err), 0, "of a job without failures");
	is_int(journal_next(cursor, &job, &failure, &err), 0, "there are none");
	journal_cursor_close(&cursor);
}

static void test_failures(void)
{
	struct words words;
	struct err err;
	make_small();
	struct journal *journal;
	is_int(journal_open(&journal, file, &err), 0, "opened");
	struct journal_failure again = failure_of(11, "", 0);
	struct journal_position position = position_of(33, false);
	must(journal_begin(journal, true, &err) == 0);
	is_int(journal_drop_failures(journal, "map", &err), 0, "a job's failures are dropped");
	is_int(journal_add_failure(journal, "map", &again, &err), 0, "and another noted");
	again.seq = 9;
	again.output_at = 500;
	is_int(journal_add_failure(journal, "map", &again, &err), 0, "and one more");
	is_int(journal_add_failure(journal, "third", &again, &err), -1, "not of a job that isn't in the plan");
	must(journal_put_position(journal, "map", &position, &err) == 0 && journal_commit(journal, &err) == 0);
	test_order(journal);
	journal_close(&journal);
	ok(opens(&words, &err), "the sums are right");
	ok(!strstr(words.text, "map 10 ") && strstr(words.text, "map 11 '' (0)") && !strstr(words.text, "map 30 "),
	   "what is new, and an empty item");
	ok(opens(&words, &err) && strstr(words.text, "map: 33 "), "the position too");
	ok(strstr(words.text, ": 3-4 7-7\n"), "ranges come out as they went in");
	forget();
}

/* Another plan is noted, with what it was; what was done stays. */
static void test_accept(void)
{
	struct journal_key others[N_KEYS];
	struct words before, after;
	struct err err;
	make_small();
	must(opens(&before, &err));
	memcpy(others, keys, sizeof keys);
	others[0].value = "identity";
	struct journal *journal;
	must(journal_open(&journal, file, &err) == 0);
	is_int(journal_accept(journal, others, N_KEYS, &err), 0, "a change is accepted");
	is_int(journal_compare(journal, others, N_KEYS, &err), 0, "it is the plan now");
	is_int(journal_compare(journal, keys, N_KEYS, &err), 1, "and the old one isn't");
	journal_close(&journal);
	ok(opens(&after, &err), "what comes of it is sound");
	is_str(after.text, before.text, "nothing that was done is lost");
	must(journal_open(&journal, file, &err) == 0);
	struct journal_position position = position_of(40, false);
	put(journal, "map", &position, NULL);
	is_int(journal_accept(journal, keys, N_KEYS, &err), 0, "it may change again");
	is_int(journal_compare(journal, keys, N_KEYS, &err), 0, "and back");
	journal_close(&journal);
	ok(opens(&after, &err) && strstr(after.text, "map: 40 "), "and it goes on");
	forget();
}

/* What is too large for a row of SQLite's is there in part. */
static void test_cut(void)
{
	static char item[200000];
	struct journal_cursor *cursor = NULL;
	struct journal_failure seen, failure = failure_of(7, item, sizeof item);
	struct journal_position position = position_of(7, false);
	const char *job;
	struct err err;
	struct journal *journal = create();
	put(journal, "map", &position, &failure);
	sqlite3_limit(journal->db, SQLITE_LIMIT_LENGTH, 150000);
	failure.seq = 8;
	put(journal, "map", &position, &failure);
	failure.seq = 9;
	failure.item_bytes = 80000;
	put(journal, "map", &position, &failure);
	journal_close(&journal);
	must(journal_open_reader(&journal, file, &err) == 0 &&
	     journal_list(&cursor, journal, "map", JOURNAL_BY_SEQ, &err) == 0);
	ok(journal_next(cursor, &job, &seen, &err) == 1 && seen.item_bytes == sizeof item && !seen.is_cut,
	   "what fits, whole");
	ok(journal_next(cursor, &job, &seen, &err) == 1 && seen.item_bytes == 200 && seen.is_cut, "what doesn't, cut");
	ok(journal_next(cursor, &job, &seen, &err) == 1 && seen.item_bytes == 80000 && !seen.is_cut, "and what does again");
	journal_cursor_close(&cursor);
	journal_close(&journal);
	forget();
}

/* Each column that says why is held against the others. */
static void test_causes(void)
{
	static const char *const edits[] = {"outcome = 'failed'", "kind = 'timed-out'", "kind = 'no such kind'",
	                                    "code = -1",          "code = 1",           "signal = NULL",
	                                    "signal = 0",         "signal = 6"};
	for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
		char sql[100];
		struct words words;
		struct err err;
		struct journal *journal = NULL;
		make_small();
		must(journal_open(&journal, file, &err) == 0);
		snprintf(sql, sizeof sql, "UPDATE failure SET %s WHERE seq = 20", edits[i]);
		must(journal_db_exec(journal, sql, &err) == 0);
		journal_close(&journal);
		ok(!opens(&words, &err) && strstr(err.text, "the failure of item 20"), "%s: %s", edits[i], err.text);
		forget();
	}
}

/* A value that can't be bound is an error, not a row without it. */
static void test_bindings(void)
{
	struct journal_failure failure = failure_of(7, "item", 4);
	struct err err = {0};
	struct journal *journal = create();
	sqlite3_limit(journal->db, SQLITE_LIMIT_LENGTH, 100);
	failure.cause = "a cause of more than a hundred bytes: a cause of more than a hundred bytes: a cause of more than "
					"a hundred bytes";
	must(journal_begin(journal, false, &err) == 0);
	ok(journal_add_failure(journal, "map", &failure, &err) == -1 && strstr(err.text, "too large"), "%s", err.text);
	journal_close(&journal);
	forget();
}

/* Somebody who reads what was then is in no commit's way. */
static void test_reader(void)
{
	struct journal *reader;
	struct words words;
	struct err err;
	make_small();
	struct journal *journal = NULL;
	must(journal_open_reader(&reader, file, &err) == 0 && journal_open(&journal, file, &err) == 0);
	struct journal_position position = position_of(50, false);
	is_int(journal_begin(journal, true, &err), 0, "a lasting transaction beside a reader");
	is_int(journal_put_position(journal, "map", &position, &err), 0, "has its row");
	is_int(journal_commit(journal, &err), 0, "and is there");
	ok(say(reader, &words, &err) == 0 && !strstr(words.text, "map: 50 "), "the reader sees what was");
	journal_close(&journal);
	journal_close(&reader);
	ok(opens(&words, &err) && strstr(words.text, "map: 50 "), "who comes later sees what is");
	forget();
}

/* A chain that was pruned is still one; so is one of many jobs' rows mixed. */
static void test_many(void)
{
	struct journal *journal = create();
	struct words words;
	struct err err;
	for (uint64_t n = 1; n <= 100; n++) {
		struct journal_position position = position_of(n, n == 100);
		struct journal_failure failure = failure_of(n, "item", 4);
		put(journal, n % 3 ? "map" : "second", &position, n % 10 ? NULL : &failure);
	}
	journal_close(&journal);
	ok(opens(&words, &err), "100 checkpoints: %s", words.n_bytes ? "right" : err.text);
	ok(strstr(words.text, "map: 100 ") && strstr(words.text, "second: 99 "), "the last of each job counts");
	ok(size_of(file) < 65536, "the old ones don't stay: %zu bytes", size_of(file));
	forget();
}

/* Whatever bytes the file has: it's refused, and left as it is, or it says what it did. */
static bool is_safe(const char *want, const char *what, size_t at)
{
	struct words words;
	struct err err = {0};
	if (!opens(&words, &err)) {
		if (err.text[0])
			return true;
		diag("%s at %zu: refused without a word", what, at);
		return false;
	}
	if (strcmp(words.text, want) == 0)
		return true;
	diag("%s at %zu: it says: %s", what, at, words.text);
	return false;
}

/* Most of a small journal is room between rows: zeros with nothing else near them. */
static bool is_room(const char *bytes, size_t n_bytes, size_t at)
{
	enum { NEAR = 16 };
	size_t end = at + NEAR < n_bytes ? at + NEAR : n_bytes;
	for (size_t i = at > NEAR ? at - NEAR : 0; i < end; i++)
		if (bytes[i])
			return false;
	return true;
}

static void test_bits(void)
{
	const char *tests = getenv("ROTA_TESTS");
	bool is_sweep = tests && strcmp(tests, "sweep") == 0;
	size_t step = tests && strcmp(tests, "quick") == 0 ? 11 : 1, n_bytes, n_wrong = 0, n_flips = 0;
	const size_t room_step = 37;
	struct words words;
	struct err err;
	make_small();
	must(opens(&words, &err));
	char *bytes = read_all(file, &n_bytes);
	for (size_t at = 0; at < n_bytes; at += step)
		for (unsigned bit = 0; bit < 8; bit++) {
			if (!is_sweep && (bit != at % 8 || (at % room_step && is_room(bytes, n_bytes, at))))
				continue;
			bytes[at] ^= (char)(1u << bit);
			forget();
			write_all(file, bytes, n_bytes);
			bytes[at] ^= (char)(1u << bit);
			n_wrong += !is_safe(words.text, "a bit", 8 * at + bit);
			n_flips++;
		}
	is_int(n_wrong, 0, "%zu bits of a journal of %zu bytes flipped: refused, or what it said before", n_flips, n_bytes);
	n_wrong = 0;
	for (size_t n = 0; n < n_bytes; n += 512) {
		forget();
		write_all(file, bytes, n);
		n_wrong += !is_safe(words.text, "cut", n);
	}
	is_int(n_wrong, 0, "cut at every 512 bytes: refused");
	free(bytes);
	forget();
}

/* A writer is killed at each of its steps: what was committed is there, what wasn't is not. */
static void test_killed(void)
{
	char wal[TAP_BESIDE_BYTES + 16];
	struct words words;
	struct err err;
	snprintf(wal, sizeof wal, "%s-wal", file);
	pid_t child = fork();
	if (child == 0) {
		struct journal *journal = create();
		struct journal_position position = position_of(5, false);
		struct journal_failure failure = failure_of(6, "item", 4);
		put(journal, "map", &position, NULL);
		if (journal_begin(journal, false, &err) != 0 || journal_add_failure(journal, "map", &failure, &err) != 0)
			_exit(1);
		raise(SIGKILL);
	}
	int status;
	ok(waitpid(child, &status, 0) == child && WIFSIGNALED(status), "a writer is killed between two commits");
	ok(size_of(wal) > 0, "it leaves a -wal");
	size_t n_bytes;
	char *bytes = read_all(file, &n_bytes);
	ok(opens(&words, &err) && strstr(words.text, "map: 5 ") && !strstr(words.text, "map 6"), "the last commit counts");
	ok(access(wal, F_OK) != 0 && errno == ENOENT, "and the -wal is gone");
	forget();
	write_all(file, bytes, n_bytes);
	ok(opens(&words, &err) && strstr(words.text, "map: 0 "), "without its -wal it is older");
	free(bytes);
	forget();
}

static void test_strange(void)
{
	struct journal *journal = NULL;
	struct err err;
	write_all(file, "hello\n", 6);
	ok(journal_open(&journal, file, &err) == -1 && strstr(err.text, "isn't a rota journal"), "a text: %s", err.text);
	ok(journal_create(&journal, file, keys, N_KEYS, &err) == -1, "it isn't written over");
	size_t n_bytes;
	char *bytes = read_all(file, &n_bytes);
	is_mem(bytes, n_bytes, "hello\n", 6, "it is as it was");
	free(bytes);
	write_all(file, "", 0);
	ok(journal_create(&journal, file, keys, N_KEYS, &err) == -1, "nor an empty file: %s", err.text);
	forget();
	must(mkdir(file, 0700) == 0);
	ok(journal_create(&journal, file, keys, N_KEYS, &err) == -1 && strstr(err.text, "a directory"), "%s", err.text);
	must(rmdir(file) == 0);
	must(mkfifo(file, 0600) == 0);
	ok(journal_create(&journal, file, keys, N_KEYS, &err) == -1 && strstr(err.text, "not a regular file"), "%s",
	   err.text);
	forget();
	ok(!journal, "no journal is given back");
}

static char *beside(const char *suffix)
{
	char *path = NULL;
	must(asprintf(&path, "%s%s", file, suffix) > 0);
	return path;
}

static void test_leftovers(void)
{
	static const struct {
		const char *suffix, *bytes;
		size_t n_bytes;
	} left[] = {{"-wal",
	             "\x37\x7f\x06\x82"
	             "and more",
	             12},
	            {"-shm", "", 0},
	            {".lock", "rota: in use by process 1\n", 26}};
	struct words words;
	struct err err;
	char *new_file = ownfile_name(file);
	must(new_file != NULL);
	write_all(new_file, "half a journal", 14);
	for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
		char *path = beside(left[i].suffix);
		write_all(path, left[i].bytes, left[i].n_bytes);
		free(path);
	}
	struct journal *journal = create();
	journal_close(&journal);
	ok(opens(&words, &err) && strncmp(words.text, "map: 0 ", 7) == 0, "what a kill has left is no matter");
	ok(access(new_file, F_OK) != 0, "and is gone");
	free(new_file);
	forget();
}

/* Somebody's files that have the names of those that SQLite or we keep beside a journal. */
static void test_in_the_way(void)
{
	static const char *const suffixes[] = {"-wal", "-shm", "-journal", ".lock"};
	struct journal *journal = NULL;
	struct err err;
	size_t n_bytes;
	for (int is_there = 0; is_there <= 1; is_there++)
		for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
			char *path = beside(suffixes[i]);
			if (is_there)
				make_small();
			write_all(path, "precious", 8);
			ok(journal_create(&journal, file, keys, N_KEYS, &err) == -1 && strstr(err.text, suffixes[i]) &&
			       strstr(err.text, "in the way"),
			   "not begun: %s", err.text);
			is_int(journal_open(&journal, file, &err), -1, "nor gone on from");
			if (i < 3)
				is_int(journal_open_reader(&journal, file, &err), -1, "nor read");
			char *bytes = read_all(path, &n_bytes);
			is_mem(bytes, n_bytes, "precious", 8, "%s is as it was", suffixes[i]);
			free(bytes);
			free(path);
			forget();
		}
}

/* By another name it's the same journal. */
static void test_names(void)
{
	struct journal *one = NULL, *other = NULL;
	struct err err;
	char *link_name = beside(".link"), *hard_name = beside(".hard");
	make_small();
	must(symlink(file, link_name) == 0);
	is_int(journal_open(&one, file, &err), 0, "one has it");
	ok(journal_open(&other, link_name, &err) == -1 && strstr(err.text, "in use by process"), "by a link: %s", err.text);
	journal_close(&one);
	is_int(journal_open(&one, link_name, &err), 0, "by the link");
	ok(journal_open(&other, file, &err) == -1 && strstr(err.text, "in use by process"), "by its name: %s", err.text);
	journal_close(&one);
	must(link(file, hard_name) == 0);
	ok(journal_open(&one, hard_name, &err) == -1 && strstr(err.text, "2 names"), "not with two names: %s", err.text);
	ok(journal_open_reader(&one, file, &err) == 0, "but it can be read");
	journal_close(&one);
	unlink(hard_name);
	forget();
	is_int(journal_create(&one, link_name, keys, N_KEYS, &err), 0, "a new one by a link that leads nowhere yet");
	journal_close(&one);
	ok(access(file, F_OK) == 0 && unlink(link_name) == 0, "stands where that leads");
	free(link_name);
	free(hard_name);
	forget();
}

/* SQLite would understand them in its own way. */
static void test_odd_names(void)
{
	static const char *const names[] = {"file:x.db", "file:y.db?mode=memory", ":memory:"};
	struct journal *journal = NULL;
	struct err err;
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(here >= 0 && chdir(folder) == 0);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		is_int(journal_create(&journal, names[i], keys, N_KEYS, &err), 0, "'%s' is a name", names[i]);
		journal_close(&journal);
		ok(access(names[i], F_OK) == 0, "of a file");
		is_int(journal_open(&journal, names[i], &err), 0, "which is found again");
		ok(journal != NULL, "with what stands in it");
		journal_close(&journal);
		unlink(names[i]);
	}
	must(fchdir(here) == 0 && close(here) == 0);
}

int main(void)
{
	begin();
	test_life();
	test_failures();
	test_accept();
	test_cut();
	test_causes();
	test_bindings();
	test_reader();
	test_many();
	test_bits();
	test_killed();
	test_strange();
	test_leftovers();
	test_in_the_way();
	test_names();
	test_odd_names();
	ok(rmdir(folder) == 0, "nothing is left");
	return tap_done();
}
