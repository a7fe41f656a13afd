/* SPDX-License-Identifier: Apache-2.0 */
/* ring: room, marks, fragments, wrapping of bytes, positions and marks, and what the other side can't have written. */
#include "config.h"

#include "shm/ring.h"

#include "shm/segment.h"
#include "tests/tap.h"

#include <errno.h>

#define RING_BYTES 4096u

static struct segment_map map;
static unsigned char *bytes;
static _Atomic uint64_t head, tail;
static struct ring_producer out;
static struct ring_consumer in;

/* A ring through which `position` bytes and `marks` marks have gone. */
static void renew(uint64_t position, uint32_t marks)
{
	memset(bytes, 0, RING_BYTES);
	ring_producer_init(&out, bytes, RING_BYTES, &head, &tail);
	ring_consumer_init(&in, bytes, RING_BYTES, &head, &tail);
	out.put_bytes = out.tail_bytes = in.taken_bytes = position;
	out.marks = marks;
	in.taken_marks = marks & RING_MARK_MASK;
	atomic_store(&head, ring_word(position, marks));
	atomic_store(&tail, position);
}

static void put(const char *text, uint32_t n_marks)
{
	memcpy(ring_at(&out), text, strlen(text));
	ring_put(&out, strlen(text));
	ring_publish(&out, n_marks);
}

static uint64_t n_bytes;
static uint32_t n_marks;

static void test_basics(void)
{
	renew(0, 0);
	is_int(ring_look(&in, &n_bytes, &n_marks), 0, "an empty ring");
	is_int(n_bytes, 0, "has no byte");
	is_int(n_marks, 0, "and no mark");
	is_int(ring_room(&out, 1), RING_BYTES, "and all its room");
	put("hello", 1);
	put(", world", 2);
	ring_look(&in, &n_bytes, &n_marks);
	is_int(n_bytes, 12, "what was put");
	is_int(n_marks, 3, "with its marks");
	is_mem(ring_data(&in), 12, "hello, world", 12, "is there");
	is_int(ring_room(&out, RING_BYTES), RING_BYTES - 12, "less room");
	ring_take(&in, 5, 1);
	is_int(ring_room(&out, RING_BYTES), RING_BYTES - 12, "taking gives none back");
	ring_look(&in, &n_bytes, &n_marks);
	is_int(n_bytes, 7, "seven bytes are left");
	is_int(n_marks, 2, "two marks");
	ring_release(&in);
	is_int(ring_room(&out, RING_BYTES), RING_BYTES - 7, "releasing does");
	memcpy(ring_at(&out), "unseen", 6);
	ring_put(&out, 6);
	ring_look(&in, &n_bytes, &n_marks);
	is_int(n_bytes, 7, "what isn't published isn't seen");
	ring_publish(&out, 0);
	ring_look(&in, &n_bytes, &n_marks);
	is_int(n_bytes, 13, "until it is");
	is_int(n_marks, 2, "a publication without a mark has none");
}

static void test_room_is_cached(void)
{
	renew(0, 0);
	put("123456789", 1);
	ring_take(&in, 9, 1);
	ring_release(&in);
	is_int(ring_room(&out, 100), RING_BYTES - 9, "what is known to be free is enough: no look");
	is_int(ring_room(&out, RING_BYTES), RING_BYTES, "more is asked for: a look");
}

/* Each place of the ring: what runs over its end is contiguous. */
static void test_mirror(void)
{
	unsigned n_wrong = 0;
	renew(0, 0);
	for (unsigned i = 0; i < 2 * RING_BYTES; i++) {
		char text[16];
		snprintf(text, sizeof text, "%u.", i);
		if (ring_room(&out, strlen(text)) < (int64_t)strlen(text))
			n_wrong++;
		put(text, 1);
		ring_look(&in, &n_bytes, &n_marks);
		n_wrong += n_bytes != strlen(text) || n_marks != 1 || memcmp(ring_data(&in), text, n_bytes) != 0;
		ring_take(&in, n_bytes, n_marks);
		ring_release(&in);
	}
	is_int(n_wrong, 0, "records at each place, over the end too");
	renew(RING_BYTES - 3, 0);
	put("abcdefg", 1);
	is_mem(ring_data(&in), 7, "abcdefg", 7, "the reader sees a whole");
	is_mem(bytes, 4, "defg", 4, "the end of it stands at the front");
}

