/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend_process - workers as processes: a fork server a job (rota-worker --serve), which loads the plugin once and
 * forks the workers. Here is only the supervisor's side: it has such a process (server.h), sends it SETUP, FORK and
 * KILL, and turns what it answers into backend_events. The messages are those of wire/message; what comes in is checked
 * as everything from a process that runs plugin code.
 *
 * When the fork server dies its workers die with it (their death signal), and as orphans they are ours to end and reap,
 * with what they have left behind (tree.h): each is told as died before the backend is told as lost, so that nobody
 * goes on with an item that is given to another. In a PID namespace of their own they are dead and reaped when the fork
 * server, process 1 there, can be waited for.
 */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/base/tree.h"
#include "core/crew/backend.h"
#include "core/crew/server.h"
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGES_A_TURN 64
#define MESSAGES_LAST 4096                     /* of one that is dead */
#define END_MS 1000                            /* on a machine with other things to do */
#define SILENT_NS CLOCK_NS_PER_SEC             /* how long an answer may be owed by one that doesn't listen */
#define SILENT_LONG_NS (30 * CLOCK_NS_PER_SEC) /* by one that may only wait for a processor, or for its worker's end */

struct child {
	pid_t pid; /* 0: none */
	uint64_t generation;
	bool is_wanted;    /* FORK was sent, neither FORKED nor NO_FORK has come */
	bool is_killed;    /* KILL was sent, with SIGKILL */
	int64_t silent_ns; /* for so long its death is owed: it is dead, or KILL was sent */
};

struct backend_of_processes {
	struct backend base; /* first */
	struct loop *loop;
	struct backend_events events;
	struct loop_watch watch; /* of the server's socket */
	struct loop_watch exit;  /* of its end: others may hold its end of the socket; fd -1: this kernel has no pidfd */
	struct server server;    /* the fork server; no pid: reaped */
	bool has_pid_namespace;  /* wanted */
	bool has_moved;          /* it is in there: pid is that of process 1 */
	struct child *children;  /* [worker - 1] */
	unsigned n_children;
	bool is_loaded, is_refused;
	int64_t stopped_ns; /* for so long it has been stopped, or on its way, while something was asked of it */
	bool was_stopped;
	const char *why; /* it was killed by us, and why; or NULL */
	bool is_reading; /* in on_socket: what a message leads to may close the backend, whose memory goes afterwards */
	bool is_closed;
};

static void release(struct backend_of_processes *self)
{
	free(self->children);
	free(self);
}

static struct backend_of_processes *of(struct backend *backend)
{
	return (struct backend_of_processes *)(void *)backend;
}

/* --- what comes in ------------------------------------------------------------------------------------------------ */

/* What it had said comes first. */
static void say_words(struct backend_of_processes *self)
{
	words_read(&self->server.words, false);
	if (self->events.load_quota)
		*self->events.load_quota = self->server.words.quota;
}

static void take_refusal(struct backend_of_processes *self, const struct message *message, const char *text)
{
	struct err err;
	self->is_refused = true;
	say_words(self);
	err_set(&err, message->status == 2 ? ERR_USAGE : ERR_RUN, "%s", text);
	self->events.refused(self->events.arg, &err);
}

static void take_no_fork(struct backend_of_processes *self, const struct message *message, struct child *child)
{
	struct err err;
	child->is_wanted = false;
	err_set_errno(&err, ERR_RESOURCE, message->status, "cannot fork a worker");
	self->events.not_started(self->events.arg, message->worker, message->generation, &err);
}

/* --- its end ------------------------------------------------------------------------------------------------------ */

static void on_exit_of_server(struct loop_watch *watch, uint32_t events);

/* Where it can't be watched, its end shows at the socket. */
static void watch_exit(struct backend_of_processes *self)
{
	struct err err;
	int fd = proc_open_pidfd(self->server.pid);
	if (fd >= 0 && (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
	                loop_add(self->loop, &self->exit, fd, EPOLLIN, on_exit_of_server, self, NULL, &err) != 0))
		close(fd);
}

static void unwatch_exit(struct backend_of_processes *self)
{
	int exit_fd = self->exit.fd;
	loop_remove(self->loop, &self->exit);
	if (exit_fd >= 0)
		close(exit_fd);
}

static void unwatch(struct backend_of_processes *self)
{
	loop_remove(self->loop, &self->watch);
	unwatch_exit(self);
}

/*
 * It has started process 1 of the namespace and is done, as it should be: what it started tells so in a moment. Should
 * that never come to it, the socket ends.
 */
