/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stepper - two threads of control that take turns in every way there is, up to so many switches: the real code, but
 * each atomic access, fence, post and bell of it is a step, before which the other may go on.
 *
 *	#include "tests/shm/stepper.h"   behind the system's headers, before rota's and the .c files to be stepped through
 *	stepper_explore(&scenario, n_switches_max)
 *
 * What the processors of the machine at hand do is hidden by luck and by their kind. So memory is a weak one here: what
 * a thread stores waits in a buffer of its own, and goes to memory in any order but that a release store (and what
 * follows a fence) follows all that was stored before, and two stores to one place keep theirs. A full fence, an
 * exchange and a system call empty it; so does waiting. At each switch each of these is tried: nothing goes, all goes,
 * one of the stores alone goes. A thread sees its own stores. Loads come in their order: a missing acquire isn't found.
 * Bytes that memcpy puts into shared memory are stores, too.
 *
 * A run is a list of choices; the next one differs in the last choice that has another value (depth first, no states
 * are kept: Godefroid, "Model checking for programming languages using VeriSoft", 1997; bounded by switches that
 * nobody has to make: Musuvathi and Qadeer, "Iterative context bounding", 2007).
 */
#ifndef TESTS_SHM_STEPPER_H
#define TESTS_SHM_STEPPER_H

#include "tests/tap.h"

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
#include <ucontext.h>

#define STEPPER_STACK_BYTES 65536
#define STEPPER_STORES_MAX 16
#define STEPPER_STORE_BYTES 64
#define STEPPER_STEPS_MAX 2000 /* of one run: it goes in circles */
#define STEPPER_CHOICES_MAX STEPPER_STEPS_MAX

typedef bool stepper_come_f(void);

struct stepper_store {
	unsigned char *at;
	size_t n_bytes;
	unsigned char bytes[STEPPER_STORE_BYTES];
	bool is_release;
};

struct stepper_thread {
	ucontext_t context;
	void (*run)(void);
	stepper_come_f *awaited; /* or NULL */
	bool has_ended, is_behind_fence;
	struct stepper_store stores[STEPPER_STORES_MAX];
	size_t n_stores;
	unsigned char stack[STEPPER_STACK_BYTES];
};

struct stepper_scenario {
	const char *what;
	void (*begin)(void);         /* everything as it was */
	void (*threads[2])(void);    /* the first one begins */
	const char *(*end)(void);    /* what is wrong, or NULL */
	const unsigned char *shared; /* where memcpy stores */
	size_t n_shared;
};

static struct {
	struct stepper_thread threads[2];
	unsigned now; /* which of them */
	ucontext_t main;
	const struct stepper_scenario *scenario;
	const char *failure;
	unsigned n_steps, n_switches, n_switches_max;
	/* the choices of this run, and how many there were of each */
	unsigned chosen[STEPPER_CHOICES_MAX], n_values[STEPPER_CHOICES_MAX], at_step[STEPPER_CHOICES_MAX];
	unsigned n_chosen, n_given;
	bool is_told; /* each step in a line */
} stepper;

/* Where: the place in shared memory. */
static void stepper_tell(const char *what, const volatile void *at, uint64_t value)
{
	const unsigned char *place = (const unsigned char *)(uintptr_t)at;
	if (stepper.is_told)
		diag("step %u, thread %u: %s %#lx: %#llx", stepper.n_steps, stepper.now, what,
		     (unsigned long)(place - stepper.scenario->shared), (unsigned long long)value);
}

/* --- choices ------------------------------------------------------------------------------------------------------ */

static unsigned stepper_choose(unsigned n_values)
{
	unsigned i = stepper.n_chosen;
	if (n_values < 2 || i == STEPPER_CHOICES_MAX)
		return 0;
	if (i >= stepper.n_given) {
		stepper.chosen[i] = 0;
		stepper.n_given = i + 1;
	}
	stepper.n_values[i] = n_values;
	stepper.at_step[i] = stepper.n_steps;
	stepper.n_chosen++;
	return stepper.chosen[i];
}

