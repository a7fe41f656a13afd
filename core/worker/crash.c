/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash - see crash.h. All that runs in the handler is safe there even when the heap is broken: the lines are put
 * together on its stack, libgcc's unwinder and libbacktrace have their own memory (mmap) or none. Two things could
 * still hold it up, the loader's lock and a full pipe. What then comes, the alarm or a second fault, ends the process
 * by the first signal all the same.
 */
#include "config.h"

#include "core/worker/crash.h"
#include "core/worker/demangle.h"

#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

#ifdef HAVE_LIBBACKTRACE
#include <backtrace.h>
#endif

#define WORDS_S 2                     /* what the last words may take */
#define STACK_BYTES ((size_t)1 << 18) /* reading debug information needs some */
#define GUARD_BYTES ((size_t)1 << 16) /* one page at least, on every machine */
#define FRAMES_MAX 12
#define STACKS_MAX 16                   /* with names; what else there is has its item, signal and address */
#define NEAR_BYTES ((uintptr_t)1 << 16) /* a fault so close to the stack pointer is the stack's own */

static const struct {
	int signum;
	const char *name;
} signals[] = {
	{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGILL, "SIGILL"},   {SIGFPE, "SIGFPE"},
	{SIGABRT, "SIGABRT"}, {SIGSYS, "SIGSYS"}, {SIGTRAP, "SIGTRAP"},
};

/* Code: from start up to end, without it. */
struct range {
	uintptr_t start, end;
};

/* What the workers of a fork server have said together. Written by those that crash; a stray write costs words only. */
struct told {
	_Atomic uint32_t n_crashes;
	_Atomic uint32_t n_starts; /* of those that crashed before they had work */
	_Atomic bool has_told_start;
	_Atomic uint32_t n_outside; /* of those that crashed later, and outside of items */
	struct {
		_Atomic uint64_t hash; /* 0: free */
		_Atomic uint64_t seq;  /* of the item that had it first */
	} stacks[STACKS_MAX];
};

static struct {
	struct told *told; /* shared with the other workers; NULL: there are none */
	bool tells_all;
	struct range own, libc; /* whose frames tell nobody anything */
	const struct port *port;
	_Atomic uint32_t *is_dying; /* the supervisor's to see */
	pid_t pid;
	uintptr_t bottom;             /* of the stack: frames above it only led to the worker's life */
	_Atomic pid_t thread;         /* the first that crashed; 0: none */
	volatile sig_atomic_t signum; /* what ends the process */
} crash;

/* --- lines -------------------------------------------------------------------------------------------------------- */

struct words {
	size_t n;
	char text[512];
};

static void put_text(struct words *words, const char *text)
{
	while (*text && words->n < sizeof words->text - 1)
		words->text[words->n++] = *text++;
}

static void put_number(struct words *words, uint64_t number, unsigned base)
{
	char digits[24], *at = digits + sizeof digits;
	*--at = '\0';
	do
		*--at = "0123456789abcdef"[number % base];
	while ((number /= base) > 0);
	put_text(words, base == 16 ? "0x" : "");
	put_text(words, at);
}

/* A line that is cut or lost is no worse than what has happened already. */
static void end_line(struct words *words)
{
	words->text[words->n++] = '\n';
	ssize_t n = write(STDERR_FILENO, words->text, words->n);
	(void)n;
	words->n = 0;
}

/* --- where a program counter is ----------------------------------------------------------------------------------- */

#ifdef HAVE_LIBBACKTRACE
static struct backtrace_state *lookup;

static void on_lookup_error(void *data, const char *message, int errnum)
{
	(void)data, (void)message, (void)errnum;
}

static void put_function(struct words *words, const char *name)
{
	char readable[256];
	put_text(words, demangle(name, readable, sizeof readable) ? readable : name);
}

/* Reads nothing yet: that is done at the first question. */
static void prepare_names(void)
{
	lookup = backtrace_create_state(NULL, 0, on_lookup_error, NULL);
}

