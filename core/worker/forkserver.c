/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forkserver - see forkserver.h. Invariants: until the plugin is loaded the process dies with the supervisor (death
 * signal), afterwards it outlives it just long enough to clean up, unless the kernel does that; all that code of the
 * plugin's could find is set up before any of it runs; SIGCHLD is blocked and read from a signalfd, so that every death
 * is told exactly once. How a worker begins is told in birth.
 */
#include "config.h"

#include "core/base/proc.h"
#include "core/base/tree.h"
#include "core/wire/message.h"
#include "core/wire/setup.h"
#include "core/worker/birth.h"
#include "core/worker/crash.h"
#include "core/worker/forkserver.h"
#include "core/worker/guard.h"
#include "core/worker/host.h"
#include "core/worker/namespace.h"
#include "shm/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 100 /* how often it looks for deaths itself where threads of the plugin's may take the signal */

struct child {
	pid_t pid; /* 0: none */
	uint64_t generation;
};

struct forkserver {
	struct host *host;
	struct setup setup;
	struct child *children; /* [worker - 1] */
	size_t n_children;
	int signal_fd;
	unsigned n_threads; /* of ours, before there was a plugin */
	bool has_guard;     /* else the death signal stays: what workers have left is left then */
	bool has_threads;   /* loading the plugin has left some */
};

/* Tells the supervisor; -1: it is gone, which shows at the next read, too. */
static int tell(const struct message *message, const char *text)
{
	return message_send(FORKSERVER_SOCKET_FD, message, text, NULL, 0, -1);
}

static void tell_refusal(const struct err *err)
{
	tell(&(struct message){.kind = MESSAGE_REFUSED, .status = err->code == ERR_USAGE ? 2 : 3}, err->text);
}

/* The plugin stays open, for the job. Whatever is wrong with it, a child that is thrown away says it better. */
static void describe(struct forkserver *server, const char *file)
{
	struct message message = {.kind = MESSAGE_DESCRIBED, .status = 1};
	struct buf text = {0};
	struct err err;
	if (!server->host && host_open(&server->host, file, &err) == 0 && host_describe(server->host, &text, &err) == 0 &&
	    text.len <= MESSAGE_TEXT_MAX && buf_append(&text, "", 1) == 0)
		message.status = 0;
	tell(&message, message.status == 0 ? text.bytes : NULL);
	buf_fini(&text);
}

/* The set-up is in its place then. In the namespace it was from the beginning. -1: there won't be any. */
static int await_setup(struct forkserver *server)
{
	struct packet packet;
	int result;
	for (;;) {
		result = message_receive(FORKSERVER_SOCKET_FD, &packet, true, 0);
		if (result < 0 && errno == EINTR)
			continue;
		if (result <= 0 || packet.message.kind != MESSAGE_DESCRIBE)
			break;
		describe(server, packet.text);
	}
	if (result <= 0 || packet.message.kind != MESSAGE_SETUP || packet.n_fds != SETUP_FDS)
		return -1;
	int fd = packet.fds[SETUP_FD_FILE];
	if (fd == FORKSERVER_SETUP_FD) /* the next that was free */
		return fcntl(fd, F_SETFD, 0);
	result = dup2(fd, FORKSERVER_SETUP_FD);
	close(fd);
	return result < 0 ? -1 : 0;
}

static int read_setup(struct setup *ret, struct err *err)
{
	struct stat stat;
	if (fstat(FORKSERVER_SETUP_FD, &stat) != 0)
		return err_set_errno(err, ERR_RUN, errno, "only rota starts rota-worker --serve");
	char *text = malloc((size_t)stat.st_size + 1);
	int result = -1;
	errno = EIO; /* a short count sets none */
	if (!text)
		err_set(err, ERR_RESOURCE, "out of memory");
	else if (pread(FORKSERVER_SETUP_FD, text, (size_t)stat.st_size, 0) != stat.st_size)
		err_set_errno(err, ERR_RUN, errno, "cannot read the job's setup");
	else
		result = setup_read(ret, text, (size_t)stat.st_size, err);
	free(text);
	return result;
}

/*
 * Numerical libraries start a thread a CPU in every worker unless they are told not to. What the user set stays, and is
 * what this process's environment began with: by that a plugin that runs commands tells the two apart (exec).
 */
static const char *const thread_names[] = {"OMP_NUM_THREADS",  "OPENBLAS_NUM_THREADS",   "MKL_NUM_THREADS",
                                           "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"};
#define N_THREAD_NAMES (sizeof thread_names / sizeof *thread_names)
static bool are_held[N_THREAD_NAMES];

