/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shortage: memory, descriptors or addresses are short, each at each place where they are asked for: that is an error,
 * and nothing is half there.
 */
#include "config.h"

#include "core/wire/setup.h"

#include "ends.h"
#include "tests/nomemory.h"
#include "tests/tap.h"

#include <dirent.h>
#include <sys/resource.h>

static struct err err;

static unsigned n_descriptors(void)
{
	unsigned n = 0;
	DIR *folder = opendir("/proc/self/fd");
	must(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

static void test_memory_of_setup(void)
{
	const char *const command[] = {"echo", "a"};
	static char cpus[5000], *pins[] = {cpus, cpus}; /* so long that each needs more memory */
	struct setup_option options[] = {{.name = "command", .elements = command, .n_elements = 2},
	                                 {.name = "empty", .elements = NULL, .n_elements = 0}};
	const struct setup written = {
		.file = "x.so", .n_workers = 2, .pins = pins, .n_pins = 2, .options = options, .n_options = 2};
	bool has_failed;
	long at = 0, n_wrong = 0;
	struct buf buf;
	memset(cpus, '1', sizeof cpus - 1);
	do {
		buf = (struct buf){0};
		nomemory_begin(++at, false);
		int result = setup_write(&written, &buf);
		has_failed = nomemory_end();
		n_wrong += result != (has_failed ? -1 : 0);
		if (has_failed)
			buf_fini(&buf);
	} while (has_failed);
	ok(at > 3 && n_wrong == 0, "a set-up is written whole, or that is an error: %ld places", at - 1);
	at = n_wrong = 0;
	do {
		struct setup seen = {0};
		err = (struct err){0};
		nomemory_begin(++at, false);
		int result = setup_read(&seen, buf.bytes, buf.len, &err);
		has_failed = nomemory_end();
		n_wrong += has_failed ? result != -1 || err.code == ERR_NONE || seen.memory : result != 0;
		setup_fini(&seen);
	} while (has_failed);
	ok(at > 3 && n_wrong == 0, "and so it is read: %ld places", at - 1);
	buf_fini(&buf);
}

static void test_memory_of_channel(void)
{
	const struct channel_sizes sizes = {.task_bytes = ENDS_TASK_BYTES,
	                                    .result_bytes = ENDS_RESULT_BYTES,
	                                    .event_bytes = ENDS_EVENT_BYTES};
	const char *why_memfd;
	unsigned n_before = n_descriptors();
	bool has_failed;
	long at = 0, n_wrong = 0;
	do {
		struct channel *channel = NULL;
		err = (struct err){0};
		nomemory_begin(++at, false);
		int result = channel_create(&channel, 1, &sizes, &why_memfd, &err);
		has_failed = nomemory_end();
		n_wrong += has_failed ? result != -1 || channel || err.code != ERR_RESOURCE : result != 0;
		channel_destroy(&channel);
	} while (has_failed);
	ok(at > 1 && n_wrong == 0, "a channel is made, or that is an error: %ld places", at - 1);
	is_int(n_descriptors(), n_before, "and no descriptor stays");
}

static void test_memory_of_large_batch(void)
{
	static char text[ENDS_TASK_BYTES + 1];
	struct ends ends;
	struct port_batch batch;
	memset(text, 'x', ENDS_TASK_BYTES);
	text[ENDS_TASK_BYTES - 1] = '\n';
	ends_init(&ends);
	must(ends_send(&ends, 1, text) == 0);
	nomemory_begin(1, false);
	int result = port_next_batch(&ends.port, &batch, &ends.err);
	ok(nomemory_end() && result == -1, "no memory for a batch that is larger than the ring");
	is_int(ends.err.code, ERR_RESOURCE, "%s", ends.err.text);
	ends_fini(&ends);
}

/* So many more descriptors may be opened: 0 to 2, of which a channel needs two at a time. */
static int create_with_descriptors(unsigned n_more, struct channel **ret)
{
	const struct channel_sizes sizes = {.task_bytes = ENDS_TASK_BYTES,
	                                    .result_bytes = ENDS_RESULT_BYTES,
	                                    .event_bytes = ENDS_EVENT_BYTES};
	const char *why_memfd;
	struct rlimit limit, low;
	int next = dup(STDIN_FILENO);
	must(next >= 0 && close(next) == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
	low = (struct rlimit){.rlim_cur = (rlim_t)next + n_more, .rlim_max = limit.rlim_max};
	must(setrlimit(RLIMIT_NOFILE, &low) == 0);
	int result = channel_create(ret, 1, &sizes, &why_memfd, &err);
	if (n_more == 0)
		is_int(segment_sweep(), 0, "without a descriptor nothing is swept");
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	return result;
}

static void test_descriptors(void)
{
	unsigned n_before = n_descriptors();
	for (unsigned n_more = 0; n_more <= 1; n_more++) {
		struct channel *channel = NULL;
		err = (struct err){0};
		is_int(create_with_descriptors(n_more, &channel), -1, "%u descriptors aren't enough for a channel", n_more);
		is_int(err.code, ERR_RESOURCE, "%s", err.text);
		ok(!channel, "there is none");
		is_int(n_descriptors(), n_before, "and none stays open");
	}
	struct channel *channel = NULL;
	is_int(create_with_descriptors(2, &channel), 0, "two are");
	channel_destroy(&channel);
	is_int(n_descriptors(), n_before, "which are given back");
}

static void test_addresses(void)
{
	const size_t huge = (size_t)1 << 62, odd[] = {4096, 1000};
	struct segment_map map = {.base = NULL};
	unsigned char *rings[2];
	const char *why_memfd;
	int fd;
	must(segment_create(4 * 4096, NULL, &fd, &why_memfd, &err) == 0);
	is_int(segment_map(fd, 4096, &huge, 1, &map, rings, &err), -1, "more addresses than there are");
	ok(err.code == ERR_RESOURCE && strstr(err.text, "bytes of address space"), "%s", err.text);
	is_int(segment_map(fd, 4096, odd, 2, &map, rings, &err), -1, "a ring that isn't of whole pages");
	ok(!map.base && strstr(err.text, "cannot map 1000 bytes"), "%s", err.text);
	close(fd);
}

int main(void)
{
	if (NOMEMORY_IS_KNOWN) {
		test_memory_of_setup();
		test_memory_of_channel();
		test_memory_of_large_batch();
	} else {
		skip("a sanitizer has its own malloc");
	}
	test_descriptors();
	test_addresses();
	return tap_done();
}
