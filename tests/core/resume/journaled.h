/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journaled - a rig whose job keeps a journal and has an output with a name, both in a folder of the test's own: one
 * life of a run after another, each of which goes on from what the journal says.
 *
 *	journaled_enter, journaled_leave               the folder
 *	journaled_anew                                 nothing was ever run
 *	journaled_begin(n_workers, is_ordered, text, max_item_bytes)   a life; the items come as they are let (rig_let)
 *	journaled_turn, journaled_commit               the supervisor's turn; a checkpoint, at once
 *	journaled_end                                  the end of a life, as by a kill: nothing more is written
 *	journaled_position, journaled_output           what is there
 */
#ifndef TESTS_CORE_RESUME_JOURNALED_H
#define TESTS_CORE_RESUME_JOURNALED_H

#include "core/resume/checkpoint.h"
#include "core/resume/note.h"
#include "core/resume/resume.h"
#include "tests/core/rig.h"

static struct rig rig;
static struct journal *journal;
static char journaled_folder[TAP_PATH_BYTES];
static char journaled_file[TAP_BESIDE_BYTES], journaled_out[TAP_BESIDE_BYTES];
static struct digest_state journaled_prefix; /* of the output, as the journal has it */

static void journaled_enter(void)
{
	tap_template(journaled_folder, "journaled");
	must(mkdtemp(journaled_folder));
	snprintf(journaled_file, sizeof journaled_file, "%s/j", journaled_folder);
	snprintf(journaled_out, sizeof journaled_out, "%s/out", journaled_folder);
}

static void journaled_leave(void)
{
	journal_close(&journal);
	must(unlink(journaled_file) == 0);
	unlink(journaled_out);
	ok(rmdir(journaled_folder) == 0, "nothing is left");
}

static void journaled_anew(void)
{
	static const struct journal_key key = {"rig", "plugin", "upper"};
	struct err err;
	journal_close(&journal);
	unlink(journaled_file);
	unlink(journaled_out);
	must(journal_create(&journal, journaled_file, &key, 1, &err) == 0);
}

/* The rig has this sink; take_sink. */
static void journaled_use_sink(struct sink *sink)
{
	sink_close(&rig.sink);
	rig.sink = sink;
	window_use_sink(&rig.window, sink);
	checkpoint_attach(&rig.checkpoint, &rig.window, sink);
}

/* The output in a string that is good until the next call. */
__attribute__((unused)) static const char *journaled_output(void)
{
	static char *text;
	free(text);
	int fd = open(journaled_out, O_RDONLY | O_CLOEXEC);
	must(fd >= 0);
	text = rig_read(fd);
	close(fd);
	return text;
}

static void journaled_begin(unsigned n_workers, bool is_ordered, const char *text, int64_t max_item_bytes)
{
	struct endpoint output = {.kind = ENDPOINT_LINES, .argument = journaled_out};
	struct journal_position position;
	struct sink *sink;
	rig_init(&rig, n_workers, is_ordered, "");
	rig_hold(&rig, text, max_item_bytes);
	checkpoint_init(&rig.checkpoint, journal, "rig");
	must(checkpoint_load(&rig.checkpoint, &rig.tally, &position, &rig.err) == 0);
	uint64_t n_bytes = position.output_bytes;
	if (position.taken_items == 0)
		must(sink_open(&sink, &output, &rig.err) == 0);
	else
		must(sink_reopen(&sink, &output, n_bytes, false, &rig.err) == 0 && sink_cut(sink, &rig.err) == 0);
	digest_init(&journaled_prefix);
	if (n_bytes > 0)
		digest_add(&journaled_prefix, journaled_output(), n_bytes);
	must(digest_is_equal(digest_value(&journaled_prefix), position.output_digest) || position.taken_items == 0);
	checkpoint_take_output(&rig.checkpoint, &journaled_prefix);
	sink_keep_digest(sink, &rig.checkpoint.given);
	journaled_use_sink(sink);
	resume_init(&rig.resume, &position);
}

static void journaled_end(void)
{
	resume_fini(&rig.resume);
	checkpoint_fini(&rig.checkpoint);
	rig_fini(&rig);
}

/* What dispatch_step gives. */
__attribute__((unused)) static int journaled_turn(void)
{
	rig_collect(&rig);
	crew_poll(&rig.crew);
	int result = dispatch_step(&rig.dispatch, false, &rig.err);
	crew_flush_wakes(&rig.crew);
	return result;
}

/* Turns until nothing more is done, or something goes wrong (-1). */
__attribute__((unused)) static int journaled_settle(void)
{
	const int turns_max = 100000;
	int result = 1;
	for (int i = 0; result > 0; i++) {
		must(i < turns_max);
		result = journaled_turn();
	}
	return result;
}

__attribute__((unused)) static void journaled_commit(void)
{
	rig.checkpoint.due_ns = 0;
	must(checkpoint_step(&rig.checkpoint, 1, &rig.err) == 0);
	must(rig.checkpoint.phase == CHECKPOINT_IDLE);
}

/* "taken 8, output 3: 2-4 7-7, 1 failed, finished" */
__attribute__((unused)) static const char *journaled_position(void)
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

/* --- items by hand: who does what is the test's ------------------------------------------------------------------ */

/* The next n_items, which were let, go into the window and to somebody. */
__attribute__((unused)) static struct batch *journaled_take(uint32_t n_items)
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

__attribute__((unused)) static void journaled_give(struct batch *batch, const char *results, uint32_t n_items)
{
	bool is_done;
	must(window_give(&rig.window, batch, results, strlen(results), n_items, &is_done, &rig.err) == 0);
}

__attribute__((unused)) static void journaled_fail(struct batch *batch)
{
	struct window_note *note;
	struct failure failure = {.seq = batch->slice.seq + batch->n_answered,
	                          .item = "item",
	                          .item_bytes = 4,
	                          .attempts = 1,
	                          .cause = {.kind = CAUSE_DIED, .wait_status = 11, .worker = 1}};
	must(checkpoint_note(&rig.checkpoint, &failure, &note, &rig.err) == 0 && note);
	window_note(batch, note);
	journaled_give(batch, "", 1);
}

#endif
