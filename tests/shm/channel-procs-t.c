/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel and port with a real worker process, which is killed at random instants while it answers batches, waits for
 * work or for room, or is just beginning. What the supervisor's end says afterwards must agree with what the worker
 * did: it keeps a diary in memory of its own, which a kill can leave at most one step behind.
 *
 * Each item's result follows from its number, so every byte can be checked. Some are larger than the result ring, some
 * fail after half of their result.
 */
#include "config.h"

#include "core/base/proc.h"
#include "shm/channel.h"

#include "ends.h"
#include "tests/tap.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>

#define RESULT_MAX (3 * ENDS_RESULT_BYTES)
#define BATCH_ITEMS_MAX 40
#define STUCK_MS 20000 /* nothing heard for so long: it is stuck */

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 20) % n);
}

/* --- what an item's result is ------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t seq)
{
	seq = (seq + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
	return (seq ^ seq >> 29) * 0x94d049bb133111eb >> 13;
}

static bool is_failing(uint64_t seq)
{
	return mix(seq) % 37 == 1;
}

static size_t result_bytes(uint64_t seq)
{
	return mix(seq) % 101 == 0 ? mix(seq + 1) % RESULT_MAX : mix(seq) % 90;
}

static unsigned char result_byte(uint64_t seq, size_t at)
{
	return (unsigned char)(seq * 31 + at * 7 + at / 251);
}

/* --- the worker --------------------------------------------------------------------------------------------------- */

struct diary {
	_Atomic uint32_t n_begun;     /* written after port_claim said yes */
	_Atomic uint32_t n_answering; /* before port_answer */
	_Atomic uint32_t n_answered;  /* after it */
};
static struct diary *diary;

static void live_item(struct port *port, uint64_t seq, bool is_last)
{
	size_t n_bytes = result_bytes(seq), n_out = 0;
	while (n_out < n_bytes) {
		size_t n = n_bytes - n_out < 3000 ? n_bytes - n_out : 3000;
		port_wait_room(port, n);
		for (size_t i = 0; i < n; i++)
			port_out(port)[i] = (char)result_byte(seq, n_out + i);
		n_out += n;
		if (n_out == n_bytes && !is_failing(seq)) {
			atomic_fetch_add(&diary->n_answering, 1);
			port_answer(port, n, is_last);
			return;
		}
		port_part(port, n);
	}
	if (is_failing(seq))
		port_fail(port, FAILURE_FAILED, 0, false, "on order", 8);
	atomic_fetch_add(&diary->n_answering, 1);
	port_answer(port, 0, is_last);
}

__attribute__((noreturn)) static void live(int fd, int bell_fd)
{
	struct port port;
	struct port_batch batch;
	struct err err;
	if (port_attach(&port, fd, bell_fd, &err) != 0)
		_exit(98);
	port_set_state(&port, WORKER_READY);
	while (port_next_batch(&port, &batch, &err) == 1) {
		const char *at = batch.bytes;
		for (uint32_t i = 0; i < batch.n_items && port_claim(&port); i++) {
			char *end;
			atomic_fetch_add(&diary->n_begun, 1);
			/* an item is its number */
			if (strtoull(at, &end, 10) != batch.seq + i || *end != '\n')
				_exit(97);
			at = end + 1;
			live_item(&port, batch.seq + i, i + 1 == batch.n_items);
			atomic_fetch_add(&diary->n_answered, 1);
		}
		port_end_batch(&port, 1);
	}
	port_set_state(&port, WORKER_LEFT);
	_exit(0);
}

/* --- the supervisor ----------------------------------------------------------------------------------------------- */

struct sent {
	uint32_t number, n_left;
};

/* One worker's life as it looks from here. What is counted are items. */
static struct {
	struct channel *channel;
	pid_t pid;
	int pidfd;
	uint64_t next;     /* number of the item to send next */
	uint64_t expected; /* number of the item to be answered next */
	size_t part_bytes; /* of it, taken so far */
	uint32_t n_answered, n_failures, n_taken_back;
	struct sent batches[CHANNEL_BATCHES_MAX];
	unsigned n_batches;
	bool is_cut_short;
	/* what is wrong: 0 each */
	unsigned n_broken, n_wrong_bytes, n_wrong_cuts, n_wrong_events;
} life;

