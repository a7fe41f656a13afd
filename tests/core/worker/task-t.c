/* SPDX-License-Identifier: Apache-2.0 */
/* task: the services that a plugin gets for its item, against a real channel whose other end is read here. */
#include "config.h"

#include "core/worker/task.h"

#include "core/worker/host.h"
#include "shm/channel.h"
#include "tests/tap.h"

#include <errno.h>
#include <stdlib.h>

#define RING_BYTES 8192
#define WAITS_MAX 1000

/* The supervisor's end: what it has got of the one item. */
static struct {
	struct channel *channel;
	struct port port;
	struct task task;
	char *result; /* all bytes published */
	size_t n_bytes, cap;
	uint32_t n_items, n_answered;
	uint64_t sums[4]; /* of each item that is answered */
	int failure;      /* enum event_failure of the last that failed, or -1 */
	int n_failures;
	int wait_status;
	char cause[EVENT_TEXT_MAX + 1], words[4096];
	int64_t counted;
	unsigned n_waits;
} box;

static struct err err;

static void take_event(const struct channel_event *event)
{
	if (event->kind == EVENT_FAILED) {
		box.failure = (int)event->detail;
		box.n_failures++;
		box.wait_status = event->wait_status;
		memcpy(box.cause, event->text, event->n_bytes + 1);
	} else if (event->kind == EVENT_LOG) {
		strncat(box.words, event->text, sizeof box.words - strlen(box.words) - 1);
	} else if (event->kind == EVENT_COUNT) {
		box.counted += (int64_t)event->position;
	}
}

static void receive(void)
{
	uint64_t n_bytes;
	uint32_t n_items;
	struct channel_event event;
	must(channel_look(box.channel, &n_bytes, &n_items) == 0);
	while (channel_event(box.channel, &event) > 0) {
		take_event(&event);
		channel_event_done(box.channel, &event);
	}
	if (box.n_bytes + n_bytes > box.cap) {
		box.cap = 2 * (box.n_bytes + n_bytes);
		box.result = realloc(box.result, box.cap);
		must(box.result);
	}
	if (n_bytes > 0)
		memcpy(box.result + box.n_bytes, channel_data(box.channel), n_bytes);
	box.n_bytes += n_bytes;
	for (uint32_t i = 0; i < n_items; i++)
		box.sums[box.n_answered++] = channel_sum(box.channel, i + 1);
	channel_take(box.channel, n_bytes, n_items);
	channel_release(box.channel);
}

static void on_wait(struct port *port, void *arg)
{
	(void)port, (void)arg;
	must(++box.n_waits < WAITS_MAX);
	receive();
}

/* The next item of the batch in a task's hands. */
static struct rota_task *begin_item(void)
{
	must(port_claim(&box.port));
	task_begin(&box.task, "item", 4, 42 + box.n_items++);
	return &box.task.pub;
}

/* The first of n_items, each "item". */
static struct rota_task *begin_batch(enum setup_frame frame, int64_t max_result_bytes, uint32_t n_items, bool is_summed)
{
	const struct channel_sizes sizes = {.task_bytes = 4096, .result_bytes = RING_BYTES, .event_bytes = 4096};
	const struct channel_batch batch = {.seq = 42,
	                                    .n_items = n_items,
	                                    .attempt = 3,
	                                    .bytes = "item\nitem\nitem\n",
	                                    .n_bytes = 5 * n_items,
	                                    .is_summed = is_summed};
	const struct setup setup = {
		.file = "x.so", .delimiter = '\n', .frame = frame, .frame_byte = '\n', .max_result_bytes = max_result_bytes};
	const char *why_memfd;
	struct port_batch got;
	memset(&box, 0, sizeof box);
	box.failure = -1;
	must(channel_create(&box.channel, 1, &sizes, &why_memfd, &err) == 0);
	must(port_attach_map(&box.port, &box.channel->map, box.channel->bell_fd, &err) == 0);
	box.port.wait = on_wait;
	must(channel_send(box.channel, &batch) == 0);
	must(port_next_batch(&box.port, &got, &err) == 1);
	task_init(&box.task, &box.port, &setup, "boxed");
	task_begin_batch(&box.task, got.attempt, got.is_summed);
	return begin_item();
}

