/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resume: just what is unfinished goes into the window, whatever slices it comes in; nothing is begun before the input
 * is known to be the same; and whenever a life ends, after the last each item has one outcome and one result.
 */
#include "config.h"

#include "core/resume/resume.h"

#include "core/resume/checkpoint.h"
#include "journaled.h"
#include "tests/tap.h"

#define EIGHT "1\n2\n3\n4\n5\n6\n7\n8\n"

/* A life that leaves 2 and 3, 5 and 6, 8; 4 has failed. */
static void leave_some(void)
{
	journaled_anew();
	journaled_begin(1, false, EIGHT, 1 << 20);
	rig_let(&rig, strlen(EIGHT));
	struct batch *one = journaled_take(3), *other = journaled_take(3), *last = journaled_take(2);
	journaled_give(one, "A\n", 1);
	journaled_give(last, "G\n", 1);
	journaled_fail(other);
	journaled_commit();
	is_str(journaled_position(), "taken 8, output 4: 2-3 5-6 8-8, 1 failed", "a life that leaves some");
	journaled_end();
}

/* Goes over the input in slices of n_items; the window's items as text, or what was wrong. */
static const char *gone_over(const char *input, uint32_t n_items)
{
	static char text[512];
	struct slice slice;
	int result = 0;
	journaled_begin(1, true, input, 1 << 20);
	rig_let(&rig, strlen(input));
	rig_let_end(&rig);
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
	journaled_end();
	return text;
}

static void test_going_over(void)
{
	static const uint32_t sizes[] = {1, 2, 3, 5, 8, 100};
	leave_some();
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		is_str(gone_over(EIGHT "9\n", sizes[i]), "2=2 3=3 5=5 6=6 8=8", "what is unfinished, in slices of %u",
		       (unsigned)sizes[i]);
	ok(strstr(gone_over("1\n2\n3\n4\n5\n6\n7\nX\n9\n", 3), "the input has changed: its first 8 items"),
	   "the last item is another");
	ok(strstr(gone_over("X\n2\n3\n4\n5\n6\n7\n8\n9\n", 3), "the input has changed"), "the first one is");
	ok(strstr(gone_over("1\n2\n3\n4\n5\n6\n7 8\n9\n", 3), "the input has changed"), "a newline less");
	ok(strstr(gone_over("1\n2\n3\n", 3), "it has 3 items, but the run had read 8"), "it is too short");
	is_str(gone_over("1\n2\n3\n4\n5\n6\n7\n8", 3), "2=2 3=3 5=5 6=6 8=8", "without its last newline it is the same");
}

/* An input that pauses before all of it could be compared: whatever comes then, nothing was begun. */
static void test_nothing_is_begun_before(void)
{
	static const struct {
		const char *rest, *err; /* behind "1\n2\n3\n"; or NULL */
		const char *what;
	} cases[] = {
		{"4\n5\n6\n7\n8\n9\n", NULL, "the same, and more"},
		{"4\n5\n6\n7\nX\n9\n", "the input has changed: its first 8 items", "another last one"},
		{"4\n5\n6\n7 8\n9\n", "the input has changed: its first 8 items", "a newline less"},
		{"4\n5\n", "it has 5 items, but the run had read 8", "too few"},
		{"", "it has 3 items, but the run had read 8", "nothing"},
	};
	leave_some();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char input[64];
		snprintf(input, sizeof input, "1\n2\n3\n%s", cases[i].rest);
		journaled_begin(2, false, input, 1 << 20);
		rig_start_all(&rig);
		rig_let(&rig, 6);
		is_int(journaled_settle(), 0, "%s: the input pauses", cases[i].what);
		is_int(rig.window.n_items, 2, "%s: two items are known to be unfinished", cases[i].what);
		is_int(rig.crew.workers[0].n_sent_items + rig.crew.workers[1].n_sent_items, 0, "%s: none is begun",
		       cases[i].what);
		rig_let(&rig, strlen(input) - 6);
		rig_let_end(&rig);
		int result = 1;
		for (int k = 0; result > 0 && resume_is_on(&rig.resume) && k < 100; k++)
			result = journaled_turn();
		is_int(result < 0, cases[i].err != NULL, "%s: it is an error, or not", cases[i].what);
		if (cases[i].err) {
			ok(strstr(rig.err.text, cases[i].err), "%s: %s", cases[i].what, rig.err.text);
			is_int(rig.crew.workers[0].n_sent_items + rig.crew.workers[1].n_sent_items, 0, "%s: still none is",
			       cases[i].what);
		} else {
			journaled_settle();
			ok(rig.crew.workers[0].n_sent_items > 0, "%s: then they are begun", cases[i].what);
		}
		journaled_end();
	}
}

/* All that is let is done. */
static void finish(void)
{
	const int turns_max = 1000;
	for (int i = 0; rig.window.n_batches > 0 || !dispatch_is_at_end(&rig.dispatch); i++) {
		must(i < turns_max && journaled_settle() == 0);
		for (unsigned k = 1; k <= rig.crew.n_workers; k++)
			rig_work(&rig, k, UINT32_MAX, 1000);
	}
	must(sink_flush(rig.sink, true, &rig.err) == SINK_OK);
	must(checkpoint_finish(&rig.checkpoint, true, &rig.err) == 0);
}

