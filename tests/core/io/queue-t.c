/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue: what is taken off is what was added, in its order, whatever the pieces; a big buffer isn't copied; an emptied
 * chunk is used again. Without memory it stays as it was.
 */
#include "config.h"

#include "core/io/queue.h"

#include "tests/nomemory.h"
#include "tests/tap.h"

#define ALL_BYTES ((size_t)4 << 20)
#define PARTS 8

static char *all; /* what is added, from its beginning */

static size_t parts_bytes(const struct queue *queue)
{
	struct iovec parts[PARTS];
	size_t n_bytes = 0;

	for (int i = 0, n_parts = queue_parts(queue, parts, PARTS); i < n_parts; i++)
		n_bytes += parts[i].iov_len;
	return n_bytes;
}

static int add_buf(struct queue *queue, const char *bytes, size_t n_bytes)
{
	struct buf buf = {0};

	must(buf_append(&buf, bytes, n_bytes) == 0);
	int result = queue_add_buf(queue, &buf);
	buf_fini(&buf);
	return result;
}

/* Takes off up to so many bytes; false: they aren't what was added. */
static bool take(struct queue *queue, size_t max_bytes, size_t *taken)
{
	while (queue->n_bytes > 0 && max_bytes > 0) {
		size_t n_here;
		const char *bytes = queue_front(queue, &n_here);

		if (n_here == 0)
			return false;
		if (n_here > max_bytes)
			n_here = max_bytes;
		if (memcmp(bytes, all + *taken, n_here) != 0)
			return false;
		queue_take(queue, n_here);
		*taken += n_here;
		max_bytes -= n_here;
	}
	return true;
}

/* Pieces of mostly so many bytes. */
static void test_pieces(size_t piece_bytes)
{
	struct queue queue = {0};
	size_t added = 0, taken = 0;
	bool is_right = true;

	while (added < ALL_BYTES && is_right) {
		size_t n_bytes = 1 + (size_t)rand() % (2 * piece_bytes);

		if (n_bytes > ALL_BYTES - added)
			n_bytes = ALL_BYTES - added;
		is_right =
			rand() % 4 == 0 ? add_buf(&queue, all + added, n_bytes) == 0 : queue_add(&queue, all + added, n_bytes) == 0;
		added += n_bytes;
		if (rand() % 3 == 0)
			is_right = is_right && take(&queue, (size_t)rand() % (8 * piece_bytes), &taken);
		is_right = is_right && queue.n_bytes == added - taken && parts_bytes(&queue) <= queue.n_bytes;
	}
	is_right = is_right && take(&queue, ALL_BYTES, &taken);
	ok(is_right && taken == ALL_BYTES, "all that was added, in its order, in pieces of about %zu bytes", piece_bytes);
	ok(queue.n_bytes == 0 && queue.first == NULL && queue_parts(&queue, NULL, 0) == 0, "and it is empty");
	queue_fini(&queue);
}

static void test_chunks(void)
{
	struct queue queue = {0};
	struct buf buf = {0};
	struct iovec parts[PARTS];

	must(queue_add(&queue, all, 10) == 0);
	const struct chunk *first = queue.first;
	queue_take(&queue, 10);
	must(queue_add(&queue, all, 20) == 0);
	ok(queue.first == first && parts_bytes(&queue) == 20, "an emptied chunk is used again");
	must(queue_add(&queue, all, 30) == 0);
	is_int(queue_parts(&queue, parts, PARTS), 1, "small pieces are gathered");
	must(buf_append(&buf, all, 40) == 0);
	const char *bytes = buf.bytes;
	must(queue_add_buf(&queue, &buf) == 0);
	ok(queue_parts(&queue, parts, PARTS) == 2 && parts[1].iov_base == bytes && buf.bytes == NULL,
	   "a buffer's memory is taken");
	is_int(queue_parts(&queue, parts, 1), 1, "no more parts than there is room for");
	queue_clear(&queue);
	is_int(queue.n_bytes, 0, "cleared");
	queue_fini(&queue);
}

/* A piece that wants a second chunk, then a buffer, each without memory once. */
static void test_no_memory(void)
{
	bool has_failed, is_right = true;
	long at = 0;

	if (!NOMEMORY_IS_KNOWN) {
		skip("a sanitizer's malloc can't be made to fail");
		return;
	}
	do {
		struct queue queue = {0};
		struct buf buf = {0};
		size_t taken = 0;

		must(queue_add(&queue, all, 100) == 0 && buf_append(&buf, all + 100, QUEUE_BLOCK_BYTES) == 0);
		nomemory_begin(++at, false);
		int result = queue_add(&queue, all + 100, QUEUE_BLOCK_BYTES);
		if (result == 0)
			result = queue_add_buf(&queue, &buf);
		has_failed = nomemory_end();
		is_right = is_right && result == (has_failed ? -1 : 0) && (buf.bytes == NULL) == !has_failed;
		if (has_failed && queue.n_bytes == 100)
			is_right = is_right && parts_bytes(&queue) == 100 && queue_add_buf(&queue, &buf) == 0;
		is_right = is_right && take(&queue, 100 + QUEUE_BLOCK_BYTES, &taken) && taken == 100 + QUEUE_BLOCK_BYTES;
		queue_fini(&queue);
		buf_fini(&buf);
	} while (has_failed);
	ok(is_right && at > 2, "without memory it is as it was, and goes on");
}

int main(void)
{
	srand(1);
	all = malloc(ALL_BYTES);
	must(all != NULL);
	for (size_t i = 0; i < ALL_BYTES; i++)
		all[i] = (char)rand();
	test_pieces(50);
	test_pieces(5000);
	test_pieces(100000);
	test_chunks();
	test_no_memory();
	free(all);
	return tap_done();
}