/* Once for each function that was inlined there, the innermost first. */
static int put_line(void *data, uintptr_t pc, const char *file, int line, const char *function)
{
	struct words *words = data;
	(void)pc;
	if (!function)
		return 0;
	put_text(words, words->n == 0 ? "  " : ", inlined in ");
	put_function(words, function);
	if (file) {
		put_text(words, " at ");
		put_text(words, file);
		put_text(words, ":");
		put_number(words, (uint64_t)line, 10);
	}
	return 0;
}

static void put_symbol(void *data, uintptr_t pc, const char *name, uintptr_t start, uintptr_t n_bytes)
{
	struct words *words = data;
	(void)n_bytes;
	if (!name)
		return;
	put_text(words, "  ");
	put_function(words, name);
	put_text(words, "+");
	put_number(words, pc - start, 16);
}

static void put_name(struct words *words, uintptr_t pc)
{
	if (!lookup)
		return;
	backtrace_pcinfo(lookup, pc, put_line, on_lookup_error, words);
	if (words->n == 0)
		backtrace_syminfo(lookup, pc, put_symbol, on_lookup_error, words);
}
#else
static void prepare_names(void)
{
}

static void put_name(struct words *words, uintptr_t pc)
{
	(void)words, (void)pc;
}
#endif

static bool holds(struct range range, uintptr_t pc)
{
	return pc - range.start < range.end - range.start;
}

struct place {
	uintptr_t pc;
	struct range object;
	const char *file; /* of the object that holds it; NULL: none does */
	uintptr_t offset; /* in it */
};

static int find_place(struct dl_phdr_info *object, size_t n_bytes, void *arg)
{
	struct place *place = arg;
	(void)n_bytes;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		uintptr_t start = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
		if (object->dlpi_phdr[i].p_type != PT_LOAD || place->pc - start >= object->dlpi_phdr[i].p_memsz)
			continue;
		place->file = object->dlpi_name && *object->dlpi_name ? object->dlpi_name : "rota-worker";
		place->offset = place->pc - object->dlpi_addr;
		place->object = (struct range){start, start + object->dlpi_phdr[i].p_memsz};
		return 1;
	}
	return 0;
}

/* The code that a function is part of. */
static struct range code_of(uintptr_t function)
{
	struct place place = {.pc = function};
	dl_iterate_phdr(find_place, &place);
	return place.object;
}

/* A function and a line of source; else what addr2line takes: a file and an offset. */
static void say_place(uintptr_t pc)
{
	struct words words = {0};
	put_name(&words, pc);
	if (words.n == 0) {
		struct place place = {.pc = pc};
		dl_iterate_phdr(find_place, &place);
		put_text(&words, "  ");
		put_text(&words, place.file ? place.file : "at no code, ");
		put_text(&words, place.file ? "+" : "");
		put_number(&words, place.file ? place.offset : pc, 16);
	}
	end_line(&words);
}

/* --- the stack ---------------------------------------------------------------------------------------------------- */

struct walk {
	uintptr_t pcs[FRAMES_MAX];
	size_t n;
	uintptr_t innermost;
	uintptr_t stack_pointer; /* of the innermost; 0: not reached */
};

/*
 * The handler's own frames come first; the one that a signal interrupted is the first whose counter is exact. What
 * counts begins behind the C library's (abort, strlen), and none of it is the worker's own.
 */
static _Unwind_Reason_Code take_frame(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;
	int is_exact = 0;
	uintptr_t pc = _Unwind_GetIPInfo(context, &is_exact);
	uintptr_t stack_pointer = _Unwind_GetCFA(context);
	if (walk->stack_pointer == 0 && !is_exact)
		return _URC_NO_REASON;
	/* the call, not what stands behind it */
	if (!is_exact && pc != 0)
		pc--;
	if (walk->stack_pointer == 0) {
		walk->stack_pointer = stack_pointer;
		walk->innermost = pc;
	} else if (walk->n == FRAMES_MAX || stack_pointer >= crash.bottom) {
		return _URC_NORMAL_STOP;
	}
	if (!holds(crash.own, pc) && !(walk->n == 0 && holds(crash.libc, pc)))
		walk->pcs[walk->n++] = pc;
	return _URC_NO_REASON;
}

static void take_stack(struct walk *walk)
{
	_Unwind_Backtrace(take_frame, walk);
	/* nothing but the C library, or ourselves: better than nothing */
	if (walk->n == 0 && walk->stack_pointer != 0)
		walk->pcs[walk->n++] = walk->innermost;
}

