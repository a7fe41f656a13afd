/* SPDX-License-Identifier: Apache-2.0 */
/* gate - see gate.h. */
#include "config.h"

#include "core/dispatch/gate.h"

#include "core/base/clock.h"
#include "core/base/procfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_NS CLOCK_NS_PER_SEC
#define TEXT_BYTES 512 /* of either file: what is looked for stands at its beginning */

void gate_init(struct gate *gate, const struct job *plan, const struct gate_files *files)
{
	*gate = (struct gate){.plan = plan, .files = {"/proc/loadavg", "/proc/meminfo"}, .pause_ns = plan->delay_ns};
	if (files)
		gate->files = *files;
	if (plan->rate_pause_ns > gate->pause_ns)
		gate->pause_ns = plan->rate_pause_ns;
}

static bool looks_at_machine(const struct gate *gate)
{
	return gate->plan->max_load_milli > 0 || gate->plan->min_free_bytes > 0;
}

bool gate_is_on(const struct gate *gate)
{
	return gate->pause_ns > 0 || looks_at_machine(gate);
}

/* In thousandths; -1: it can't be read, and holds nobody up. */
static int64_t load_milli(const struct gate *gate)
{
	char text[TEXT_BYTES];
	if (procfs_read(gate->files.loadavg, text, sizeof text) == 0)
		return -1;
	return (int64_t)(strtod(text, NULL) * 1000);
}

/* INT64_MAX: it can't be read. */
static int64_t free_bytes(const struct gate *gate)
{
	static const char name[] = "MemAvailable:";
	char text[TEXT_BYTES];
	procfs_read(gate->files.meminfo, text, sizeof text);
	const char *line = strstr(text, name);
	return line ? strtoll(line + sizeof name - 1, NULL, 10) * 1024 : INT64_MAX;
}

static void look_at_machine(struct gate *gate, int64_t now_ns)
{
	const struct job *plan = gate->plan;
	gate->is_machine_ready = (plan->max_load_milli == 0 || load_milli(gate) <= plan->max_load_milli) &&
	                         (plan->min_free_bytes == 0 || free_bytes(gate) >= plan->min_free_bytes);
	gate->look_ns = now_ns + LOOK_NS;
}

bool gate_is_open(struct gate *gate, int64_t now_ns)
{
	if (now_ns < gate->next_ns)
		return false;
	if (looks_at_machine(gate) && now_ns >= gate->look_ns)
		look_at_machine(gate, now_ns);
	return !looks_at_machine(gate) || gate->is_machine_ready;
}

void gate_pass(struct gate *gate, int64_t now_ns)
{
	gate->next_ns = now_ns + gate->pause_ns;
}

int64_t gate_due_ns(const struct gate *gate)
{
	bool is_held = looks_at_machine(gate) && !gate->is_machine_ready;
	return is_held && gate->look_ns > gate->next_ns ? gate->look_ns : gate->next_ns;
}