static struct rota_task *begin(enum setup_frame frame, int64_t max_result_bytes)
{
	return begin_batch(frame, max_result_bytes, 1, false);
}

/* What run returned; then all that was published is in the box. */
static bool end(int status)
{
	bool is_ok = task_end(&box.task, status, true);
	port_end_batch(&box.port, 0);
	receive();
	must(box.n_answered == box.n_items);
	task_fini(&box.task);
	return is_ok;
}

static void put_away(void)
{
	port_detach(&box.port);
	channel_destroy(&box.channel);
	free(box.result);
	box.result = NULL;
}

static void is_result(const void *want, size_t n_want, const char *what)
{
	is_mem(box.result ? box.result : "", box.n_bytes, want, n_want, "%s", what);
	put_away();
}

static void test_facts(void)
{
	struct rota_task *pub = begin(FRAME_ALWAYS, 1000);
	size_t n;
	const char *item = rota_item(pub, &n);
	is_mem(item, n, "item", 4, "the item");
	is_mem(task_item(pub, &n), n, "item", 4, "the item, by the table");
	is_int(rota_seq(pub), 42, "its number");
	is_int(rota_attempt(pub), 3, "the attempt");
	uint64_t seed = rota_seed(pub);
	ok(!rota_cancelled(pub), "it isn't given up");
	channel_cancel(box.channel);
	ok(rota_cancelled(pub), "now it is");
	rota_log(pub, "a line with %d", 7);
	rota_count(pub, "seen", 40);
	rota_count(pub, "seen", -1);
	end(ROTA_OK);
	is_str(box.words, "a line with 7", "what was logged");
	is_int(box.counted, 39, "what was counted");
	is_result("", 0, "and no result");
	pub = begin(FRAME_ALWAYS, 1000);
	ok(rota_seed(pub) == seed, "the seed is the item's");
	end(ROTA_OK);
	put_away();
}

static void test_frames(void)
{
	static const struct {
		enum setup_frame frame;
		const char *write; /* NULL: none */
		const char *want;
	} cases[] = {
		{FRAME_ALWAYS, NULL, ""},       {FRAME_ALWAYS, "", "\n"},    {FRAME_ALWAYS, "a", "a\n"},
		{FRAME_ALWAYS, "a\n", "a\n\n"}, {FRAME_MISSING, NULL, ""},   {FRAME_MISSING, "", ""},
		{FRAME_MISSING, "a", "a\n"},    {FRAME_MISSING, "\n", "\n"}, {FRAME_MISSING, "a\n", "a\n"},
		{FRAME_NONE, NULL, ""},         {FRAME_NONE, "", ""},        {FRAME_NONE, "a", "a"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rota_task *pub = begin(cases[i].frame, 1000);
		if (cases[i].write)
			is_int(rota_write(pub, cases[i].write, strlen(cases[i].write)), ROTA_OK, "written");
		ok(end(ROTA_OK), "frame %d of %s: ok", (int)cases[i].frame, cases[i].write ? cases[i].write : "nothing");
		is_result(cases[i].want, strlen(cases[i].want), "framed");
	}
}

/* Bytes that tell their place. */
static void fill(char *bytes, size_t from, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes; i++)
		bytes[i] = (char)('a' + (from + i) % 23);
}