/* Items over max-item, one finished before, one unfinished (in order) as the last of its range: each fails once. */
static void test_too_long(bool is_ordered)
{
	static const char text[] = "a\nmuch too long\nb\nso is this\nc\n";
	const char *order = is_ordered ? "ordered" : "unordered";
	journaled_anew();
	journaled_begin(1, is_ordered, text, 5);
	rig_start_all(&rig);
	rig_let(&rig, strlen("a\nmuch too long\nb\nso is this\n"));
	must(journaled_settle() == 0);
	is_int(rig_work(&rig, 1, 1, 1000), 1, "%s: one is done", order);
	must(journaled_settle() == 0);
	journaled_commit();
	is_str(journaled_position(), is_ordered ? "taken 4, output 2: 3-4, 1 failed" : "taken 4, output 2: 3-3, 2 failed",
	       "%s: before", order);
	journaled_end();
	journaled_begin(1, is_ordered, text, 5);
	rig_start_all(&rig);
	rig_let(&rig, strlen(text));
	rig_let_end(&rig);
	finish();
	is_str(journaled_position(), "taken 5, output 6:, 2 failed, finished", "%s: both have failed, each once", order);
	is_str(journaled_output(), "A\nB\nC\n", "%s: the others are there", order);
	is_int(rig.tally.n_outcomes[OUTCOME_OVER_LIMIT], 2, "%s: two are counted", order);
	is_int(rig.tally.n_outcomes[OUTCOME_OK], 3, "%s: and three that are ok", order);
	ok(!strstr(rig_said(&rig), "item 2 "), "%s: what has failed before isn't said again", order);
	is_int(strstr(rig_said(&rig), "item 4 ") != NULL, is_ordered, "%s: what fails now is", order);
	journaled_end();
}

/* --- one life after another -------------------------------------------------------------------------------------- */

#define N_ITEMS 150u
#define N_LIVES_MAX 100

static uint64_t state;

static uint32_t random_below(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % n;
}

/* Some items of each worker; every seventh item fails. */
static void work_some(void)
{
	for (unsigned k = 1; k <= 2; k++)
		for (uint32_t n = random_below(6); n > 0 && rig_begin(&rig, k, 1000); n--) {
			struct hand *hand = &rig.hands[k];
			char text[16];
			int number = atoi(hand->at + 1);
			if (number % 7 == 0) {
				rig_fail(&rig, k, "a seventh");
				continue;
			}
			int n_bytes = snprintf(text, sizeof text, "X%d\n", number);
			rig_answer(&rig, k, text, (size_t)n_bytes);
		}
}

/* Each item that is ok stands in the output once, in order if that was asked for. */
static bool is_output_right(bool is_ordered)
{
	bool has[N_ITEMS + 1] = {false};
	unsigned n = 0;
	int before = 0;
	for (const char *at = journaled_output(); *at == 'X'; at = strchr(at, '\n') + 1) {
		int number = atoi(at + 1);
		if (number < 1 || number > (int)N_ITEMS || has[number] || number % 7 == 0 || (is_ordered && number < before))
			return false;
		has[before = number] = true;
		n++;
	}
	return n == N_ITEMS - N_ITEMS / 7;
}

/* Lives of some turns each, that commit now and then and end anywhere; the last one is let live. */
static void test_lives(bool is_ordered)
{
	static char text[8 * N_ITEMS];
	const char *order = is_ordered ? "ordered" : "unordered";
	size_t n_bytes = 0;
	for (unsigned i = 1; i <= N_ITEMS; i++)
		n_bytes += (size_t)sprintf(text + n_bytes, "x%u\n", i);
	const char *given = getenv("ROTA_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)clock_now_ns();
	state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	journaled_anew();
	bool is_finished = false;
	for (int life = 0; !is_finished && life < N_LIVES_MAX; life++) {
		size_t n_let = 0;
		journaled_begin(2, is_ordered, text, 1 << 20);
		rig_start_all(&rig);
		for (uint32_t turns = 3 + random_below(20); turns > 0 && !is_finished; turns--) {
			size_t more = random_below(100);
			more = more < n_bytes - n_let ? more : n_bytes - n_let;
			rig_let(&rig, more);
			n_let += more;
			if (n_let == n_bytes)
				rig_let_end(&rig);
			must(journaled_turn() >= 0);
			work_some();
			rig_collect(&rig);
			if (random_below(4) == 0 && !resume_is_on(&rig.resume))
				journaled_commit();
			is_finished = dispatch_is_at_end(&rig.dispatch) && rig.window.n_batches == 0;
		}
		if (is_finished) {
			must(sink_flush(rig.sink, true, &rig.err) == SINK_OK);
			must(checkpoint_finish(&rig.checkpoint, true, &rig.err) == 0);
			is_int(rig.tally.n_outcomes[OUTCOME_FAILED], N_ITEMS / 7, "%s: so many have failed", order);
			is_int(rig.tally.n_outcomes[OUTCOME_OK], N_ITEMS - N_ITEMS / 7, "%s: so many are ok", order);
		}
		journaled_end();
	}
	bool is_right = ok(is_finished, "%s: after some lives it is finished", order);
	is_right = ok(is_output_right(is_ordered), "%s: each result stands in the output once", order) && is_right;
	char want[64];
	snprintf(want, sizeof want, ":, %u failed, finished", N_ITEMS / 7);
	is_right = ok(strstr(journaled_position(), want), "%s: and so the journal says", order) && is_right;
	if (!is_right)
		diag("again by ROTA_SEED=%llu; the journal: %s", (unsigned long long)seed, journaled_position());
}

int main(void)
{
	log_init(LOG_NORMAL);
	journaled_enter();
	test_going_over();
	test_nothing_is_begun_before();
	test_too_long(true);
	test_too_long(false);
	test_lives(true);
	test_lives(false);
	journaled_leave();
	return tap_done();
}