/* FNV-1a, never 0. */
static uint64_t hash_of(const struct walk *walk)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < walk->n * sizeof walk->pcs[0]; i++)
		hash = (hash ^ ((const unsigned char *)walk->pcs)[i]) * UINT64_C(0x100000001b3);
	return hash | 1;
}

/* 1: it is the first with that stack; 0: *ret_seq is the item that was (0: none); -1: there are too many stacks. */
static int is_new(const struct walk *walk, uint64_t seq, uint64_t *ret_seq)
{
	uint64_t hash = hash_of(walk);
	*ret_seq = 0;
	for (size_t i = 0; i < STACKS_MAX; i++) {
		uint64_t seen = 0;
		if (atomic_compare_exchange_strong(&crash.told->stacks[i].hash, &seen, hash)) {
			atomic_store(&crash.told->stacks[i].seq, seq);
			return 1;
		}
		if (seen == hash) {
			*ret_seq = atomic_load(&crash.told->stacks[i].seq);
			return 0;
		}
	}
	return -1;
}

static void say_stack(const siginfo_t *info, const struct walk *walk)
{
	struct words words = {0};
	uintptr_t address = (uintptr_t)info->si_addr;
	if (info->si_signo == SIGSEGV && info->si_code > 0 && walk->n > 0 &&
	    address - (walk->stack_pointer - NEAR_BYTES) < 2 * NEAR_BYTES) {
		put_text(&words, "  the stack has overflowed");
		end_line(&words);
	}
	for (size_t i = 0; i < walk->n; i++)
		say_place(walk->pcs[i]);
}

/* --- the handler -------------------------------------------------------------------------------------------------- */

static void put_item(struct words *words, uint64_t seq)
{
	put_text(words, seq != 0 ? "item " : "no item");
	if (seq != 0)
		put_number(words, seq, 10);
}

static void put_cause(struct words *words, int signum, const siginfo_t *info)
{
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if (signals[i].signum == signum)
			put_text(words, signals[i].name);
	if (info->si_code == SI_USER && info->si_pid != crash.pid) {
		put_text(words, " sent by process ");
		put_number(words, (uint64_t)info->si_pid, 10);
	} else if (info->si_code == SI_KERNEL && (signum == SIGSEGV || signum == SIGBUS)) {
		put_text(words, " at an address that no memory can have");
	} else if (info->si_code > 0 && signum != SIGSYS && signum != SIGTRAP) {
		put_text(words, " at address ");
		put_number(words, (uintptr_t)info->si_addr, 16);
	}
}

/* By its default action, so that who waits for the process sees the signal itself. */
_Noreturn static void die(int signum)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t only;
	sigaction(signum, &action, NULL);
	sigemptyset(&only);
	sigaddset(&only, signum);
	pthread_sigmask(SIG_UNBLOCK, &only, NULL);
	raise(signum);
	_exit(128 + signum);
}

static void on_crash(int signum, siginfo_t *info, void *context);

static int take_signal(int signum)
{
	struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	sigemptyset(&action.sa_mask);
	return sigaction(signum, &action, NULL);
}

static void set_bound(void)
{
	sigset_t only;
	take_signal(SIGALRM);
	sigemptyset(&only);
	sigaddset(&only, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &only, NULL);
	alarm(WORDS_S);
}

/* Is one more crash to be told? That the others aren't is said once. */
static bool may_tell(struct words *words)
{
	uint32_t n_before = crash.told && !crash.tells_all ? atomic_fetch_add(&crash.told->n_crashes, 1) : 0;
	if (n_before == CRASH_TOLD_MAX) {
		put_text(words, "more crashes: their last words are not shown (-v shows all)");
		end_line(words);
	}
	return n_before < CRASH_TOLD_MAX;
}

static bool is_start(void)
{
	return crash.port->batch.epoch == 0;
}

/*
 * Of the starts that crash the first one speaks for all, whatever their stacks; how many there are the supervisor says.
 * The others wait until it has spoken (the alarm bounds it): with enough of them the supervisor ends all.
 */
