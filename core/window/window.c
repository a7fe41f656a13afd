/* SPDX-License-Identifier: Apache-2.0 */
/* window - see window.h. */
#include "config.h"

#include "core/window/window.h"

#include <assert.h>
#include <stdlib.h>

void window_init(struct window *window, struct sink *sink, bool is_ordered, char delimiter, int ends_with)
{
	*window = (struct window){.is_ordered = is_ordered, .delimiter = delimiter, .ends_with = ends_with};
	window_use_sink(window, sink);
}

void window_use_sink(struct window *window, struct sink *sink)
{
	window->sink = sink;
	window->emitted_bytes = sink_written_bytes(sink);
}

void note_list_add(struct note_list *list, struct window_note *take_note)
{
	take_note->next = NULL;
	if (!list->end)
		list->end = &list->first;
	*list->end = take_note;
	list->end = &take_note->next;
}

static struct window_note *notes_take(struct note_list *notes)
{
	struct window_note *note = notes->first;
	if (note)
		notes->first = note->next;
	if (!notes->first)
		notes->end = NULL;
	return note;
}

struct note_list window_take_notes(struct window *window)
{
	struct note_list notes = window->left_notes;
	window->left_notes = (struct note_list){0};
	return notes;
}

static void notes_free(struct note_list *notes)
{
	struct window_note *note;
	while ((note = notes_take(notes)))
		free(note);
}

static void insert_behind(struct window *window, struct batch *older, struct batch *batch)
{
	batch->older = older;
	batch->newer = older ? older->newer : window->oldest;
	if (batch->older)
		batch->older->newer = batch;
	else
		window->oldest = batch;
	if (batch->newer)
		batch->newer->older = batch;
	else
		window->newest = batch;
	window->n_batches++;
}

static void remove_batch(struct window *window, struct batch *batch)
{
	if (batch->older)
		batch->older->newer = batch->newer;
	else
		window->oldest = batch->newer;
	if (batch->newer)
		batch->newer->older = batch->older;
	else
		window->newest = batch->older;
	window->n_batches--;
	window->held_bytes -= batch->results.len + batch->part.len;
	buf_fini(&batch->results);
	buf_fini(&batch->part);
	notes_free(&batch->notes);
	slice_drop(&batch->slice);
	free(batch);
}

void window_fini(struct window *window)
{
	while (window->oldest)
		remove_batch(window, window->oldest);
	window->pending = window->put_off = NULL;
	window->n_pending = 0;
	window->n_items = window->open_bytes = 0;
	notes_free(&window->left_notes);
}

static int leave(struct window *window, struct batch *batch, struct err *err);

/* What is open of a batch has changed. */
static void count_open(struct window *window, struct batch *batch)
{
	const struct slice *slice = &batch->slice;
	size_t open_bytes =
		batch->n_answered == slice->n_items ? 0 : slice->n_bytes - slice->n_bytes * batch->n_answered / slice->n_items;
	window->open_bytes += open_bytes - batch->open_bytes;
	batch->open_bytes = open_bytes;
}

/* What goes back is older than what was just read: the place is found from the front. */
static void insert_pending(struct window *window, struct batch *batch)
{
	struct batch **at = &window->pending;
	while (*at && (*at)->slice.seq < batch->slice.seq)
		at = &(*at)->next_pending;
	batch->next_pending = *at;
	*at = batch;
	batch->state = BATCH_PENDING;
	window->n_pending++;
}

int window_add(struct window *window, struct slice *take_slice, struct err *err)
{
	struct batch *batch = calloc(1, sizeof *batch);
	if (!batch) {
		slice_drop(take_slice);
		return err_set(err, ERR_RESOURCE, "out of memory");
	}
	batch->slice = *take_slice;
	*take_slice = (struct slice){0};
	batch->attempt = 1;
	insert_behind(window, window->newest, batch);
	insert_pending(window, batch);
	window->n_items += batch->slice.n_items;
	count_open(window, batch);
	return 0;
}

int window_add_done(struct window *window, struct slice *take_slice, struct note_list *take_notes, struct err *err)
{
	struct batch *batch = calloc(1, sizeof *batch);
	struct window_note *note;
	if (!batch) {
		slice_drop(take_slice);
		notes_free(take_notes);
		return err_set(err, ERR_RESOURCE, "out of memory");
	}
	batch->slice = *take_slice;
	*take_slice = (struct slice){0};
	batch->state = BATCH_DONE;
	batch->n_answered = batch->slice.n_items;
	while ((note = notes_take(take_notes)))
		window_note(batch, note);
	insert_behind(window, window->newest, batch);
	return leave(window, batch, err);
}

