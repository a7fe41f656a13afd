/* SPDX-License-Identifier: Apache-2.0 */
/* crash: what a worker says when a fault ends it, and by what it ends. Each worker is a child of this test. */
#include "config.h"

#include "core/worker/crash.h"

#include "tests/shm/ends.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true /* its own handlers for some signals stay, and it has its own words */
#else
#define IS_SANITIZED false
#endif

#define SEQ 41 /* of the first item; the second is in hand */

static volatile int *volatile nowhere;
static volatile int n_survived; /* written behind a call, so that the caller stays on the stack */

/* Compiled without the sanitizers, which would tell of the fault, and may go on after it. */
__attribute__((noinline, no_sanitize("undefined", "address"))) static void touch_nothing(void)
{
	*nowhere = 1;
}

__attribute__((noinline)) static void touch_what_is_cut(void)
{
	int fd = memfd_create("cut", MFD_CLOEXEC);
	must(fd >= 0 && ftruncate(fd, 4096) == 0);
	volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(page != MAP_FAILED && ftruncate(fd, 0) == 0);
	page[0] = 1;
}

__attribute__((noinline)) static int overflow(volatile char *above)
{
	int (*volatile deeper)(volatile char *) = overflow;
	volatile char here[4096];
	here[0] = above[0];
	return deeper(here) + here[0];
}

static void overflow_stack(void)
{
	volatile char top[1] = {0};
	overflow(top);
}

__attribute__((noinline)) static void give_up(void)
{
	abort();
}

static void raise_trap(void)
{
	raise(SIGTRAP);
	n_survived++;
}

static void raise_fpe(void)
{
	raise(SIGFPE);
	n_survived++;
}

static void raise_ill(void)
{
	raise(SIGILL);
	n_survived++;
}

static void raise_sys(void)
{
	raise(SIGSYS);
	n_survived++;
}

/* Everything that malloc has is garbage. */
static void touch_nothing_after_heap(void)
{
	char *heap = malloc(64);
	must(heap);
	char *end = sbrk(0);
	for (char *at = (char *)((uintptr_t)heap & ~(uintptr_t)4095); at < end; at++)
		*(volatile char *)at = (char)0xa5;
	touch_nothing();
}

static void *touch_in_thread(void *arg)
{
	touch_nothing();
	return arg;
}

static void touch_nothing_in_thread(void)
{
	pthread_t thread;
	must(pthread_create(&thread, NULL, touch_in_thread, NULL) == 0);
	pthread_join(thread, NULL);
}

static void ignore_signals(void)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	touch_nothing();
}

static pthread_barrier_t is_locked;

static int hold_for_ever(struct dl_phdr_info *object, size_t n_bytes, void *arg)
{
	(void)object, (void)n_bytes, (void)arg;
	pthread_barrier_wait(&is_locked);
	while (pause() < 0)
		;
	return 0;
}

static void *hold_loader(void *arg)
{
	dl_iterate_phdr(hold_for_ever, NULL);
	return arg;
}

/* The names of functions can't be had then. */
static void touch_nothing_while_loading(void)
{
	pthread_t thread;
	pthread_barrier_init(&is_locked, NULL, 2);
	must(pthread_create(&thread, NULL, hold_loader, NULL) == 0);
	pthread_barrier_wait(&is_locked);
	touch_nothing();
}

static void touch_nothing_with_full_pipe(void)
{
	int flags = fcntl(STDERR_FILENO, F_GETFL);
	fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
	while (write(STDERR_FILENO, "x", 1) == 1)
		;
	fcntl(STDERR_FILENO, F_SETFL, flags);
	touch_nothing();
}

/* --- a worker ----------------------------------------------------------------------------------------------------- */

struct worker {
	struct ends ends;
	pid_t pid;
	int words_fd;
	int status;
	bool is_dying; /* as the supervisor saw it at its end */
	char words[65536];
};

static struct sigaction abort_before; /* the supervisor's end of a channel takes this signal for itself */

