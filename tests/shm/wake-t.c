/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wake: who sleeps is woken; whatever stands in the semaphore, posting neither ends nor hangs the process. The
 * comparison with the pristine copy is got round here by changing that too, as a worker would by writing in the
 * nanoseconds after it.
 */
#include "config.h"

#include "shm/wake.h"

#include "core/base/clock.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define PAGE_BYTES 4096
#define PRIVATE_AT 8 /* glibc's private word, behind value and waiters */
#define POST_NS_MAX (2 * CLOCK_NS_PER_SEC)

static unsigned char *page;
static struct wake wake;
static struct err err;

static uint64_t state = 1;

static unsigned char random_byte(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned char)(state >> 33);
}

static void renew(void)
{
	memset(page, 0, PAGE_BYTES);
	must(wake_init(&wake, page, &err) == 0);
}

/* glibc says on standard error that it aborts: not here. */
static int hush(void)
{
	int old = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	must(old >= 0 && null >= 0 && dup2(null, STDERR_FILENO) >= 0 && close(null) == 0);
	return old;
}

static void unhush(int old)
{
	must(dup2(old, STDERR_FILENO) >= 0 && close(old) == 0);
}

/* A child that sleeps so many times, then ends with 0. */
static pid_t sleeper(int n_times)
{
	pid_t pid = fork();
	must(pid >= 0);
	if (pid > 0)
		return pid;
	for (int i = 0; i < n_times; i++)
		wake_wait(page);
	_exit(0);
}

static int status_of(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		must(errno == EINTR);
	return status;
}

static void test_wakes(void)
{
	renew();
	is_int(wake_post(&wake), 0, "posted before anybody sleeps");
	wake_wait(page);
	ok(true, "a sleep after a post ends at once");
	pid_t pid = sleeper(1000);
	int n_failed = 0;
	for (int i = 0; i < 1000; i++)
		n_failed += wake_post(&wake) != 0;
	is_int(n_failed, 0, "a thousand posts");
	is_int(status_of(pid), 0, "end a thousand sleeps in another process");
	pid = sleeper(1);
	/* it sleeps when the waiters' count says so; at the latest the post ends a sleep to come */
	must(usleep(1000) == 0);
	is_int(wake_post(&wake), 0, "one that sleeps");
	is_int(status_of(pid), 0, "is woken");
	wake_fini(&wake);
	ok(!wake.sem, "forgotten");
}

static void ignore(int signum)
{
	(void)signum;
}

/* A signal doesn't end a sleep. */
static void test_signal(void)
{
	renew();
	int ends[2];
	must(pipe(ends) == 0);
	pid_t pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		struct sigaction action = {.sa_handler = ignore};
		sigaction(SIGUSR1, &action, NULL);
		if (write(ends[1], "x", 1) != 1)
			_exit(2);
		wake_wait(page);
		_exit(0);
	}
	char byte;
	must(read(ends[0], &byte, 1) == 1);
	for (int i = 0; i < 100; i++)
		kill(pid, SIGUSR1);
	int status;
	is_int(waitpid(pid, &status, WNOHANG), 0, "after a hundred signals it sleeps on");
	wake_post(&wake);
	is_int(status_of(pid), 0, "until it is posted");
	close(ends[0]);
	close(ends[1]);
}

/* wake_post of what is there: 0 or -1, in time. */
static bool returns(int *ret_result)
{
	int64_t begin_ns = clock_now_ns();
	*ret_result = wake_post(&wake);
	return (*ret_result == 0 || *ret_result == -1) && clock_now_ns() - begin_ns < POST_NS_MAX;
}

static void test_garbage_is_refused(void)
{
	int n_returned = 0, n_refused = 0;
	for (int i = 0; i < 300; i++) {
		int result;
		renew();
		for (size_t k = 0; k < sizeof(sem_t); k++)
			page[k] = random_byte();
		n_returned += returns(&result);
		n_refused += result == -1;
	}
	is_int(n_returned, 300, "300 random contents: each post returns");
	is_int(n_refused, 300, "and says that it isn't the semaphore it was");
	renew();
	memset(page, 0, sizeof(sem_t));
	int result;
	ok(returns(&result) && result == -1, "all zeros, the commonest scribble, is refused");
	renew();
	memset(page, 0xff, PAGE_BYTES);
	ok(returns(&result) && result == -1, "all ones too");
}

/* The copy has the same garbage: the call is made. */
static void post_garbage(void)
{
	memcpy(&wake.pristine, page, sizeof wake.pristine);
}

static void test_garbage_is_contained(void)
{
	int n_returned = 0, old = hush();
	for (int i = 0; i < 300; i++) {
		int result;
		renew();
		for (size_t k = 0; k < sizeof(sem_t); k++)
			page[k] = random_byte();
		post_garbage();
		n_returned += returns(&result);
	}
	unhush(old);
	is_int(n_returned, 300, "300 random contents behind the comparison's back: each post returns");
}

