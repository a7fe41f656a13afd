/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel and a worker process that answers single items: the worker sleeps before each, and we sleep before each
 * answer, so that a wake-up is needed in both directions each time. Nothing looks by time here, neither we nor the
 * worker: one that is lost is a hang, and ends the test. On one processor, and on two. A short pause of another length
 * each time moves the moment at which one falls asleep over the one at which the other posts.
 *
 * A million rounds each with ROTA_TESTS=sweep, 15,000 by themselves, 2,000 in the quick set.
 */
#include "config.h"

#include "shm/channel.h"

#include "ends.h"
#include "tests/tap.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define STUCK_SECONDS 30 /* nothing heard for so long: a wake-up was lost */
#define PAUSE_MAX 400    /* turns of an empty loop */

static pid_t worker;

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* From 0 to PAUSE_MAX, in an order of its own for each side. */
static void pause_for(unsigned long round, unsigned step)
{
	for (volatile unsigned i = (unsigned)(round * step % PAUSE_MAX); i > 0; i--)
		;
}

/* Of those that we may run on, from the first: the n-th, or -1. */
static int nth_cpu(int n)
{
	cpu_set_t cpus;
	must(sched_getaffinity(0, sizeof cpus, &cpus) == 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &cpus) && n-- == 0)
			return cpu;
	return -1;
}

static void stay_on(int cpu)
{
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	must(sched_setaffinity(0, sizeof cpus, &cpus) == 0);
}

__attribute__((noreturn)) static void live(int fd, int bell_fd)
{
	struct port port;
	struct port_batch batch;
	struct err err;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (port_attach(&port, fd, bell_fd, &err) != 0)
		_exit(98);
	port_set_state(&port, WORKER_READY);
	while (port_next_batch(&port, &batch, &err) == 1) {
		pause_for(batch.seq, 7);
		if (port_claim(&port)) {
			*port_out(&port) = *batch.bytes;
			port_answer(&port, 1, true);
		}
		port_end_batch(&port, 0);
	}
	_exit(0);
}

/* Sleeps without an end, as the run loop does when it has nothing else to wait for. */
static void sleep_until_rung(const struct channel *channel)
{
	struct pollfd watched = {.fd = channel->bell_fd, .events = POLLIN};
	uint64_t n_rung;
	while (poll(&watched, 1, -1) < 0)
		must(errno == EINTR);
	must(read(channel->bell_fd, &n_rung, sizeof n_rung) == sizeof n_rung || errno == EAGAIN);
}

/* Is it the wanted one, and alone? */
static bool await_answer(struct channel *channel, char wanted)
{
	uint64_t n_bytes;
	uint32_t n_items = 0;
	while (must(channel_look(channel, &n_bytes, &n_items) == 0), n_items == 0) {
		channel_sleep_begin(channel);
		atomic_thread_fence(memory_order_seq_cst);
		if (!channel_has_rung(channel, 1))
			sleep_until_rung(channel);
		channel_sleep_end(channel);
	}
	bool is_right = n_items == 1 && n_bytes == 1 && (char)*channel_data(channel) == wanted;
	channel_take(channel, n_bytes, n_items);
	channel_release(channel);
	return is_right;
}

/* Returns how many rounds came to their end. */
static unsigned long go_to_and_fro(struct channel *channel, unsigned long n_rounds, int64_t *ret_longest_ns)
{
	unsigned long n_done = 0;
	*ret_longest_ns = 0;
	for (unsigned long round = 1; round <= n_rounds; round++) {
		char item[] = {(char)('a' + round % 26), '\n'};
		const struct channel_batch batch = {.seq = round, .n_items = 1, .attempt = 1, .bytes = item, .n_bytes = 2};
		int64_t begin_ns = now_ns();
		if (round % 1000 == 1)
			alarm(STUCK_SECONDS);
		must(channel_send(channel, &batch) == 0);
		pause_for(round, 11);
		must(channel_wake(channel) == 0);
		n_done += await_answer(channel, item[0]);
		int64_t round_ns = now_ns() - begin_ns;
		*ret_longest_ns = round_ns > *ret_longest_ns ? round_ns : *ret_longest_ns;
	}
	return n_done;
}

static void on_alarm(int signum)
{
	static const char text[] = "Bail out! a wake-up was lost: nothing was heard of the worker\n";
	(void)signum;
	ssize_t n = write(STDOUT_FILENO, text, sizeof text - 1);
	(void)n;
	kill(worker, SIGKILL);
	_exit(EXIT_FAILURE);
}

static void try_on(int our_cpu, int its_cpu, const char *what, unsigned long n_rounds)
{
	struct ends ends;
	int status;
	ends_create(&ends);
	fflush(stdout);
	worker = fork();
	must(worker >= 0);
	if (worker == 0) {
		stay_on(its_cpu);
		live(dup(ends.channel->fd), dup(ends.channel->bell_fd));
	}
	stay_on(our_cpu);
	int64_t longest_ns;
	unsigned long n_done = go_to_and_fro(ends.channel, n_rounds, &longest_ns);
	is_int(n_done, n_rounds, "%s: each item has its answer, and none of as many times two wake-ups was lost", what);
	diag("the longest round: %.1f ms", (double)longest_ns / 1e6);
	must(channel_stop(ends.channel) == 0);
	must(waitpid(worker, &status, 0) == worker);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: told to stop, the worker leaves", what);
	alarm(0);
	channel_destroy(&ends.channel);
}

int main(void)
{
	const char *set = getenv("ROTA_TESTS");
	const bool is_quick = set && strcmp(set, "quick") == 0, is_sweep = set && strcmp(set, "sweep") == 0;
	const unsigned long n_rounds = is_quick ? 2000 : is_sweep ? 1000000 : 15000;
	const int one = nth_cpu(0), other = nth_cpu(1);
	signal(SIGALRM, on_alarm);
	try_on(one, one, "on one processor", n_rounds);
	if (other >= 0)
		try_on(one, other, "on two", n_rounds);
	else
		skip("there is one processor only");
	return tap_done();
}
