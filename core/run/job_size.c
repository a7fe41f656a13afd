/* SPDX-License-Identifier: Apache-2.0 */
/* job_size - see job_size.h. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/plan/cpus.h"
#include "core/run/job_size.h"

#define LOOK_NS CLOCK_NS_PER_SEC

void job_size_add(struct job_size *size, int more)
{
	unsigned before;
	do {
		before = size->crew->n_workers;
		crew_resize(size->crew, more);
		more += more < 0 ? 1 : -1;
	} while (more != 0 && size->crew->n_workers != before);
	log_notice("%s: %u workers from now on", size->plan->name, size->crew->n_workers);
}

int64_t job_size_due_ns(const struct job_size *size)
{
	return size->plan->worker_count.file ? size->look_ns : -1;
}

void job_size_look(struct job_size *size, int64_t now_ns)
{
	struct worker_count count = size->plan->worker_count; /* the file's name is the plan's */
	const char *why;
	struct err err;
	if (!count.file || now_ns < size->look_ns)
		return;
	size->look_ns = now_ns + LOOK_NS;
	if (worker_count_read(&count, &err) != 0) {
		if (!size->has_complained)
			log_warning("%s: --jobs: %s: the number of workers stays as it is", size->plan->name, err.text);
		size->has_complained = true;
		return;
	}
	size->has_complained = false;
	int more = (int)(worker_count_resolve(&count, plan_usable_cpus(&why)) - (int64_t)size->crew->n_workers);
	if (more != 0)
		job_size_add(size, more);
}