/* Of some private words sem_post aborts, of some it waits for ever; with a waiter it always calls futex. */
static void test_private_words(void)
{
	int n_returned = 0, n_failed = 0, old = hush();
	for (int value = 0; value < 256; value++) {
		int result;
		const uint32_t word = (uint32_t)value, waiters = 1;
		renew();
		memcpy(page + 4, &waiters, sizeof waiters);
		memcpy(page + PRIVATE_AT, &word, sizeof word);
		post_garbage();
		n_returned += returns(&result);
		n_failed += result == -1;
	}
	unhush(old);
	is_int(n_returned, 256, "each private word from 0 to 255: the post returns");
	ok(n_failed > 100, "most of them were bad ones (%d)", n_failed);
	renew();
	is_int(wake_post(&wake), 0, "and a good semaphore works as before");
	wake_wait(page);
}

static void *post_in_thread(void *arg)
{
	int *n_returned = arg;
	for (int i = 0; i < 256; i += 3) {
		unsigned char mine[PAGE_BYTES] __attribute__((aligned(64))) = {0};
		struct wake own;
		struct err own_err;
		const uint32_t waiters = 1, word = (uint32_t)i;
		if (wake_init(&own, mine, &own_err) != 0)
			continue;
		memcpy(mine + 4, &waiters, sizeof waiters);
		memcpy(mine + PRIVATE_AT, &word, sizeof word);
		memcpy(&own.pristine, mine, sizeof own.pristine);
		int result = wake_post(&own);
		*n_returned += result == 0 || result == -1;
	}
	return NULL;
}

static void test_threads(void)
{
	pthread_t threads[3];
	int n_returned[3] = {0}, old = hush();
	for (int i = 0; i < 3; i++)
		must(pthread_create(&threads[i], NULL, post_in_thread, &n_returned[i]) == 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	unhush(old);
	for (int i = 0; i < 3; i++)
		is_int(n_returned[i], 86, "thread %d: each post returns", i + 1);
}

struct ticker {
	pthread_t poster;
	atomic_uint n_posts; /* written by the poster */
};

/* Two ticks for each post at the most: fewer than say that it's stuck. */
static void *tick(void *arg)
{
	struct ticker *ticker = arg;
	unsigned seen;
	for (unsigned last = 0; (seen = atomic_load(&ticker->n_posts)) != UINT_MAX;) {
		if (seen == last)
			continue;
		last = seen;
		pthread_kill(ticker->poster, SIGRTMIN);
	}
	return NULL;
}

/* A thread that waited long for its processor hears the timer in the middle of a post that is all right. */
static void test_late_tick(void)
{
	struct ticker ticker = {.poster = pthread_self()};
	const uint32_t waiters = 1; /* then it always calls futex */
	const unsigned n_posts = 50000;
	unsigned n_refused = 0;
	pthread_t thread;
	renew();
	memcpy(page + 4, &waiters, sizeof waiters);
	must(pthread_create(&thread, NULL, tick, &ticker) == 0);
	for (unsigned i = 1; i <= n_posts; i++) {
		n_refused += wake_post(&wake) != 0;
		atomic_store(&ticker.n_posts, i);
	}
	atomic_store(&ticker.n_posts, UINT_MAX);
	pthread_join(thread, NULL);
	is_int(n_refused, 0, "%u posts, and a tick in many of them: none is taken for stuck", n_posts);
}

/* Whose abort isn't ours dies of it, before and after a contained one. */
static void test_foreign_abort(void)
{
	for (int after = 0; after < 2; after++) {
		pid_t pid = fork();
		must(pid >= 0);
		if (pid == 0) {
			const struct rlimit none = {0, 0};
			setrlimit(RLIMIT_CORE, &none);
			hush();
			renew();
			if (after) {
				const uint32_t waiters = 1, word = 200;
				memcpy(page + 4, &waiters, sizeof waiters);
				memcpy(page + PRIVATE_AT, &word, sizeof word);
				post_garbage();
				if (wake_post(&wake) != -1)
					_exit(3);
			}
			raise(SIGABRT); /* abort would insist */
			_exit(4);
		}
		int status = status_of(pid);
		ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "a foreign abort%s ends the process by SIGABRT",
		   after ? " after a contained one" : "");
	}
}

int main(void)
{
#if defined(__SANITIZE_THREAD__)
	skip_all("the thread sanitizer puts signals off, so nothing gets out of a stuck call");
#endif
	page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(page != MAP_FAILED);
	test_wakes();
	test_signal();
	test_garbage_is_refused();
	test_garbage_is_contained();
	test_private_words();
	test_threads();
	test_late_tick();
	test_foreign_abort();
	munmap(page, PAGE_BYTES);
	return tap_done();
}
