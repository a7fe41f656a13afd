/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal - a fuzzer of journals: a small one whose bytes were changed, left out, put in, or cut off.
 *
 *	FUZZ_SECONDS=600 FUZZ_SEED=1 tests/fuzz/journal-t     (make check-fuzz)
 *
 * What holds in every run: the journal is refused, with an error that names it, and not written to; or it says what it
 * said before the mistakes.
 */
#include "config.h"

#include "core/base/buf.h"

#include "tests/core/record/journals.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>

static struct buf good, wanted;
static unsigned n_believed;

static struct buf read_file(void)
{
	struct buf buf = {0};
	char bytes[4096];
	ssize_t n;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	must(fd >= 0);
	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		must(buf_append(&buf, bytes, (size_t)n) == 0);
	must(n == 0 && close(fd) == 0);
	return buf;
}

static void write_file(const char *bytes, size_t n_bytes)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, bytes, n_bytes) == (ssize_t)n_bytes && close(fd) == 0);
}

/* All that it says, as a text. -1: a part of it can't be read. */
static int say(struct journal *journal, struct buf *ret)
{
	static const char *const jobs[] = {"map", "second"};
	struct journal_cursor *cursor = NULL;
	struct journal_failure failure;
	const char *job;
	struct err err;
	int result = 0;

	for (size_t i = 0; i < 2; i++) {
		struct journal_position position = {0};

		if (journal_read_position(journal, jobs[i], &position, &err) != 0)
			return -1;
		must(buf_printf(ret, "%s %llu %llu %llu %d %llu %llu:", jobs[i], (unsigned long long)position.taken_items,
		                (unsigned long long)position.taken_digest.low, (unsigned long long)position.output_bytes,
		                position.is_finished, (unsigned long long)position.n_ok,
		                (unsigned long long)position.n_failed) == 0);
		for (size_t k = 0; k < position.n_unfinished; k++)
			must(buf_printf(ret, " %llu-%llu", (unsigned long long)position.unfinished[k].first,
			                (unsigned long long)position.unfinished[k].last) == 0);
		journal_position_fini(&position);
	}
	if (journal_list(&cursor, journal, NULL, JOURNAL_BY_SEQ, &err) != 0)
		return -1;
	while ((result = journal_next(cursor, &job, &failure, &err)) > 0) {
		must(buf_printf(ret, "\n%s %llu %u %s ", job, (unsigned long long)failure.seq, failure.attempts,
		                failure.cause) == 0);
		must(buf_append(ret, failure.item, failure.item_bytes) == 0);
	}
	journal_cursor_close(&cursor);
	return result;
}

static void run(void)
{
	struct journal *journal = NULL;
	struct buf said = {0}, left;
	struct err err = {0};
	char *bytes = malloc(2 * good.len);

	must(bytes != NULL);
	memcpy(bytes, good.bytes, good.len);
	/* most of what moves bytes spoils the database itself: half of the runs change a byte of a row, or of none */
	size_t n_bytes = good.len;
	if (fuzz_below(2))
		bytes[fuzz_below((uint32_t)n_bytes)] ^= (char)(1u << fuzz_below(8));
	else
		n_bytes = fuzz_mutate(bytes, n_bytes, "\x01\x02\x7f\x10");
	forget();
	write_file(bytes, n_bytes);
	int result = fuzz_below(2) ? journal_open(&journal, file, &err) : journal_open_reader(&journal, file, &err);
	if (result != 0) {
		fuzz_check(err.code == ERR_USAGE || err.code == ERR_RUN, "a journal is refused with a wrong code");
		fuzz_check(strstr(err.text, file) != NULL, "an error doesn't name the journal");
		left = read_file();
		fuzz_check(left.len == n_bytes && memcmp(left.bytes, bytes, n_bytes) == 0,
		           "a journal that's refused is changed");
		buf_fini(&left);
	} else if (journal && say(journal, &said) == 0) {
		n_believed++;
		fuzz_check(said.len == wanted.len && memcmp(said.bytes, wanted.bytes, said.len) == 0,
		           "a journal with a mistake is believed");
	}
	journal_close(&journal);
	buf_fini(&said);
	free(bytes);
}

int main(void)
{
	struct journal *journal = NULL;
	struct err err;

	begin();
	make_small();
	good = read_file();
	must(journal_open_reader(&journal, file, &err) == 0 && say(journal, &wanted) == 0);
	journal_close(&journal);
	int status = fuzz_main("tests/fuzz/journal-t", run);
	diag("%u said what they said before", n_believed);
	forget();
	must(rmdir(folder) == 0);
	buf_fini(&good);
	buf_fini(&wanted);
	return status;
}