static void hold_threads_to_one(void)
{
	for (size_t i = 0; i < N_THREAD_NAMES; i++)
		are_held[i] = !getenv(thread_names[i]) && setenv(thread_names[i], "1", 0) == 0;
}

/* Before another program begins, which holds them itself. */
static void let_go_of_threads(void)
{
	for (size_t i = 0; i < N_THREAD_NAMES; i++)
		if (are_held[i])
			unsetenv(thread_names[i]);
}

static int load_plugin(struct forkserver *server)
{
	struct err err;
	if ((server->host || host_open(&server->host, server->setup.file, &err) == 0) &&
	    host_configure(server->host, server->setup.options, server->setup.n_options, server->setup.n_workers, &err) ==
	        0 &&
	    host_load(server->host, &err) == 0)
		return 0;
	tell_refusal(&err);
	return -1;
}

/* --- its workers -------------------------------------------------------------------------------------------------- */

static void tell_no_fork(const struct message *message, int errnum)
{
	tell(&(struct message){.kind = MESSAGE_NO_FORK,
	                       .worker = message->worker,
	                       .generation = message->generation,
	                       .status = errnum},
	     NULL);
}

static void fork_worker(struct forkserver *server, const struct message *message, const int fds[FORK_FDS])
{
	if (message->worker == 0 || message->worker > server->n_children)
		return;
	const struct birth birth = {.host = server->host,
	                            .setup = &server->setup,
	                            .socket_fd = FORKSERVER_SOCKET_FD,
	                            .signal_fd = server->signal_fd};
	pid_t pid = birth_fork(&birth, message, fds);
	if (pid < 0) {
		tell_no_fork(message, errno);
		return;
	}
	server->children[message->worker - 1] = (struct child){pid, message->generation};
	tree_own(pid);
}

static void kill_worker(struct forkserver *server, const struct message *message)
{
	if (message->worker == 0 || message->worker > server->n_children)
		return;
	const struct child *child = &server->children[message->worker - 1];
	if (child->pid == 0 || child->generation != message->generation)
		return;
	/* it leads a group of its own once it has called setsid, and a moment earlier it doesn't */
	if (kill(-child->pid, message->status) != 0)
		kill(child->pid, message->status);
}

static bool is_worker(const struct forkserver *server, pid_t pid)
{
	for (size_t i = 0; i < server->n_children; i++)
		if (server->children[i].pid == pid)
			return true;
	return false;
}

static void tell_death(struct forkserver *server, pid_t pid, int status)
{
	for (size_t i = 0; i < server->n_children; i++) {
		struct child *child = &server->children[i];
		if (child->pid != pid)
			continue;
		tell(&(struct message){.kind = MESSAGE_DIED,
		                       .worker = (uint32_t)i + 1,
		                       .generation = child->generation,
		                       .status = status},
		     NULL);
		child->pid = 0;
		tree_disown(pid);
	}
}

/*
 * What a dead worker had started, escaped by a double fork or not, is our child then, and goes, too; and when that dies
 * what it had started meanwhile. What the plugin's load has left stays.
 */
static void reap(struct forkserver *server)
{
	siginfo_t info = {0};
	bool has_died = false;
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0) {
		int status;
		pid_t pid = info.si_pid;
		/* its group goes with it, while nobody else can have its number */
		if (is_worker(server, pid))
			kill(-pid, SIGKILL);
		if (waitpid(pid, &status, WNOHANG) == pid)
			tell_death(server, pid, status);
		has_died = true;
		info.si_pid = 0;
	}
	if (has_died)
		tree_kill_strays();
}