/* The texts of the items in the ring: borrowed by the channel only while it sends. */
static char sending[BATCH_ITEMS_MAX * 24];

static void send_batch(uint32_t n_items)
{
	size_t n_bytes = 0;
	for (uint32_t i = 0; i < n_items; i++)
		n_bytes += (size_t)sprintf(sending + n_bytes, "%llu\n", (unsigned long long)(life.next + i));
	const struct channel_batch batch = {
		.seq = life.next, .attempt = 1, .n_items = n_items, .bytes = sending, .n_bytes = n_bytes};
	life.batches[life.n_batches++] = (struct sent){.number = life.channel->n_batches, .n_left = n_items};
	life.n_broken += channel_send(life.channel, &batch) != 0;
	life.next += n_items;
}

/* How many batches a worker holds, and how large they are, differs from life to life. */
static bool may_send(unsigned depth)
{
	return life.n_batches < depth && !life.is_cut_short && !channel_is_sending(life.channel) &&
	       channel_has_room(life.channel, sizeof sending) > 0;
}

static void take_back(void)
{
	uint32_t n_items;
	if (channel_is_sending(life.channel) || life.is_cut_short || life.n_batches == 0)
		return;
	if (channel_take_back(life.channel, &n_items) != 0 || n_items > life.next - life.expected) {
		life.n_broken++;
		return;
	}
	life.next -= n_items;
	life.n_taken_back += n_items;
	while (n_items > 0) {
		struct sent *last = &life.batches[life.n_batches - 1];
		uint32_t n = last->n_left < n_items ? last->n_left : n_items;
		life.is_cut_short = true;
		last->n_left -= n;
		n_items -= n;
		life.n_batches -= last->n_left == 0;
	}
	life.is_cut_short = life.is_cut_short && life.n_batches > 0;
}

/* The bytes of the expected item that stand at the front: all of it, or a part. */
static void take_bytes(size_t n_bytes)
{
	const unsigned char *data = channel_data(life.channel);
	for (size_t i = 0; i < n_bytes; i++)
		life.n_wrong_bytes += data[i] != result_byte(life.expected, life.part_bytes + i);
	life.part_bytes += n_bytes;
	channel_take(life.channel, n_bytes, 0);
}

static void take_item(void)
{
	struct sent *first = &life.batches[0];
	if (life.n_batches == 0) {
		life.n_broken++;
		return;
	}
	/* a batch's last item: here the worker said that it ends; where it was cut short, it said nothing */
	if (first->n_left == 1 && !(life.is_cut_short && life.n_batches == 1))
		life.n_wrong_cuts += channel_bytes_to_cut(life.channel, first->number) != 0;
	channel_take(life.channel, 0, 1);
	life.expected++;
	life.part_bytes = 0;
	life.n_answered++;
	if (--first->n_left == 0)
		memmove(&life.batches[0], &life.batches[1], --life.n_batches * sizeof life.batches[0]);
	life.is_cut_short = life.is_cut_short && life.n_batches > 0;
}

/* Events of items that aren't answered yet may be there, too: they stay. PART of the one that is being run is taken. */
static void take_events(uint32_t n_items)
{
	static struct channel_event event;
	uint32_t before = life.channel->answered;
	int result;
	while ((result = channel_event(life.channel, &event)) > 0) {
		uint32_t place = (event.item - before) & RING_MARK_MASK;
		uint64_t seq = life.expected + place;
		if (place > n_items || (place == n_items && event.kind == EVENT_FAILED))
			return;
		bool is_part = event.kind == EVENT_PART && (is_failing(seq) || result_bytes(seq) > 3000);
		bool is_failure = event.kind == EVENT_FAILED && is_failing(seq);
		life.n_failures += is_failure;
		life.n_wrong_events += !is_part && !is_failure;
		channel_event_done(life.channel, &event);
	}
	life.n_broken += result < 0;
}

