/* SPDX-License-Identifier: Apache-2.0 */
/* job_open - see job_open.h. */
#include "config.h"

#include "core/run/job_open.h"

/* Before anything is begun, an output that an earlier run has written is read: turn by turn, for it may be large. */
static int open_check(struct run_job *job, struct err *err)
{
	const struct endpoint *output = &job->plan->output;
	bool retries = retry_is_on(&job->retry);
	uint64_t n_bytes = retries ? job->retry.position.output_bytes : job->resume.position.output_bytes;
	if (!sink_is_file(job->sink) || endpoint_is_standard(output) || !endpoint_is_file(output))
		return 0;
	if (job->is_resuming && n_bytes > 0) {
		if (prefix_open(&job->prefix, output->argument, n_bytes, err) != 0)
			return -1;
		job->is_unchecked = true;
	}
	if (checkpoint_is_on(&job->checkpoint) && !retries)
		sink_keep_digest(job->sink, &job->checkpoint.given);
	return 0;
}

static int open_sink(struct run_job *job, struct err *err)
{
	uint64_t output_bytes = job->resume.position.output_bytes;
	if (retry_is_on(&job->retry))
		return retry_open_sink(&job->retry, &job->sink, err);
	if (!job->is_resuming)
		return sink_open(&job->sink, &job->plan->output, err);
	if (sink_reopen(&job->sink, &job->plan->output, output_bytes, job->was_finished, err) != 0)
		return -1;
	job->is_uncut = true;
	resume_say_twice(&job->resume, job->sink, job->plan->output.kind != ENDPOINT_NONE, job->name);
	return 0;
}

static int open_source(struct run_job *job, struct err *err)
{
	const struct endpoint *input = &job->plan->input;
	return retry_is_on(&job->retry)
	           ? retry_open_source(&job->retry, &job->source, input, job_delimiter(job->plan), err)
	           : source_open_items(&job->source, input, &job->plan->recipe, job->plan->max_item_bytes, err);
}

static int load(struct run_job *job, struct err *err)
{
	struct journal_position position = {0};
	const struct endpoint *output = &job->plan->output;
	const char *name = job->plan->name;
	checkpoint_init(&job->checkpoint, job->journal, name);
	if (job->is_resuming && (checkpoint_load(&job->checkpoint, &job->tally, &position, err) != 0 ||
	                         retry_settle(job->journal, name, output, &position, err) != 0)) {
		journal_position_fini(&position);
		return -1;
	}
	job->was_finished = position.is_finished;
	if (position.is_finished && job->retries_failed && tally_not_ok(&job->tally) > 0)
		retry_begin(&job->retry, job->journal, name, output, &job->tally, &position);
	else
		resume_init(&job->resume, &position);
	return 0;
}

/* Each room makes its own state from the plan and what it works with. */
static int make_rooms(struct run_job *job, struct err *err)
{
	const struct job *plan = job->plan;
	const struct crew_handed handed = {.loop = job->loop,
	                                   .window = &job->window,
	                                   .job_name = job->name,
	                                   .worker_program = job->worker_program,
	                                   .spare = job->spare,
	                                   .cgroup = job->cgroup,
	                                   .job_number = job->number,
	                                   .tells_times = job->report.joblog != NULL};
	const struct parts parts = {.plan = plan,
	                            .feed = job->feed,
	                            .window = &job->window,
	                            .crew = &job->crew,
	                            .tally = &job->tally,
	                            .report = &job->report,
	                            .checkpoint = &job->checkpoint,
	                            .resume = &job->resume,
	                            .retry = &job->retry};
	bool has_ends = plan->output.kind != ENDPOINT_NONE && !plan->has_raw_results;
	window_init(&job->window, job->sink, plan->is_ordered || retry_is_on(&job->retry), job_delimiter(plan),
	            has_ends ? (unsigned char)endpoint_delimiter(&plan->output) : -1);
	checkpoint_attach(&job->checkpoint, &job->window, job->sink);
	if (crew_init(&job->crew, plan, &handed, err) != 0)
		return -1;
	dispatch_init(&job->dispatch, &parts);
	collect_init(&job->collector, &parts);
	watchdog_init(&job->watchdog, plan, &job->crew);
	return 0;
}

int job_open(struct run_job *job, struct err *err)
{
	/* the source first: an output isn't truncated for an input that isn't there */
	if (load(job, err) != 0 || open_source(job, err) != 0 ||
	    feed_create(&job->feed, job->source, job->plan->max_item_bytes, err) != 0 || open_sink(job, err) != 0 ||
	    open_check(job, err) != 0)
		return -1;
	return make_rooms(job, err);
}

void job_close(struct run_job *job)
{
	crew_fini(&job->crew);
	collect_fini(&job->collector);
	window_fini(&job->window);
	checkpoint_fini(&job->checkpoint);
	resume_fini(&job->resume);
	feed_destroy(&job->feed);
	source_close(&job->source);
	retry_fini(&job->retry);
	prefix_close(&job->prefix);
	sink_close(&job->sink);
}
