/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forkserver: whom it kills, what its workers have of it, and who ends when one of them dies. This process is the
 * supervisor, and a subreaper: of what is left behind nothing gets lost. Calls of the fork server's that matter go
 * through functions here that stand in the C library's place.
 */
#include "config.h"

#include "core/worker/forkserver.h"

#include "core/base/proc.h"
#include "core/base/procfs.h"
#include "core/crew/server.h"
#include "core/wire/setup.h"
#include "shm/channel.h"
#include "tests/shm/ends.h"
#include "tests/tap.h"

#include <dlfcn.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PATIENCE_MS 10000 /* for what comes at once where all is right */
#define KILLS_MAX 256

/* Shared by all processes here. */
static struct seam {
	bool kills_parent; /* of who makes a session: a worker's first act */
	pid_t worker;      /* who has done so last */
	int n_forks;       /* that go well in the fork server from now on; -1: all */
	unsigned n_kills;
	pid_t killed[KILLS_MAX]; /* by the fork server and what is below it, whether there was anybody or not */
} * seam;

static pid_t supervisor;

static struct {
	struct server server; /* its pid and our end of the socket */
	struct channel *channel;
	struct err err;
} box;

static const char *plugin_file;

/* --- in the C library's place ------------------------------------------------------------------------------------- */

int kill(pid_t pid, int signum)
{
	int (*real)(pid_t pid, int signum);
	*(void **)&real = dlsym(RTLD_NEXT, "kill");
	if (getpid() != supervisor && seam->n_kills < KILLS_MAX)
		seam->killed[seam->n_kills++] = pid;
	return real(pid, signum);
}

pid_t setsid(void)
{
	pid_t (*real)(void);
	const pid_t parent = getppid();
	*(void **)&real = dlsym(RTLD_NEXT, "setsid");
	seam->worker = getpid();
	if (seam->kills_parent) {
		kill(parent, SIGKILL);
		while (getppid() == parent)
			sched_yield();
	}
	return real();
}

pid_t fork(void)
{
	pid_t (*real)(void);
	*(void **)&real = dlsym(RTLD_NEXT, "fork");
	if (seam->n_forks == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (seam->n_forks > 0)
		seam->n_forks--;
	return real();
}

/* --- the supervisor ----------------------------------------------------------------------------------------------- */

/* false: it isn't to be read in all that time. EINTR comes of wake.h. */
static bool await_input(int fd)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	int result;
	while ((result = poll(&polled, 1, PATIENCE_MS)) < 0 && errno == EINTR)
		;
	return result == 1;
}

/* The next message. false: there is none any more, or none comes. *ret_sender may be NULL. */
static bool hear(struct message *ret, pid_t *ret_sender)
{
	struct packet packet;
	if (!await_input(box.server.fd) || message_receive(box.server.fd, &packet, false, 0) <= 0)
		return false;
	must(packet.sender > 0);
	*ret = packet.message;
	if (ret_sender)
		*ret_sender = packet.sender;
	return true;
}

static void tell(enum message_kind kind, uint32_t worker, uint64_t generation, int status, const int *fds, size_t n_fds)
{
	const struct message message = {.kind = kind, .worker = worker, .generation = generation, .status = status};
	must(server_send(&box.server, &message, NULL, fds, n_fds) == 0);
}

/* Waits until it has done all that it was told: to a wish for a worker without descriptors there is an answer. */
static void settle(void)
{
	struct message answer;
	tell(MESSAGE_FORK, 1, 99, 0, NULL, 0);
	must(hear(&answer, NULL) && answer.kind == MESSAGE_NO_FORK && answer.generation == 99);
}

static int setup_fd(bool runs_commands)
{
	const struct setup setup = {.file = plugin_file,
	                            .delimiter = '\n',
	                            .frame_byte = '\n',
	                            .max_result_bytes = 1000,
	                            .n_workers = 2,
	                            .n_places = 2,
	                            .runs_commands = runs_commands};
	struct buf text = {0};
	int fd = memfd_create("setup", MFD_CLOEXEC);
	must(fd >= 0 && setup_write(&setup, &text) == 0 && write(fd, text.bytes, text.len) == (ssize_t)text.len);
	buf_fini(&text);
	return fd;
}