void window_note(struct batch *batch, struct window_note *take_note)
{
	take_note->output_at = batch->results.len;
	note_list_add(&batch->notes, take_note);
}

uint64_t window_settled_seq(const struct window *window, uint64_t taken_items)
{
	const struct batch *oldest = window->oldest;
	return oldest ? oldest->slice.seq + oldest->n_answered - 1 : taken_items;
}

struct batch *window_next_pending(const struct window *window)
{
	return window->pending;
}

/* The batch keeps the first n_items; the rest becomes a batch of its own behind it, in no list yet. */
static struct batch *split(struct window *window, struct batch *batch, uint32_t n_items, struct err *err)
{
	struct batch *rest = calloc(1, sizeof *rest);
	if (!rest) {
		err_set(err, ERR_RESOURCE, "out of memory");
		return NULL;
	}
	struct slice first = slice_split(&batch->slice, n_items, window->delimiter);
	rest->slice = batch->slice;
	batch->slice = first;
	rest->attempt = batch->attempt;
	rest->n_suspected = batch->n_suspected;
	if (n_items == batch->n_answered) {
		rest->n_undone = batch->n_undone;
		batch->n_undone = 0;
	}
	insert_behind(window, batch, rest);
	count_open(window, batch);
	count_open(window, rest);
	return rest;
}

int window_cut(struct window *window, struct batch *batch, uint32_t n_items, struct err *err)
{
	assert(batch->state == BATCH_PENDING && n_items > 0);
	if (n_items >= batch->slice.n_items)
		return 0;
	struct batch *rest = split(window, batch, n_items, err);
	if (!rest)
		return -1;
	insert_pending(window, rest);
	return 0;
}

void window_send(struct window *window, struct batch *batch)
{
	assert(batch == window->pending);
	window->pending = batch->next_pending;
	window->n_pending--;
	batch->next_pending = NULL;
	batch->state = BATCH_OUT;
}

/* The first items of a batch, as a batch of their own in front of it, in no list. */
static struct batch *split_front(struct window *window, struct batch *batch, uint32_t n_items, struct err *err)
{
	struct batch *front = calloc(1, sizeof *front);
	if (!front) {
		err_set(err, ERR_RESOURCE, "out of memory");
		return NULL;
	}
	front->slice = slice_split(&batch->slice, n_items, window->delimiter);
	front->attempt = batch->attempt;
	insert_behind(window, batch->older, front);
	count_open(window, batch);
	count_open(window, front);
	return front;
}

static void put_off(struct window *window, struct batch *batch, int64_t not_before_ns)
{
	batch->attempt++;
	batch->n_suspected = batch->n_undone = 0;
	if (not_before_ns == 0) {
		insert_pending(window, batch);
		return;
	}
	struct batch **at = &window->put_off;
	while (*at && (*at)->not_before_ns <= not_before_ns)
		at = &(*at)->next_pending;
	batch->not_before_ns = not_before_ns;
	batch->state = BATCH_PENDING;
	batch->next_pending = *at;
	*at = batch;
}

int window_retry(struct window *window, struct batch *batch, int64_t not_before_ns, bool *ret_is_over, struct err *err)
{
	struct batch *done = NULL, *item = batch;
	assert(batch->state == BATCH_OUT && batch->n_answered < batch->slice.n_items);
	window_drop_part(window, batch);
	if (batch->n_answered > 0) {
		done = split_front(window, batch, batch->n_answered, err);
		if (!done)
			return -1;
		done->state = BATCH_DONE;
		done->n_answered = done->slice.n_items;
		done->results = batch->results;
		done->notes = batch->notes;
		batch->notes = (struct note_list){0};
		batch->results = (struct buf){0};
		batch->n_answered = 0;
		count_open(window, done);
		count_open(window, batch);
	}
	if (batch->slice.n_items > 1) {
		item = split_front(window, batch, 1, err);
		if (!item)
			return -1;
	}
	batch->n_undone = 0;
	put_off(window, item, not_before_ns);
	*ret_is_over = item == batch;
	return done ? leave(window, done, err) : 0;
}

void window_wake(struct window *window, int64_t now_ns)
{
	while (window->put_off && window->put_off->not_before_ns <= now_ns) {
		struct batch *batch = window->put_off;
		window->put_off = batch->next_pending;
		insert_pending(window, batch);
	}
}

int64_t window_due_ns(const struct window *window)
{
	return window->put_off ? window->put_off->not_before_ns : -1;
}

bool window_may_leave(const struct window *window, const struct batch *batch)
{
	return !window->is_ordered || batch == window->oldest;
}

