/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop: a worker's life over a real channel, in this process: what an item leaves behind for the next, what it does to
 * those behind it, a batch that is taken back, and a worker that can't go on. The items are words that say what to do;
 * all that is to be run is in the ring before the worker begins, so that it needn't sleep. Its clock is the test's:
 * only items take time.
 */
#include "config.h"

#include "core/worker/loop.h"

#include "core/base/clock.h"
#include "core/base/split.h"
#include "shm/channel.h"
#include "tests/shm/ends.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static struct {
	struct channel *channel;
	struct port port;
	struct host host;
	struct setup setup;
	int home_fd, input_fd; /* to be put back */
	uint64_t seq;          /* of the next item that is sent */
	/* what the worker did */
	unsigned n_run, n_without_end; /* items whose delimiter wasn't there */
	uint64_t n_not_ok;
	int begun_at_term; /* how many items were in hand when TERM came; -1: it didn't */
	/* what came of it */
	char results[4096], said[4096]; /* said: ITEM TEXT, a line each; the first item is 0 */
	size_t n_bytes;
	uint32_t n_answered, n_taken_back;
	struct time_shm time;
	/* of what is sent later, by a second thread */
	const char *later;
	int told_fds[2]; /* how many were begun when the rest was taken back */
} box;

/* --- the plugin --------------------------------------------------------------------------------------------------- */

static int64_t now_ns = CLOCK_NS_PER_SEC;

/* In the C library's place. */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
	(void)clock;
	*ret = (struct timespec){now_ns / CLOCK_NS_PER_SEC, now_ns % CLOCK_NS_PER_SEC};
	return 0;
}

static bool is_away(void)
{
	char path[4096];
	must(getcwd(path, sizeof path));
	return strcmp(path, "/proc") == 0;
}

static bool is_masked(int signum)
{
	sigset_t now;
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	return sigismember(&now, signum) == 1;
}

static void mask(int signum)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, signum);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void leave(const char *item)
{
	(void)item;
	must(chdir("/proc") == 0);
}

static void take_their_time(const char *item)
{
	(void)item;
	now_ns += 100000;
}

/* The supervisor does it while the item is run. */
static void be_cut_off(const char *item)
{
	leave(item);
	must(channel_take_back(box.channel, &box.n_taken_back) == 0);
	if (box.later)
		must(write(box.told_fds[1], &box.n_run, sizeof box.n_run) == sizeof box.n_run);
}

/* Over the delimiter of the next item. */
static void scribble(const char *item)
{
	char *end = strchr(strchr(item, '\n') + 1, '\n');
	*end = 'x';
}

/* A delimiter where none was. */
static void add_an_end(const char *item)
{
	char *middle = (char *)(uintptr_t)item + 2 * SPLIT_BLOCK_BYTES;
	*middle = '\n';
}

/* And takes so long that all is compared. */
static void close_input(const char *item)
{
	(void)item;
	now_ns += 2 * CLOCK_NS_PER_MS;
	close(STDIN_FILENO);
}

/* When the supervisor sleeps, so that it would have to be rung. */
static void close_the_bell(const char *item)
{
	(void)item;
	channel_sleep_begin(box.channel);
	close(box.port.bell_fd);
}

static void say(struct rota_task *task)
{
	rota_log(task, "hello");
}

/* More than the ring holds: there is room only when the supervisor has taken some. */
static int write_much(struct rota_task *task)
{
	static const char much[1 << 17];
	return rota_write(task, much, sizeof much);
}

static void mask_term(const char *item)
{
	(void)item;
	mask(SIGTERM);
	raise(SIGTERM);
}

static void mask_user(const char *item)
{
	(void)item;
	mask(SIGUSR1);
}

static void leave_child(const char *item)
{
	(void)item;
	pid_t pid = fork();
	must(pid >= 0);
	while (pid == 0)
		pause();
}

static const struct {
	const char *name;
	void (*act)(const char *item);
} acts[] = {
	{"leave", leave},       {"slow", take_their_time}, {"cut", be_cut_off},      {"scribble", scribble},
	{"split", add_an_end},  {"close", close_input},    {"mask-term", mask_term}, {"mask-user", mask_user},
	{"child", leave_child}, {"mute", close_the_bell},
};

