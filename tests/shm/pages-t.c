/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages-t - a channel where the kernel's pages are larger than 4 KiB: sysconf says so, and mmap takes no address,
 * offset or size that isn't of whole ones, as that kernel's wouldn't. The test is linked with --wrap for both.
 */
#include "config.h"

#include "talk.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <sys/mman.h>

static size_t page_bytes; /* a multiple of what the kernel really has */

long __real_sysconf(int name);
long __wrap_sysconf(int name);
long __wrap_sysconf(int name)
{
	return name == _SC_PAGESIZE ? (long)page_bytes : __real_sysconf(name);
}

static bool is_whole(uintmax_t number)
{
	return number % page_bytes == 0;
}

/* A range of its own choice begins at a whole page; what that leaves over stays reserved. */
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (!is_whole((uintptr_t)at) || !is_whole((uintmax_t)offset) || (fd >= 0 && !is_whole(size))) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	if (at)
		return __real_mmap(at, size, protection, flags, fd, offset);
	char *room = __real_mmap(NULL, size + page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		return room;
	return __real_mmap(room + (page_bytes - (uintptr_t)room % page_bytes) % page_bytes, size, protection,
	                   flags | MAP_FIXED, fd, offset);
}

static bool is_page(const void *part, const void *base)
{
	return (uintptr_t)part > (uintptr_t)base && is_whole((uintptr_t)part - (uintptr_t)base);
}

/* Results of 3/8 of the ring: every third one goes over its end, from the first mapping into the second. */
static void test_rings(void)
{
	static char result[1 << 16];
	const size_t n_result = port_ring_bytes(port()) * 3 / 8;
	bool is_good = true;
	must(n_result < sizeof result);
	for (int i = 0; i < 9 && is_good; i++) {
		must(ends_send(&ends, (uint64_t)i, "item\n") == 0);
		next_batch();
		is_good = batch.n_bytes == 5 && memcmp(batch.bytes, "item\n", 5) == 0;
		memset(result, 'a' + i, n_result);
		answer(result, true);
		port_end_batch(port(), 1);
		is_good = is_good && channel_look(channel(), &n_bytes, &n_items) == 0 && n_items == 1 && n_bytes == n_result &&
		          memcmp(channel_data(channel()), result, n_result) == 0;
		channel_take(channel(), n_bytes, n_items);
		channel_release(channel());
	}
	ok(is_good, "%zu: items and results go around their rings", page_bytes);
}

static void attach(void)
{
	int fd = dup(channel()->fd), bell_fd = dup(channel()->bell_fd);
	is_int(port_attach(port(), fd, bell_fd, &ends.err), 0, "%zu: the worker has it mapped", page_bytes);
	port()->wait = ends_wait;
}

static void test_pages(size_t bytes)
{
	page_bytes = bytes;
	ends_create(&ends);
	attach();
	const void *base = channel()->map.base, *worker_base = port()->map.base;
	ok(is_page(channel()->down, base) && is_page(channel()->up, base) && is_page(channel()->wake.sem, base) &&
	       is_page(channel()->sums, base),
	   "%zu: each part begins at a page", page_bytes);
	ok(is_page(port()->down, worker_base) && is_page(port()->up, worker_base) && is_page(port()->sem_page, worker_base),
	   "%zu: for the worker, too", page_bytes);
	is_int((char *)channel()->sums - (char *)channel()->wake.sem, page_bytes, "%zu: the semaphore has its page alone",
	       page_bytes);
	ok(is_whole(channel()->task.size_bytes) && is_whole(channel()->result.size_bytes) &&
	       is_whole(channel()->event.size_bytes),
	   "%zu: rings are of whole pages", page_bytes);
	is_int(port_ring_bytes(port()), channel()->result.size_bytes, "%zu: both ends agree", page_bytes);
	test_rings();
	ends_fini(&ends);
}

/* An emulator may tell the worker of other pages than the supervisor has. */
static void test_disagree(void)
{
	page_bytes = 1 << 14;
	ends_create(&ends);
	page_bytes = 1 << 16;
	is_int(port_attach(port(), dup(channel()->fd), -1, &ends.err), -1, "pages of another size: refused");
	is_str(ends.err.text, "the channel has pages of 16384 bytes, but this worker's have 65536", "with both sizes");
	ends_fini(&ends);
}

int main(void)
{
	const size_t real = (size_t)__real_sysconf(_SC_PAGESIZE);
	for (size_t bytes = real; bytes <= 1 << 16; bytes *= 2)
		test_pages(bytes);
	if (real == 1 << 12)
		test_disagree();
	else
		skip("pages of 16 KiB can't be told on this kernel");
	return tap_done();
}
