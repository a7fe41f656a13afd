/* SPDX-License-Identifier: Apache-2.0 */
/* window: order, what leaves when, splitting and putting back; against a simple model with random histories. */
#include "config.h"

#include "core/window/window.h"

#include "core/base/clock.h"
#include "tests/core/rig.h"
#include "tests/tap.h"

static struct rig rig;
static bool is_done;

static struct window *window(void)
{
	return &rig.window;
}

static struct batch *send(uint32_t n_items)
{
	struct batch *batch = rig_add(&rig, n_items);
	while (batch != window_next_pending(window()))
		window_send(window(), window_next_pending(window()));
	window_send(window(), batch);
	return batch;
}

static void give(struct batch *batch, const char *results, uint32_t n_items)
{
	must(window_give(window(), batch, results, strlen(results), n_items, &is_done, &rig.err) == 0);
}

static void part(struct batch *batch, const char *bytes)
{
	must(window_part(window(), batch, bytes, strlen(bytes), &rig.err) == 0);
}

static void is_empty(const char *what)
{
	is_int(window()->n_batches, 0, "%s: no batch is left", what);
	is_int(window()->n_items, 0, "%s: no item", what);
	is_int(window()->held_bytes, 0, "%s: no byte", what);
	is_int(window()->open_bytes, 0, "%s: nor one of an item", what);
	is_int(window()->n_pending, 0, "%s: nothing to do", what);
	ok(!window()->oldest && !window()->newest && !window()->pending, "%s: all lists end", what);
	is_int(window_bytes(window()), 0, "%s: no memory", what);
}

static void test_ordered(void)
{
	rig_init(&rig, 1, true, "a\nb\nc\nd\ne\nf\n");
	struct batch *ab = send(2), *cd = send(2), *ef = send(2);
	is_int(window()->n_items, 6, "six items are out");
	ok(window_may_leave(window(), ab) && !window_may_leave(window(), cd), "only the oldest may leave");
	give(cd, "C\nD\n", 2);
	ok(is_done, "the second is done");
	is_int(window()->n_batches, 3, "and waits");
	is_int(window()->held_bytes, 4, "with its bytes");
	give(ef, "E\n", 1);
	ok(!is_done, "half of the third");
	is_str(rig_output(&rig), "", "nothing has left");
	give(ab, "A\n", 1);
	is_str(rig_output(&rig), "A\n", "the first leaves at once");
	give(ab, "B\n", 1);
	is_str(rig_output(&rig), "A\nB\nC\nD\nE\n", "and what waited behind it, too");
	is_int(window()->held_bytes, 0, "nothing is held");
	give(ef, "F\n", 1);
	is_str(rig_output(&rig), "A\nB\nC\nD\nE\nF\n", "the last");
	is_int(window()->emitted_bytes, 12, "all bytes are counted");
	is_empty("ordered");
	rig_fini(&rig);
}

static void test_unordered(void)
{
	rig_init(&rig, 1, false, "a\nb\nc\nd\n");
	struct batch *ab = send(2), *cd = send(2);
	ok(window_may_leave(window(), ab) && window_may_leave(window(), cd), "all may leave");
	give(cd, "C\n", 1);
	part(ab, "A");
	is_str(rig_output(&rig), "C\n", "what is whole leaves");
	is_int(window()->held_bytes, 1, "what isn't stays");
	give(cd, "D\n", 1);
	give(ab, "\nB\n", 2);
	is_str(rig_output(&rig), "C\nD\nA\nB\n", "a part goes before the rest of its result");
	is_empty("unordered");
	rig_fini(&rig);
}

static void test_parts(void)
{
	rig_init(&rig, 1, true, "a\nb\nc\n");
	struct batch *a = send(1), *bc = send(2);
	part(bc, "B");
	part(bc, "b");
	give(bc, "b\n", 1);
	part(bc, "void");
	is_int(window()->held_bytes, 8, "results and a part are held");
	window_drop_part(window(), bc);
	is_int(window()->held_bytes, 4, "a dropped part isn't");
	window_drop_part(window(), bc);
	is_int(window()->held_bytes, 4, "dropping it again is nothing");
	part(bc, "C");
	give(bc, "\n", 1);
	part(a, "AAA");
	give(a, "", 1);
	is_str(rig_output(&rig), "AAABbb\nC\n", "parts in their places");
	is_empty("parts");
	rig_fini(&rig);
}

/* A note, with a name that is to be found again. */
struct named {
	struct window_note note;
	char name;
};

static struct window_note *note_of(char name)
{
	struct named *named = malloc(sizeof *named);
	must(named);
	*named = (struct named){.name = name};
	return &named->note;
}

