/* SPDX-License-Identifier: Apache-2.0 */
/*
 * namespace: what a program finds in one (numbers, parent, /proc, ids, capabilities, descriptors), that all in it ends
 * with it, that it is our child; and what is said where there is none to be had. As root and as somebody else.
 */
#include "config.h"

#include "core/worker/namespace.h"

#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define NOBODY 65534

struct told {
	char text[4096]; /* what was written to descriptor 1 */
	char refusal[ERR_TEXT_BYTES];
	int status;     /* of what ran in the namespace; -1: it wasn't our child */
	bool has_ended; /* nobody has the descriptor open any more */
};

#if defined(__SANITIZE_THREAD__)
#define HAS_THREAD 1
#else
#define HAS_THREAD 0
#endif

/* Without CAP_SYS_ADMIN. */
static int drop_right(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	if (syscall(SYS_capget, &head, data) != 0)
		return -1;
	data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective &= ~CAP_TO_MASK(CAP_SYS_ADMIN);
	return (int)syscall(SYS_capset, &head, data);
}

static int become_nobody(void)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)
		return -1;
	return prctl(PR_SET_DUMPABLE, 1);
}

static int become_nothing(void)
{
	return 0;
}

/* In a process of its own, for the one that makes a namespace is of no use afterwards. */
_Noreturn static void start(const char *program, const char *script, int (*prepare)(void), int out_fd, int refusal_fd)
{
	const char *const argv[] = {program, "-c", script, NULL};
	struct err err;
	if (dup2(out_fd, 1) < 0 || prepare() != 0)
		_exit(9);
	int result = namespace_start(argv, &err);
	if (result != 0 && write(refusal_fd, err.text, strlen(err.text)) < 0)
		_exit(9);
	_exit(result == 0 ? 0 : 3);
}

/* Did the end come, too? */
static bool read_all(int fd, char *text, size_t n_bytes, int timeout_ms)
{
	struct pollfd watch = {.fd = fd, .events = POLLIN};
	size_t n = 0;
	ssize_t got = 1;
	while (got > 0 && n < n_bytes - 1 && poll(&watch, 1, timeout_ms) > 0) {
		got = read(fd, text + n, n_bytes - 1 - n);
		n += got > 0 ? (size_t)got : 0;
	}
	text[n] = '\0';
	return got == 0;
}

static void tell(struct told *told, const char *program, const char *script, int (*prepare)(void))
{
	int out[2], refusal[2], status = 0;
	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(refusal, O_CLOEXEC) != 0)
		abort();
	pid_t starter = fork();
	if (starter == 0)
		start(program, script, prepare, out[1], refusal[1]);
	close(out[1]);
	close(refusal[1]);
	told->has_ended = read_all(out[0], told->text, sizeof(told->text), 10000);
	read_all(refusal[0], told->refusal, sizeof(told->refusal), 10000);
	close(out[0]);
	close(refusal[0]);
	told->status = -1;
	for (pid_t pid; (pid = wait(&status)) > 0;)
		if (pid != starter)
			told->status = status;
}

static const char where[] =
	"echo $$ $PPID; readlink /proc/self/exe >/dev/null && cd /proc && echo [0-9]*; id -u; id -g";
static const char leave_children[] = "setsid sleep 1000 & setsid setsid sleep 1000 & exit 7";

static void test_inside(const char *who, int (*prepare)(void))
{
	struct told told;
	char wanted[100];
	bool is_nobody = prepare == become_nobody && geteuid() == 0;
	tell(&told, "/bin/sh", where, prepare);
	snprintf(wanted, sizeof(wanted), "1 0\n1\n%u\n%u\n", is_nobody ? NOBODY : geteuid(),
	         is_nobody ? NOBODY : getegid());
	is_str(told.text, wanted, "%s: process 1, no parent, alone in /proc, the same ids", who);
	is_str(told.refusal, "", "%s: nothing was refused", who);
	is_int(told.status, 0, "%s: its end is ours to wait for", who);
	tell(&told, "/bin/sh", leave_children, prepare);
	is_int(told.status, 7 << 8, "%s: how it ended", who);
	ok(told.has_ended, "%s: what it had started has ended with it", who);
	tell(&told, "/bin/sh", "[ $$ = 1 ] && kill -9 1 && kill -15 1 && kill -6 $$; echo alive", prepare);
	is_str(told.text, "alive\n", "%s: no signal from inside ends it", who);
	tell(&told, "/bin/sh", "exec 2>/dev/null; sh -c 'kill -9 $$' || echo alive", prepare);
	is_str(told.text, "alive\n", "%s: one that it starts is ordinary", who);
	tell(&told, "/nonexistent/program", "", prepare);
	is_str(told.refusal, "cannot run /nonexistent/program in its PID namespace: No such file or directory",
	       "%s: no such program", who);
}

static void test_rights(void)
{
	struct told told;
	tell(&told, "/bin/sh", "grep ^CapEff /proc/self/status", become_nobody);
	is_str(told.text, "CapEff:\t0000000000000000\n", "a user is given no capability");
}

static void test_refusal(void)
{
	struct told told;
	if (geteuid() != 0) {
		skip("needs root");
		return;
	}
	tell(&told, "/bin/sh", "echo it runs", drop_right);
	is_str(told.text, "", "root without the right to: nothing is run");
	is_int(told.status, -1, "there is no process");
	ok(strstr(told.refusal, "pid-namespace: ") == told.refusal && strstr(told.refusal, strerror(EPERM)) &&
	       strstr(told.refusal, "CAP_SYS_ADMIN") && strstr(told.refusal, "omit pid-namespace"),
	   "and it is said: %s", told.refusal);
}

/* Would the kernel do it? Somebody else's program is asked. */
static bool is_to_be_had(int (*prepare)(void), const char *flags)
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0) {
		int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null_fd >= 0 && dup2(null_fd, 2) == 2 && prepare() == 0)
			execlp("unshare", "unshare", flags, "--mount-proc", "true", (char *)NULL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	return status == 0;
}

int main(void)
{
	if (is_to_be_had(become_nothing, "-pmf"))
		test_inside("root", become_nothing);
	else
		skip("root: the right to make namespaces is missing");
	if (HAS_THREAD) {
		skip("a user: a process with threads can't make a user namespace, and a sanitizer has one here");
	} else if (is_to_be_had(become_nobody, "-Upmf")) {
		test_inside("a user", become_nobody);
		test_rights();
	} else {
		skip("a user: this kernel lets users make no namespaces");
	}
	test_refusal();
	return tap_done();
}