/* A fork server that has loaded the plugin. */
static void begin(bool runs_commands)
{
	const int yes = 1;
	struct message message;
	int pair[2];
	*seam = (struct seam){.n_forks = -1};
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	must(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) == 0);
	box.server.pid = fork();
	must(box.server.pid >= 0);
	if (box.server.pid == 0) {
		dup2(pair[1], FORKSERVER_SOCKET_FD);
		procfs_close_from(FORKSERVER_SOCKET_FD + 1);
		setsid(); /* as one that is executed has */
		exit(forkserver_run("rota-worker", supervisor));
	}
	close(pair[1]);
	box.server.fd = pair[0];
	int fd = setup_fd(runs_commands);
	tell(MESSAGE_SETUP, 0, 0, 0, &fd, 1);
	close(fd);
	must(hear(&message, NULL) && message.kind == MESSAGE_LOADED);
}

/* Asks for a worker. */
static void ask_for_worker(uint32_t number, uint64_t generation)
{
	const struct channel_sizes sizes = {.task_bytes = 4096, .result_bytes = 8192, .event_bytes = 4096};
	const char *why_memfd;
	channel_destroy(&box.channel);
	must(channel_create(&box.channel, number, &sizes, &why_memfd, &box.err) == 0);
	const int fds[FORK_FDS] = {box.channel->fd, box.channel->bell_fd, STDERR_FILENO};
	tell(MESSAGE_FORK, number, generation, 0, fds, FORK_FDS);
}

/* Waits for the bell, until cond says so of the channel. */
static void await(bool (*cond)(struct channel *channel))
{
	const int fd = box.channel->bell_fd;
	uint64_t n_rings;
	for (;;) {
		channel_sleep_begin(box.channel);
		if (cond(box.channel))
			break;
		must(await_input(fd) && read(fd, &n_rings, sizeof n_rings) == sizeof n_rings);
		channel_sleep_end(box.channel);
	}
	channel_sleep_end(box.channel);
}

static bool is_ready(struct channel *channel)
{
	return channel_state(channel) == WORKER_READY;
}

static bool has_answer(struct channel *channel)
{
	return channel_has_answers(channel);
}

static bool has_event(struct channel *channel)
{
	return channel_events(channel) > 0;
}

/* One that is ready: its process. */
static pid_t start_worker(uint32_t number, uint64_t generation)
{
	struct message message;
	pid_t pid = 0;
	ask_for_worker(number, generation);
	must(hear(&message, &pid) && message.kind == MESSAGE_FORKED && message.generation == generation);
	await(is_ready);
	return pid;
}

/* One item, which is a word. */
static void send_item(const char *word)
{
	const struct channel_batch batch = {.seq = 1, .n_items = 1, .attempt = 1, .bytes = word, .n_bytes = strlen(word)};
	must(channel_send(box.channel, &batch) == 0 && channel_wake(box.channel) == 0);
}

static void send_one(const char *word, bool (*until)(struct channel *channel))
{
	send_item(word);
	await(until);
}

/* The process that load has started. */
static pid_t ask_for_loaded(void)
{
	uint64_t n_bytes;
	uint32_t n_items;
	send_one("loaded\n", has_answer);
	must(channel_look(box.channel, &n_bytes, &n_items) == 0 && n_items == 1);
	long pid = strtol((const char *)channel_data(box.channel), NULL, 10);
	must(pid > 0);
	channel_take(box.channel, n_bytes, n_items);
	channel_release(box.channel);
	return (pid_t)pid;
}

/* The process that an item has left, while the item hangs. */
static pid_t leave_stray(void)
{
	struct channel_event event;
	uint64_t n_bytes;
	uint32_t n_items;
	send_one("leave\n", has_event);
	must(channel_look(box.channel, &n_bytes, &n_items) == 0 && channel_event(box.channel, &event) == 1);
	long pid = strtol(event.text, NULL, 10);
	must(pid > 0);
	channel_event_done(box.channel, &event);
	return (pid_t)pid;
}