/* Moves what a batch holds to the sink. */
static int let_leave(struct window *window, struct batch *batch, struct err *err)
{
	struct window_note *note;
	while ((note = notes_take(&batch->notes))) {
		note->output_at += window->emitted_bytes;
		note_list_add(&window->left_notes, note);
	}
	if (batch->results.len == 0)
		return 0;
	window->held_bytes -= batch->results.len;
	window->emitted_bytes += batch->results.len;
	return sink_append_buf(window->sink, &batch->results, err);
}

/* The batch is done: it leaves, and with it every one behind it that only waited for its turn. */
static int leave(struct window *window, struct batch *batch, struct err *err)
{
	while (batch && window_may_leave(window, batch)) {
		if (let_leave(window, batch, err) != 0)
			return -1;
		if (batch->state != BATCH_DONE)
			break;
		remove_batch(window, batch);
		batch = window->is_ordered ? window->oldest : NULL;
	}
	return 0;
}

/* What came as a part belongs to the results now. */
static int keep_part(struct batch *batch, struct err *err)
{
	struct buf *part = &batch->part;
	int result = 0;
	if (part->len == 0)
		return 0;
	if (batch->results.len == 0) {
		struct buf empty = batch->results;
		batch->results = *part;
		*part = empty;
	} else {
		if (buf_append(&batch->results, part->bytes, part->len) != 0)
			result = err_set(err, ERR_RESOURCE, "out of memory");
		else
			buf_fini(part);
	}
	return result;
}

/* Memory that a worker can still write to: how it ends is no longer for it to say. */
static int emit(struct window *window, const char *bytes, size_t n_bytes, struct err *err)
{
	const char last = (char)window->ends_with;
	window->emitted_bytes += n_bytes;
	if (window->ends_with < 0)
		return sink_append(window->sink, bytes, n_bytes, err);
	return sink_append(window->sink, bytes, n_bytes - 1, err) == 0 ? sink_append(window->sink, &last, 1, err) : -1;
}

int window_give(struct window *window, struct batch *batch, const void *bytes, size_t n_bytes, uint32_t n_items,
                bool *ret_is_done, struct err *err)
{
	assert(batch->state == BATCH_OUT && n_items <= batch->slice.n_items - batch->n_answered);
	if (keep_part(batch, err) != 0)
		return -1;
	bool may_leave = window_may_leave(window, batch);
	if (may_leave && let_leave(window, batch, err) != 0)
		return -1;
	if (may_leave && n_bytes > 0) {
		if (emit(window, bytes, n_bytes, err) != 0)
			return -1;
	} else if (n_bytes > 0) {
		/* results are about as large as their items: room for all of the batch at once */
		size_t wanted = batch->results.len == 0 && batch->slice.n_bytes > n_bytes ? batch->slice.n_bytes : n_bytes;
		if (buf_reserve(&batch->results, wanted) != 0 || buf_append(&batch->results, bytes, n_bytes) != 0)
			return err_set(err, ERR_RESOURCE, "out of memory");
		if (window->ends_with >= 0)
			batch->results.bytes[batch->results.len - 1] = (char)window->ends_with;
		window->held_bytes += n_bytes;
	}
	batch->n_answered += n_items;
	batch->n_undone = 0;
	window->n_items -= n_items;
	count_open(window, batch);
	bool is_done = batch->n_answered == batch->slice.n_items;
	if (is_done) {
		batch->state = BATCH_DONE;
		if (leave(window, batch, err) != 0)
			return -1;
	}
	*ret_is_done = is_done;
	return 0;
}

int window_part(struct window *window, struct batch *batch, const void *bytes, size_t n_bytes, struct err *err)
{
	if (buf_append(&batch->part, bytes, n_bytes) != 0)
		return err_set(err, ERR_RESOURCE, "out of memory");
	window->held_bytes += n_bytes;
	return 0;
}

void window_drop_part(struct window *window, struct batch *batch)
{
	window->held_bytes -= batch->part.len;
	buf_fini(&batch->part);
}

int window_put_back(struct window *window, struct batch *batch, uint32_t from, struct err *err)
{
	assert(batch->state == BATCH_OUT && from >= batch->n_answered);
	if (from == batch->slice.n_items)
		return 0;
	if (from == batch->n_answered)
		window_drop_part(window, batch);
	if (from == 0) {
		insert_pending(window, batch);
		return 0;
	}
	struct batch *rest = split(window, batch, from, err);
	if (!rest)
		return -1;
	insert_pending(window, rest);
	if (batch->n_answered < from)
		return 0;
	batch->state = BATCH_DONE;
	return leave(window, batch, err);
}

uint64_t window_bytes(const struct window *window)
{
	return window->held_bytes + window->n_batches * sizeof(struct batch);
}