/* "a0 b7": the notes that have left, each with its place in the output. */
static const char *notes_that_left(void)
{
	static char text[128];
	size_t n = 0;
	text[0] = '\0';
	while (window()->left_notes.first) {
		struct named *named = (struct named *)(void *)window()->left_notes.first;
		window()->left_notes.first = named->note.next;
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%c%llu", n > 0 ? " " : "", named->name,
		                      (unsigned long long)named->note.output_at);
		free(named);
	}
	window()->left_notes.end = NULL;
	return text;
}

/* Each item's results are so many bytes as its letter stands in the alphabet; c, and then e, fail. */
static void test_notes(bool is_ordered)
{
	rig_init(&rig, 1, is_ordered, "a\nb\nc\nd\ne\nf\n");
	struct batch *ab = send(2), *cd = send(2), *ef = send(2);
	is_int(window_settled_seq(window(), 6), 0, "nothing is settled");
	window_note(ef, note_of('e'));
	give(ef, "", 1);
	window_note(cd, note_of('c'));
	give(cd, "", 1);
	is_str(notes_that_left(), is_ordered ? "" : "e0 c0",
	       is_ordered ? "notes wait for their turn" : "notes leave at once");
	give(cd, "DDDD", 1);
	give(ab, "A", 1);
	is_int(window_settled_seq(window(), 6), 1, "the first item is settled");
	give(ab, "BB", 1);
	if (is_ordered) {
		is_str(notes_that_left(), "c3 e7", "each with its place in the output");
		is_int(window_settled_seq(window(), 6), 5, "settled up to a failure");
	}
	struct note_list list = {0};
	struct slice slice;
	note_list_add(&list, note_of('x'));
	note_list_add(&list, note_of('y'));
	give(ef, "FFFFFF", 1);
	is_int(window_settled_seq(window(), 6), 6, "all is");
	ok(!feed_take(rig.feed, 1, 1, &slice), "there is no more");
	slice = (struct slice){.seq = 7, .n_items = 1};
	must(window_add_done(window(), &slice, &list, &rig.err) == 0);
	is_str(notes_that_left(), "x13 y13", "of an item that nobody had");
	is_empty("notes");
	rig_fini(&rig);
}

/* An item that is put off keeps its note, and those before it leave with theirs. */
static void test_notes_of_retries(void)
{
	bool is_over;
	rig_init(&rig, 1, true, "a\nb\nc\n");
	struct batch *abc = send(3);
	window_note(abc, note_of('a'));
	give(abc, "", 1);
	must(window_retry(window(), abc, 0, &is_over, &rig.err) == 0 && !is_over);
	is_str(notes_that_left(), "a0", "what stands before the item that is put off leaves");
	struct batch *b = window_next_pending(window());
	window_note(b, note_of('b'));
	window_send(window(), b);
	must(window_retry(window(), b, 0, &is_over, &rig.err) == 0 && is_over);
	window_send(window(), b);
	window_note(abc, note_of('c'));
	give(abc, "", 1);
	is_str(notes_that_left(), "", "what stands behind it waits");
	give(b, "B", 1);
	is_str(notes_that_left(), "b0 c1", "and leaves with it");
	is_empty("notes of retries");
	rig_fini(&rig);
}

/* A batch of four is put back at each place after so many answers. */
static void test_put_back(void)
{
	for (uint32_t n_answered = 0; n_answered <= 4; n_answered++) {
		for (uint32_t from = n_answered; from <= 4; from++) {
			char name[64];
			snprintf(name, sizeof name, "%u answered, put back from %u", n_answered, from);
			rig_init(&rig, 1, true, "0\n1\n2\n3\n4\n");
			struct batch *batch = send(4);
			struct batch *behind = send(1);
			batch->attempt = 3;
			batch->n_suspected = 1;
			give(behind, "4\n", 1);
			for (uint32_t i = 0; i < n_answered; i++)
				give(batch, (const char *[]){"0\n", "1\n", "2\n", "3\n"}[i], 1);
			if (n_answered == 4) {
				ok(is_done, "%s: it is gone before", name);
			} else {
				must(window_put_back(window(), batch, from, &rig.err) == 0);
				struct batch *rest = window_next_pending(window());
				is_int(rest ? rest->slice.n_items : 0, 4 - from, "%s: so many are to do again", name);
				for (uint32_t i = n_answered; i < from; i++)
					give(batch, (const char *[]){"0\n", "1\n", "2\n", "3\n"}[i], 1);
				if (rest) {
					is_int(rest->slice.seq, 1 + from, "%s: from the right one on", name);
					is_int(rest->attempt, 3, "%s: the attempt is the same", name);
					is_int(rest->n_suspected, 1, "%s: a suspect stays one", name);
					window_send(window(), rest);
					give(rest, &"0\n1\n2\n3\n"[2 * from], 4 - from);
				}
			}
			is_str(rig_output(&rig), "0\n1\n2\n3\n4\n", "%s: all in order", name);
			is_int(window()->held_bytes, 0, "%s: no byte is held", name);
			is_int(window()->n_batches + window()->n_items + window()->n_pending, 0, "%s: it is empty", name);
			rig_fini(&rig);
		}
	}
}