static bool was_start_told(void)
{
	if (atomic_fetch_add(&crash.told->n_starts, 1) == 0)
		return false;
	while (!atomic_load(&crash.told->has_told_start))
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	return true;
}

/* Outside of items the same stack tells nobody more than once. */
static bool was_told(struct walk *walk)
{
	if (!crash.told || crash.tells_all)
		return false;
	if (is_start())
		return was_start_told();
	if (atomic_fetch_add(&crash.told->n_outside, 1) == 0)
		return false;
	take_stack(walk);
	uint64_t hash = hash_of(walk);
	for (size_t i = 0; i < STACKS_MAX; i++)
		if (atomic_load(&crash.told->stacks[i].hash) == hash)
			return true;
	return false;
}

/* The line first: the stack may be what can't be read any more. */
static void say_all(int signum, const siginfo_t *info)
{
	struct words words = {0};
	struct walk walk = {0};
	uint64_t seq = port_current_seq(crash.port), first_seq = 0;
	if ((seq == 0 && was_told(&walk)) || !may_tell(&words))
		return;
	put_text(&words, seq == 0 ? "at " : "");
	put_item(&words, seq);
	put_text(&words, ": ");
	put_cause(&words, signum, info);
	end_line(&words);
	if (walk.n == 0)
		take_stack(&walk);
	int is_first = crash.told ? is_new(&walk, seq, &first_seq) : 1;
	if (is_first == 1) {
		say_stack(info, &walk);
		return;
	}
	/* none but those that crash together, each by itself the first */
	if (is_first == 0 && seq == 0 && first_seq == 0)
		return;
	put_text(&words, is_first == 0 ? "  as at " : "  from yet another place");
	if (is_first == 0)
		put_item(&words, first_seq);
	end_line(&words);
}

static void on_crash(int signum, siginfo_t *info, void *context)
{
	(void)context;
	if (getpid() != crash.pid)
		die(signum);
	pid_t first = 0, self = gettid();
	if (!atomic_compare_exchange_strong(&crash.thread, &first, self)) {
		/* another thread speaks and then ends us all */
		while (first != self && signum != SIGALRM)
			pause();
		die(crash.signum);
	}
	crash.signum = signum;
	/* what the words take is no time, and no memory, of the item's */
	atomic_store(crash.is_dying, 1);
	set_bound();
	say_all(signum, info);
	if (crash.told && is_start())
		atomic_store(&crash.told->has_told_start, true);
	die(signum);
}

/* --- getting ready ------------------------------------------------------------------------------------------------ */

/* Below it a guard, so that not even the handler's own overflow goes unseen. Another's alternate stack stays. */
static int prepare_stack(void)
{
	stack_t stack;
	if (sigaltstack(NULL, &stack) != 0)
		return -1;
	if (!(stack.ss_flags & SS_DISABLE))
		return 0;
	unsigned char *bytes = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_NONE,
	                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED)
		return -1;
	stack = (stack_t){.ss_sp = bytes + GUARD_BYTES, .ss_size = STACK_BYTES};
	if (mprotect(bytes + GUARD_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE) == 0 && sigaltstack(&stack, NULL) == 0)
		return 0;
	munmap(bytes, GUARD_BYTES + STACK_BYTES);
	return -1;
}

static _Unwind_Reason_Code stop_at_once(struct _Unwind_Context *context, void *arg)
{
	(void)context, (void)arg;
	return _URC_NORMAL_STOP;
}

void crash_share(bool tells_all)
{
	void *told = mmap(NULL, sizeof *crash.told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told != MAP_FAILED)
		crash.told = told;
	crash.tells_all = tells_all;
	crash.own = code_of((uintptr_t)crash_share);
	crash.libc = code_of((uintptr_t)abort);
}

void crash_init(const struct port *port)
{
	crash.port = port;
	crash.is_dying = &port->up->is_dying;
	crash.pid = getpid();
	crash.bottom = (uintptr_t)__builtin_frame_address(0);
	if (prepare_stack() != 0)
		return;
	prepare_names();
	demangle_prepare();
	/* what the loader binds and libgcc sets up at first use is done here */
	_Unwind_Backtrace(stop_at_once, NULL);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		struct sigaction before;
		if (sigaction(signals[i].signum, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			take_signal(signals[i].signum);
	}
}