static void open_channel(struct ends *ends)
{
	struct port_batch batch;
	ends_init(ends);
	must(ends_send(ends, SEQ, "a\nb\nc\n") == 0);
	must(port_next_batch(&ends->port, &batch, &ends->err) == 1);
}

/* As far below crash_init's caller as a worker's life is. */
__attribute__((noinline)) static void run_below(void (*run)(void))
{
	volatile char life[4096] = {0};
	run();
	n_survived += 1 + life[0];
}

_Noreturn static void live(struct worker *worker, unsigned n_begun, void (*before)(void), void (*run)(void))
{
	sigaction(SIGABRT, &abort_before, NULL);
	if (before)
		before();
	crash_init(&worker->ends.port);
	for (unsigned i = 0; i < n_begun; i++) {
		if (i > 0)
			port_answer(&worker->ends.port, 0, false);
		must(port_claim(&worker->ends.port));
	}
	run_below(run);
	_exit(0);
}

static void start(struct worker *worker, unsigned n_begun, void (*before)(void), void (*run)(void))
{
	int fds[2];
	open_channel(&worker->ends);
	must(pipe2(fds, O_CLOEXEC) == 0);
	worker->pid = fork();
	must(worker->pid >= 0);
	if (worker->pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		live(worker, n_begun, before, run);
	}
	close(fds[1]);
	worker->words_fd = fds[0];
}

/* What it still says is read after its end, so that a full pipe stays full. */
static void end(struct worker *worker)
{
	size_t n_bytes = 0;
	must(waitpid(worker->pid, &worker->status, 0) == worker->pid);
	for (ssize_t n; (n = read(worker->words_fd, worker->words + n_bytes, sizeof worker->words - 1 - n_bytes)) > 0;)
		n_bytes += (size_t)n;
	worker->words[n_bytes] = '\0';
	close(worker->words_fd);
	worker->is_dying = channel_is_dying(worker->ends.channel);
	ends_fini(&worker->ends);
}

static struct worker worker;

static bool says(const char *what)
{
	bool is_said = strstr(worker.words, what);
	if (!is_said)
		diag("it says: %s", worker.words);
	return is_said;
}

/* One that a sanitizer handles is the sanitizer's. */
static bool is_ours(int signum)
{
	struct sigaction now = abort_before;
	if (signum != SIGABRT)
		must(sigaction(signum, NULL, &now) == 0);
	return now.sa_handler == SIG_DFL;
}

static const struct {
	const char *name;
	void (*run)(void);
	int signum;
	const char *line;
	const char *function; /* with libbacktrace; NULL: none is promised */
} faults[] = {
	{"a null pointer", touch_nothing, SIGSEGV, "item 42: SIGSEGV at address 0x0\n", "  touch_nothing at "},
	{"behind a file's end", touch_what_is_cut, SIGBUS, "item 42: SIGBUS at address 0x", "  touch_what_is_cut at "},
	{"abort", give_up, SIGABRT, "item 42: SIGABRT\n", "  give_up at "},
	{"a trap", raise_trap, SIGTRAP, "item 42: SIGTRAP\n", "  raise_trap at "},
	{"a bad operation", raise_fpe, SIGFPE, "item 42: SIGFPE\n", "  raise_fpe at "},
	{"a bad instruction", raise_ill, SIGILL, "item 42: SIGILL\n", "  raise_ill at "},
	{"a bad system call", raise_sys, SIGSYS, "item 42: SIGSYS\n", "  raise_sys at "},
	{"no stack left", overflow_stack, SIGSEGV, "  the stack has overflowed\n", "  overflow at "},
	{"a broken heap", touch_nothing_after_heap, SIGSEGV, "item 42: SIGSEGV at address 0x0\n", "  touch_nothing at "},
	{"another thread", touch_nothing_in_thread, SIGSEGV, "item 42: SIGSEGV at address 0x0\n", "  touch_nothing at "},
	{"all signals blocked", ignore_signals, SIGSEGV, NULL, NULL},
};

