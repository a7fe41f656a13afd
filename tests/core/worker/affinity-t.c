/* SPDX-License-Identifier: Apache-2.0 */
/* affinity: a list of CPUs becomes what this thread may use, or is refused and nothing changes. */
#include "config.h"

#include "core/worker/affinity.h"

#include "tests/tap.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

static int first_allowed(void)
{
	cpu_set_t now;
	int cpu = 0;
	sched_getaffinity(0, sizeof now, &now);
	while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &now))
		cpu++;
	return cpu;
}

static bool is_just(int cpu)
{
	cpu_set_t now;
	return sched_getaffinity(0, sizeof now, &now) == 0 && CPU_COUNT(&now) == 1 && CPU_ISSET(cpu, &now);
}

int main(void)
{
	static const char *const wrong[] = {"x", "1,,2", "1-2", "65536", "-1", "0;1"};
	int cpu = first_allowed();
	struct err err;
	char list[32];
	snprintf(list, sizeof list, "%d", cpu);
	is_int(affinity_set(list, &err), 0, "one CPU");
	ok(is_just(cpu), "is all that this thread may use");
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ok(affinity_set(wrong[i], &err) == -1 && strstr(err.text, "isn't a list of CPUs"), "'%s' is refused", wrong[i]);
	is_int(affinity_set("65535", &err), -1, "a CPU that isn't there");
	is_str(err.text, "cannot be pinned to CPU 65535: Invalid argument", "is told");
	ok(is_just(cpu), "what was refused changed nothing");
	return tap_done();
}