/*
 * What it does is its name; one that says "where" has that as its result, "much" has much, "fail" fails, and all others
 * have none.
 */
static int run(struct rota_task *task, void *state)
{
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	(void)state;
	box.n_run++;
	box.n_without_end += item[n_bytes] != '\n';
	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
		if (strlen(acts[i].name) == n_bytes && memcmp(acts[i].name, item, n_bytes) == 0)
			acts[i].act(item);
	if (n_bytes == 5 && memcmp(item, "where", 5) == 0)
		return rota_write(task, is_away() ? "away" : "home", 4);
	if (n_bytes == 4 && memcmp(item, "fail", 4) == 0)
		return rota_fail(task, "no luck");
	if (n_bytes == 3 && memcmp(item, "say", 3) == 0)
		say(task);
	return n_bytes == 4 && memcmp(item, "much", 4) == 0 ? write_much(task) : ROTA_OK;
}

/* --- the supervisor ----------------------------------------------------------------------------------------------- */

static void take_event(const struct channel_event *event)
{
	size_t n = strlen(box.said);
	if (event->kind == EVENT_ENDED)
		memcpy(&box.time, event->text, sizeof box.time);
	else if (event->kind != EVENT_BEGUN)
		snprintf(box.said + n, sizeof box.said - n, "%u %s\n", event->item, event->text);
}

static void receive(void)
{
	struct channel_event event;
	uint64_t n_bytes;
	uint32_t n_items;
	must(channel_look(box.channel, &n_bytes, &n_items) == 0);
	while (channel_event(box.channel, &event) > 0) {
		take_event(&event);
		channel_event_done(box.channel, &event);
	}
	must(n_bytes < sizeof box.results - box.n_bytes);
	memcpy(box.results + box.n_bytes, channel_data(box.channel), n_bytes);
	box.n_bytes += n_bytes;
	box.n_answered += n_items;
	channel_take(box.channel, n_bytes, n_items);
	channel_release(box.channel);
}

static void send_items(const char *items, uint32_t n_items)
{
	struct channel_batch batch = {
		.seq = box.seq, .n_items = n_items, .attempt = 1, .bytes = items, .n_bytes = strlen(items)};
	box.seq += n_items;
	must(channel_send(box.channel, &batch) == 0 && !channel_is_sending(box.channel));
}

/* Each with its newline, as one batch. */
static void send_batch(const char *items)
{
	uint32_t n_items = 0;
	for (const char *c = items; *c; c++)
		n_items += *c == '\n';
	send_items(items, n_items);
}

/* A second thread, for what comes only when something was answered: the batch that was cut off is over. */
static void *send_later(void *nothing)
{
	unsigned n_begun;
	uint64_t n_rings;
	must(read(box.told_fds[0], &n_begun, sizeof n_begun) == sizeof n_begun);
	while (box.n_answered < n_begun) {
		struct pollfd bell = {.fd = box.channel->bell_fd, .events = POLLIN};
		channel_sleep_begin(box.channel);
		if (!channel_has_news(box.channel))
			must(poll(&bell, 1, -1) == 1 && read(bell.fd, &n_rings, sizeof n_rings) == sizeof n_rings);
		channel_sleep_end(box.channel);
		receive();
	}
	send_batch(box.later);
	must(channel_stop(box.channel) == 0 && channel_wake(box.channel) == 0);
	return nothing;
}

/* A worker for the plugin. is_process: of a process of its own, as far as it knows. */
static void begin(uint64_t flags, bool is_process)
{
	const struct channel_sizes sizes = {.task_bytes = 1 << 16, .result_bytes = 1 << 16, .event_bytes = 1 << 14};
	const char *why_memfd;
	struct err err;
	const int home_fd = box.home_fd, input_fd = box.input_fd;
	memset(&box, 0, sizeof box);
	box.home_fd = home_fd;
	box.input_fd = input_fd;
	box.seq = 1;
	box.begun_at_term = -1;
	box.setup = (struct setup){.delimiter = '\n', .frame = FRAME_ALWAYS, .frame_byte = ' ', .max_result_bytes = 1000};
	box.host.plugin = (struct rota_plugin){.name = "looped", .flags = flags, .run = run};
	must(channel_create(&box.channel, 1, &sizes, &why_memfd, &err) == 0);
	if (is_process)
		must(port_attach(&box.port, dup(box.channel->fd), dup(box.channel->bell_fd), &err) == 0);
	else
		must(port_attach_map(&box.port, &box.channel->map, box.channel->bell_fd, &err) == 0);
}

