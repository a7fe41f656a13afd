/* SPDX-License-Identifier: Apache-2.0 */
/*
 * halt - preloaded, so that a fork server or a worker halts at one message, right before or right after it. Messages
 * are the packets on the fork server's socket, and every store of a worker to a word of its channel that the supervisor
 * reads (shm/layout.h): the pages of these words can't be written, so that each store faults, is noted, made by itself
 * (the processor's trap flag) and noted again. x86-64 only.
 *
 *   HALT_LIST=FILE    one line for each message: NAME:NUMBER, the so manieth of its process
 *   HALT_AT=NAME:NUMBER:before|after  HALT_BY=KILL|STOP  HALT_FILE=FILE
 *                     who gets there first makes the file and halts. Process 1 of a namespace, which no signal of its
 *                     own reaches, calls itself "halted" and waits for somebody else's.
 *   HALT_FORK=N       the so manieth fork of a process fails
 *
 *   cc -shared -fPIC -I.. -o halt.so halt.c && HALT_LIST=list LD_PRELOAD=./halt.so rota map upper
 */
#define _GNU_SOURCE 1
#include "core/wire/message.h"
#include "shm/layout.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

#define SOCKET_FD 3
#define TRAP_FLAG 0x100
#define N_NAMES 64

static struct {
	char name[32];
	unsigned n;
} seen[N_NAMES];

static bool is_worker;
static char *watched;     /* pages 1 to 3 of the channel; NULL: none yet */
static size_t page_bytes; /* while something is watched */
static char stored[48];   /* NAME:NUMBER of the store that is being made */

/* --- halting ------------------------------------------------------------------------------------------------------ */

static void halt(void)
{
	const char *file = getenv("HALT_FILE"), *by = getenv("HALT_BY");
	int fd = open(file ? file : "", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (getpid() == 1)
		prctl(PR_SET_NAME, "halted");
	close(fd);
	while (getpid() == 1)
		pause();
	kill(getpid(), by && strcmp(by, "KILL") == 0 ? SIGKILL : SIGSTOP);
}

static void reach(const char *point, const char *side)
{
	const char *at = getenv("HALT_AT");
	char here[64];
	snprintf(here, sizeof(here), "%s:%s", point, side);
	if (at && strcmp(at, here) == 0)
		halt();
}

/* One more of this name: its point is put down as NAME:NUMBER. */
static void begin(char point[48], const char *name)
{
	const char *list = getenv("HALT_LIST");
	size_t i = 0;
	while (i < N_NAMES - 1 && seen[i].name[0] && strcmp(seen[i].name, name) != 0)
		i++;
	snprintf(seen[i].name, sizeof(seen[i].name), "%s", name);
	snprintf(point, 48, "%s:%u", seen[i].name, ++seen[i].n);
	int fd = list ? open(list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd >= 0) {
		char line[64];
		int n = snprintf(line, sizeof(line), "%s\n", point);
		if (write(fd, line, (size_t)n) != n)
			abort();
		close(fd);
	}
	reach(point, "before");
}

/* --- the channel -------------------------------------------------------------------------------------------------- */

/* The event that is about to be published. */
static void name_event(char name[32])
{
	static const char *const kinds[] = {"?", "FAILED", "PART", "LOG", "COUNT", "REFUSED", "BEGUN", "ENDED"};
	const struct fixed_shm *fixed = (const void *)(watched - page_bytes);
	const struct up_shm *up = (const void *)(watched + page_bytes);
	const char *ring =
		watched - page_bytes + channel_control_bytes(page_bytes) + 2 * fixed->task_bytes + 2 * fixed->result_bytes;
	uint64_t position = atomic_load(&up->event_head) & RING_POSITION_MASK & (fixed->event_bytes - 1);
	uint32_t kind;
	memcpy(&kind, ring + position, sizeof(kind));
	snprintf(name, 32, "event-%s", kinds[kind <= EVENT_ENDED ? kind : 0]);
}

static void name_word(char name[32], size_t at)
{
	static const struct {
		size_t at;
		const char *name;
	} words[] = {{offsetof(struct up_shm, result_head), "result"}, {offsetof(struct up_shm, claim), "claim"},
	             {offsetof(struct up_shm, task_tail), "task"},     {offsetof(struct up_shm, busy_ns), "busy"},
	             {offsetof(struct up_shm, state), "state"},        {offsetof(struct up_shm, is_sleeping), "sleeping"}};
	snprintf(name, 32, at < page_bytes ? "bell" : at < 2 * page_bytes ? "cut" : "semaphore");
	if (at == page_bytes + offsetof(struct up_shm, event_head))
		name_event(name);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (at == page_bytes + words[i].at)
			snprintf(name, 32, "%s", words[i].name);
}

static void on_fault(int signum, siginfo_t *info, void *arg)
{
	ucontext_t *context = arg;
	const char *at = info->si_addr;
	int errnum = errno;
	char name[32];
	if (!watched || at < watched || at >= watched + 3 * page_bytes) {
		signal(signum, SIG_DFL);
		return;
	}
	name_word(name, (size_t)(at - watched));
	begin(stored, name);
	mprotect(watched, 3 * page_bytes, PROT_READ | PROT_WRITE);
	context->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
	errno = errnum;
}

static void on_trap(int signum, siginfo_t *info, void *arg)
{
	ucontext_t *context = arg;
	int errnum = errno;
	(void)signum, (void)info;
	context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	mprotect(watched, 3 * page_bytes, PROT_READ);
	reach(stored, "after");
	errno = errnum;
}

static void watch(void *map, size_t n_bytes, int flags, off_t offset)
{
	const struct fixed_shm *fixed = map;
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	if (!is_worker || map == MAP_FAILED || !(flags & MAP_SHARED) || !(flags & MAP_FIXED) || offset != 0 ||
	    n_bytes != channel_control_bytes(page_bytes) || fixed->magic != CHANNEL_MAGIC)
		return;
	watched = (char *)map + page_bytes;
	sigaction(SIGSEGV, &action, NULL);
	action.sa_sigaction = on_trap;
	sigaction(SIGTRAP, &action, NULL);
	mprotect(watched, 3 * page_bytes, PROT_READ);
}

static void *real(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);
	if (!found)
		abort();
	return found;
}