/* One message: 1; nothing: 0; the supervisor is gone: -1. */
static int take_message(struct forkserver *server)
{
	struct packet packet;
	const struct message *message = &packet.message;
	int result = message_receive(FORKSERVER_SOCKET_FD, &packet, true, MSG_DONTWAIT);
	if (result < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -1;
	if (result == 0 || packet.n_text_bytes > 0)
		return -1;
	if (message->kind == MESSAGE_FORK && packet.n_fds == FORK_FDS)
		fork_worker(server, message, packet.fds);
	else if (message->kind == MESSAGE_FORK)
		tell_no_fork(message, EMFILE);
	else if (message->kind == MESSAGE_KILL)
		kill_worker(server, message);
	for (size_t i = 0; i < packet.n_fds; i++)
		close(packet.fds[i]);
	return 1;
}

static void serve(struct forkserver *server)
{
	struct pollfd watched[2] = {{.fd = FORKSERVER_SOCKET_FD, .events = POLLIN},
	                            {.fd = server->signal_fd, .events = POLLIN}};
	for (;;) {
		if (poll(watched, 2, server->has_threads ? LOOK_MS : -1) < 0 && errno != EINTR)
			return;
		struct signalfd_siginfo info;
		while (read(server->signal_fd, &info, sizeof info) > 0)
			;
		reap(server);
		int more;
		while ((more = take_message(server)) > 0)
			;
		if (more < 0)
			return;
	}
}

/* What load may have changed is put right. */
static void hold_children(void)
{
	sigset_t children;
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	signal(SIGCHLD, SIG_DFL);
}

/* The set-up comes later, and its place is the lowest that is free now. */
static int above_setup(int take_fd)
{
	int fd = take_fd >= 0 ? fcntl(take_fd, F_DUPFD_CLOEXEC, FORKSERVER_SETUP_FD + 1) : -1;
	if (take_fd >= 0)
		close(take_fd);
	return fd;
}

/* A thread that it leaves has our mask, and no signal of ours; what it starts has no socket. */
static int prepare_for_plugin(struct forkserver *server)
{
	sigset_t children;
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	hold_children();
	hold_threads_to_one();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	server->n_threads = proc_threads();
	server->signal_fd = above_setup(signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
	/* what constructors print isn't a result */
	return server->signal_fd >= 0 && proc_drop_input() == 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 &&
	               fcntl(FORKSERVER_SOCKET_FD, F_SETFD, FD_CLOEXEC) == 0
	           ? 0
	           : -1;
}

/* Everything up to the first fork. */
static int prepare(struct forkserver *server)
{
	if (load_plugin(server) != 0)
		return -1;
	hold_children();
	unsigned n_threads = proc_threads();
	unsigned n_left = n_threads > server->n_threads ? n_threads - server->n_threads : 0;
	server->has_threads = n_left > 0;
	server->n_children = server->setup.n_places;
	/* for the workers, who have it from their birth (fence.h); where it can't be they do fences of their own */
	(void)fence_register();
	server->children = calloc(server->n_children, sizeof *server->children);
	if (!server->children) {
		tell(&(struct message){.kind = MESSAGE_REFUSED, .status = 3}, "out of memory");
		return -1;
	}
	/* workers have sessions of their own: what is in ours, too, was started by load */
	tree_note(true);
	if (!server->setup.duty.has_pid_namespace && server->has_guard)
		prctl(PR_SET_PDEATHSIG, 0);
	tell(&(struct message){.kind = MESSAGE_LOADED, .status = (int32_t)n_left}, NULL);
	return 0;
}

/* Everything that the job needs, until the supervisor is gone. */
static int run(struct forkserver *server)
{
	close(FORKSERVER_SETUP_FD);
	crash_share(server->setup.tells_all);
	int result = prepare(server);
	if (result == 0)
		serve(server);
	tree_forget();
	tree_end();
	free(server->children);
	return result;
}

/* The same once more, as process 1 of a namespace. */
static int move(const char *program)
{
	const char *const argv[] = {program, "--serve", "0", NULL};
	struct err err;
	int result = -1;
	let_go_of_threads();
	if (fcntl(FORKSERVER_SOCKET_FD, F_SETFD, 0) != 0)
		err_set_errno(&err, ERR_RUN, errno, "cannot pass the socket on");
	else
		result = namespace_start(argv, &err);
	/* it was somebody's KILL, which is no refusal: so it is told by our own end */
	if (result > 0)
		raise(SIGKILL);
	if (result < 0)
		tell_refusal(&err);
	return result;
}

/* The death signal is set; did the supervisor live on until then? In the namespace, whom to ask is the socket. */
static bool has_supervisor(long parent)
{
	if (parent != 0)
		return getppid() == parent;
	setsid();
	return tell(&(struct message){.kind = MESSAGE_MOVED}, NULL) == 0;
}

int forkserver_run(const char *program, long parent)
{
	struct forkserver server = {.signal_fd = -1};
	struct err err;
	int result = -1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!has_supervisor(parent))
		return 3;
	server.has_guard = parent != 0 && guard_start((pid_t)parent) == 0;
	if (prepare_for_plugin(&server) != 0) {
		err_set_errno(&err, ERR_RUN, errno, "cannot set up the fork server");
		tell_refusal(&err);
		goto out;
	}
	/* what an item has printed is there when it crashes */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (parent != 0 && await_setup(&server) != 0)
		goto out;
	if (read_setup(&server.setup, &err) != 0)
		tell_refusal(&err);
	else if (server.setup.duty.has_pid_namespace && parent != 0)
		_exit(move(program) == 0 ? 0 : 3); /* half-way between two namespaces there is nothing to tidy up */
	else
		result = run(&server);
out:
	if (server.signal_fd >= 0)
		close(server.signal_fd);
	setup_fini(&server.setup);
	host_close(&server.host);
	return result == 0 ? 0 : 3;
}
