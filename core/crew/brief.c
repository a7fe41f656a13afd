/* SPDX-License-Identifier: Apache-2.0 */
/* brief - see brief.h. */
#include "config.h"

#include "core/base/log.h"
#include "core/crew/brief.h"

#include <stdlib.h>

#define PLACES_MORE 16       /* for USR1 */
#define PLACES_MORE_FILE 256 /* for a file that says how many workers there are */

/* Workers that are added later find a place. A plugin that isn't thread-safe never has a second thread. */
static size_t n_places(const struct job *plan)
{
	bool is_one_thread = plan->backend == BACKEND_THREAD && !plan->info->is_thread_safe;
	return is_one_thread ? 1 : (size_t)plan->n_workers + (plan->worker_count.file ? PLACES_MORE_FILE : PLACES_MORE);
}

static enum setup_frame frame_of(const struct job *plan)
{
	if (plan->output.kind == ENDPOINT_NONE)
		return FRAME_NONE;
	if (plan->has_raw_results)
		return FRAME_RAW;
	return plan->runs_commands && plan->output.kind == ENDPOINT_LINES ? FRAME_MISSING : FRAME_ALWAYS;
}

static int list_options(struct setup *setup, const struct job *plan, struct err *err)
{
	setup->options = calloc(plan->n_options + 1, sizeof *setup->options);
	if (!setup->options)
		return err_set(err, ERR_RESOURCE, "out of memory");
	for (size_t i = 0; i < plan->n_options; i++)
		setup->options[i] = (struct setup_option){.name = plan->options[i].name,
		                                          .elements = (const char *const *)plan->options[i].elements,
		                                          .n_elements = plan->options[i].n_elements};
	setup->n_options = plan->n_options;
	return 0;
}

int brief_init(struct brief *ret, const struct job *plan, bool tells_times, struct err *err)
{
	*ret = (struct brief){0};
	ret->setup = (struct setup){.file = plan->info->file,
	                            .delimiter = job_delimiter(plan),
	                            .frame = frame_of(plan),
	                            .frame_byte = endpoint_delimiter(&plan->output),
	                            .max_result_bytes = plan->max_result_bytes,
	                            .n_workers = (unsigned)plan->n_workers,
	                            .n_places = (unsigned)n_places(plan),
	                            .duty = plan->duty,
	                            .tells_times = tells_times,
	                            .tells_all = log_level() >= LOG_VERBOSE,
	                            .runs_commands = plan->runs_commands};
	if (list_options(&ret->setup, plan, err) != 0)
		return -1;
	if (plan->pin == PIN_NONE)
		return 0;
	if (pin_choose(plan->pin, (size_t)plan->n_workers, n_places(plan), &ret->pin, err) != 0)
		return -1;
	ret->setup.pins = ret->pin.cpus;
	ret->setup.n_pins = ret->pin.n_places;
	return 0;
}

void brief_fini(struct brief *brief)
{
	free(brief->setup.options);
	pin_fini(&brief->pin);
	*brief = (struct brief){0};
}
