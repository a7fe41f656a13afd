/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint - see checkpoint.h. */
#include "config.h"

#include "core/base/clock.h"
#include "core/resume/checkpoint.h"
#include "core/resume/note.h"

#include <stdlib.h>
#include <string.h>

#define INTERVAL_NS CLOCK_NS_PER_SEC
#define INTERVALS_A_SYNC 10       /* a pause of so many times what the last one took */
#define HELD_BYTES_MAX (8u << 20) /* of failures: then it's time at once */

void checkpoint_init(struct checkpoint *checkpoint, struct journal *journal, const char *job_name)
{
	*checkpoint = (struct checkpoint){.journal = journal, .job_name = job_name};
	digest_init(&checkpoint->taken);
	digest_init(&checkpoint->given);
}

void checkpoint_attach(struct checkpoint *checkpoint, struct window *window, struct sink *sink)
{
	checkpoint->window = window;
	checkpoint->sink = sink;
}

static void forget_position(struct checkpoint *checkpoint)
{
	note_free_all(&checkpoint->notes);
	journal_position_fini(&checkpoint->position);
	checkpoint->phase = CHECKPOINT_IDLE;
}

void checkpoint_fini(struct checkpoint *checkpoint)
{
	if (checkpoint->journal)
		forget_position(checkpoint);
	checkpoint->journal = NULL;
}

bool checkpoint_is_on(const struct checkpoint *checkpoint)
{
	return checkpoint->journal != NULL;
}

/* --- what an earlier run has done --------------------------------------------------------------------------------- */

static uint64_t n_unfinished(const struct journal_position *position)
{
	uint64_t n = 0;
	for (size_t i = 0; i < position->n_unfinished; i++)
		n += position->unfinished[i].last - position->unfinished[i].first + 1;
	return n;
}

static int count_failures(struct checkpoint *checkpoint, uint64_t n_outcomes[OUTCOME_COUNT], struct err *err)
{
	struct journal_cursor *cursor;
	struct journal_failure failure;
	const char *job;
	int result = -1;
	if (journal_list(&cursor, checkpoint->journal, checkpoint->job_name, JOURNAL_BY_SEQ, err) == 0)
		while ((result = journal_next(cursor, &job, &failure, err)) > 0)
			n_outcomes[outcome_of(failure.kind)]++;
	journal_cursor_close(&cursor);
	return result;
}

int checkpoint_load(struct checkpoint *checkpoint, struct tally *tally, struct journal_position *ret, struct err *err)
{
	uint64_t n_outcomes[OUTCOME_COUNT] = {0}, n_failures = 0;
	if (journal_read_position(checkpoint->journal, checkpoint->job_name, ret, err) != 0)
		return -1;
	if (count_failures(checkpoint, n_outcomes, err) != 0) {
		journal_position_fini(ret);
		return -1;
	}
	for (int i = OUTCOME_OK + 1; i < OUTCOME_COUNT; i++) {
		tally->n_outcomes[i] = checkpoint->n_failures[i] = n_outcomes[i];
		n_failures += n_outcomes[i];
	}
	uint64_t n_finished = ret->taken_items - n_unfinished(ret);
	tally->n_outcomes[OUTCOME_OK] = n_finished - n_failures;
	tally->n_before = n_finished;
	return 0;
}

void checkpoint_take_output(struct checkpoint *checkpoint, const struct digest_state *there)
{
	checkpoint->given = *there;
}

/* --- what comes in ------------------------------------------------------------------------------------------------ */

void checkpoint_take_input(struct checkpoint *checkpoint, const struct slice *slice)
{
	if (!checkpoint->journal)
		return;
	digest_add(&checkpoint->taken, slice->bytes, slice->n_bytes);
	checkpoint->taken_items += slice->n_items;
}

struct digest checkpoint_digest(const struct checkpoint *checkpoint)
{
	return digest_value(&checkpoint->taken);
}

int checkpoint_note(struct checkpoint *checkpoint, const struct failure *failure, struct window_note **ret,
                    struct err *err)
{
	*ret = NULL;
	if (!checkpoint->journal)
		return 0;
	struct note *note = note_of_failure(failure);
	if (!note)
		return err_set(err, ERR_RESOURCE, "out of memory");
	checkpoint->held_bytes += note->n_bytes;
	*ret = &note->link;
	return 0;
}

/* --- the position ------------------------------------------------------------------------------------------------- */

/* Items first to last have no outcome yet; they come in their order. */
static int add_unfinished(struct journal_position *position, size_t *n_room, uint64_t first, uint64_t last)
{
	struct journal_range *end = position->unfinished + position->n_unfinished;
	if (position->n_unfinished > 0 && end[-1].last + 1 == first) {
		end[-1].last = last;
		return 0;
	}
	if (position->n_unfinished == *n_room) {
		size_t more = *n_room ? 2 * *n_room : 16;
		void *grown = reallocarray(position->unfinished, more, sizeof *position->unfinished);
		if (!grown)
			return -1;
		position->unfinished = grown;
		*n_room = more;
	}
	position->unfinished[position->n_unfinished++] = (struct journal_range){first, last};
	return 0;
}