/* 1: there was something. */
static int collect(void)
{
	uint64_t n_bytes;
	uint32_t n_items;
	if (channel_look(life.channel, &n_bytes, &n_items) != 0) {
		life.n_broken++;
		return 0;
	}
	int has_news = n_bytes > 0 || n_items > 0;
	take_events(n_items);
	for (; n_items > 0; n_items--) {
		size_t n = result_bytes(life.expected) - life.part_bytes;
		if (n > n_bytes) {
			life.n_wrong_bytes++;
			return 0;
		}
		take_bytes(n);
		n_bytes -= n;
		take_item();
	}
	if (n_bytes > result_bytes(life.expected) - life.part_bytes)
		life.n_wrong_bytes++;
	else
		take_bytes(n_bytes);
	channel_release(life.channel);
	return has_news;
}

static bool is_wrong(void)
{
	return life.n_broken + life.n_wrong_bytes + life.n_wrong_cuts + life.n_wrong_events > 0;
}

/* Sleeps until the worker rings or dies, unless there was news in the meantime. false: it is stuck. */
static bool doze(bool wants_room)
{
	struct pollfd fds[] = {{.fd = life.channel->bell_fd, .events = POLLIN}, {.fd = life.pidfd, .events = POLLIN}};
	eventfd_t value;
	int result = 1;
	channel_sleep_begin(life.channel);
	atomic_thread_fence(memory_order_seq_cst);
	if (!channel_has_news(life.channel) && !(wants_room && channel_has_room(life.channel, sizeof sending)))
		result = poll(fds, 2, STUCK_MS);
	channel_sleep_end(life.channel);
	if (result > 0 && (fds[0].revents & POLLIN))
		eventfd_read(life.channel->bell_fd, &value);
	return result != 0;
}

static void begin(void)
{
	struct ends ends;
	ends_create(&ends);
	memset(&life, 0, sizeof life);
	memset(diary, 0, sizeof *diary);
	life.channel = ends.channel;
	life.next = life.expected = 1 + random_below(1000000);
	pid_t parent = getpid();
	life.pid = fork();
	must(life.pid >= 0);
	if (life.pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
			_exit(99);
		live(life.channel->fd, life.channel->bell_fd);
	}
	channel_close_fd(life.channel);
	life.pidfd = proc_open_pidfd(life.pid);
	must(life.pidfd >= 0);
}

