/* SPDX-License-Identifier: Apache-2.0 */
/* file_use - see file_use.h. */
#include "config.h"

#include "core/plan/file_use.h"

#include "core/base/ownfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add(struct file_uses *uses, enum file_role role, const struct job *job, const char *name, int fd,
                struct place place)
{
	char *copy = strdup(name);
	struct file_use *grown = copy ? reallocarray(uses->all, uses->n + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(copy);
		uses->is_short = true;
		return;
	}
	uses->all = grown;
	grown[uses->n++] = (struct file_use){.role = role,
	                                     .name = copy,
	                                     .job = job,
	                                     .place = place,
	                                     .id = fd >= 0 ? fileid_of_fd(fd) : fileid_of_name(name),
	                                     .fd = fd};
}

static void add_endpoint(struct file_uses *uses, enum file_role role, const struct job *job,
                         const struct endpoint *endpoint)
{
	int standard_fd = role == ROLE_INPUT ? STDIN_FILENO : STDOUT_FILENO;
	int fd = endpoint_descriptor(endpoint, standard_fd);
	if (fd == standard_fd)
		add(uses, role, job, role == ROLE_INPUT ? "standard input" : "standard output", fd, endpoint->place);
	else if (fd >= 0 || endpoint_is_file(endpoint))
		add(uses, role, job, endpoint->argument, fd, endpoint->place);
}

/* By the file's real name, which is what it is derived from; called by the user's. */
static void add_derived(struct file_uses *uses, enum file_role role, const struct job *job, const char *name,
                        const char *suffix, struct place place)
{
	char *real = fileid_real_name(name), *derived = NULL;
	if (!real && errno != ENOMEM)
		return; /* it can't be made: that is said elsewhere */
	if (real && suffix && asprintf(&derived, "%s%s", real, suffix) < 0)
		derived = NULL;
	else if (real && !suffix)
		derived = ownfile_name(real);
	free(real);
	if (derived)
		add(uses, role, job, derived, -1, place);
	else
		uses->is_short = true;
	free(derived);
}

bool file_use_means_descriptor(const char *name)
{
	return strcmp(name, "-") == 0 || fileid_descriptor(name) >= 0;
}

static void add_journal(struct file_uses *uses, const struct plan *plan)
{
	/* record/journal_file.c: what SQLite and the lock are called; NULL: what a new one is until it is complete */
	static const char *const suffixes[] = {"-wal", "-shm", "-journal", ".lock", NULL};
	if (!plan->journal_file || !plan->journal_file[0] || file_use_means_descriptor(plan->journal_file))
		return;
	add(uses, ROLE_JOURNAL, NULL, plan->journal_file, -1, plan->journal_place);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		add_derived(uses, ROLE_BESIDE, NULL, plan->journal_file, suffixes[i], plan->journal_place);
}

/* Those that the run uses by themselves have their roles there. */
static void add_streams(struct file_uses *uses, const struct plan *plan)
{
	static const char *const names[] = {"standard input", "standard output", "standard error"};
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		bool is_used = plan->joblog_fd == fd;
		for (size_t i = 0; i < plan->n_jobs; i++)
			is_used = is_used || (fd == STDIN_FILENO && job_reads_standard_input(&plan->jobs[i])) ||
			          endpoint_descriptor(&plan->jobs[i].input, STDIN_FILENO) == fd ||
			          endpoint_descriptor(&plan->jobs[i].output, STDOUT_FILENO) == fd;
		if (!is_used)
			add(uses, ROLE_STREAM, NULL, names[fd], fd, (struct place){0});
	}
}

void file_uses_gather(struct file_uses *uses, const struct plan *plan)
{
	*uses = (struct file_uses){0};
	add_streams(uses, plan);
	if (plan->file)
		add(uses, ROLE_CONF, NULL, plan->file, -1, (struct place){.file = plan->file});
	for (size_t i = 0; i < plan->n_jobs; i++) {
		const struct job *job = &plan->jobs[i];
		add_endpoint(uses, ROLE_INPUT, job, &job->input);
		for (size_t k = 0; k < job->recipe.n_lists; k++)
			add_endpoint(uses, ROLE_INPUT, job, &job->recipe.lists[k].endpoint);
		if (job->info)
			add(uses, ROLE_PLUGIN, job, job->info->file, -1, job->plugin_place);
		add_endpoint(uses, ROLE_OUTPUT, job, &job->output);
		if (plan->retries_failed && plan->journal_file && endpoint_is_file(&job->output))
			add_derived(uses, ROLE_NEW_OUTPUT, job, job->output.argument, NULL, job->output.place);
	}
	add_journal(uses, plan);
	if (plan->joblog_file && plan->joblog_file[0])
		add(uses, ROLE_JOBLOG, NULL, plan->joblog_file, plan->joblog_fd, plan->joblog_place);
}

void file_uses_fini(struct file_uses *uses)
{
	for (size_t i = 0; i < uses->n; i++) {
		fileid_fini(&uses->all[i].id);
		free(uses->all[i].name);
	}
	free(uses->all);
	*uses = (struct file_uses){0};
}

const struct file_use *file_uses_find(const struct file_uses *uses, enum file_role role, const struct job *job)
{
	for (size_t i = 0; i < uses->n; i++)
		if (uses->all[i].role == role && uses->all[i].job == job)
			return &uses->all[i];
	return NULL;
}

bool file_use_is_written(const struct file_use *use)
{
	return use->role >= ROLE_OUTPUT;
}

const char *file_use_name(const struct file_use *use, char text[FILE_USE_NAME_BYTES])
{
	static const char *const words[] = {[ROLE_CONF] = "the conf file itself",
	                                    [ROLE_INPUT] = "the input",
	                                    [ROLE_PLUGIN] = "the plugin",
	                                    [ROLE_OUTPUT] = "the output",
	                                    [ROLE_JOURNAL] = "the journal",
	                                    [ROLE_JOBLOG] = "the job log",
	                                    [ROLE_NEW_OUTPUT] = "the file that replaces the output",
	                                    [ROLE_BESIDE] = "a file that belongs to the journal"};
	if (use->role == ROLE_STREAM)
		snprintf(text, FILE_USE_NAME_BYTES, "%s", use->name);
	else
		snprintf(text, FILE_USE_NAME_BYTES, "%s%s%.200s%s", words[use->role], use->job ? " of job '" : "",
		         use->job ? use->job->name : "", use->job ? "'" : "");
	return text;
}

const char *file_use_key(const struct file_use *use)
{
	static const char *const keys[] = {
		[ROLE_INPUT] = "input",     [ROLE_PLUGIN] = "plugin",  [ROLE_OUTPUT] = "output", [ROLE_NEW_OUTPUT] = "output",
		[ROLE_JOURNAL] = "journal", [ROLE_BESIDE] = "journal", [ROLE_JOBLOG] = "joblog"};
	return keys[use->role];
}