/* Ordered: all behind what is settled; unordered: what is in the window and not answered. */
static int find_unfinished(const struct checkpoint *checkpoint, struct journal_position *position)
{
	const struct window *window = checkpoint->window;
	size_t n_room = 0;
	int result = 0;
	if (window->is_ordered) {
		uint64_t settled = window_settled_seq(window, checkpoint->taken_items);
		if (settled < checkpoint->taken_items)
			result = add_unfinished(position, &n_room, settled + 1, checkpoint->taken_items);
		return result;
	}
	for (const struct batch *batch = window->oldest; batch && result == 0; batch = batch->newer) {
		uint64_t first = batch->slice.seq + batch->n_answered;
		if (batch->n_answered < batch->slice.n_items)
			result = add_unfinished(position, &n_room, first, batch->slice.seq + batch->slice.n_items - 1);
	}
	return result;
}

static int note_position(struct checkpoint *checkpoint, bool is_finished, struct err *err)
{
	struct journal_position *position = &checkpoint->position;
	struct window *window = checkpoint->window;
	*position = (struct journal_position){.taken_items = checkpoint->taken_items,
	                                      .taken_digest = digest_value(&checkpoint->taken),
	                                      .output_bytes = window->emitted_bytes,
	                                      .output_digest = digest_value(&checkpoint->given),
	                                      .is_finished = is_finished};
	if (find_unfinished(checkpoint, position) != 0)
		return err_set(err, ERR_RESOURCE, "out of memory");
	checkpoint->notes = window_take_notes(window);
	for (int i = OUTCOME_OK + 1; i < OUTCOME_COUNT; i++)
		position->n_failed += checkpoint->n_failures[i];
	for (const struct window_note *note = checkpoint->notes.first; note; note = note->next)
		position->n_failed++;
	position->n_ok = position->taken_items - n_unfinished(position) - position->n_failed;
	checkpoint->phase = CHECKPOINT_WRITING;
	return 0;
}

static int put_failures(struct checkpoint *checkpoint, struct err *err)
{
	struct note *note;
	int result = 0;
	while (result == 0 && (note = note_take(&checkpoint->notes))) {
		const struct journal_failure failure = note_failure(note);
		result = journal_add_failure(checkpoint->journal, checkpoint->job_name, &failure, err);
		checkpoint->n_failures[outcome_of(note->cause.kind)]++;
		checkpoint->held_bytes -= note->n_bytes;
		free(note);
	}
	return result;
}

static int commit(struct checkpoint *checkpoint, bool is_lasting, struct err *err)
{
	struct journal *journal = checkpoint->journal;
	int64_t begin_ns = clock_now_ns();
	int result = -1;
	if (sink_sync(checkpoint->sink, err) == 0 && journal_begin(journal, is_lasting, err) == 0 &&
	    put_failures(checkpoint, err) == 0 &&
	    journal_put_position(journal, checkpoint->job_name, &checkpoint->position, err) == 0 &&
	    journal_commit(journal, err) == 0)
		result = 0;
	int64_t end_ns = clock_now_ns(), pause_ns = INTERVALS_A_SYNC * (end_ns - begin_ns);
	checkpoint->due_ns = end_ns + (pause_ns > INTERVAL_NS ? pause_ns : INTERVAL_NS);
	forget_position(checkpoint);
	return result;
}

/* --- when --------------------------------------------------------------------------------------------------------- */

/* Is there anything that the journal doesn't know? */
static bool has_news(const struct checkpoint *checkpoint)
{
	return checkpoint->taken_items != checkpoint->committed_taken ||
	       checkpoint->window->emitted_bytes != checkpoint->committed_bytes || checkpoint->window->left_notes.first ||
	       checkpoint->window->n_items != checkpoint->committed_window_items;
}

static int begin(struct checkpoint *checkpoint, bool is_finished, struct err *err)
{
	checkpoint->committed_taken = checkpoint->taken_items;
	checkpoint->committed_bytes = checkpoint->window->emitted_bytes;
	checkpoint->committed_window_items = checkpoint->window->n_items;
	return note_position(checkpoint, is_finished, err);
}

/* The results up to the position are with the operating system: then the rest can follow. */
static int go_on(struct checkpoint *checkpoint, struct err *err)
{
	if (sink_written_bytes(checkpoint->sink) < checkpoint->position.output_bytes)
		return 0;
	return commit(checkpoint, false, err);
}

int checkpoint_step(struct checkpoint *checkpoint, int64_t now_ns, struct err *err)
{
	if (!checkpoint->journal)
		return 0;
	sink_sync_soon(checkpoint->sink);
	bool is_time = now_ns >= checkpoint->due_ns || checkpoint->held_bytes > HELD_BYTES_MAX;
	if (checkpoint->phase == CHECKPOINT_IDLE && (!is_time || !has_news(checkpoint)))
		return 0;
	if (checkpoint->phase == CHECKPOINT_IDLE && begin(checkpoint, false, err) != 0)
		return -1;
	enum sink_state state = sink_flush(checkpoint->sink, true, err);
	return state == SINK_FAILED || state == SINK_GONE ? 0 : go_on(checkpoint, err);
}

int64_t checkpoint_due_ns(const struct checkpoint *checkpoint)
{
	if (!checkpoint->journal || checkpoint->phase != CHECKPOINT_IDLE || !has_news(checkpoint))
		return -1;
	return checkpoint->due_ns;
}

int checkpoint_begin_anew(struct checkpoint *checkpoint, struct err *err)
{
	return begin(checkpoint, false, err) != 0 ? -1 : commit(checkpoint, true, err);
}

int checkpoint_finish(struct checkpoint *checkpoint, bool is_finished, struct err *err)
{
	if (!checkpoint->journal)
		return 0;
	if (checkpoint->phase == CHECKPOINT_WRITING && go_on(checkpoint, err) != 0)
		return -1;
	return begin(checkpoint, is_finished, err) != 0 ? -1 : go_on(checkpoint, err);
}