/* Work until n_items are answered (or it dies, or something is wrong): false when it is stuck. */
static bool work(uint32_t n_items, unsigned depth, uint32_t items_max, bool takes_back)
{
	while (life.n_answered < n_items && !is_wrong()) {
		int has_news = collect();
		if (takes_back && random_below(4) == 0)
			take_back();
		while (may_send(depth) && !is_wrong())
			send_batch(1 + random_below(items_max));
		life.n_broken += channel_send_more(life.channel) != 0 || channel_wake(life.channel) != 0;
		bool wants_room = life.n_batches < depth && !life.is_cut_short;
		if (!has_news && life.n_answered < n_items && !doze(wants_room))
			return false;
		siginfo_t info = {0};
		if (waitid(P_PID, (id_t)life.pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == life.pid)
			break;
	}
	return true;
}

static int end(void)
{
	int status;
	/* it might wait for ever for what we won't take */
	if (is_wrong())
		kill(life.pid, SIGKILL);
	must(waitpid(life.pid, &status, 0) == life.pid);
	while (!is_wrong() && collect())
		;
	return status;
}

static void put_away(void)
{
	close(life.pidfd);
	channel_destroy(&life.channel);
}

static void spin(uint32_t n_turns)
{
	for (volatile uint32_t i = 0; i < n_turns; i++)
		;
}

/* --- the tests ---------------------------------------------------------------------------------------------------- */

static bool test_kill(unsigned round)
{
	unsigned depth = 1 + random_below(4);
	uint32_t items_max = random_below(3) == 0 ? 2 : BATCH_ITEMS_MAX;
	/* in its first moments, or after some work */
	uint32_t n_items = random_below(4) == 0 ? 0 : random_below(3000);
	begin();
	if (n_items == 0)
		while (may_send(depth))
			send_batch(1 + random_below(items_max));
	bool is_stuck = !work(n_items, depth, items_max, random_below(2) == 0);
	life.n_broken += channel_wake(life.channel) != 0;
	spin(random_below(random_below(2) == 0 ? 3000 : 300000));
	kill(life.pid, SIGKILL);
	int status = end();
	bool was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	uint32_t n_begun = life.n_answered + (uint32_t)channel_begun(life.channel);
	uint32_t n_owed = (uint32_t)(life.next - life.expected), n_back = 0;
	int begun = channel_begun(life.channel);
	bool is_back = channel_take_back(life.channel, &n_back) == 0;

	bool passed = ok(!is_stuck && was_killed, "round %u: killed after %u answers (status %#x)", round, life.n_answered,
	                 (unsigned)status);
	passed &= ok(!is_wrong(), "round %u: results right and in order (broken %u, bytes %u, cuts %u, events %u)", round,
	             life.n_broken, life.n_wrong_bytes, life.n_wrong_cuts, life.n_wrong_events);
	passed &= ok(begun == 0 || begun == 1, "round %u: %d begun and unanswered", round, begun);
	passed &= ok(life.n_answered >= diary->n_answered && life.n_answered <= diary->n_answering,
	             "round %u: %u answers, the diary says %u to %u", round, life.n_answered, diary->n_answered,
	             diary->n_answering);
	passed &= ok(n_begun >= diary->n_begun && n_begun <= diary->n_begun + 1,
	             "round %u: %u begun, the diary says %u or one more", round, n_begun, diary->n_begun);
	passed &= ok(is_back && n_back + (uint32_t)begun == n_owed, "round %u: of %u owed %u had not begun", round, n_owed,
	             n_back);
	put_away();
	return passed;
}

/* Nobody is killed: all is answered, and the worker leaves when it is told. */
static void test_whole_life(bool takes_back)
{
	begin();
	ok(work(20000, 4, BATCH_ITEMS_MAX, takes_back), "the worker isn't stuck");
	while (life.n_batches > 0 && !is_wrong() && (collect() || doze(false)))
		life.n_broken += channel_send_more(life.channel) != 0 || channel_wake(life.channel) != 0;
	is_int(channel_begun(life.channel), 0, "nothing is begun");
	ok(life.next == life.expected, "all that was sent is answered");
	is_int(channel_stop(life.channel), 0, "it is told to leave");
	is_int(end(), 0, "it leaves");
	is_int(channel_state(life.channel), WORKER_LEFT, "and says so");
	ok(!is_wrong(), "all was right (broken %u, bytes %u, cuts %u, events %u)", life.n_broken, life.n_wrong_bytes,
	   life.n_wrong_cuts, life.n_wrong_events);
	ok(life.n_failures > 100, "%u items failed on order", life.n_failures);
	ok((life.n_taken_back > 0) == takes_back, "%u were taken back", life.n_taken_back);
	is_int(diary->n_answered, life.n_answered, "the diary says the same");
	put_away();
}

int main(int argc, char **argv)
{
	const char *tests = getenv("ROTA_TESTS");
	unsigned n_rounds = tests && strcmp(tests, "quick") == 0 ? 30 : 200;
	must(getrandom(&random_state, sizeof random_state, 0) == sizeof random_state);
	if (argc > 1)
		random_state = strtoull(argv[1], NULL, 10);
	random_state |= 1;
	diag("seed %llu (give it as argument to have the same again, but for the instants)",
	     (unsigned long long)random_state);
	diary = mmap(NULL, sizeof *diary, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(diary != MAP_FAILED);
	test_whole_life(false);
	test_whole_life(true);
	for (unsigned i = 1; i <= n_rounds; i++)
		if (!test_kill(i))
			break;
	return tap_done();
}