void *mmap(void *wanted, size_t n_bytes, int protection, int flags, int fd, off_t offset)
{
	static void *(*next)(void *, size_t, int, int, int, off_t);
	if (!next)
		*(void **)&next = real("mmap");
	void *map = next(wanted, n_bytes, protection, flags, fd, offset);
	watch(map, n_bytes, flags, offset);
	return map;
}

void *mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("mmap")));

/* --- the socket --------------------------------------------------------------------------------------------------- */

static void name_message(char name[32], const char *way, uint32_t kind)
{
	static const char *const kinds[] = {"?",    "MOVED",     "LOADED",   "REFUSED", "FORKED", "NO_FORK",
	                                    "DIED", "DESCRIBED", "DESCRIBE", "SETUP",   "FORK",   "KILL"};
	snprintf(name, 32, "%s-%s", way, kinds[kind <= MESSAGE_KILL ? kind : 0]);
}

ssize_t sendmsg(int fd, const struct msghdr *packet, int flags)
{
	static ssize_t (*next)(int, const struct msghdr *, int);
	struct message message;
	char name[32], point[48];
	if (!next)
		*(void **)&next = real("sendmsg");
	if (!is_worker || fd != SOCKET_FD || packet->msg_iov[0].iov_len != sizeof(message))
		return next(fd, packet, flags);
	memcpy(&message, packet->msg_iov[0].iov_base, sizeof(message));
	name_message(name, "send", message.kind);
	begin(point, name);
	ssize_t n = next(fd, packet, flags);
	reach(point, "after");
	return n;
}

ssize_t recvmsg(int fd, struct msghdr *packet, int flags)
{
	static ssize_t (*next)(int, struct msghdr *, int);
	struct message message;
	char name[32], point[48];
	if (!next)
		*(void **)&next = real("recvmsg");
	if (!is_worker || fd != SOCKET_FD)
		return next(fd, packet, flags);
	struct iovec part = {&message, sizeof(message)};
	struct msghdr about = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n = next(fd, &about, (flags & MSG_DONTWAIT) | MSG_PEEK);
	if (n < (ssize_t)sizeof(message))
		return next(fd, packet, flags);
	name_message(name, "take", message.kind);
	begin(point, name);
	n = next(fd, packet, flags);
	reach(point, "after");
	return n;
}

/* --- the namespace ------------------------------------------------------------------------------------------------ */

/* What becomes process 1, before it executes the program. */
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)
{
	static int (*next)(const char *, const char *, const char *, unsigned long, const void *);
	char point[48];
	if (!next)
		*(void **)&next = real("mount");
	if (is_worker)
		begin(point, "become-MOUNT");
	int result = next(source, target, type, flags, data);
	reach(point, "after");
	return result;
}

/* --- forks -------------------------------------------------------------------------------------------------------- */

pid_t fork(void)
{
	static pid_t (*next)(void);
	static int n_forks;
	const char *failing = getenv("HALT_FORK");
	if (!next)
		*(void **)&next = real("fork");
	if (is_worker && failing && ++n_forks == atoi(failing)) {
		errno = EAGAIN;
		return -1;
	}
	return next();
}

__attribute__((constructor)) static void look(void)
{
	is_worker = strcmp(program_invocation_short_name, "rota-worker") == 0;
}