static bool is_moving(const struct backend_of_processes *self)
{
	siginfo_t info = {0};
	return self->has_pid_namespace && !self->has_moved &&
	       waitid(P_PID, (id_t)self->server.pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 &&
	       info.si_pid == self->server.pid && info.si_code == CLD_EXITED && info.si_status == 0;
}

/* It can't be worked with. Its end is told by the loop, as any other: of it and its workers nothing runs on. */
static void lose(struct backend_of_processes *self, const char *why)
{
	if (self->server.pid <= 0 || self->why)
		return;
	self->why = why;
	kill(self->server.pid, SIGKILL);
	/* process 1 of the namespace isn't known by its number yet, but as a child of ours */
	if (self->has_pid_namespace && !self->has_moved)
		tree_end_strays(&self->server.pid, 1);
}

/* What has moved into the namespace is another process; the one that was started is done. */
static void take_move(struct backend_of_processes *self, pid_t sender)
{
	if (!self->has_pid_namespace || self->has_moved || sender <= 1)
		return;
	unwatch_exit(self);
	proc_end(self->server.pid);
	tree_disown(self->server.pid);
	tree_own(sender);
	self->server.pid = sender;
	watch_exit(self);
	self->has_moved = true;
}

static void take_message(struct backend_of_processes *self, const struct packet *packet)
{
	const struct message *message = &packet->message;
	pid_t sender = packet->sender;
	if (message->kind == MESSAGE_MOVED) {
		take_move(self, sender);
		return;
	}
	if (message->kind == MESSAGE_LOADED) {
		self->is_loaded = true;
		self->events.loaded(self->events.arg, message->status > 0 ? (unsigned)message->status : 0);
		return;
	}
	if (message->kind == MESSAGE_REFUSED) {
		take_refusal(self, message, packet->text);
		return;
	}
	if (message->worker == 0 || message->worker > self->n_children)
		return;
	struct child *child = &self->children[message->worker - 1];
	if (child->generation != message->generation)
		return;
	if (message->kind == MESSAGE_FORKED && child->is_wanted && sender > 1) {
		child->is_wanted = false;
		child->pid = sender;
		self->events.started(self->events.arg, message->worker, message->generation, sender);
	} else if (message->kind == MESSAGE_NO_FORK && child->is_wanted) {
		take_no_fork(self, message, child);
	} else if (message->kind == MESSAGE_DIED && (child->is_wanted || child->pid != 0)) {
		child->is_wanted = false; /* it may have been killed before it said anything */
		child->pid = 0;
		self->events.died(self->events.arg, message->worker, message->generation, message->status, false);
	}
}

/*
 * Orphans of the fork server's: all that it started, workers and what they have left, is below us now, and ends before
 * anybody is told. One that was being forked never told its number, and goes, too.
 */
static void end_workers(const struct backend_of_processes *self)
{
	pid_t *sessions = calloc(self->n_children, sizeof *sessions);
	for (unsigned i = 0; sessions && i < self->n_children; i++)
		sessions[i] = self->has_pid_namespace ? 0 : self->children[i].pid;
	tree_end_strays(sessions, sessions ? self->n_children : 0);
	free(sessions);
}

/* A child of ours that may be about to: its descriptors are closed a moment before it is dead. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};
	for (int i = 0; i < END_MS; i++) {
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) != 0 || info.si_pid != 0)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

/* The fork server's end, or end of file on its socket. */
static void take_loss(struct backend_of_processes *self)
{
	char how[PROC_DEATH_BYTES];
	unwatch(self);
	/* until it says that it has moved no code of the plugin's runs there */
	bool was_moving = is_moving(self);
	if (!self->why && was_moving)
		self->why = "its process in the PID namespace ended before it started";
	if (!self->why && !has_ended(self->server.pid))
		self->why = "it closed its connection to rota";
	int status = server_kill(&self->server);
	say_words(self);
	end_workers(self);
	for (unsigned i = 0; i < self->n_children && !self->is_closed; i++) {
		struct child *child = &self->children[i];
		if (child->pid == 0 && !child->is_wanted)
			continue;
		child->pid = 0;
		child->is_wanted = false;
		self->events.died(self->events.arg, i + 1, child->generation, SIGKILL, true);
	}
	if (!self->is_refused && !self->is_closed)
		self->events.lost(self->events.arg, self->why ? self->why : proc_death(how, status),
		                  self->was_stopped || was_moving || (!self->why && proc_was_killed(status)));
}

/* One message; false: there is none now. */
static bool read_message(struct backend_of_processes *self)
{
	struct packet packet;
	int result = message_receive(self->server.fd, &packet, false, MSG_DONTWAIT);
	if (result < 0 && (errno == EINTR || errno == EAGAIN))
		return errno == EINTR;
	if (result <= 0) {
		take_loss(self);
		return false;
	}
	take_message(self, &packet);
	return true;
}

static void read_messages(struct backend_of_processes *self, int n_most)
{
	while (n_most-- > 0 && !self->is_closed && self->watch.fd >= 0 && read_message(self))
		;
}

static void on_socket(struct loop_watch *watch, uint32_t events)
{
	struct backend_of_processes *self = watch->arg;
	(void)events;
	self->is_reading = true;
	/* what is left is told again: others have their turn first */
	read_messages(self, MESSAGES_A_TURN);
	self->is_reading = false;
	if (self->is_closed)
		release(self);
}

/* What it had told before comes first. */
static void on_exit_of_server(struct loop_watch *watch, uint32_t events)
{
	struct backend_of_processes *self = watch->arg;
	(void)events;
	self->is_reading = true;
	read_messages(self, MESSAGES_LAST);
	if (!self->is_closed && self->watch.fd >= 0 && self->exit.fd >= 0 && is_moving(self))
		unwatch_exit(self);
	else if (!self->is_closed && self->watch.fd >= 0 && self->exit.fd >= 0 && has_ended(self->server.pid))
		take_loss(self);
	self->is_reading = false;
	if (self->is_closed)
		release(self);
}

/* --- operations --------------------------------------------------------------------------------------------------- */

/* The set-up as a file that can be read from its beginning. */
static int make_setup_file(const struct setup *setup, int *ret_fd, struct err *err)
{
	struct buf text = {0};
	const char *why_memfd;
	int result = -1, fd = -1;
	if (setup_write(setup, &text) != 0)
		err_set(err, ERR_RESOURCE, "out of memory");
	else if (segment_create(text.len, NULL, &fd, &why_memfd, err) != 0)
		;
	else {
		errno = EIO; /* a short count sets none */
		result = pwrite(fd, text.bytes, text.len, 0) == (ssize_t)text.len
		             ? 0
		             : err_set_errno(err, ERR_RESOURCE, errno, "cannot write the job's setup");
	}
	if (result == 0)
		*ret_fd = fd;
	else if (fd >= 0)
		close(fd);
	buf_fini(&text);
	return result;
}

/* One that is gone or can't hear us is lost, which is told as whenever it dies. -1 with errno: it isn't sent. */
static int send_message(struct backend_of_processes *self, const struct message *message, const int *fds, size_t n_fds)
{
	if (server_send(&self->server, message, NULL, fds, n_fds) == 0)
		return 0;
	if (errno != EPIPE && errno != ECONNRESET && errno != EAGAIN)
		return -1;
	/* one that has died meanwhile wasn't lost by our doing: its end is about to be told */
	if (errno == EAGAIN)
		lose(self, "it didn't read what it was sent");
	else if (!has_ended(self->server.pid))
		lose(self, "it closed its connection to rota");
	return 0;
}

static int send_setup(struct backend_of_processes *self, const struct setup *setup, struct err *err)
{
	const struct message message = {.kind = MESSAGE_SETUP};
	int setup_fd;
	if (make_setup_file(setup, &setup_fd, err) != 0)
		return -1;
	int result = send_message(self, &message, &setup_fd, SETUP_FDS);
	if (result != 0)
		err_set_errno(err, ERR_RESOURCE, errno, "cannot send the job's setup");
	close(setup_fd);
	return result;
}

/* One that has described the plugin before may have said something: that counts. */
static int listen_to_words(struct backend_of_processes *self, struct err *err)
{
	struct words *words = &self->server.words;
	const struct words_quota *before = self->events.load_quota;
	words->job_name = self->events.job_name;
	if (before && before->said_until_ns > words->quota.said_until_ns)
		words->quota.said_until_ns = before->said_until_ns;
	return words_watch(words, self->loop, err);
}

static bool close_backend(struct backend **backend);

static int open_backend(struct backend **ret, struct loop *loop, const struct setup *setup, const char *worker_program,
                        struct server *spare, const struct backend_events *events, struct err *err)
{
	struct backend_of_processes *self = calloc(1, sizeof *self);
	if (!self)
		return err_set(err, ERR_RESOURCE, "out of memory");
	*self = (struct backend_of_processes){.base.ops = &backend_process,
	                                      .loop = loop,
	                                      .events = *events,
	                                      .watch.fd = -1,
	                                      .exit.fd = -1,
	                                      .server = server_take(spare, setup->file),
	                                      .has_pid_namespace = setup->duty.has_pid_namespace,
	                                      .n_children = setup->n_places};
	struct backend *base = &self->base;
	self->children = calloc(setup->n_places, sizeof *self->children);
	if (!self->children) {
		err_set(err, ERR_RESOURCE, "out of memory");
		goto fail;
	}
	if ((self->server.pid == 0 && server_start(&self->server, worker_program, err) != 0) ||
	    send_setup(self, setup, err) != 0 ||
	    loop_add(loop, &self->watch, self->server.fd, EPOLLIN, on_socket, self, NULL, err) != 0 ||
	    listen_to_words(self, err) != 0)
		goto fail;
	watch_exit(self);
	*ret = base;
	return 0;
fail:
	close_backend(&base);
	return -1;
}

static int start_worker(struct backend *backend, unsigned number, uint64_t generation, struct channel *channel,
                        int error_fd, struct err *err)
{
	struct backend_of_processes *self = of(backend);
	const int fds[FORK_FDS] = {
		[FORK_FD_SEGMENT] = channel->fd, [FORK_FD_BELL] = channel->bell_fd, [FORK_FD_ERROR] = error_fd};
	const struct message message = {.kind = MESSAGE_FORK, .worker = number, .generation = generation};
	self->children[number - 1] = (struct child){.generation = generation, .is_wanted = true};
	if (send_message(self, &message, fds, FORK_FDS) == 0)
		return 0;
	self->children[number - 1].is_wanted = false;
	return err_set_errno(err, ERR_RESOURCE, errno, "cannot ask for a worker");
}

static bool kill_worker(struct backend *backend, unsigned number, uint64_t generation, int signum)
{
	const struct message message = {.kind = MESSAGE_KILL, .worker = number, .generation = generation, .status = signum};
	struct backend_of_processes *self = of(backend);
	struct child *child = &self->children[number - 1];
	if (signum == SIGKILL && child->generation == generation)
		child->is_killed = true;
	if (send_message(self, &message, NULL, 0) != 0)
		lose(self, "nothing could be sent to it");
	return true;
}

/*
 * Its death is owed by the fork server. One that doesn't listen, or doesn't tell of a worker that is dead, isn't waited
 * for any longer; one that does may wait for a worker that takes long to die.
 */
static void look_at_child(struct backend_of_processes *self, struct child *child, int64_t passed_ns)
{
	bool is_dead = child->pid > 0 && proc_is_dead(child->pid);
	if (!(child->pid > 0 || child->is_wanted) || !(is_dead || child->is_killed)) {
		child->silent_ns = 0;
		return;
	}
	child->silent_ns += passed_ns;
	if (child->silent_ns < SILENT_NS)
		return;
	bool is_busy = self->server.pid > 0 && proc_state(self->server.pid) == 'R';
	if ((!is_busy && (is_dead || server_is_deaf(&self->server))) || child->silent_ns >= SILENT_LONG_NS)
		lose(self, "it didn't answer");
}

/* Into the namespace: it waits for what it starts there (vfork), or that is yet to say so. */
static bool is_on_its_way(const struct backend_of_processes *self)
{
	return self->has_pid_namespace && !self->has_moved && (proc_state(self->server.pid) == 'D' || is_moving(self));
}

static void look(struct backend *backend, int64_t passed_ns)
{
	struct backend_of_processes *self = of(backend);
	bool is_asked = !self->is_loaded;
	for (unsigned i = 0; i < self->n_children; i++) {
		look_at_child(self, &self->children[i], passed_ns);
		is_asked = is_asked || self->children[i].is_wanted;
	}
	bool is_stopped = is_asked && self->server.pid > 0 && (proc_state(self->server.pid) == 'T' || is_on_its_way(self));
	self->stopped_ns = is_stopped ? self->stopped_ns + passed_ns : 0;
	if (self->stopped_ns < SILENT_NS || self->why)
		return;
	self->was_stopped = true;
	lose(self, is_on_its_way(self) ? "nothing was heard from its PID namespace" : "it was stopped");
}

static void abandon(struct backend *backend, const char *why)
{
	lose(of(backend), why);
}

static bool close_backend(struct backend **backend)
{
	if (!*backend)
		return true;
	struct backend_of_processes *self = of(*backend);
	unwatch(self);
	/* orderly, unless nothing is to be expected of it */
	if (self->is_loaded && !self->why)
		server_end(&self->server);
	else
		server_kill(&self->server);
	*backend = NULL;
	self->is_closed = true;
	if (!self->is_reading)
		release(self);
	return true;
}

const struct backend_ops backend_process = {
	.name = "process",
	.has_processes = true,
	.open = open_backend,
	.start = start_worker,
	.kill = kill_worker,
	.look = look,
	.abandon = abandon,
	.close = close_backend,
};