/* A result of so many bytes, written in pieces of so many, by each way that there is. */
static void test_sizes(void)
{
	static const size_t sizes[] = {0, 1, 2047, 2048, 4094, 4095, 4096, 8190, 8191, 8192, 8193, 16384, 100000, 1000003};
	static const size_t pieces[] = {1000, 4095, 4096, 8191, 8192, 65536, 2000000};
	enum { BY_WRITE, BY_RESERVE, BY_TABLE, BY_TURNS, N_WAYS };
	static const char *const ways[] = {"write", "reserve and commit", "both of the table", "all by turns"};
	static char want[1000004], got[2000000];
	fill(want, 0, sizeof want);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
			for (int way = 0; way < N_WAYS; way++) {
				struct rota_task *pub = begin(FRAME_ALWAYS, 1 << 30);
				size_t n_done = 0;
				int status = ROTA_OK;
				for (int turn = 0; status == ROTA_OK && (n_done < sizes[i] || turn == 0); turn++) {
					size_t n = sizes[i] - n_done < pieces[k] ? sizes[i] - n_done : pieces[k];
					int how = way == BY_TURNS ? turn % BY_TURNS : way;
					/* more is reserved than used, now and then */
					size_t n_more = turn % 2 ? 100 : 0;
					fill(got, n_done, n);
					if (how == BY_WRITE) {
						status = rota_write(pub, got, n);
					} else {
						bool is_inline = how == BY_RESERVE;
						char *room = is_inline ? rota_reserve(pub, n + n_more) : pub->host->reserve(pub, n + n_more);
						must(room);
						memcpy(room, got, n);
						status = is_inline ? rota_commit(pub, n) : pub->host->commit(pub, n);
					}
					n_done += n;
				}
				bool is_ok = end(status);
				char last = want[sizes[i]];
				want[sizes[i]] = '\n';
				if (!ok(is_ok && box.n_bytes == sizes[i] + 1 && memcmp(box.result, want, sizes[i] + 1) == 0,
				        "%zu bytes in pieces of %zu by %s", sizes[i], pieces[k], ways[way]))
					diag("%zu bytes came; %s", box.n_bytes, box.failure >= 0 ? box.cause : "no failure");
				want[sizes[i]] = last;
				put_away();
			}
		}
	}
}

static void test_reserve(void)
{
	struct rota_task *pub = begin(FRAME_ALWAYS, 1 << 20);
	char *room = rota_reserve(pub, 100);
	ok(room == rota_reserve(pub, 100), "a second reserve without a commit gives the same room");
	ok(room == port_out(&box.port), "which is in the ring");
	char *large = rota_reserve(pub, 20000);
	ok(large != room, "more than half the ring isn't");
	ok(large == rota_reserve(pub, 20000), "and is the same the second time, too");
	room = rota_reserve(pub, 10);
	memcpy(room, "0123456789", 10);
	is_int(rota_commit(pub, 10), ROTA_OK, "after a large one that wasn't used, a small one");
	is_int(rota_commit(pub, 0), ROTA_OK, "nothing more");
	ok(end(ROTA_OK), "ok");
	is_result("0123456789\n", 11, "and only what was committed");

	pub = begin(FRAME_ALWAYS, 1 << 20);
	must(rota_reserve(pub, 20000));
	ok(pub->host->reserve(pub, 3) != NULL, "the same by the table");
	memcpy(pub->host->reserve(pub, 3), "abc", 3);
	is_int(pub->host->commit(pub, 3), ROTA_OK, "a small one after a large one that wasn't used");
	end(ROTA_OK);
	is_result("abc\n", 4, "has the small one's bytes");

	pub = begin(FRAME_ALWAYS, 1 << 20);
	large = rota_reserve(pub, 20000);
	must(large);
	fill(large, 0, 20000);
	is_int(rota_commit(pub, 20001), ROTA_FAILED, "more committed than reserved");
	ok(!end(ROTA_OK), "is a failure");
	is_int(box.failure, FAILURE_FAILED, "of the plugin");
	ok(strstr(box.cause, "committed 20001 bytes"), "which is said");
	put_away();
}

static void test_max_result(void)
{
	static const struct {
		size_t first, second;
		bool fits;
	} cases[] = {{100, 0, true}, {101, 0, false}, {60, 40, true}, {60, 41, false}, {0, 100, true}, {0, 101, false}};
	static const char bytes[200];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (int by_reserve = 0; by_reserve < 2; by_reserve++) {
			struct rota_task *pub = begin(FRAME_ALWAYS, 100);
			int status = rota_write(pub, bytes, cases[i].first);
			if (status == ROTA_OK && by_reserve) {
				char *room = rota_reserve(pub, cases[i].second);
				status = room ? rota_commit(pub, cases[i].second) : ROTA_FAILED;
			} else if (status == ROTA_OK) {
				status = rota_write(pub, bytes, cases[i].second);
			}
			is_int(status, cases[i].fits ? ROTA_OK : ROTA_FAILED, "%zu and %zu bytes of 100", cases[i].first,
			       cases[i].second);
			is_int(end(status), cases[i].fits, "its outcome");
			is_int(box.failure, cases[i].fits ? -1 : FAILURE_MAX_RESULT, "and cause");
			put_away();
		}
	}
	/* far over the ring: what was published in parts is void */
	struct rota_task *pub = begin(FRAME_ALWAYS, 50000);
	static const char many[10000];
	int status = ROTA_OK;
	for (int i = 0; i < 6 && status == ROTA_OK; i++)
		status = rota_write(pub, many, sizeof many);
	is_int(status, ROTA_FAILED, "too large after parts");
	is_int(rota_write(pub, "x", 1), ROTA_FAILED, "and nothing more is taken");
	ok(!rota_reserve(pub, 100000), "nor reserved");
	ok(!end(ROTA_OK), "failed, whatever run returns");
	is_str(box.cause, "the result is larger than max-result (50000 bytes)", "with its cause");
	put_away();
}