/* A worker was lost in the middle of a result that comes in parts, and nobody is charged: the item is run again. */
static void test_put_back_of_a_part(void)
{
	static const bool orders[] = {true, false};
	for (size_t i = 0; i < 2; i++) {
		const char *order = orders[i] ? "ordered" : "unordered";
		rig_init(&rig, 1, orders[i], "a\nb\n");
		struct batch *batch = send(2);
		part(batch, "half of ");
		must(window_put_back(window(), batch, 0, &rig.err) == 0);
		is_int(window()->held_bytes, 0, "%s: the part of an item that is put back isn't held", order);
		window_send(window(), window_next_pending(window()));
		part(batch, "A");
		give(batch, "\nB\n", 2);
		is_str(rig_output(&rig), "A\nB\n", "%s: nor stands it before the second attempt's result", order);
		is_empty(order);
		rig_fini(&rig);
		rig_init(&rig, 1, orders[i], "a\nb\nc\n");
		struct batch *first = send(1);
		batch = send(2);
		give(batch, "B\n", 1);
		part(batch, "half of ");
		must(window_put_back(window(), batch, 1, &rig.err) == 0);
		struct batch *rest = window_next_pending(window());
		window_send(window(), rest);
		give(rest, "C\n", 1);
		is_int(window()->held_bytes, orders[i] ? 4 : 0, "%s: behind an answered one, too", order);
		give(first, "A\n", 1);
		is_str(rig_output(&rig), orders[i] ? "A\nB\nC\n" : "B\nC\nA\n", "%s: and the result is whole", order);
		is_empty(order);
		rig_fini(&rig);
	}
}

/* The memory that results are read from is still the worker's: how they end is what was seen, not what stands there. */
static void test_ends(void)
{
	rig_init(&rig, 1, true, "a\nb\nc\n");
	struct batch *a = send(1), *b = send(1), *c = send(1);
	give(b, "B?", 1);
	part(c, "C");
	give(c, "?", 1);
	give(a, "A?", 1);
	is_str(rig_output(&rig), "A\nB\nC\n", "of what leaves at once, and of what is held");
	is_empty("ends");
	rig_fini(&rig);
	rig_init(&rig, 1, true, "a\nb\n");
	window_init(window(), rig.sink, true, '\n', -1);
	a = send(1), b = send(1);
	give(b, "B?", 1);
	give(a, "A?", 1);
	is_str(rig_output(&rig), "A?B?", "where results may end with anything they stay as they are");
	rig_fini(&rig);
}

/* Attempts that are put off come when it's their time, and not before; what had come of the result is void. */
static void test_retry(void)
{
	bool is_over;
	rig_init(&rig, 1, true, "a\nb\nc\n");
	struct batch *batch = send(3);
	part(batch, "half of ");
	must(window_retry(window(), batch, 300, &is_over, &rig.err) == 0 && !is_over);
	is_int(window()->held_bytes, 0, "what had come of the attempt isn't held");
	must(window_retry(window(), batch, 100, &is_over, &rig.err) == 0 && !is_over);
	must(window_retry(window(), batch, 200, &is_over, &rig.err) == 0 && is_over);
	is_int(window()->n_pending, 0, "nothing is pending yet");
	is_int(window_due_ns(window()), 100, "the earliest is the next, whichever was put off first");
	window_wake(window(), 99);
	is_int(window()->n_pending, 0, "nor just before its time");
	window_wake(window(), 100);
	is_int(window()->n_pending, 1, "then it is");
	is_int(window_next_pending(window())->slice.seq, 2, "and only that one");
	is_int(window_due_ns(window()), 200, "then the next in time");
	window_wake(window(), 1000);
	is_int(window()->n_pending, 3, "later all are");
	is_int(window_due_ns(window()), -1, "and none is put off any more");
	for (uint64_t seq = 1; (batch = window_next_pending(window())); seq++) {
		is_int(batch->slice.seq, seq, "item %llu", (unsigned long long)seq);
		is_int(batch->attempt, 2, "it's the second attempt");
		window_send(window(), batch);
		give(batch, "x\n", 1);
	}
	is_str(rig_output(&rig), "x\nx\nx\n", "each has one result");
	is_empty("retries");
	rig_fini(&rig);
}

