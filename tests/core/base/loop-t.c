/* SPDX-License-Identifier: Apache-2.0 */
/* loop: who is called and who isn't, above all when call-backs take watches out. */
#include "config.h"

#include "core/base/loop.h"

#include "core/base/clock.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/time.h>

enum { N_BELLS = 5 };

struct bells {
	struct loop *loop;
	struct loop_watch *watches[N_BELLS]; /* malloc'ed, so that a call for a freed one is seen */
	int fds[N_BELLS];
	int n_calls;
	uint32_t events;
};

static void ring_all(struct bells *bells)
{
	for (int i = 0; i < N_BELLS; i++) {
		if (eventfd_write(bells->fds[i], 1) < 0)
			abort();
	}
}

static void bells_init(struct bells *bells, loop_ready_f *ready)
{
	struct err err;
	*bells = (struct bells){0};
	if (loop_create(&bells->loop, &err) < 0)
		abort();
	for (int i = 0; i < N_BELLS; i++) {
		bells->fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		bells->watches[i] = calloc(1, sizeof(*bells->watches[i]));
		if (bells->fds[i] < 0 || !bells->watches[i] ||
		    loop_add(bells->loop, bells->watches[i], bells->fds[i], EPOLLIN, ready, bells, NULL, &err) < 0)
			abort();
	}
}

static void bells_fini(struct bells *bells)
{
	for (int i = 0; i < N_BELLS; i++) {
		if (bells->watches[i])
			loop_remove(bells->loop, bells->watches[i]);
		free(bells->watches[i]);
		close(bells->fds[i]);
	}
	loop_destroy(&bells->loop);
}

static void count(struct loop_watch *watch, uint32_t events)
{
	struct bells *bells = watch->arg;
	eventfd_t value;
	bells->n_calls++;
	bells->events = events;
	if (eventfd_read(watch->fd, &value) < 0)
		abort();
}

static void test_calls(void)
{
	struct bells bells;
	struct err err;
	bells_init(&bells, count);
	is_int(loop_wait(bells.loop, 0, &err), 0, "nothing is ready");
	is_int(bells.n_calls, 0, "nobody is called");
	ring_all(&bells);
	is_int(loop_wait(bells.loop, -1, &err), N_BELLS, "all are ready");
	is_int(bells.n_calls, N_BELLS, "each is called");
	is_int(bells.events, EPOLLIN, "with its events");
	is_int(loop_modify(bells.loop, bells.watches[0], 0, &err), 0, "one is asked for nothing any more");
	ring_all(&bells);
	loop_wait(bells.loop, -1, &err);
	is_int(bells.n_calls, 2 * N_BELLS - 1, "and isn't called");
	is_int(loop_modify(bells.loop, bells.watches[0], EPOLLIN, &err), 0, "it is asked again");
	loop_wait(bells.loop, -1, &err);
	is_int(bells.n_calls, 2 * N_BELLS, "and called");
	loop_remove(bells.loop, bells.watches[1]);
	is_int(bells.watches[1]->fd, -1, "a removed one knows it");
	ring_all(&bells);
	loop_wait(bells.loop, -1, &err);
	is_int(bells.n_calls, 3 * N_BELLS - 1, "and isn't called");
	loop_remove(bells.loop, bells.watches[1]);
	is_int(bells.watches[1]->fd, -1, "removing it again is nothing");
	struct loop_watch blank = {0};
	is_int(loop_add(bells.loop, bells.watches[1], 0x7ffffff, EPOLLIN, count, NULL, NULL, &err), -1,
	       "no such descriptor");
	is_str(err.text, "cannot watch descriptor 134217727: Bad file descriptor", "and says so");
	loop_remove(bells.loop, &blank);
	is_int(blank.fd, 0, "a zeroed watch is in no loop");
	bells_fini(&bells);
	ok(!bells.loop, "destroy nulls");
	loop_destroy(&bells.loop);
	ok(!bells.loop, "destroy twice");
}

/* Whoever is called first takes all others out, frees them and itself. */
static void remove_all(struct loop_watch *watch, uint32_t events)
{
	struct bells *bells = watch->arg;
	bells->n_calls++;
	bells->events = events;
	for (int i = 0; i < N_BELLS; i++) {
		loop_remove(bells->loop, bells->watches[i]);
		free(bells->watches[i]);
		bells->watches[i] = NULL;
	}
}