/* The worker's whole life. What it leaves is the process's then. */
static int live(void)
{
	pthread_t thread;
	if (box.later)
		must(pipe(box.told_fds) == 0 && pthread_create(&thread, NULL, send_later, NULL) == 0);
	else
		must(channel_stop(box.channel) == 0);
	int result = worker_live(&box.host, &box.setup, &box.port, &box.n_not_ok);
	if (box.later)
		must(pthread_join(thread, NULL) == 0 && close(box.told_fds[0]) == 0 && close(box.told_fds[1]) == 0);
	receive();
	return result;
}

static void end(void)
{
	sigset_t none;
	port_detach(&box.port);
	channel_destroy(&box.channel);
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	must(fchdir(box.home_fd) == 0 && dup2(box.input_fd, STDIN_FILENO) == STDIN_FILENO);
}

/* --- between the items of a batch --------------------------------------------------------------------------------- */

static void test_first_batch(void)
{
	begin(0, true);
	send_batch("leave\nwhere\nwhere\n");
	is_int(live(), 0, "a first batch: nobody knows how long its items take");
	is_str(box.results, "home home ", "what the first item leaves the second doesn't see");
	is_str(box.said, "0 left a changed working directory: restored\n", "and it is said under the first's number");
	is_int(box.n_not_ok, 0, "no item has failed");
	is_int(channel_state(box.channel), WORKER_LEFT, "it has left in order");
	end();
}

static void test_slow_items(void)
{
	begin(0, true);
	send_batch("quick\nquick\n");
	send_batch("slow\nslow\n");
	send_batch("leave\nwhere\nleave\nwhere\n");
	live();
	is_str(box.results, "home home ", "items of 0.1 ms: each is looked at, though those before were quick");
	is_str(box.said, "4 left a changed working directory: restored\n", "it is known which, and said once");
	end();
}

static void test_quick_items(void)
{
	begin(0, true);
	send_batch("quick\nquick\n");
	send_batch("where\nleave\nwhere\n");
	send_batch("where\n");
	live();
	is_str(box.results, "home away home ", "quick items: what one leaves is gone with its batch");
	is_str(box.said, "4 one of the items 3 to 5 left a changed working directory: restored\n",
	       "which is said before the last is answered");
	end();
}

/* Which batch the last item was in doesn't matter: nothing of it is behind a cut. */
static void test_cut_batch(void)
{
	begin(0, true);
	send_batch("where\n");
	send_batch("where\ncut\nwhere\nwhere\n");
	send_batch("where\n");
	is_int(live(), 0, "a batch is taken back while its second item is run");
	is_int(box.n_run, 3, "nothing is begun any more");
	is_int(box.n_taken_back, 3, "and nothing of the next batch");
	is_str(box.results, "home home ", "the others are answered");
	is_int(box.n_answered, 3, "and the second, too");
	ok(!is_away(), "what it has left is restored");
	end();

	begin(0, true);
	box.later = "where\nwhere\n";
	send_batch("quick\nquick\n");
	send_batch("where\ncut\nwhere\n");
	is_int(live(), 0, "a batch of quick items is cut off, and another comes");
	is_int(box.n_run, 6, "which is run");
	is_str(box.results, "home home home ", "and doesn't see what the cut one's item has left");
	is_str(box.said, "5 one of the items 3 to 7 left a changed working directory: restored\n",
	       "this waits to be said until an item is in hand");
	end();
}

/* --- items that write over others --------------------------------------------------------------------------------- */