static void test_cut(void)
{
	rig_init(&rig, 1, true, "a\nb\nc\nd\ne\n");
	struct batch *batch = rig_add(&rig, 5);
	must(window_cut(window(), batch, 9, &rig.err) == 0);
	must(window_cut(window(), batch, 5, &rig.err) == 0);
	is_int(window()->n_pending, 1, "cutting at or behind the end is nothing");
	must(window_cut(window(), batch, 2, &rig.err) == 0);
	is_int(window()->n_pending, 2, "two batches");
	is_int(batch->slice.n_items, 2, "the first has two");
	is_int(batch->next_pending->slice.n_items, 3, "the second has the rest");
	is_int(batch->next_pending->slice.seq, 3, "from the third item on");
	is_mem(batch->next_pending->slice.bytes, batch->next_pending->slice.n_bytes, "c\nd\ne\n", 6, "and its bytes");
	is_int(window()->n_items, 5, "five items as before");
	rig_fini(&rig);
	is_empty("an end with batches in it");
}

/* --- random histories against a model -------------------------------------------------------------------- */

#define N_ITEMS 400u

/* The model: what became of each item, and what must have left by now. */
static struct {
	bool has_outcome[N_ITEMS + 1];
	unsigned n_with_outcome;
	unsigned n_retries[N_ITEMS + 1];
	int64_t not_before_ns[N_ITEMS + 1], now_ns; /* of the next attempt */
	char unordered[16 * N_ITEMS];
} model;

static uint64_t state;

static uint32_t random_below(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % n;
}

/* An item's result: its number, doubled for some; every seventh has none. */
static size_t result_of(uint64_t seq, char text[32])
{
	const char *more = seq % 3 == 0 ? " and more" : "";
	return seq % 7 == 0 ? 0 : (size_t)snprintf(text, 32, "%llu%s\n", (unsigned long long)seq, more);
}

static void model_answer(uint64_t seq)
{
	char text[32];
	must(seq >= 1 && seq <= N_ITEMS && !model.has_outcome[seq]);
	model.has_outcome[seq] = true;
	model.n_with_outcome++;
	size_t n = result_of(seq, text);
	strncat(model.unordered, text, n);
}

static bool model_agrees(bool is_ordered, const char *seen)
{
	char want[16 * N_ITEMS] = "";
	if (!is_ordered)
		return strcmp(model.unordered, seen) == 0;
	for (uint64_t seq = 1; seq <= N_ITEMS && model.has_outcome[seq]; seq++) {
		char text[32];
		strncat(want, text, result_of(seq, text));
	}
	return strcmp(want, seen) == 0;
}

/* Batches that are out, as a worker would owe them; has_part: its next item has published the first byte. */
static struct {
	struct batch *batch;
	bool has_part;
} out[8];
static unsigned n_out;

static void random_send(void)
{
	struct batch *batch = window_next_pending(window());
	if (!batch || n_out == 8)
		return;
	if (random_below(3) == 0)
		must(window_cut(window(), batch, 1 + random_below(batch->slice.n_items), &rig.err) == 0);
	window_send(window(), batch);
	out[n_out].has_part = false;
	out[n_out++].batch = batch;
}

static void random_give(unsigned i)
{
	struct batch *batch = out[i].batch;
	uint32_t n = 1 + random_below(batch->slice.n_items - batch->n_answered);
	char bytes[32 * N_ITEMS];
	size_t n_bytes = 0;
	uint64_t seq = batch->slice.seq + batch->n_answered;
	for (uint32_t k = 0; k < n; k++) {
		char text[32];
		size_t n_text = result_of(seq + k, text), skipped = k == 0 && out[i].has_part && n_text > 0;
		memcpy(bytes + n_bytes, text + skipped, n_text - skipped);
		n_bytes += n_text - skipped;
		model_answer(seq + k);
	}
	must(window_give(window(), batch, bytes, n_bytes, n, &is_done, &rig.err) == 0);
	out[i].has_part = false;
	if (is_done)
		out[i] = out[--n_out];
}

static void random_part(unsigned i)
{
	char text[32];
	if (out[i].has_part || result_of(out[i].batch->slice.seq + out[i].batch->n_answered, text) == 0)
		return;
	must(window_part(window(), out[i].batch, text, 1, &rig.err) == 0);
	out[i].has_part = true;
}

