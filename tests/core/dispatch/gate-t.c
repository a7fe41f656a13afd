/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate: items begin no faster than a pause allows, and none is caught up with; none begins while the machine is loaded
 * or short of memory, which is looked at once a second; files that can't be read hold nobody up.
 */
#include "config.h"

#include "core/base/clock.h"
#include "core/dispatch/gate.h"

#include "tests/tap.h"

#include <stdio.h>
#include <unistd.h>

#define MS CLOCK_NS_PER_MS

static char path[TAP_PATH_BYTES];

static void put(const char *text)
{
	FILE *file = fopen(path, "w");
	must(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void test_pauses(void)
{
	struct job plan = {0};
	struct gate gate;

	gate_init(&gate, &plan, NULL);
	ok(!gate_is_on(&gate) && gate_is_open(&gate, 0), "without limits it is off, and open");
	plan.delay_ns = 10 * MS;
	plan.rate_pause_ns = 4 * MS;
	gate_init(&gate, &plan, NULL);
	ok(gate_is_on(&gate) && gate_is_open(&gate, 1000 * MS), "the first item begins at once");
	gate_pass(&gate, 1000 * MS);
	ok(!gate_is_open(&gate, 1010 * MS - 1), "the next not before the longer pause is over");
	is_int(gate_due_ns(&gate), 1010 * MS, "which is when to ask again");
	ok(gate_is_open(&gate, 1010 * MS), "then it does");
	gate_pass(&gate, 1500 * MS);
	ok(!gate_is_open(&gate, 1509 * MS), "what was missed isn't caught up with");
}

static void test_machine(const char *option, struct job plan, struct gate_files files, const char *bad,
                         const char *good)
{
	struct gate gate;

	put(bad);
	gate_init(&gate, &plan, &files);
	ok(gate_is_on(&gate) && !gate_is_open(&gate, 0), "%s: no item begins", option);
	is_int(gate_due_ns(&gate), CLOCK_NS_PER_SEC, "%s: until the next look", option);
	put(good);
	ok(!gate_is_open(&gate, CLOCK_NS_PER_SEC - 1), "%s: before that nobody looks", option);
	ok(gate_is_open(&gate, CLOCK_NS_PER_SEC), "%s: then it does", option);
	must(unlink(path) == 0);
	ok(gate_is_open(&gate, 2 * CLOCK_NS_PER_SEC), "%s: a file that isn't there holds nobody up", option);
	put(bad);
	ok(!gate_is_open(&gate, 3 * CLOCK_NS_PER_SEC), "%s: and shut again", option);
}

int main(void)
{
	int fd;

	tap_template(path, "gate");
	must((fd = mkstemp(path)) >= 0 && close(fd) == 0);
	test_pauses();
	test_machine("--load", (struct job){.max_load_milli = 2500}, (struct gate_files){path, "/nonexistent"},
	             "2.51 1.00 1.00 1/99 1\n", "2.50 9.00 9.00 1/99 1\n");
	test_machine("--memfree", (struct job){.min_free_bytes = (int64_t)4 << 20},
	             (struct gate_files){"/nonexistent", path},
	             "MemTotal:  9000000 kB\nMemFree: 8000000 kB\nMemAvailable:    4095 kB\n",
	             "MemTotal:  9000000 kB\nMemFree: 1 kB\nMemAvailable:    4096 kB\n");
	must(unlink(path) == 0);
	return tap_done();
}
