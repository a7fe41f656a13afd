/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint: what a journal says of a job, and when: never more than stands in the output, of each item that was taken
 * whether it is finished, of each failure once.
 */
#include "config.h"

#include "core/resume/checkpoint.h"

#include "core/base/clock.h"
#include "journaled.h"
#include "tests/tap.h"

#define EIGHT "1\n2\n3\n4\n5\n6\n7\n8\n"

/* Eight items: three, three and two. */
static struct batch *one, *other, *last;

static void begin_with_eight(bool is_ordered)
{
	journaled_anew();
	journaled_begin(1, is_ordered, EIGHT, 1 << 20);
	rig_let(&rig, strlen(EIGHT));
	one = journaled_take(3);
	other = journaled_take(3);
	last = journaled_take(2);
}

static void test_ordered(void)
{
	begin_with_eight(true);
	journaled_commit();
	is_str(journaled_position(), "taken 8, output 0: 1-8, 0 failed", "nothing is done");
	journaled_give(one, "A\n", 1);
	journaled_give(last, "G\nH\n", 2);
	journaled_fail(other);
	journaled_commit();
	is_str(journaled_position(), "taken 8, output 2: 2-8, 0 failed",
	       "in order, what stands behind the oldest isn't known yet");
	journaled_give(one, "B\nC\n", 2);
	journaled_commit();
	is_str(journaled_position(), "taken 8, output 6: 5-8, 1 failed", "then it is, failures too");
	journaled_give(other, "E\nF\n", 2);
	sink_flush(rig.sink, true, &rig.err);
	must(checkpoint_finish(&rig.checkpoint, true, &rig.err) == 0);
	is_str(journaled_position(), "taken 8, output 14:, 1 failed, finished", "all");
	is_int(checkpoint_due_ns(&rig.checkpoint), -1, "there is nothing new");
	is_str(journaled_output(), "A\nB\nC\nE\nF\nG\nH\n", "and the output has it");
	journaled_end();
}

static void test_unordered(void)
{
	begin_with_eight(false);
	journaled_commit();
	is_str(journaled_position(), "taken 8, output 0: 1-8, 0 failed", "nothing is done: one range, not one a batch");
	journaled_give(one, "A\n", 1);
	journaled_give(last, "G\n", 1);
	journaled_fail(other);
	journaled_commit();
	is_str(journaled_position(), "taken 8, output 4: 2-3 5-6 8-8, 1 failed", "unordered: just what has no outcome");
	ok(checkpoint_due_ns(&rig.checkpoint) == -1, "no news, no checkpoint");
	journaled_give(last, "H\n", 1);
	ok(checkpoint_due_ns(&rig.checkpoint) > clock_now_ns(), "news, but not at once");
	must(checkpoint_step(&rig.checkpoint, clock_now_ns(), &rig.err) == 0);
	is_str(journaled_position(), "taken 8, output 4: 2-3 5-6 8-8, 1 failed", "so nothing is written yet");
	journaled_give(one, "B\nC\n", 2);
	journaled_fail(other);
	journaled_commit();
	is_str(journaled_position(), "taken 8, output 10: 6-6, 2 failed", "failures that are known count, and new ones");
	journaled_end();
}

/* What must be the same when it's gone on from: the bytes of all items that were taken, and those of the output. */
static void test_digests(void)
{
	struct journal_position position;
	begin_with_eight(true);
	journaled_give(one, "A\nB\nC\n", 3);
	journaled_commit();
	must(journal_read_position(journal, "rig", &position, &rig.err) == 0);
	ok(digest_is_equal(position.taken_digest, digest_of(EIGHT, strlen(EIGHT))), "the digest of what was taken");
	ok(digest_is_equal(position.output_digest, digest_of("A\nB\nC\n", 6)), "and of what was written");
	journal_position_fini(&position);
	journaled_end();
}

/* A later life begins with what was before: each outcome in its place. */
static void test_tally(void)
{
	begin_with_eight(false);
	journaled_give(one, "A\nB\nC\n", 3);
	journaled_fail(other);
	journaled_commit();
	journaled_end();
	journaled_begin(1, false, EIGHT, 1 << 20);
	is_int(rig.tally.n_outcomes[OUTCOME_CRASHED], 1, "what has failed is counted");
	is_int(rig.tally.n_outcomes[OUTCOME_OK], 3, "and what was ok");
	is_int(tally_not_ok(&rig.tally), 1, "and nothing else");
	is_int(rig.tally.n_before, 4, "as done before");
	journaled_end();
}