static void random_put_back(unsigned i)
{
	struct batch *batch = out[i].batch;
	uint32_t n_left = batch->slice.n_items - batch->n_answered;
	uint32_t from = batch->n_answered + random_below(n_left + 1);
	bool stays = from > batch->n_answered;
	if (!stays)
		window_drop_part(window(), batch);
	must(window_put_back(window(), batch, from, &rig.err) == 0);
	if (!stays)
		out[i] = out[--n_out];
}

static void random_retry(unsigned i)
{
	struct batch *batch = out[i].batch;
	uint64_t seq = batch->slice.seq + batch->n_answered;
	int64_t not_before_ns = random_below(3) == 0 ? 0 : model.now_ns + random_below(5);
	bool is_over;
	model.n_retries[seq]++;
	model.not_before_ns[seq] = not_before_ns;
	must(window_retry(window(), batch, not_before_ns, &is_over, &rig.err) == 0);
	out[i].has_part = false;
	if (is_over)
		out[i] = out[--n_out];
}

/* Items that are to do: in their order, each in its own attempt, none before its time. */
static bool is_pending_right(void)
{
	uint64_t seq = 0;
	size_t n_pending = 0;
	for (const struct batch *batch = window()->pending; batch; batch = batch->next_pending, n_pending++)
		for (uint32_t i = 0; i < batch->slice.n_items; i++) {
			if (batch->slice.seq + i <= seq)
				return false;
			seq = batch->slice.seq + i;
			if (model.has_outcome[seq] || batch->attempt != model.n_retries[seq] + 1 ||
			    model.not_before_ns[seq] > model.now_ns)
				return false;
		}
	return n_pending == window()->n_pending;
}

/* Bytes of items that have no outcome: whole batches' exactly, of one that is begun no more than it has. */
static bool is_open_right(void)
{
	uint64_t least = 0, most = 0;
	for (const struct batch *batch = window()->oldest; batch; batch = batch->newer) {
		least += batch->n_answered == 0 ? batch->slice.n_bytes : 0;
		most += batch->n_answered == batch->slice.n_items ? 0 : batch->slice.n_bytes;
	}
	return window()->open_bytes >= least && window()->open_bytes <= most;
}

static bool run_history(bool is_ordered)
{
	char lines[16 * N_ITEMS] = "";
	memset(&model, 0, sizeof model);
	n_out = 0;
	for (unsigned i = 1; i <= N_ITEMS; i++)
		sprintf(lines + strlen(lines), "%u\n", i);
	rig_init(&rig, 1, is_ordered, lines);
	uint32_t n_added = 0;
	bool agrees = true;
	while (agrees && model.n_with_outcome < N_ITEMS) {
		uint32_t what = random_below(12), i = n_out ? random_below(n_out) : 0;
		if (what == 0 && n_added < N_ITEMS) {
			uint32_t n = 1 + random_below(N_ITEMS - n_added < 20 ? N_ITEMS - n_added : 20);
			rig_add(&rig, n);
			n_added += n;
		} else if (what <= 3) {
			random_send();
		} else if (n_out > 0 && what == 4) {
			random_put_back(i);
		} else if (n_out > 0 && what <= 6) {
			random_part(i);
		} else if (n_out > 0 && what == 7) {
			random_retry(i);
		} else if (what == 8) {
			window_wake(window(), ++model.now_ns);
			for (const struct batch *batch = window()->put_off; batch; batch = batch->next_pending)
				agrees = agrees && batch->not_before_ns > model.now_ns;
		} else if (n_out > 0) {
			random_give(i);
		}
		agrees = agrees && window()->n_items == n_added - model.n_with_outcome && is_open_right() && is_pending_right();
		if (agrees && random_below(16) == 0)
			agrees = model_agrees(is_ordered, rig_output(&rig));
	}
	agrees =
		agrees && model_agrees(is_ordered, rig_output(&rig)) && window()->n_batches == 0 && window()->held_bytes == 0;
	rig_fini(&rig);
	return agrees;
}

static void test_histories(void)
{
	const char *given = getenv("ROTA_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)clock_now_ns();
	for (int i = 0; i < 40; i++) {
		state = (seed + (uint64_t)i) * UINT64_C(0x9e3779b97f4a7c15) | 1;
		if (!ok(run_history(i % 2 == 0), "random history %d%s", i, i % 2 ? ", unordered" : ""))
			diag("again by ROTA_SEED=%llu", (unsigned long long)seed);
	}
}

int main(void)
{
	test_ordered();
	test_unordered();
	test_parts();
	test_notes(true);
	test_notes(false);
	test_notes_of_retries();
	test_put_back();
	test_put_back_of_a_part();
	test_ends();
	test_retry();
	test_cut();
	test_histories();
	return tap_done();
}