static void test_failures(void)
{
	struct rota_task *pub = begin(FRAME_ALWAYS, 1000);
	rota_write(pub, "half", 4);
	is_int(rota_fail(pub, "no %s", "luck"), ROTA_FAILED, "fail");
	is_int(rota_retry(pub, "again"), ROTA_AGAIN, "and another thought");
	ok(!end(ROTA_FAILED), "failed");
	is_str(box.cause, "no luck", "the first cause counts");
	is_int(box.failure, FAILURE_FAILED, "its kind");
	is_result("", 0, "what was written is void");

	pub = begin(FRAME_ALWAYS, 1000);
	is_int(rota_retry(pub, "busy"), ROTA_AGAIN, "retry");
	ok(!end(ROTA_AGAIN), "isn't ok");
	is_int(box.failure, FAILURE_AGAIN, "its kind");
	put_away();

	pub = begin(FRAME_ALWAYS, 1000);
	rota_command_ended(pub, 0x300);
	rota_fail(pub, "exited with code 3");
	ok(!end(ROTA_FAILED), "a command's exit status");
	is_int(box.wait_status, 0x300, "goes along as it is");
	put_away();

	pub = begin(FRAME_ALWAYS, 1000);
	rota_command_ended(pub, 0);
	ok(end(ROTA_OK), "and says nothing of an item that is ok");
	put_away();

	begin(FRAME_ALWAYS, 1000);
	ok(!end(77), "a status that isn't ok");
	is_str(box.cause, "the plugin returned 77 and gave no reason (rota_fail)", "without a reason");
	is_int(box.wait_status, 0, "and without the wait status of an earlier item's command");
	put_away();

	pub = begin(FRAME_ALWAYS, 1000);
	is_int(rota_next(pub), ROTA_FAILED, "rota_next isn't there yet");
	ok(!end(ROTA_OK), "and fails the item");
	ok(strstr(box.cause, "rota_next"), "by name");
	put_away();

	static char text[5000];
	memset(text, 'x', sizeof text - 1);
	pub = begin(FRAME_ALWAYS, 1000);
	pub->host->fail(pub, text, sizeof text - 1);
	end(ROTA_FAILED);
	is_int(strlen(box.cause), ROTA_TEXT_MAX, "a long cause is cut");
	put_away();
}

/* More words than the event ring holds: the task waits until they are taken. */
static void test_many_words(void)
{
	struct rota_task *pub = begin(FRAME_ALWAYS, 1000);
	for (int i = 0; i < 2000; i++)
		rota_count(pub, "a counter with a name that takes its room", 1);
	static char text[10000];
	memset(text, 'y', sizeof text - 1);
	pub->host->log(pub, text, sizeof text - 1);
	ok(end(ROTA_OK), "ok");
	is_int(box.counted, 2000, "each is counted");
	is_int(strlen(box.words), EVENT_TEXT_MAX, "a long line is cut");
	put_away();
}

/* --- from one item to the next ------------------------------------------------------------------------------------ */

static const char many[20000];

static int leave_nothing(struct rota_task *pub)
{
	return rota_write(pub, "a", 1);
}

static int leave_failure(struct rota_task *pub)
{
	rota_write(pub, many, sizeof many);
	return rota_fail(pub, "no luck");
}

static int leave_retry(struct rota_task *pub)
{
	return rota_retry(pub, "busy");
}

static int leave_status(struct rota_task *pub)
{
	rota_command_ended(pub, 0x300);
	return rota_fail(pub, "exited with code 3");
}