static void test_scribbles(void)
{
	char items[3 * SPLIT_BLOCK_BYTES + 64];
	begin(0, true);
	send_batch("scribble\nthe next, whose end is gone\none more, which is as it was\nwhere\n");
	is_int(live(), 0, "an item writes over the end of the next");
	is_int(box.n_without_end, 0, "an item that has no end any more isn't run");
	is_int(box.n_not_ok, 0, "nobody is blamed");
	ok(box.n_answered < 4, "what is left is owed");
	end();

	begin(0, true);
	snprintf(items, sizeof items, "split\n%0*d\n", 3 * SPLIT_BLOCK_BYTES, 0);
	send_batch(items);
	is_int(live(), 0, "an item makes two of the next");
	is_int(box.n_run, 2, "no more are run than were sent");
	is_int(box.n_answered, 2, "nor answered");
	end();

	begin(0, true);
	send_items("where\nwhere\n", 3);
	is_int(live(), 0, "a batch that has fewer items than it says");
	is_int(box.n_run, 2, "as many are run as there are");
	end();
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void test_spoilt(void)
{
	begin(0, true);
	send_batch("where\nclose\nwhere\n");
	send_batch("where\n");
	is_int(live(), 0, "an item leaves what can't be restored");
	is_int(box.n_run, 2, "its worker begins no other item");
	ok(!channel_is_drained(box.channel), "nor takes another batch");
	is_int(channel_state(box.channel), WORKER_LEFT, "it leaves in order");
	is_int(box.n_answered, box.n_run, "what was run is answered");
	end();

	begin(0, true);
	send_batch("close\nwhere\nwhere\n");
	is_int(live(), 0, "the very first item does");
	is_int(box.n_run, 1, "the others are left for another worker");
	is_int(box.n_answered, 1, "it is answered itself");
	is_str(box.said, "0 left closed standard streams: its worker is replaced\n", "and told of");
	end();
}

static void test_mute(void)
{
	static const uint64_t flags[] = {0, ROTA_TIDY};
	static const char told[] = "the worker's own descriptors closed";
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		const char *who = flags[i] ? "of a tidy plugin" : "of a plugin";
		begin(flags[i], true);
		send_batch("mute\nwhere\n");
		is_int(live(), 0, "an item %s closes the worker's bell", who);
		is_int(box.n_run, 1, "in the first batch no other is begun");
		is_int(box.n_answered, 1, "it has its result");
		ok(strstr(box.said, told), "and is told of");
		is_int(channel_state(box.channel), WORKER_LEFT, "the worker leaves in order");
		end();
	}
	/* of quick items a batch is compared as a whole */
	begin(0, true);
	send_batch("quick\n");
	send_batch("leave\nmute\nsay\nwhere\nsay\nquick\n");
	send_batch("where\n");
	is_int(live(), 0, "the bell is closed, and items behind it in the batch have something to say");
	is_int(box.n_answered, 7, "all of the batch have their results");
	ok(strstr(box.said, "3 hello\n") && strstr(box.said, "5 hello\n"), "and their words");
	ok(strstr(box.said, told), "then the bell is told of");
	is_int(channel_state(box.channel), WORKER_LEFT, "the worker leaves in order");
	ok(!channel_is_drained(box.channel), "and takes no other batch");
	end();
}

/* In a child, as it ends. */
static void test_mute_without_room(void)
{
	int status = 0;
	uint64_t n_bytes;
	uint32_t n_items;
	begin(0, true);
	box.setup.max_result_bytes = 1 << 20;
	send_batch("quick\n");
	send_batch("mute\nmuch\nwhere\n");
	pid_t pid = fork();
	must(pid >= 0);
	if (pid == 0)
		_exit(live() == 0 ? 0 : 1);
	must(waitpid(pid, &status, 0) == pid);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 125, "who must wait for a supervisor that isn't rung ends");
	is_int(channel_state(box.channel), WORKER_MUTE, "and says why");
	must(channel_look(box.channel, &n_bytes, &n_items) == 0);
	is_int(n_items, 2, "what was answered counts");
	channel_take(box.channel, 0, n_items);
	is_int(channel_begun(box.channel), 1, "the one that had to wait is begun, and no other");
	end();
}

