/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wake - see wake.h. What is compared: in glibc's new semaphore only the first 8 bytes (value and waiters) ever change;
 * the private flag behind them, which goes into the futex operation, and the rest never do.
 */
#include "config.h"

#include "shm/wake.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CHANGING_BYTES 8
#define STUCK_TICKS 4 /* the first may come at once: three intervals */

/* What the handlers need of the thread that is in wake_post. Initial-exec: touching it in a handler never allocates. */
struct post {
	sigjmp_buf back;
	volatile sig_atomic_t is_inside;
	volatile sig_atomic_t n_ticks;
	volatile sig_atomic_t n_posts, n_posts_seen; /* seen at the last tick */
	volatile sig_atomic_t is_ticking;
	bool has_timer;
	timer_t timer;
};
static _Thread_local struct post post __attribute__((tls_model("initial-exec")));

static pthread_once_t handlers_once = PTHREAD_ONCE_INIT;

static void on_abort(int signum)
{
	if (post.is_inside) {
		post.is_inside = 0;
		siglongjmp(post.back, 1);
	}
	/* somebody else's abort: as if we weren't there */
	signal(signum, SIG_DFL);
	raise(signum);
}

static void set_timer(long tick_ms)
{
	struct itimerspec when = {.it_value = {.tv_nsec = tick_ms * 1000000},
	                          .it_interval = {.tv_nsec = tick_ms * 1000000}};
	post.is_ticking = tick_ms > 0;
	timer_settime(post.timer, 0, &when, NULL);
}

/*
 * One tick says little: on a machine with too much to do, a thread may wait so long for a processor. After it, this
 * thread has one, and a post that isn't stuck ends before the next tick. When nothing was posted between two ticks,
 * the timer ends: two system calls a burst of posts, not two a post.
 */
static void on_timer(int signum)
{
	int saved_errno = errno;
	(void)signum;
	if (post.is_inside && ++post.n_ticks >= STUCK_TICKS) {
		post.is_inside = 0;
		siglongjmp(post.back, 1);
	}
	if (!post.is_inside && post.n_posts == post.n_posts_seen)
		set_timer(0);
	post.n_posts_seen = post.n_posts;
	errno = saved_errno;
}

static void install_handlers(void)
{
	struct sigaction action = {.sa_handler = on_abort, .sa_flags = SA_NODEFER};
	sigemptyset(&action.sa_mask);
	sigaction(SIGABRT, &action, NULL);
	action.sa_handler = on_timer;
	action.sa_flags |= SA_RESTART;
	sigaction(SIGRTMIN, &action, NULL);
}

static bool make_timer(void)
{
	if (post.has_timer)
		return true;
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	post.has_timer = timer_create(CLOCK_MONOTONIC, &event, &post.timer) == 0;
	return post.has_timer;
}

/* A post is counted before it is asked whether the timer ticks: then no tick in between ends it. */
static void keep_ticking(void)
{
	post.n_posts = (post.n_posts + 1) % SIG_ATOMIC_MAX;
	if (!post.is_ticking && make_timer())
		set_timer(WAKE_STUCK_MS / STUCK_TICKS);
}

/* Not inlined and without live locals: what a jump out of it would leave undefined isn't there. */
__attribute__((noinline)) static int post_contained(sem_t *sem)
{
	if (sigsetjmp(post.back, 0) != 0)
		return -1;
	post.n_ticks = 0;
	post.is_inside = 1;
	int result = sem_post(sem);
	post.is_inside = 0;
	/* EOVERFLOW: more posts than anybody can have asked for */
	return result;
}

int wake_init(struct wake *wake, void *shared_page, struct err *err)
{
	pthread_once(&handlers_once, install_handlers);
	wake->sem = shared_page;
	if (sem_init(wake->sem, 1, 0) != 0)
		return err_set_errno(err, ERR_RESOURCE, errno, "cannot create a semaphore");
	memcpy(&wake->pristine, wake->sem, sizeof wake->pristine);
	return 0;
}

void wake_fini(struct wake *wake)
{
	/* no sem_destroy: it does nothing in glibc, and whoever sleeps there is gone */
	wake->sem = NULL;
}

int wake_post(struct wake *wake)
{
	if (memcmp((const char *)wake->sem + CHANGING_BYTES, (const char *)&wake->pristine + CHANGING_BYTES,
	           sizeof wake->pristine - CHANGING_BYTES) != 0)
		return -1;
	keep_ticking();
	return post_contained(wake->sem);
}

void wake_wait(void *shared_page)
{
	while (sem_wait(shared_page) != 0 && errno == EINTR)
		;
}