/* Where all is right it has ended already, or does in a moment. */
static bool ends(int pidfd)
{
	bool has_ended = await_input(pidfd);
	close(pidfd);
	return has_ended;
}

static bool is_alive(int pidfd)
{
	struct pollfd polled = {.fd = pidfd, .events = POLLIN};
	return poll(&polled, 1, 0) == 0;
}

static int open_pidfd(pid_t pid)
{
	int fd = proc_open_pidfd(pid);
	must(fd >= 0);
	return fd;
}

static int status_of(pid_t pid)
{
	int status = -1;
	must(waitpid(pid, &status, 0) == pid);
	return status;
}

/* The fork server ends in order when our socket is closed, and with it all the others. Its status; it isn't reaped. */
static int end(void)
{
	siginfo_t info = {0};
	close(box.server.fd);
	box.server.fd = -1;
	must(waitid(P_PID, (id_t)box.server.pid, &info, WEXITED | WNOWAIT) == 0);
	return info.si_code == CLD_EXITED ? info.si_status : -1;
}

/* With all that was left to us: what load has started is in the fork server's group. */
static void put_away(void)
{
	if (box.server.fd >= 0)
		close(box.server.fd);
	channel_destroy(&box.channel);
	kill(-box.server.pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* It was killed: what load has started, and has its socket, is the supervisor's to end. */
static void end_killed(pid_t loaded)
{
	siginfo_t info = {0};
	must(waitid(P_PID, (id_t)box.server.pid, &info, WEXITED | WNOWAIT) == 0);
	must(info.si_code == CLD_KILLED && info.si_status == SIGKILL);
	kill(loaded, SIGKILL);
}

/* --- the tests ---------------------------------------------------------------------------------------------------- */

static void test_born_as_server_dies(void)
{
	struct message message;
	begin(false);
	pid_t first = start_worker(1, 1), loaded = ask_for_loaded();
	seam->kills_parent = true;
	ask_for_worker(2, 2);
	end_killed(loaded);
	ok(!hear(&message, NULL), "a worker whose server died before it asked for a signal then says nothing");
	kill(first, SIGTERM); /* one that lives on */
	kill(seam->worker, SIGTERM);
	int status = status_of(seam->worker);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 1, "and ends itself (status %#x)", (unsigned)status);
	put_away();
}

static void test_dies_with_server(void)
{
	begin(false);
	pid_t worker = start_worker(1, 1);
	pid_t loaded = ask_for_loaded();
	int fd = open_pidfd(worker);
	kill(box.server.pid, SIGKILL);
	end_killed(loaded);
	ok(ends(fd), "a worker ends when its server is killed");
	kill(worker, SIGTERM); /* one that lives on */
	int status = status_of(worker);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "by the signal that it has asked for");
	put_away();
}

static bool was_killed(pid_t pid, unsigned since)
{
	for (unsigned i = since; i < seam->n_kills; i++)
		if (seam->killed[i] == pid || seam->killed[i] == -pid)
			return true;
	return false;
}

static void test_kill(void)
{
	struct message message = {0};
	begin(false);
	pid_t first = start_worker(1, 1), second = start_worker(2, 2);
	tell(MESSAGE_KILL, 1, 1, SIGKILL, NULL, 0);
	ok(hear(&message, NULL) && message.kind == MESSAGE_DIED, "a worker is killed");
	ok(message.worker == 1 && message.generation == 1, "which is told of it");
	ok(WIFSIGNALED(message.status) && WTERMSIG(message.status) == SIGKILL, "with its status");
	unsigned n_kills = seam->n_kills;
	tell(MESSAGE_KILL, 1, 1, SIGKILL, NULL, 0);
	settle();
	ok(!was_killed(first, n_kills), "a dead one's number is nobody's to kill: it may be another's");
	pid_t third = start_worker(1, 3);
	n_kills = seam->n_kills;
	tell(MESSAGE_KILL, 1, 1, SIGKILL, NULL, 0);
	tell(MESSAGE_KILL, 2, 3, SIGKILL, NULL, 0);
	tell(MESSAGE_KILL, 0, 3, SIGKILL, NULL, 0);
	tell(MESSAGE_KILL, 3, 3, SIGKILL, NULL, 0);
	settle();
	ok(!was_killed(second, n_kills) && !was_killed(third, n_kills), "a word about a dead one is none about a living");
	is_int(seam->n_kills, n_kills, "nor about anybody");
	is_int(end(), 0, "the end");
	put_away();
}

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512] = "";
	int parent = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	must(file && fgets(text, sizeof text, file));
	fclose(file);
	must(sscanf(strrchr(text, ')'), ") %*c %d", &parent) == 1);
	return (pid_t)parent;
}

