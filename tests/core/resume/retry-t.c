/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry: items that have failed are run once more, each of their results gets to its place, what fails again is known
 * again; and a kill between the journal and the new output's name leaves what the next run finishes.
 */
#include "config.h"

#include "core/resume/retry.h"

#include "journaled.h"
#include "tests/tap.h"

#include <sys/wait.h>

#define SIX "a\nb\nc\nd\ne\nf\n"
#define STATUS_KILLED 9

static struct endpoint output = {.kind = ENDPOINT_LINES, .argument = journaled_out};
static bool is_killed_at_rename;

/* In the place of the C library's: here is where the new output gets the old one's name. */
int rename(const char *from, const char *to)
{
	if (is_killed_at_rename)
		_exit(STATUS_KILLED);
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

/* All that the worker has: items that begin with one of these letters fail, the others are ok. */
static void work(const char *failing)
{
	struct hand *hand = &rig.hands[1];
	while (rig_begin(&rig, 1, 1000)) {
		char text[64];
		int n_bytes = snprintf(text, sizeof text, "%.*s\n", (int)hand->n_bytes, hand->at);
		for (int i = 0; i < n_bytes; i++)
			text[i] = (char)toupper((unsigned char)text[i]);
		if (strchr(failing, hand->at[0]))
			rig_fail(&rig, 1, "no");
		else
			rig_answer(&rig, 1, text, (size_t)n_bytes);
	}
}

static void work_all(const char *failing)
{
	const int turns_max = 1000;
	for (int i = 0; rig.window.n_batches > 0 || !dispatch_is_at_end(&rig.dispatch); i++) {
		must(i < turns_max && journaled_settle() == 0);
		work(failing);
	}
	must(sink_flush(rig.sink, true, &rig.err) == SINK_OK);
}

/* A run of its own that is finished, and has some failures. */
static void run(const char *items, const char *failing, int64_t max_item_bytes)
{
	journaled_anew();
	journaled_begin(1, true, items, max_item_bytes);
	rig_start_all(&rig);
	rig_let(&rig, strlen(items));
	rig_let_end(&rig);
	work_all(failing);
	must(checkpoint_finish(&rig.checkpoint, true, &rig.err) == 0);
	journaled_end();
}

/* What has failed comes once more. */
static void begin_retry(void)
{
	struct endpoint input = {.kind = ENDPOINT_LINES, .argument = (char[]){"in"}};
	struct journal_position position;
	struct sink *sink;
	rig_init(&rig, 1, true, "");
	feed_destroy(&rig.feed);
	source_close(&rig.source);
	checkpoint_init(&rig.checkpoint, journal, "rig");
	must(checkpoint_load(&rig.checkpoint, &rig.tally, &position, &rig.err) == 0 && position.is_finished);
	must(retry_settle(journal, "rig", &output, &position, &rig.err) == 0);
	retry_begin(&rig.retry, journal, "rig", &output, &rig.tally, &position);
	must(retry_open_source(&rig.retry, &rig.source, &input, '\n', &rig.err) == 0);
	must(feed_create(&rig.feed, rig.source, 1 << 20, &rig.err) == 0);
	rig_use_feed(&rig);
	must(retry_open_sink(&rig.retry, &sink, &rig.err) == 0);
	journaled_use_sink(sink);
	rig_start_all(&rig);
}

static void end_retry(void)
{
	checkpoint_fini(&rig.checkpoint);
	rig_fini(&rig);
	retry_fini(&rig.retry);
}

static void retry_all(const char *failing)
{
	begin_retry();
	work_all(failing);
	must(retry_finish(&rig.retry, &rig.window, &rig.err) == 0);
	end_retry();
}

/* "2=b 5=e": the failures that the journal has. */
static const char *failures(void)
{
	static char text[256];
	struct journal_cursor *cursor;
	struct journal_failure failure;
	const char *job;
	size_t n = 0;
	text[0] = '\0';
	must(journal_list(&cursor, journal, "rig", JOURNAL_BY_SEQ, &rig.err) == 0);
	while (journal_next(cursor, &job, &failure, &rig.err) > 0)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%llu=%.*s", n > 0 ? " " : "",
		                      (unsigned long long)failure.seq, (int)failure.item_bytes, (const char *)failure.item);
	journal_cursor_close(&cursor);
	return text;
}