static void test_wraps(void)
{
	static const struct {
		uint64_t position;
		uint32_t marks;
		const char *what;
	} cases[] = {
		{RING_POSITION_MASK - 2, 0, "positions mod 2^40"},
		{RING_POSITION_MASK, 7, "positions mod 2^40, at the edge"},
		{RING_POSITION_MASK + 1, 7, "positions over 2^40"},
		{UINT64_MAX - 2, 7, "positions mod 2^64"},
		{0, RING_MARK_MASK - 1, "marks mod 2^24"},
		{0, RING_MARK_MASK, "marks mod 2^24, at the edge"},
		{0, RING_MARK_MASK + 1, "marks over 2^24"},
		{5, UINT32_MAX - 1, "marks mod 2^32"},
		{(UINT64_C(123) << 40) - 2, RING_MARK_MASK - 1, "both"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		renew(cases[i].position, cases[i].marks);
		is_int(ring_room(&out, RING_BYTES), RING_BYTES, "%s: empty", cases[i].what);
		for (int k = 0; k < 4; k++) {
			put("ab", 1);
			ring_look(&in, &n_bytes, &n_marks);
			ok(n_bytes == 2 && n_marks == 1 && memcmp(ring_data(&in), "ab", 2) == 0, "%s: record %d", cases[i].what, k);
			ring_take(&in, 2, 1);
			ring_release(&in);
			is_int(ring_room(&out, RING_BYTES), RING_BYTES, "%s: room %d", cases[i].what, k);
		}
		put("abcdefgh", 5);
		ring_look(&in, &n_bytes, &n_marks);
		is_int(n_bytes, 8, "%s: over the edge in one go", cases[i].what);
		is_int(n_marks, 5, "%s: with its marks", cases[i].what);
	}
}

static void test_fragments(void)
{
	static char big[3 * RING_BYTES + 5], got[sizeof big];
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (char)(i * 7 + i / 251);
	renew(1000, 0);
	size_t n_in = 0, n_out = 0, n_turns = 0;
	put("x", 1);
	while (n_in < sizeof big && n_turns++ < 1000) {
		int64_t n = ring_write(&out, big + n_out, sizeof big - n_out);
		if (n < 0)
			break;
		n_out += (size_t)n;
		ring_look(&in, &n_bytes, &n_marks);
		if (n_turns == 1) {
			is_int(n, RING_BYTES - 1, "a fragment fills the room that there is");
			is_int(n_marks, 1, "and has no mark");
			ring_take(&in, 1, 1);
			n_bytes -= 1;
		}
		/* a little at a time */
		n_bytes = n_bytes > 1111 ? 1111 : n_bytes;
		memcpy(got + n_in, ring_data(&in), n_bytes);
		n_in += n_bytes;
		ring_take(&in, n_bytes, 0);
		ring_release(&in);
	}
	is_int(n_in, sizeof big, "a record larger than the ring goes through");
	ok(memcmp(big, got, sizeof big) == 0, "as it was");
	renew(0, 0);
	ring_write(&out, big, RING_BYTES);
	is_int(ring_write(&out, big, 1), 0, "a full ring takes nothing");
	is_int(ring_write(&out, big, 0), 0, "nothing is nothing");
	is_int(ring_room(&out, 1), 0, "no room");
}

static void test_hostile(void)
{
	static const struct {
		uint64_t behind; /* of the true tail */
		bool is_broken;
	} tails[] = {{0, false},
	             {1, true},
	             {RING_BYTES, true},
	             {UINT64_C(1) << 40, true},
	             {UINT64_C(1) << 63, true},
	             {UINT64_MAX, false}, /* one byte less was taken: nobody can know */
	             {UINT64_MAX - RING_BYTES + 1, false},
	             {UINT64_MAX - RING_BYTES, true}};
	for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
		renew(RING_POSITION_MASK - 50, 3);
		atomic_fetch_add(&tail, tails[i].behind);
		/* it is looked at only when what is known isn't enough */
		out.tail_bytes = out.put_bytes - RING_BYTES;
		int64_t room = ring_room(&out, 1);
		is_int(room == RING_BROKEN, tails[i].is_broken, "a tail that is %lld off", (long long)tails[i].behind);
		out.tail_bytes = out.put_bytes - RING_BYTES;
		is_int(ring_write(&out, "x", 1) == RING_BROKEN, tails[i].is_broken, "and a fragment says the same");
	}
	static const struct {
		uint64_t more;
		bool is_broken;
	} heads[] = {{0, false},
	             {RING_BYTES, false},
	             {RING_BYTES + 1, true},
	             {RING_POSITION_MASK, true},
	             {UINT64_C(1) << 39, true},
	             {UINT64_MAX, true}};
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		renew(RING_POSITION_MASK - 50, RING_MARK_MASK);
		uint64_t word = atomic_load(&head);
		atomic_store(&head, (word & ~RING_POSITION_MASK) | ((word + heads[i].more) & RING_POSITION_MASK));
		is_int(ring_look(&in, &n_bytes, &n_marks), heads[i].is_broken ? RING_BROKEN : 0, "a head that is %lld off",
		       (long long)heads[i].more);
		n_marks = 0;
		atomic_store(&head, word + (UINT64_C(5) << RING_POSITION_BITS));
		ring_look(&in, &n_bytes, &n_marks);
		is_int(n_marks, 5, "marks are told as they are: who knows how many there can be must look");
	}
	/* whatever the two words are: what is said lies in the ring */
	uint64_t state = 88172645463325252u;
	unsigned n_wrong = 0;
	for (int i = 0; i < 100000; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		renew(state >> 20, (uint32_t)state);
		atomic_store(i % 2 ? &head : &tail, i % 4 < 2 ? state * 7 : state >> 20 >> (i % 40));
		out.tail_bytes = out.put_bytes - RING_BYTES;
		int64_t room = ring_room(&out, 1 + state % RING_BYTES);
		n_wrong += room != RING_BROKEN && (room < 0 || room > RING_BYTES);
		n_wrong += ring_look(&in, &n_bytes, &n_marks) == 0 && n_bytes > RING_BYTES;
	}
	is_int(n_wrong, 0, "random words: never more than the ring holds");
}

int main(void)
{
	const size_t sizes[] = {RING_BYTES};
	const char *why_memfd;
	struct err err;
	int fd;
	if (segment_create(4096 + RING_BYTES, NULL, &fd, &why_memfd, &err) != 0 ||
	    segment_map(fd, 4096, sizes, 1, &map, &bytes, &err) != 0) {
		printf("Bail out! %s\n", err.text);
		return EXIT_FAILURE;
	}
	close(fd);
	test_basics();
	test_room_is_cached();
	test_mirror();
	test_wraps();
	test_fragments();
	test_hostile();
	segment_unmap(&map);
	return tap_done();
}