static void test_strays(void)
{
	struct message message = {0};
	begin(false);
	pid_t worker = start_worker(1, 1);
	int loaded_fd = open_pidfd(ask_for_loaded());
	pid_t stray = leave_stray();
	int stray_fd = open_pidfd(stray);
	is_int(parent_of(stray), worker, "what an item leaves is the worker's");
	tell(MESSAGE_KILL, 1, 1, SIGKILL, NULL, 0);
	ok(hear(&message, NULL) && message.kind == MESSAGE_DIED, "when the worker dies");
	ok(ends(stray_fd), "it ends, too, wherever it is");
	settle();
	ok(is_alive(loaded_fd), "what load has started lives on");
	start_worker(1, 2);
	is_int(end(), 0, "the supervisor goes, and the fork server ends in order");
	ok(!is_alive(loaded_fd), "not before all that it has started");
	close(loaded_fd);
	put_away();
}

/* What a descriptor of another process's is; "" where it isn't open. */
static void read_link(char text[PATH_MAX], pid_t pid, int fd)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
	ssize_t n = readlink(path, text, PATH_MAX - 1);
	text[n > 0 ? n : 0] = '\0';
}

static void test_descriptors(void)
{
	char text[PATH_MAX];
	begin(false);
	pid_t worker = start_worker(1, 1);
	unsigned n_sockets = 0;
	for (int fd = 3; fd < 100; fd++) {
		read_link(text, worker, fd);
		n_sockets += strncmp(text, "socket:", 7) == 0;
	}
	is_int(n_sockets, 0, "a worker can't speak for the fork server");
	read_link(text, worker, 0);
	is_str(text, "/dev/null", "and has no input");
	is_int(end(), 0, "the end");
	put_away();
}

static void test_place(void)
{
	struct message message = {0};
	begin(true);
	seam->n_forks = 0;
	ask_for_worker(1, 1);
	ok(hear(&message, NULL) && message.kind == MESSAGE_NO_FORK, "no process can be made");
	is_int(message.status, EAGAIN, "and why");
	seam->n_forks = 1;
	ask_for_worker(1, 2);
	ok(hear(&message, NULL) && message.kind == MESSAGE_NO_FORK, "only one can, and its commands need another");
	is_int(message.status, EAGAIN, "and why");
	seam->n_forks = 2;
	ask_for_worker(1, 3);
	ok(hear(&message, NULL) && message.kind == MESSAGE_FORKED, "there is a place for each");
	is_int(message.generation, 3, "it is the last that was asked for");
	seam->n_forks = -1;
	is_int(end(), 0, "the end");
	put_away();
}

int main(void)
{
	char path[PATH_MAX];
	const char *folder = getenv("abs_top_builddir");
	alarm(120); /* who hangs has failed */
	snprintf(path, sizeof path, "%s/tests/bad/strays.so", folder ? folder : ".");
	plugin_file = realpath(path, NULL);
	must(plugin_file);
	seam = mmap(NULL, sizeof *seam, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(seam != MAP_FAILED && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	supervisor = getpid();
	test_born_as_server_dies();
	test_dies_with_server();
	test_kill();
	test_strays();
	test_descriptors();
	test_place();
	free((void *)(uintptr_t)plugin_file);
	return tap_done();
}
