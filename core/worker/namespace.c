/* SPDX-License-Identifier: Apache-2.0 */
/*
 * namespace - see namespace.h. unshare puts the children to come into the new PID namespace, not us; so one more
 * process is made, as our sibling, which mounts /proc (that shows the namespace of who mounts it) and becomes the
 * program. The exec also drops what a user namespace gives its first process in capabilities, and leaves nothing in
 * the C library that still thinks it is us.
 */
#include "config.h"

#include "core/base/procfs.h"
#include "core/worker/namespace.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)1 << 16)

struct start {
	const char *const *argv;
	struct err *err;
	int result; /* 1 until it is known */
};

static int refuse(struct err *err, const char *what)
{
	return err_set(err, ERR_RUN,
	               "pid-namespace: %s: %s; it requires CAP_SYS_ADMIN, which root has, or a kernel that lets users "
	               "create namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone; in a "
	               "container, its security options): allow one of these, or omit pid-namespace",
	               what, strerror(errno));
}

/* --- the user namespace ------------------------------------------------------------------------------------------- */

/* One number stands for itself; all others are nobody's. */
static int map_id(const char *path, unsigned id, struct err *err)
{
	char line[64], what[64];
	snprintf(line, sizeof line, "%u %u 1\n", id, id);
	if (procfs_write(path, line) == 0)
		return 0;
	snprintf(what, sizeof what, "cannot write %s", path);
	return refuse(err, what);
}

static int enter_as_user(int flags, struct err *err)
{
	uid_t user = geteuid();
	gid_t group = getegid();
	if (unshare(CLONE_NEWUSER | flags) != 0)
		return refuse(err, "the kernel refuses a user namespace");
	/* who could leave groups might get at files that are barred to them; old kernels don't ask for it */
	if (procfs_write("/proc/self/setgroups", "deny") != 0 && errno != ENOENT)
		return refuse(err, "cannot write /proc/self/setgroups");
	return map_id("/proc/self/uid_map", user, err) == 0 ? map_id("/proc/self/gid_map", group, err) : -1;
}

/* --- the program -------------------------------------------------------------------------------------------------- */

/* As vfork's child: in our memory, while we wait. */
static int become(void *arg)
{
	struct start *start = arg;
	const char *program = start->argv[0];
	/* what is mounted outside later, or no more, is so in here, too; never the other way round */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		start->result = refuse(start->err, "cannot make its mounts private");
	else if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
		start->result = refuse(start->err, "cannot mount a /proc of its own");
	else
		start->result = 0;
	if (start->result != 0)
		_exit(1);
	execv(program, (char *const *)(uintptr_t)start->argv);
	start->result = err_set_errno(start->err, ERR_RUN, errno, "cannot run %s in its PID namespace", program);
	_exit(1);
}

int namespace_start(const char *const *argv, struct err *err)
{
	static alignas(16) char stack[STACK_BYTES];
	const int flags = CLONE_NEWPID | CLONE_NEWNS;
	struct start start = {.argv = argv, .err = err, .result = 1};
	if (unshare(flags) != 0) {
		/* a root without the right to would lose what other rights it has */
		if (errno != EPERM || geteuid() == 0)
			return refuse(err, "the kernel refuses it");
		if (enter_as_user(flags, err) != 0)
			return -1;
	}
	if (clone(become, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_PARENT | SIGCHLD, &start) < 0)
		return refuse(err, "cannot create its first process");
	return start.result;
}