static void test_faults(void)
{
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		if (!is_ours(faults[i].signum)) {
			skip("the sanitizer's handler stays");
			continue;
		}
		start(&worker, 2, NULL, faults[i].run);
		end(&worker);
		is_int(WIFSIGNALED(worker.status) ? WTERMSIG(worker.status) : 0, faults[i].signum, "%s: it dies by the signal",
		       faults[i].name);
		if (!faults[i].line)
			continue;
		ok(says(faults[i].line), "%s: signal, address and item are said", faults[i].name);
		ok(worker.is_dying, "%s: the supervisor can see it", faults[i].name);
#ifdef HAVE_LIBBACKTRACE
		ok(says(faults[i].function) && says("crash-t.c:"), "%s: function, file and line, too", faults[i].name);
#else
		ok(says("+0x"), "%s: files and offsets, too", faults[i].name);
#endif
	}
}

static void test_no_item(void)
{
	start(&worker, 0, NULL, give_up);
	end(&worker);
	ok(says("at no item: SIGABRT\n"), "before the first item none is named");
}

static void wait_for_signal(void)
{
	for (;;)
		pause();
}

static void tell_ready(void)
{
	must(write(STDERR_FILENO, "ready\n", 6) == 6);
	wait_for_signal();
}

static void test_sent(void)
{
	char byte, line[64];
	start(&worker, 1, NULL, tell_ready);
	must(read(worker.words_fd, &byte, 1) == 1);
	kill(worker.pid, SIGABRT);
	end(&worker);
	snprintf(line, sizeof line, "item 41: SIGABRT sent by process %d\n", (int)getpid());
	ok(says(line), "who sent the signal is said");
}

static void leave_by_7(int signum)
{
	(void)signum;
	_exit(7);
}

static void handle_abort(void)
{
	signal(SIGABRT, leave_by_7);
}

static void ignore_abort(void)
{
	signal(SIGTRAP, SIG_IGN);
}

static void test_others_handlers(void)
{
	start(&worker, 1, handle_abort, give_up);
	end(&worker);
	ok(WIFEXITED(worker.status) && WEXITSTATUS(worker.status) == 7, "a handler that is there stays");
	is_str(worker.words, "", "and nothing is said");
	start(&worker, 1, ignore_abort, raise_trap);
	end(&worker);
	ok(WIFEXITED(worker.status) && WEXITSTATUS(worker.status) == 0, "a signal that is ignored stays so");
}

static void fork_and_die(void)
{
	int status = 0;
	pid_t pid = fork();
	must(pid >= 0);
	if (pid == 0)
		abort();
	must(waitpid(pid, &status, 0) == pid);
	_exit(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void test_child(void)
{
	start(&worker, 1, NULL, fork_and_die);
	end(&worker);
	is_int(WEXITSTATUS(worker.status), SIGABRT, "a plugin's own child dies by its signal");
	is_str(worker.words, "", "and isn't the worker");
}

static void test_bound(void)
{
	static struct worker loading, full;
	if (IS_SANITIZED) {
		skip("the sanitizer needs the loader, too");
		return;
	}
	start(&loading, 2, NULL, touch_nothing_while_loading);
	start(&full, 2, NULL, touch_nothing_with_full_pipe);
	end(&loading);
	end(&full);
	is_int(WIFSIGNALED(loading.status) ? WTERMSIG(loading.status) : 0, SIGSEGV,
	       "held up by the loader, it dies by its signal");
	ok(strstr(loading.words, "item 42: SIGSEGV at address 0x0\n"), "after the first line");
	is_int(WIFSIGNALED(full.status) ? WTERMSIG(full.status) : 0, SIGSEGV,
	       "held up by a full pipe, it dies by its signal");
}

int main(void)
{
	must(sigaction(SIGABRT, NULL, &abort_before) == 0);
	test_faults();
	test_no_item();
	test_sent();
	test_others_handlers();
	test_child();
	test_bound();
	return tap_done();
}