/* A slow reader: results that wait for it are in no journal, and when they have left those are that were meant. */
static void test_waiting_sink(void)
{
	static const char before[] = "taken 8, output 0: 2-8, 1 failed";
	static char results[65537 * 2];
	struct endpoint output = {.kind = ENDPOINT_LINES, .argument = (char[]){"pipe"}, .is_descriptor = true};
	struct sink *sink;
	int fds[2];
	size_t n_read = 0;
	memset(results, 'a', sizeof results - 2);
	results[sizeof results - 2] = '\n';
	must(pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
	begin_with_eight(true);
	output.fd = fds[1];
	must(sink_open(&sink, &output, &rig.err) == 0);
	journaled_use_sink(sink);
	/* the sink had made it wider */
	int n_room = fcntl(fds[1], F_SETPIPE_SZ, 4096);
	must(n_room > 0 && (size_t)n_room < sizeof results - 1);
	journaled_fail(one);
	journaled_commit();
	rig.checkpoint.due_ns = 0;
	journaled_give(one, results, 2);
	must(checkpoint_step(&rig.checkpoint, 1, &rig.err) == 0);
	is_int(rig.checkpoint.phase, CHECKPOINT_WRITING, "the checkpoint waits for the sink");
	is_str(journaled_position(), before, "nothing is said before the results are out");
	is_int(rig.checkpoint.position.n_ok, 2, "what is finished and hasn't failed before is ok");
	is_int(checkpoint_due_ns(&rig.checkpoint), -1, "it wants no turn of its own");
	journaled_give(other, "D\nE\nF\n", 3);
	bool is_early = false;
	for (int i = 0; i < 10000 && rig.checkpoint.phase == CHECKPOINT_WRITING; i++) {
		char some[1000];
		ssize_t n = read(fds[0], some, sizeof some);
		n_read += n > 0 ? (size_t)n : 0;
		must(checkpoint_step(&rig.checkpoint, 1, &rig.err) == 0);
		bool is_said = strcmp(journaled_position(), before) != 0;
		is_early = is_early || (is_said && sink_written_bytes(sink) < sizeof results - 1);
	}
	ok(!is_early, "nor while some are still queued");
	is_str(journaled_position(), "taken 8, output 131073: 4-8, 1 failed", "then it is what it was when it began");
	ok(n_read + (size_t)n_room >= sizeof results - 1, "and the pipe has all of that");
	journaled_end();
	must(close(fds[0]) == 0 && close(fds[1]) == 0);
}

/* An output that can't be written any more: the journal says what was true before. */
static void test_failing_sink(void)
{
	struct endpoint output = {.kind = ENDPOINT_LINES, .argument = (char[]){"/dev/full"}};
	struct sink *sink;
	begin_with_eight(true);
	if (access("/dev/full", W_OK) != 0) {
		skip("there is no /dev/full");
		journaled_end();
		return;
	}
	must(sink_open(&sink, &output, &rig.err) == 0);
	journaled_use_sink(sink);
	journaled_give(one, "A\nB\nC\n", 3);
	for (int i = 0; i < 3; i++)
		must(checkpoint_step(&rig.checkpoint, 1, &rig.err) == 0);
	is_str(journaled_position(), "taken 0, output 0:, 0 failed", "what couldn't be written isn't said to be there");
	journaled_end();
}

/* Failures are held until the next checkpoint: where they are many, it's time at once. */
static void test_many_failures(void)
{
	static char item[1 << 20];
	begin_with_eight(false);
	journaled_commit();
	must(rig.checkpoint.due_ns > clock_now_ns());
	int64_t now_ns = rig.checkpoint.due_ns - 1;
	for (int i = 0; i < 8; i++) {
		struct window_note *note;
		struct failure failure = {.seq = 100 + (uint64_t)i,
		                          .item = item,
		                          .item_bytes = sizeof item,
		                          .attempts = 1,
		                          .cause = {.kind = CAUSE_DIED, .wait_status = 11, .worker = 1}};
		must(checkpoint_step(&rig.checkpoint, now_ns, &rig.err) == 0);
		is_str(journaled_position(), "taken 8, output 0: 1-8, 0 failed", "%d MiB of failures aren't many", i);
		must(checkpoint_note(&rig.checkpoint, &failure, &note, &rig.err) == 0 && note);
		note_list_add(&rig.window.left_notes, note);
	}
	must(checkpoint_step(&rig.checkpoint, now_ns, &rig.err) == 0);
	is_str(journaled_position(), "taken 8, output 0: 1-8, 8 failed", "eight, and what goes with them, are");
	is_int(rig.checkpoint.held_bytes, 0, "and none is held any more");
	journaled_end();
}

int main(void)
{
	log_init(LOG_NORMAL);
	journaled_enter();
	test_ordered();
	test_unordered();
	test_digests();
	test_tally();
	test_waiting_sink();
	test_failing_sink();
	test_many_failures();
	journaled_leave();
	return tap_done();
}
