/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resume-t - what a checkpoint puts into a journal, and what a resume makes of it: just what is unfinished goes into
 * the window, whatever slices it comes in, and nothing when the input is another.
 */
#include "config.h"

#include "core/sched/resume.h"

#include "core/sched/checkpoint.h"
#include "core/sched/note.h"
#include "rig.h"
#include "tests/tap.h"

static struct rig rig;
static char folder[TAP_PATH_BYTES];
static char journal_file[TAP_BESIDE_BYTES];
static struct journal *journal;
static const struct journal_key key = {"rig", "plugin", "upper"};

static void begin(bool is_ordered, const char *text)
{
	rig_init(&rig, 1, is_ordered, text);
	checkpoint_init(&rig.checkpoint, journal, "rig");
	rig.checkpoint.window = &rig.window;
	rig.checkpoint.sink = rig.sink;
}

static void end(void)
{
	checkpoint_fini(&rig.checkpoint);
	rig_fini(&rig);
}

/* The next n_items go into the window and to a worker. */
static struct batch *take(uint32_t n_items)
{
	struct slice slice;
	while (!feed_take(rig.feed, n_items, 1 << 20, &slice))
		must(feed_read(rig.feed, &rig.err) > 0);
	must(slice.n_items == n_items);
	checkpoint_take_input(&rig.checkpoint, &slice);
	must(window_add(&rig.window, &slice, &rig.err) == 0);
	struct batch *batch = rig.window.newest;
	must(batch == window_next_pending(&rig.window));
	window_send(&rig.window, batch);
	return batch;
}

static void give(struct batch *batch, const char *results, uint32_t n_items)
{
	bool is_done;
	must(window_give(&rig.window, batch, results, strlen(results), n_items, &is_done, &rig.err) == 0);
}

static void fail(struct batch *batch)
{
	struct window_note *note;
	struct failure failure = {.seq = batch->slice.seq + batch->n_answered,
	                          .item = "item",
	                          .item_bytes = 4,
	                          .attempts = 1,
	                          .cause = {.kind = CAUSE_DIED, .wait_status = 11, .worker = 1}};
	must(checkpoint_note(&rig.checkpoint, &failure, &note, &rig.err) == 0 && note);
	window_note(batch, note);
	give(batch, "", 1);
}

/* A checkpoint, at once. */
static void commit(void)
{
	rig.checkpoint.due_ns = 0;
	must(checkpoint_step(&rig.checkpoint, 1, &rig.err) == 0);
	must(rig.checkpoint.phase == CHECKPOINT_IDLE);
}

/* "taken 8, output 3: 2-4 7-8, 1 failed" */
static const char *position(void)
{
	static char text[256];
	struct journal_position position;
	must(journal_read_position(journal, "rig", &position, &rig.err) == 0);
	int n = snprintf(text, sizeof text, "taken %llu, output %llu:", (unsigned long long)position.taken_items,
	                 (unsigned long long)position.output_bytes);
	for (size_t i = 0; i < position.n_unfinished; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, " %llu-%llu", (unsigned long long)position.unfinished[i].first,
		              (unsigned long long)position.unfinished[i].last);
	snprintf(text + n, sizeof text - (size_t)n, ", %llu failed%s", (unsigned long long)position.n_failed,
	         position.is_finished ? ", finished" : "");
	journal_position_fini(&position);
	return text;
}

static void test_ordered(void)
{
	begin(true, "1\n2\n3\n4\n5\n6\n7\n8\n");
	struct batch *one = take(3), *other = take(3), *last = take(2);
	commit();
	is_str(position(), "taken 8, output 0: 1-8, 0 failed", "nothing is done");
	give(one, "A\n", 1);
	give(last, "G\nH\n", 2);
	fail(other);
	commit();
	is_str(position(), "taken 8, output 2: 2-8, 0 failed", "in order, what stands behind the oldest isn't known yet");
	give(one, "B\nC\n", 2);
	commit();
	is_str(position(), "taken 8, output 6: 5-8, 1 failed", "then it is, failures too");
	give(other, "E\nF\n", 2);
	rig_output(&rig);
	must(checkpoint_finish(&rig.checkpoint, true, &rig.err) == 0);
	is_str(position(), "taken 8, output 14:, 1 failed, finished", "all");
	is_int(checkpoint_due_ns(&rig.checkpoint), -1, "there is nothing new");
	end();
}

