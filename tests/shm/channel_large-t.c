/* SPDX-License-Identifier: Apache-2.0 */
/* channel_large: batches that aren't in the ring as a whole, both ends in one thread. */
#include "config.h"

#include "shm/channel.h"

#include "talk.h"
#include "tests/tap.h"

#include <stdint.h>

/* Fragments: a batch of many rings' bytes. The worker's waiting is the supervisor's turn. */
static void send_more(struct port *waiting, void *arg)
{
	(void)waiting;
	unsigned *n_waits = arg;
	must(++*n_waits < 1000 && channel_is_sending(channel()));
	must(channel_send_more(channel()) == 0);
}

static void test_large_batch(void)
{
	static const size_t sizes[] = {ENDS_TASK_BYTES - 41,
	                               ENDS_TASK_BYTES - 40,
	                               ENDS_TASK_BYTES - 39,
	                               ENDS_TASK_BYTES,
	                               ENDS_TASK_BYTES + 1,
	                               3 * ENDS_TASK_BYTES,
	                               1000003};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		char *text = malloc(sizes[i] + 1);
		unsigned n_waits = 0;
		must(text);
		for (size_t k = 0; k < sizes[i]; k++)
			text[k] = (char)('a' + k % 26);
		text[sizes[i] - 1] = '\n';
		text[sizes[i]] = '\0';
		ends_init(&ends);
		port()->wait = send_more;
		port()->wait_arg = &n_waits;
		for (int round = 0; round < 3; round++) {
			ok(channel_has_room(channel(), sizes[i]), "%zu bytes: an empty ring has room", sizes[i]);
			is_int(ends_send(&ends, 1, text), 0, "sent");
			is_int(channel_is_sending(channel()), sizes[i] + 40 > ENDS_TASK_BYTES, "or partly so");
			next_batch();
			ok(batch.n_bytes == sizes[i] && memcmp(batch.bytes, text, sizes[i]) == 0, "it comes as it was");
			if (sizes[i] + 40 <= ENDS_TASK_BYTES)
				ok(!channel_has_room(channel(), sizes[i]), "its room is its own till its end");
			answer("done\n", true);
			port_end_batch(port(), 0);
			must(channel_look(channel(), &n_bytes, &n_items) == 0);
			is_int(n_items, 1, "answered");
			channel_take(channel(), n_bytes, n_items);
			channel_release(channel());
		}
		ends_fini(&ends);
		free(text);
	}
}

/* A batch that fits the ring, but not what is free in it now: the rest goes later, and the worker must wait for it. */
static void test_batch_larger_than_the_room(void)
{
	static char first[3001], second[3001];
	memset(first, 'f', 2999);
	memset(second, 's', 2999);
	first[2999] = second[2999] = '\n';
	unsigned n_waits = 0;
	ends_init(&ends);
	port()->wait = send_more;
	port()->wait_arg = &n_waits;
	ends_send(&ends, 1, first);
	ok(!channel_has_room(channel(), 3000), "there is no room for the second");
	is_int(ends_send(&ends, 2, second), 0, "it is sent all the same");
	ok(channel_is_sending(channel()), "a part of it");
	next_batch();
	answer("F\n", true);
	port_end_batch(port(), 0);
	next_batch();
	is_mem(batch.bytes, batch.n_bytes, second, 3000, "the worker gets it whole");
	ends_fini(&ends);
}

/* The last part of a large batch, and the next batch behind it, are there before the worker looks. */
static void send_rest_and_next(struct port *waiting, void *arg)
{
	(void)waiting;
	unsigned *n_waits = arg;
	must(++*n_waits < 1000);
	if (!channel_is_sending(channel()))
		return;
	must(channel_send_more(channel()) == 0);
	if (!channel_is_sending(channel()))
		must(ends_send(&ends, 2, "next\n") == 0);
}

static void test_batch_behind_a_large_one(void)
{
	static char large[2 * ENDS_TASK_BYTES + 1];
	for (size_t n_large = ENDS_TASK_BYTES; n_large < 2 * ENDS_TASK_BYTES; n_large += 499) {
		unsigned n_waits = 0;
		memset(large, 'l', n_large);
		large[n_large - 1] = '\n';
		large[n_large] = '\0';
		ends_init(&ends);
		port()->wait = send_rest_and_next;
		port()->wait_arg = &n_waits;
		ends_send(&ends, 1, large);
		next_batch();
		is_mem(batch.bytes, batch.n_bytes, large, n_large, "a large batch of %zu bytes, and no more", n_large);
		answer("L\n", true);
		port_end_batch(port(), 0);
		next_batch();
		is_mem(batch.bytes, batch.n_bytes, "next\n", 5, "what stands behind it is the next");
		ends_fini(&ends);
	}
}

static void test_what_is_being_sent(void)
{
	static char large[2 * ENDS_TASK_BYTES + 1];
	uint32_t n_back;
	memset(large, 'l', 2 * ENDS_TASK_BYTES - 1);
	large[2 * ENDS_TASK_BYTES - 1] = '\n';
	ends_init(&ends);
	is_int(ends_send(&ends, 1, large), 0, "a large batch");
	is_int(channel_take_back(channel(), &n_back), CHANNEL_BROKEN, "can't be taken back while it is being sent");
	is_int(ends_send(&ends, 2, "next\n"), CHANNEL_BROKEN, "nor can another be sent");
	atomic_store(&channel()->up->task_tail, UINT64_C(1) << 39);
	is_int(channel_send_more(channel()), CHANNEL_BROKEN, "nor the rest, to who has taken what wasn't sent");
	ends_fini(&ends);
}

int main(void)
{
	test_large_batch();
	test_batch_larger_than_the_room();
	test_batch_behind_a_large_one();
	test_what_is_being_sent();
	return tap_done();
}