static int leave_good_status(struct rota_task *pub)
{
	rota_command_ended(pub, 0x300);
	return ROTA_OK;
}

static int leave_parts(struct rota_task *pub)
{
	return rota_write(pub, many, sizeof many);
}

static int leave_too_much(struct rota_task *pub)
{
	rota_write(pub, many, sizeof many);
	return rota_write(pub, many, sizeof many);
}

static int leave_small_reserve(struct rota_task *pub)
{
	must(rota_reserve(pub, 10));
	return ROTA_OK;
}

static int leave_large_reserve(struct rota_task *pub)
{
	must(rota_reserve(pub, sizeof many));
	return ROTA_OK;
}

static const struct {
	const char *what;
	int (*run)(struct rota_task *pub);
} leavings[] = {
	{"a result", leave_nothing},
	{"a failure", leave_failure},
	{"a wish for another attempt", leave_retry},
	{"a command's status", leave_status},
	{"a command's status, and no failure", leave_good_status},
	{"a result in parts", leave_parts},
	{"too large a result", leave_too_much},
	{"room that was reserved", leave_small_reserve},
	{"much room that was reserved", leave_large_reserve},
};

/* Of whatever an item does, the next has nothing: neither if it is ok, nor if it fails. */
static void test_next_item(void)
{
	static char next[sizeof many / 2];
	fill(next, 0, sizeof next - 1);
	next[sizeof next - 1] = '\n';
	for (size_t i = 0; i < sizeof leavings / sizeof *leavings; i++) {
		const char *what = leavings[i].what;
		struct rota_task *pub = begin_batch(FRAME_ALWAYS, sizeof many, 3, false);
		task_watch(&box.task);
		task_end(&box.task, leavings[i].run(pub), false);
		receive();
		const int n_failures = box.n_failures;
		box.n_bytes = 0;
		pub = begin_item();
		is_int(rota_write(pub, next, sizeof next - 1), ROTA_OK, "after %s: the next item writes", what);
		ok(task_end(&box.task, ROTA_OK, false), "after %s: and is ok", what);
		receive();
		is_int(box.n_failures, n_failures, "after %s: no failure is told", what);
		is_mem(box.result, box.n_bytes, next, sizeof next, "after %s: it has its own result", what);
		pub = begin_item();
		rota_fail(pub, "of its own");
		ok(!end(ROTA_FAILED), "after %s: one that fails", what);
		is_str(box.cause, "of its own", "after %s: has its own reason", what);
		is_int(box.failure, FAILURE_FAILED, "after %s: of its own kind", what);
		is_int(box.wait_status, 0, "after %s: and no command's status", what);
		put_away();
	}
}

static uint64_t sum_of(const char *bytes, size_t n_bytes)
{
	struct digest_state sum;
	digest_init(&sum);
	digest_add(&sum, bytes, n_bytes);
	return digest_value(&sum).low;
}

/* After each item: of all that the batch has published, parts too. */
static void test_sums(void)
{
	static char want[2 * sizeof many];
	const size_t n_part = sizeof many + 1;
	fill(want, 0, sizeof want);
	want[n_part - 1] = '\n';
	struct rota_task *pub = begin_batch(FRAME_ALWAYS, 1 << 20, 3, true);
	rota_write(pub, want, n_part - 1);
	task_end(&box.task, ROTA_OK, false);
	pub = begin_item();
	task_end(&box.task, ROTA_OK, false);
	pub = begin_item();
	want[n_part + 3] = '\n';
	rota_write(pub, want + n_part, 3);
	end(ROTA_OK);
	is_mem(box.result, box.n_bytes, want, n_part + 4, "a result in parts, none, and a small one");
	ok(box.sums[0] == sum_of(want, n_part), "the first one's sum has its parts");
	ok(box.sums[1] == box.sums[0], "the second adds nothing");
	ok(box.sums[2] == sum_of(want, n_part + 4), "the third is the sum of all");
	put_away();
}

int main(void)
{
	alarm(120); /* who hangs has failed */
	test_facts();
	test_frames();
	test_sizes();
	test_reserve();
	test_max_result();
	test_failures();
	test_many_words();
	test_next_item();
	test_sums();
	return tap_done();
}