/* The choices of the next run; false: that was the last. */
static bool stepper_next(void)
{
	unsigned n = stepper.n_chosen;
	while (n > 0 && stepper.chosen[n - 1] + 1 == stepper.n_values[n - 1])
		n--;
	if (n == 0)
		return false;
	stepper.chosen[n - 1]++;
	stepper.n_given = n;
	return true;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static bool stepper_overlap(const struct stepper_store *one, const struct stepper_store *other)
{
	return one->at < other->at + other->n_bytes && other->at < one->at + one->n_bytes;
}

/* May the i-th go before those in front of it? */
static bool stepper_may_go(const struct stepper_thread *thread, size_t i)
{
	if (i > 0 && thread->stores[i].is_release)
		return false;
	for (size_t k = 0; k < i; k++)
		if (stepper_overlap(&thread->stores[k], &thread->stores[i]))
			return false;
	return true;
}

static void stepper_let_go(struct stepper_thread *thread, size_t i)
{
	struct stepper_store *store = &thread->stores[i];
	stepper_tell("in memory", store->at, store->bytes[0]);
	memcpy(store->at, store->bytes, store->n_bytes);
	memmove(store, store + 1, (--thread->n_stores - i) * sizeof *store);
}

static void stepper_flush(struct stepper_thread *thread)
{
	while (thread->n_stores > 0)
		stepper_let_go(thread, 0);
	thread->is_behind_fence = false;
}

/* Of the buffer when its thread is switched away from: nothing, all, or one store alone. */
static unsigned stepper_ways(const struct stepper_thread *thread)
{
	unsigned n = thread->n_stores > 0 ? 2 : 1;
	for (size_t i = 0; thread->n_stores > 1 && i < thread->n_stores; i++)
		n += stepper_may_go(thread, i);
	return n;
}

static void stepper_go(struct stepper_thread *thread, unsigned way)
{
	if (way == 1)
		stepper_flush(thread);
	for (size_t i = 0; way > 1 && i < thread->n_stores; i++)
		if (stepper_may_go(thread, i) && way-- == 2)
			stepper_let_go(thread, i);
}

/* --- turns -------------------------------------------------------------------------------------------------------- */

static struct stepper_thread *stepper_self(void)
{
	return &stepper.threads[stepper.now];
}

/* Never returns. */
static void stepper_fail(const char *failure)
{
	stepper.failure = failure;
	setcontext(&stepper.main);
}

static bool stepper_can_run(const struct stepper_thread *thread)
{
	return !thread->has_ended && (!thread->awaited || thread->awaited());
}

static void stepper_switch(void)
{
	struct stepper_thread *from = stepper_self();
	stepper.now = !stepper.now;
	swapcontext(&from->context, &stepper_self()->context);
}

/* Before each step: it may be the other's turn. */
static void stepper_step(void)
{
	struct stepper_thread *self = stepper_self();
	if (++stepper.n_steps > STEPPER_STEPS_MAX)
		stepper_fail("they go in circles");
	if (stepper.n_switches == stepper.n_switches_max || !stepper_can_run(&stepper.threads[!stepper.now]))
		return;
	unsigned way = stepper_choose(1 + stepper_ways(self));
	if (way == 0)
		return;
	stepper.n_switches++;
	stepper_go(self, way - 1);
	stepper_switch();
}

/* Nothing is left to do here but to wait. */
static void stepper_await(stepper_come_f *awaited)
{
	struct stepper_thread *self = stepper_self(), *other = &stepper.threads[!stepper.now];
	stepper_step();
	stepper_flush(self);
	while (!awaited()) {
		self->awaited = awaited;
		if (!stepper_can_run(other))
			stepper_fail(other->has_ended ? "one waits for ever, the other has ended" : "both wait for ever");
		stepper_switch();
	}
	self->awaited = NULL;
}

/* A pause: the other gets on, if it can. */
static void stepper_pause(void)
{
	if (++stepper.n_steps > STEPPER_STEPS_MAX)
		stepper_fail("they go in circles");
	stepper_flush(stepper_self());
	if (stepper_can_run(&stepper.threads[!stepper.now]))
		stepper_switch();
}

static void stepper_run_thread(void)
{
	struct stepper_thread *self = stepper_self();
	self->run();
	stepper_flush(self);
	self->has_ended = true;
	if (stepper.threads[!stepper.now].has_ended)
		setcontext(&stepper.main);
	if (!stepper_can_run(&stepper.threads[!stepper.now]))
		stepper_fail("one waits for ever, the other has ended");
	stepper_switch();
}

static bool stepper_run(const struct stepper_scenario *scenario)
{
	volatile bool has_run = false;
	stepper.failure = NULL;
	stepper.n_steps = stepper.n_switches = stepper.n_chosen = stepper.now = 0;
	scenario->begin();
	for (int i = 0; i < 2; i++) {
		struct stepper_thread *thread = &stepper.threads[i];
		thread->run = scenario->threads[i];
		thread->awaited = NULL;
		thread->has_ended = thread->is_behind_fence = false;
		thread->n_stores = 0;
		getcontext(&thread->context);
		thread->context.uc_stack.ss_sp = thread->stack;
		thread->context.uc_stack.ss_size = sizeof thread->stack;
		thread->context.uc_link = NULL;
		makecontext(&thread->context, stepper_run_thread, 0);
	}
	getcontext(&stepper.main);
	if (!has_run) {
		has_run = true;
		setcontext(&stepper.threads[0].context);
	}
	if (!stepper.failure)
		stepper.failure = scenario->end();
	return !stepper.failure;
}

/* One line of TAP. A failure shows the switches that led to it, by the step at which they were made. */
__attribute__((unused)) static bool stepper_explore(const struct stepper_scenario *scenario, unsigned n_switches_max)
{
	unsigned long n_runs = 0;
	bool is_right;
	stepper.scenario = scenario;
	stepper.n_switches_max = n_switches_max;
	stepper.n_given = 0;
	do {
		is_right = stepper_run(scenario);
		n_runs++;
	} while (is_right && stepper_next());
	ok(is_right, "%s: however they take turns, up to %u switches", scenario->what, n_switches_max);
	diag("%lu runs", n_runs);
	if (!is_right) {
		diag("%s, after %u steps", stepper.failure, stepper.n_steps);
		stepper.is_told = true;
		stepper_run(scenario);
		stepper.is_told = false;
	}
	for (unsigned i = 0; !is_right && i < stepper.n_chosen; i++)
		if (stepper.chosen[i] > 0)
			diag("switched before step %u, %s", stepper.at_step[i],
			     stepper.chosen[i] == 1   ? "with all stores waiting"
			     : stepper.chosen[i] == 2 ? "with all stores in memory"
			                              : "with one store in memory");
	return is_right;
}

/* --- what the code does ------------------------------------------------------------------------------------------- */

static void stepper_put(void *at, const void *bytes, size_t n_bytes, bool is_release)
{
	struct stepper_thread *self = stepper_self();
	if (self->n_stores == STEPPER_STORES_MAX)
		stepper_let_go(self, 0);
	struct stepper_store *store = &self->stores[self->n_stores++];
	*store = (struct stepper_store){.at = at, .n_bytes = n_bytes, .is_release = is_release || self->is_behind_fence};
	memcpy(store->bytes, bytes, n_bytes);
}

static uint64_t stepper_load(const volatile void *object, size_t n_bytes)
{
	const struct stepper_thread *self = stepper_self();
	uint64_t value = 0;
	stepper_step();
	for (size_t i = self->n_stores; i > 0; i--)
		if (self->stores[i - 1].at == object && self->stores[i - 1].n_bytes == n_bytes) {
			memcpy(&value, self->stores[i - 1].bytes, n_bytes);
			stepper_tell("load (its own)", object, value);
			return value;
		}
	memcpy(&value, (const void *)(uintptr_t)object, n_bytes);
	stepper_tell("load", object, value);
	return value;
}

static void stepper_store(volatile void *object, size_t n_bytes, uint64_t value, memory_order order)
{
	stepper_step();
	stepper_tell("store", object, value);
	stepper_put((void *)(uintptr_t)object, &value, n_bytes, order != memory_order_relaxed);
}

static void stepper_fence(memory_order order)
{
	stepper_step();
	stepper_tell("fence", stepper.scenario->shared, order);
	if (order == memory_order_seq_cst)
		stepper_flush(stepper_self());
	else if (order == memory_order_release || order == memory_order_acq_rel)
		stepper_self()->is_behind_fence = true;
}

static bool stepper_exchange(volatile void *object, size_t n_bytes, void *expected, uint64_t desired)
{
	stepper_step();
	stepper_flush(stepper_self());
	stepper_tell("exchange", object, desired);
	if (memcmp((const void *)(uintptr_t)object, expected, n_bytes) != 0) {
		memcpy(expected, (const void *)(uintptr_t)object, n_bytes);
		return false;
	}
	memcpy((void *)(uintptr_t)object, &desired, n_bytes);
	return true;
}

/* Small pieces are stores; a large one is many, and goes at once. */
static void *stepper_copy(void *to, const void *from, size_t n_bytes)
{
	const unsigned char *at = to;
	bool is_shared = stepper.scenario && at >= stepper.scenario->shared &&
	                 at < stepper.scenario->shared + stepper.scenario->n_shared;
	if (!is_shared || n_bytes > STEPPER_STORE_BYTES)
		return memmove(to, from, n_bytes);
	stepper_put(to, from, n_bytes, false);
	return to;
}

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_thread_fence
#undef atomic_compare_exchange_strong_explicit
#define atomic_load_explicit(object, order) ((__typeof__(*(object) + 0))stepper_load((object), sizeof *(object)))
#define atomic_store_explicit(object, value, order) \
	stepper_store((object), sizeof *(object), (uint64_t)(value), (order))
#define atomic_thread_fence(order) stepper_fence(order)
#define atomic_compare_exchange_strong_explicit(object, expected, desired, success, failure) \
	stepper_exchange((object), sizeof *(object), (expected), (desired))
#undef memcpy
#define memcpy(to, from, n_bytes) stepper_copy((to), (from), (n_bytes))
#define clock_nanosleep(clock, flags, time, left) ((void)(time), stepper_pause())

#endif
