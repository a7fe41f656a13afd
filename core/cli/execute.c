/* SPDX-License-Identifier: Apache-2.0 */
/* execute - see execute.h. */
#include "config.h"

#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/base/tree.h"
#include "core/cli/execute.h"
#include "core/cli/signals.h"
#include "core/io/descriptor.h"

#include <sys/resource.h>
#include <unistd.h>

#define FDS_A_WORKER 4
#define FDS_BESIDE 64

/* Descriptors for the workers: the soft limit goes up as far as it may. */
static void raise_descriptor_limit(const struct plan *plan)
{
	struct rlimit limit;
	rlim_t wanted = FDS_BESIDE;
	for (size_t i = 0; i < plan->n_jobs; i++)
		wanted += (rlim_t)plan->jobs[i].n_workers * FDS_A_WORKER;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || wanted < limit.rlim_max ? wanted : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Before there is any process of ours, but for one that has no job yet. */
static void open_cgroup(struct cgroup *cgroup, const struct plan *plan)
{
	char why[CGROUP_WHY_BYTES];
	bool is_wanted = false;
	for (size_t i = 0; i < plan->n_jobs; i++)
		is_wanted = is_wanted || (plan->jobs[i].memory_bytes > 0 && plan->jobs[i].backend != BACKEND_THREAD);
	if (!is_wanted)
		return;
	if (cgroup_open(cgroup, why))
		log_detail("memory limits: enforced by the kernel as well, in the cgroup %s", cgroup->folder);
	else
		log_detail("memory limits: enforced by rota alone (cgroup: %s)", why);
}

/*
 * Results on the terminal that the live line would stand on would tear it, and so would the pager that most often reads
 * them from a pipe: nobody can know where a pipe's words end up.
 */
static enum progress_mode choose_progress(const struct plan *plan, enum progress_mode mode)
{
	int kind = descriptor_kind(STDOUT_FILENO);
	for (size_t i = 0; i < plan->n_jobs; i++) {
		const struct endpoint *output = &plan->jobs[i].output;
		if (mode == PROGRESS_AUTO && output->kind != ENDPOINT_NONE && endpoint_is_standard(output) &&
		    (kind == DESCRIPTOR_TERMINAL || kind == DESCRIPTOR_PIPE || kind == DESCRIPTOR_SOCKET))
			return PROGRESS_NEVER;
	}
	return mode;
}

/* Whatever process of ours is left ends here. */
static void end_processes(const struct run_settings *settings, struct cgroup *cgroup)
{
	if (settings->spare)
		server_kill(settings->spare);
	tree_end();
	cgroup_close(cgroup);
}

int execute(const struct plan *plan, struct run_settings *settings)
{
	struct signals signals = SIGNALS_NONE;
	struct cgroup cgroup = {0};
	struct run_end end = {0};
	struct run *run;
	struct err err;
	raise_descriptor_limit(plan);
	open_cgroup(&cgroup, plan);
	settings->cgroup = cgroup.folder[0] ? &cgroup : NULL;
	settings->progress = choose_progress(plan, settings->progress);
	if (run_create(&run, plan, settings, &err) != 0 || signals_watch(&signals, run, &err) != 0 ||
	    run_go(run, &err) != 0) {
		log_error("%s", err.text);
		end.status = err.code == ERR_USAGE ? 2 : 3;
	}
	signals_unwatch(&signals);
	run_destroy(&run, &end);
	end_processes(settings, &cgroup);
	if (end.ended_by != 0)
		proc_die_by(end.ended_by);
	/* what exit would tidy up is still used by threads that nobody can end */
	if (end.has_left_threads)
		_exit(end.status);
	return end.status;
}