/* Whoever is called first takes the others out and in again: their old events must not reach the new watches. */
static void renew_others(struct loop_watch *watch, uint32_t events)
{
	struct bells *bells = watch->arg;
	struct err err;
	eventfd_t value;
	bells->events = events;
	if (bells->n_calls++ > 0)
		return;
	for (int i = 0; i < N_BELLS; i++) {
		if (eventfd_read(bells->fds[i], &value) < 0)
			abort();
		if (bells->watches[i] == watch)
			continue;
		loop_remove(bells->loop, bells->watches[i]);
		if (loop_add(bells->loop, bells->watches[i], bells->fds[i], EPOLLIN, renew_others, bells, NULL, &err) < 0)
			abort();
	}
}

/* Whoever is called first asks all for nothing any more. */
static void silence_all(struct loop_watch *watch, uint32_t events)
{
	struct bells *bells = watch->arg;
	struct err err;
	bells->n_calls++;
	bells->events = events;
	for (int i = 0; i < N_BELLS; i++) {
		if (loop_modify(bells->loop, bells->watches[i], 0, &err) < 0)
			abort();
	}
}

static void test_changes_in_a_round(void)
{
	static const struct {
		loop_ready_f *ready;
		const char *what;
	} cases[] = {
		{remove_all, "removed and freed in its round"},
		{renew_others, "removed and added again in its round"},
		{silence_all, "silenced in its round"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bells bells;
		struct err err;
		bells_init(&bells, cases[i].ready);
		ring_all(&bells);
		is_int(loop_wait(bells.loop, -1, &err), N_BELLS, "a round: %s", cases[i].what);
		is_int(bells.n_calls, 1, "one call only: %s", cases[i].what);
		is_int(loop_wait(bells.loop, 0, &err), 0, "the next round");
		is_int(bells.n_calls, 1, "and none later: %s", cases[i].what);
		bells_fini(&bells);
	}
}

static void test_regular_file(void)
{
	struct bells bells;
	struct loop_watch watch = {.fd = -1};
	struct err err;
	bool is_always_ready = false;
	char name[TAP_PATH_BYTES];
	tap_template(name, "loop");
	int fd = mkostemp(name, O_CLOEXEC);
	unlink(name);
	bells_init(&bells, count);
	is_int(loop_add(bells.loop, &watch, fd, EPOLLIN, count, NULL, &is_always_ready, &err), 0, "a regular file");
	ok(is_always_ready, "is always ready");
	is_int(watch.fd, -1, "and not watched");
	is_int(loop_add(bells.loop, &watch, fd, EPOLLIN, count, NULL, NULL, &err), -1, "an error when nobody asks");
	loop_remove(bells.loop, bells.watches[0]);
	is_int(loop_add(bells.loop, bells.watches[0], bells.fds[0], EPOLLIN, count, &bells, &is_always_ready, &err), 0,
	       "an eventfd");
	ok(!is_always_ready, "isn't always ready");
	bells_fini(&bells);
	close(fd);
}

static void on_alarm(int number)
{
	(void)number;
}

static void test_time(void)
{
	struct bells bells;
	struct err err;
	bells_init(&bells, count);
	static const int64_t timeouts_ns[] = {1, 300000, 2 * CLOCK_NS_PER_MS + 1, 20 * CLOCK_NS_PER_MS};
	for (size_t i = 0; i < sizeof(timeouts_ns) / sizeof(timeouts_ns[0]); i++) {
		int64_t begin_ns = clock_now_ns();
		int result = loop_wait(bells.loop, timeouts_ns[i], &err);
		int64_t waited_ns = clock_now_ns() - begin_ns;
		is_int(result, 0, "a wait of %lld ns", (long long)timeouts_ns[i]);
		ok(waited_ns >= timeouts_ns[i], "isn't shorter than that (%lld ns)", (long long)waited_ns);
	}
	/* A second alarm follows, in case that the first came before the wait. */
	struct sigaction action = {.sa_handler = on_alarm}, before;
	struct itimerval soon = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &soon, NULL);
	is_int(loop_wait(bells.loop, -1, &err), 0, "a signal ends a wait for ever, without an error");
	is_int(bells.n_calls, 0, "and nobody is called");
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &before, NULL);
	ring_all(&bells);
	is_int(loop_wait(bells.loop, INT64_MAX, &err), N_BELLS, "the longest wait there is");
	is_int(bells.n_calls, N_BELLS, "ends when something is ready");
	bells_fini(&bells);
}

int main(void)
{
	test_calls();
	test_changes_in_a_round();
	test_regular_file();
	test_time();
	return tap_done();
}