static void test_unordered(void)
{
	begin(false, "1\n2\n3\n4\n5\n6\n7\n8\n");
	struct batch *one = take(3), *other = take(3), *last = take(2);
	give(one, "A\n", 1);
	give(last, "G\n", 1);
	fail(other);
	commit();
	is_str(position(), "taken 8, output 4: 2-3 5-6 8-8, 1 failed", "unordered: just what has no outcome");
	ok(checkpoint_due_ns(&rig.checkpoint) == -1, "no news, no checkpoint");
	give(last, "H\n", 1);
	ok(checkpoint_due_ns(&rig.checkpoint) > clock_now_ns(), "news, but not at once");
	end();
}

/* Goes over the input in slices of n_items; the window's items as text, or what was wrong. */
static const char *gone_over(const char *input, uint32_t n_items)
{
	static char text[512];
	struct journal_position found = {0};
	struct tally tally = {0};
	struct slice slice;
	int result = 0;
	begin(true, input);
	must(checkpoint_load(&rig.checkpoint, &tally, &found, &rig.err) == 0);
	resume_init(&rig.resume, &found);
	while (result == 0 && resume_is_on(&rig.resume)) {
		uint64_t left = resume_left_items(&rig.resume, &rig.checkpoint);
		while (!feed_has_item(rig.feed) && !feed_is_at_end(rig.feed))
			must(feed_read(rig.feed, &rig.err) >= 0);
		if (!feed_take(rig.feed, left < n_items ? (uint32_t)left : n_items, 1 << 20, &slice)) {
			result = resume_fail_short(&rig.resume, &rig.checkpoint, &rig.err);
			break;
		}
		checkpoint_take_input(&rig.checkpoint, &slice);
		result = resume_take(&rig.resume, &rig.checkpoint, &rig.window, &slice, &rig.err);
	}
	size_t n = 0;
	text[0] = '\0';
	for (const struct batch *batch = rig.window.oldest; batch && result == 0; batch = batch->newer)
		for (uint32_t i = 0; i < batch->slice.n_items; i++) {
			size_t n_bytes;
			const char *item = slice_item(&batch->slice, i, '\n', &n_bytes);
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%llu=%.*s", n > 0 ? " " : "",
			                      (unsigned long long)batch->slice.seq + i, (int)n_bytes, item);
		}
	if (result != 0)
		snprintf(text, sizeof text, "%.500s", rig.err.text);
	resume_fini(&rig.resume);
	end();
	return text;
}

/* What test_unordered has left: 2 and 3, 5 and 6, 8. */
static void test_going_over(void)
{
	static const uint32_t sizes[] = {1, 2, 3, 5, 8, 100};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		is_str(gone_over("1\n2\n3\n4\n5\n6\n7\n8\n9\n", sizes[i]), "2=2 3=3 5=5 6=6 8=8",
		       "what is unfinished, in slices of %u", (unsigned)sizes[i]);
	ok(strstr(gone_over("1\n2\n3\n4\n5\n6\n7\nX\n9\n", 3), "the input was changed: its first 8 items"),
	   "the last item is another");
	ok(strstr(gone_over("X\n2\n3\n4\n5\n6\n7\n8\n9\n", 3), "the input was changed"), "the first one is");
	ok(strstr(gone_over("1\n2\n3\n4\n5\n6\n7 8\n9\n", 3), "the input was changed"), "a newline less");
	ok(strstr(gone_over("1\n2\n3\n", 3), "it has 3 items, and the journal's run had read 8"), "it is too short");
	is_str(gone_over("1\n2\n3\n4\n5\n6\n7\n8", 3), "2=2 3=3 5=5 6=6 8=8", "without its last newline it is the same");
}

static void test_tally(void)
{
	struct journal_position found = {0};
	struct tally tally = {0};
	begin(true, "");
	must(checkpoint_load(&rig.checkpoint, &tally, &found, &rig.err) == 0);
	is_int(tally.n_outcomes[OUTCOME_CRASHED], 1, "what has failed is counted");
	is_int(tally.n_outcomes[OUTCOME_OK], 2, "and what was ok");
	is_int(tally.n_before, 3, "as done before");
	journal_position_fini(&found);
	end();
}

static void make_journal(void)
{
	struct err err;
	journal_close(&journal);
	unlink(journal_file);
	must(journal_create(&journal, journal_file, &key, 1, &err) == 0);
}

int main(void)
{
	tap_template(folder, "resume");
	must(mkdtemp(folder));
	snprintf(journal_file, sizeof journal_file, "%s/j", folder);
	make_journal();
	test_ordered();
	make_journal();
	test_unordered();
	test_going_over();
	test_tally();
	journal_close(&journal);
	must(unlink(journal_file) == 0);
	ok(rmdir(folder) == 0, "nothing is left");
	return tap_done();
}
