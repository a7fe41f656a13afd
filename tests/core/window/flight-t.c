/* SPDX-License-Identifier: Apache-2.0 */
/* flight: which items a worker holds, and what stays of them after each answer, attempt and end. */
#include "config.h"

#include "core/window/flight.h"
#include "tests/core/rig.h"
#include "tests/tap.h"

static struct rig rig;
static struct flight flight;

/* Batches of so many of the items "a" to "h" each, until a 0; all of them are in the flight. */
static void begin(const uint32_t *n_items)
{
	rig_init(&rig, 1, true, "a\nb\nc\nd\ne\nf\ng\nh\n");
	flight_init(&flight, &rig.window);
	for (; *n_items > 0; n_items++)
		flight_add(&flight, rig_add(&rig, *n_items));
}

#define BEGIN(...) begin((const uint32_t[]){__VA_ARGS__, 0})

static void end(void)
{
	rig_fini(&rig);
}

static void answer(const char *results, uint32_t n_items)
{
	must(flight_answer(&flight, results, strlen(results), n_items, &rig.err) == 0);
}

/* What is in it, and that its counts agree: "3 4|5" are items 3 and 4 of one batch, and 5 of another. */
static void holds(const char *wanted, const char *what)
{
	char text[128] = "";
	uint32_t place = 0, n_batches = 0;
	for (const struct batch *batch = flight.first; batch; batch = batch->next_owed, n_batches++)
		for (uint32_t i = batch->n_answered; i < batch->slice.n_items; i++) {
			size_t n = strlen(text);
			snprintf(text + n, sizeof text - n, "%s%llu",
			         i > batch->n_answered ? " "
			         : n > 0               ? "|"
			                               : "",
			         (unsigned long long)flight_seq(&flight, place++));
		}
	is_str(text, wanted, "%s", what);
	is_int(flight.n_items, place, "%s: so many items", what);
	is_int(flight.n_batches, n_batches, "%s: and batches", what);
	is_int(flight_is_empty(&flight), place == 0, "%s: is it empty", what);
	is_int((long long)flight_seq(&flight, place), 0, "%s: there are no more", what);
}

/* What nobody has, as above. */
static void pending(const char *wanted, const char *what)
{
	char text[128] = "";
	for (const struct batch *batch = rig.window.pending; batch; batch = batch->next_pending)
		for (uint32_t i = 0; i < batch->slice.n_items; i++) {
			size_t n = strlen(text);
			snprintf(text + n, sizeof text - n, "%s%llu",
			         i > 0   ? " "
			         : n > 0 ? "|"
			                 : "",
			         (unsigned long long)batch->slice.seq + i);
		}
	is_str(text, wanted, "%s", what);
}

static void test_answers(void)
{
	size_t n_bytes;
	BEGIN(2, 1, 3);
	holds("1 2|3|4 5 6", "three batches");
	is_int(flight_left_of_first(&flight), 2, "the first has two items");
	is_mem(flight_item(&flight, &n_bytes), 1, "a", 1, "the next is the first");
	is_int((long long)n_bytes, 1, "and so long");
	ok(flight_has_oldest(&flight), "it has what the output waits for");
	answer("A\n", 1);
	holds("2|3|4 5 6", "one is answered");
	is_mem(flight_item(&flight, &n_bytes), 1, "b", 1, "the next is another");
	answer("B\n", 1);
	holds("3|4 5 6", "a batch is");
	answer("C\n", 1);
	answer("D\nE\nF\n", 3);
	holds("", "all are");
	is_int(flight_left_of_first(&flight), 0, "then there is no first batch");
	ok(!flight_has_oldest(&flight), "nor an oldest");
	is_int(flight_suspicions(&flight), 0, "nor a suspect");
	is_str(rig_output(&rig), "A\nB\nC\nD\nE\nF\n", "the results are out");
	flight_add(&flight, rig_add(&rig, 2));
	holds("7 8", "and more may come");
	end();
}

static void test_parts(void)
{
	BEGIN(3);
	flight.is_in_part = true;
	answer("A\n", 1);
	is_int(flight.is_in_part, false, "the part belonged to the item that is answered");
	flight.is_in_part = true;
	must(flight_retry(&flight, 0, &rig.err) == 0);
	is_int(flight.is_in_part, false, "or that is tried again");
	end();
}

static void test_retry(void)
{
	BEGIN(3, 1);
	must(flight_retry(&flight, 0, &rig.err) == 0);
	holds("2 3|4", "one is tried again");
	pending("1", "by whoever is free");
	answer("B\nC\n", 2);
	holds("4", "the others go on");
	must(flight_retry(&flight, 0, &rig.err) == 0);
	holds("", "the last, too");
	pending("1|4", "each by itself");
	end();
}

static void test_keep(void)
{
	static const struct {
		const char *name;
		uint32_t n_answered, n_kept;
		const char *kept, *back;
	} cases[] = {
		{"all go", 0, 0, "", "1 2 3|4|5 6"},
		{"of a batch that has begun all that is left goes", 1, 0, "", "2 3|4|5 6"},
		{"one stays", 0, 1, "1", "2 3|4|5 6"},
		{"one of those left stays", 1, 1, "2", "3|4|5 6"},
		{"a batch stays", 0, 3, "1 2 3", "4|5 6"},
		{"two batches", 0, 4, "1 2 3|4", "5 6"},
		{"all but one", 0, 5, "1 2 3|4|5", "6"},
		{"all stay", 0, 6, "1 2 3|4|5 6", ""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *name = cases[i].name;
		BEGIN(3, 1, 2);
		if (cases[i].n_answered > 0)
			answer("A\n", cases[i].n_answered);
		must(flight_keep(&flight, cases[i].n_kept, &rig.err) == 0);
		holds(cases[i].kept, name);
		pending(cases[i].back, name);
		is_int(flight.is_cut_short, cases[i].n_kept > 0, "%s: may more be sent", name);
		while (!flight_is_empty(&flight))
			answer("x\n", 1);
		is_int(flight.is_cut_short, false, "%s: more may be sent when it is empty", name);
		end();
	}
}

static void test_blame(void)
{
	BEGIN(2, 2);
	answer("A\n", 1);
	must(flight_put_back(&flight, BLAME_NOBODY, &rig.err) == 0);
	holds("", "the worker is gone");
	pending("2|3 4", "what it held goes back");
	is_int(rig.window.pending->n_suspected, 0, "and is nobody's fault");
	end();

	BEGIN(2, 2);
	must(flight_put_back(&flight, BLAME_ALL, &rig.err) == 0);
	is_int(rig.window.pending->n_suspected, 1, "it was lost at an item that nobody knows: it may be the first");
	is_int(rig.window.pending->next_pending->n_suspected, 1, "or any");
	flight_add(&flight, rig.window.pending);
	is_int(flight_suspicions(&flight), 1, "which is known of who has it next");
	end();

	BEGIN(2, 2);
	for (unsigned n_times = 1; n_times <= 3; n_times++) {
		must(flight_put_back(&flight, BLAME_FIRST, &rig.err) == 0);
		struct batch *first = rig.window.pending;
		is_int(first->n_suspected, n_times == 3, "undone %u times: is it the first item's doing", n_times);
		is_int(first->slice.n_items, n_times == 3 ? 1 : 2, "then it is run alone");
		is_int(first->next_pending->n_suspected, 0, "and nobody else");
		while (n_times < 3 && rig.window.pending)
			flight_add(&flight, rig.window.pending);
	}
	end();
}

int main(void)
{
	test_answers();
	test_parts();
	test_retry();
	test_keep();
	test_blame();
	return tap_done();
}