/* What the journal says of the output is so. */
static void is_sound(const char *what)
{
	struct journal_position position;
	const char *text = journaled_output();
	must(journal_read_position(journal, "rig", &position, &rig.err) == 0);
	is_int(position.output_bytes, strlen(text), "%s: the journal knows the size of the output", what);
	ok(digest_is_equal(position.output_digest, digest_of(text, strlen(text))), "%s: and its bytes", what);
	ok(!position.is_renaming && position.is_finished, "%s: and that all is done", what);
	journal_position_fini(&position);
}

/* Which fail at first, and which of those fail again: all are tried until none is left. */
static void test_places(void)
{
	static const struct {
		const char *first, *again, *then, *left;
	} cases[] = {
		{"be", "", "A\nB\nC\nD\nE\nF\n", ""},          {"be", "e", "A\nB\nC\nD\nF\n", "5=e"},
		{"be", "b", "A\nC\nD\nE\nF\n", "2=b"},         {"be", "be", "A\nC\nD\nF\n", "2=b 5=e"},
		{"bcd", "c", "A\nB\nD\nE\nF\n", "3=c"},        {"af", "", "A\nB\nC\nD\nE\nF\n", ""},
		{"abcdef", "ace", "B\nD\nF\n", "1=a 3=c 5=e"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char what[64];
		snprintf(what, sizeof what, "%s failed, then \"%s\"", cases[i].first, cases[i].again);
		run(SIX, cases[i].first, 1 << 20);
		retry_all(cases[i].again);
		is_str(journaled_output(), cases[i].then, "%s: the output", what);
		is_str(failures(), cases[i].left, "%s: what is left", what);
		is_sound(what);
		if (cases[i].left[0] == '\0')
			continue;
		retry_all("");
		is_str(journaled_output(), "A\nB\nC\nD\nE\nF\n", "%s: at last all are in their places", what);
		is_str(failures(), "", "%s: and none is left", what);
		is_sound(what);
	}
}

/* One that ends before it's over has changed nothing. */
static void test_given_up(void)
{
	run(SIX, "be", 1 << 20);
	begin_retry();
	must(journaled_settle() == 0);
	work("");
	rig_collect(&rig);
	end_retry();
	is_str(journaled_output(), "A\nC\nD\nF\n", "the output is as it was");
	is_str(failures(), "2=b 5=e", "and so are the failures");
	is_sound("given up");
}

/* Of an item over max-item the journal has the beginning: that isn't the item, and isn't run. */
static void test_cut_items(void)
{
	run("a\nmuch too long\nc\n", "c", 5);
	is_str(failures(), "2=much too long 3=c", "two have failed");
	begin_retry();
	work_all("");
	is_int(rig.crew.workers[0].n_sent_items, 1, "only one is run again");
	is_int(rig.tally.n_outcomes[OUTCOME_OVER_LIMIT], 1, "the other is over its limit still");
	must(retry_finish(&rig.retry, &rig.window, &rig.err) == 0);
	end_retry();
	is_str(journaled_output(), "A\nC\n", "the results");
	is_str(failures(), "2=much too long", "and what is left");
	is_sound("cut");
}

/* Killed when the journal has said that the new output is there, and it hasn't got its name yet. */
static void test_killed_at_rename(void)
{
	struct journal_position position;
	int status;
	run(SIX, "be", 1 << 20);
	/* no database may be open over a fork */
	journal_close(&journal);
	pid_t pid = fork();
	if (pid == 0) {
		is_killed_at_rename = true;
		if (journal_open(&journal, journaled_file, &rig.err) == 0)
			retry_all("e");
		_exit(1);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid);
	must(WIFEXITED(status) && WEXITSTATUS(status) == STATUS_KILLED);
	must(journal_open(&journal, journaled_file, &rig.err) == 0);
	is_str(journaled_output(), "A\nC\nD\nF\n", "killed before the rename: the output is as it was");
	is_str(failures(), "5=e", "the journal has what failed again");
	must(journal_read_position(journal, "rig", &position, &rig.err) == 0);
	ok(position.is_renaming, "and says that the new output has yet to get its name");
	is_int(retry_settle(journal, "rig", &output, &position, &rig.err), 0, "the next run does it");
	journal_position_fini(&position);
	is_str(journaled_output(), "A\nB\nC\nD\nF\n", "then it is there");
	is_sound("settled");
	retry_all("");
	is_str(journaled_output(), "A\nB\nC\nD\nE\nF\n", "and the rest can be run again");
	is_sound("and again");
}

int main(void)
{
	log_init(LOG_NORMAL);
	journaled_enter();
	test_places();
	test_given_up();
	test_cut_items();
	test_killed_at_rename();
	journaled_leave();
	return tap_done();
}