static void on_term(int signum)
{
	(void)signum;
	box.begun_at_term = channel_begun(box.channel);
}

static void test_term(void)
{
	struct sigaction action = {.sa_handler = on_term}, old;
	must(sigaction(SIGTERM, &action, &old) == 0);
	begin(0, true);
	send_batch("mask-term\nwhere\n");
	is_int(live(), 0, "TERM comes while an item has it masked");
	is_int(box.begun_at_term, 1, "it arrives behind the item, and before that is answered");
	is_int(box.n_answered, 2, "then the worker goes on, if the plugin takes it");
	is_str(box.said, "0 left a changed signal mask: restored\n", "the mask is told of");
	end();
	must(sigaction(SIGTERM, &old, NULL) == 0);
}

static void test_scopes(void)
{
	begin(0, false);
	send_batch("mask-user\n");
	send_batch("leave\nwhere\n");
	live();
	is_str(box.results, "away ", "in a thread the folder is everybody's");
	ok(!is_masked(SIGUSR1), "and the mask its own");
	is_str(box.said, "0 left a changed signal mask: restored\n", "which is said");
	end();

	begin(ROTA_TIDY, false);
	send_batch("mask-user\nwhere\n");
	live();
	ok(is_masked(SIGUSR1), "a tidy plugin's thread isn't looked at");
	end();

	begin(ROTA_TIDY, true);
	send_batch("leave\nchild\nwhere\n");
	live();
	is_str(box.results, "away ", "a tidy plugin's process isn't compared");
	is_int(waitpid(-1, NULL, WNOHANG), -1, "but has no children afterwards");
	is_str(box.said, "1 left child processes: restored\n", "which is said");
	end();

	begin(0, true);
	box.port.wait = ends_wait;
	send_batch("leave\nwhere\n");
	live();
	is_str(box.results, "away ", "a plugin that is tried by hand has its own way");
	end();
}

static int refuse(struct rota_worker *worker, void **state)
{
	*state = NULL;
	return rota_refuse(worker, "no device");
}

static int close_bell(struct rota_worker *worker, void **state)
{
	(void)worker;
	*state = NULL;
	close(box.port.bell_fd);
	return ROTA_OK;
}

static void test_refusals(void)
{
	static const struct {
		int (*open)(struct rota_worker *worker, void **state);
		const char *what, *words;
	} cases[] = {
		{refuse, "a plugin that can't open", "plugin looped: no device"},
		{close_bell, "a plugin whose open closes the worker's bell",
	     "plugin looped: its open closed descriptors that aren't its own"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin(0, true);
		box.host.plugin.open = cases[i].open;
		send_batch("where\n");
		is_int(live(), -1, "%s", cases[i].what);
		is_int(channel_state(box.channel), WORKER_REFUSED, "is refused");
		ok(strstr(box.said, cases[i].words), "and it is said why");
		is_int(box.n_run, 0, "no item is run");
		end();
	}
}

static void test_outcomes(void)
{
	begin(0, true);
	box.setup.tells_times = true;
	send_batch("where\nfail\nslow\nwhere\n");
	is_int(live(), 0, "items with their times");
	is_int(box.n_not_ok, 1, "one has failed");
	is_int(box.n_answered, 4, "all are answered");
	is_str(box.results, "home home ", "with what they have");
	is_int(box.time.result_bytes, 4, "the last one's size is told");
	ok(box.time.start_ns > 0 && box.time.runtime_ns >= 0, "and its time");
	end();
}

int main(void)
{
	alarm(60); /* who hangs has failed */
	box.home_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	box.input_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	must(box.home_fd > STDIN_FILENO && box.input_fd > STDIN_FILENO);
	must(dup2(box.input_fd, STDIN_FILENO) == STDIN_FILENO);
	test_first_batch();
	test_slow_items();
	test_quick_items();
	test_cut_batch();
	test_scribbles();
	test_spoilt();
	test_mute();
	test_mute_without_room();
	test_term();
	test_scopes();
	test_refusals();
	test_outcomes();
	close(box.home_fd);
	close(box.input_fd);
	return tap_done();
}
