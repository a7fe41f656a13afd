/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_files - see plan_files.h. A file that exists is known by device and inode, one that doesn't by the real path of
 * its folder and its name in it.
 */
#include "config.h"

#include "core/plan/plan_files.h"

#include "core/plan/plan_order.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINKS 40

/* Which file it is. */
struct identity {
	bool is_there; /* a regular file: device and inode say which */
	dev_t device;
	ino_t inode;
	char *path; /* a file that will be made: this says which; else NULL */
	int errnum; /* why it can't be looked at */
};

struct job_files {
	struct identity input, output;
};

/* The real path of a file that doesn't exist: of its folder, with its name; dangling links are followed. NULL: none. */
static char *future_path(const char *file)
{
	char path[PATH_MAX], target[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s", file) >= (int)sizeof(path))
		return NULL;
	for (int i = 0; i < MAX_LINKS; i++) {
		char *slash = strrchr(path, '/');
		size_t n_folder = slash ? (size_t)(slash - path) + 1 : 0;
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		if (n < 0) {
			char folder[PATH_MAX + 2], *real, *joined = NULL;
			snprintf(folder, sizeof(folder), "%.*s.", (int)n_folder, path);
			real = realpath(folder, NULL);
			if (real && asprintf(&joined, "%s/%s", real, path + n_folder) < 0)
				joined = NULL;
			free(real);
			return joined;
		}
		target[n] = '\0';
		if (target[0] == '/')
			n_folder = 0;
		if (n_folder + (size_t)n >= sizeof(path))
			return NULL;
		memcpy(path + n_folder, target, (size_t)n + 1);
	}
	return NULL;
}

/* Of the file of that name; NULL: of a descriptor. */
static struct identity identity_of(const char *file, int fd)
{
	struct identity identity = {0};
	struct stat status;
	int rc = file ? stat(file, &status) : fstat(fd, &status);
	if (rc == 0 && S_ISREG(status.st_mode)) {
		identity.is_there = true;
		identity.device = status.st_dev;
		identity.inode = status.st_ino;
	} else if (rc != 0 && file) {
		identity.errnum = errno;
		identity.path = future_path(file);
	}
	return identity;
}

static struct identity identity_find(const struct endpoint *endpoint, int standard_fd)
{
	bool is_standard = endpoint_is_standard(endpoint);
	if (!is_standard && !endpoint_is_file(endpoint))
		return (struct identity){0};
	return identity_of(is_standard ? NULL : endpoint->argument, standard_fd);
}

static bool is_same(const struct identity *a, const struct identity *b)
{
	if (a->is_there && b->is_there)
		return a->device == b->device && a->inode == b->inode;
	return a->path && b->path && strcmp(a->path, b->path) == 0;
}

/* Another job that writes what this one reads. -1: none. */
static ssize_t writer_find(const struct plan *plan, const struct job_files *files, size_t reader)
{
	for (size_t i = 0; i < plan->n_jobs; i++)
		if (i != reader && is_same(&files[reader].input, &files[i].output))
			return (ssize_t)i;
	return -1;
}

static void check_input(struct plan *plan, const struct job_files *files, size_t i)
{
	const struct job *job = &plan->jobs[i];
	const struct identity *input = &files[i].input;
	const char *file = job->input.argument;
	char prefix[JOB_PREFIX_BYTES];
	struct stat status;
	ssize_t writer = writer_find(plan, files, i);
	job_prefix(job, job->input.place, prefix);
	if (writer >= 0 && !plan_order_is_after(plan, i, (size_t)writer)) {
		place_error(&plan->errors, job->input.place, ERR_USAGE,
		            "%sinput: job '%s' writes %s, so this one must wait for it: add `after: %s`",
		            prefix, plan->jobs[writer].name, endpoint_is_file(&job->input) ? file : "this file",
		            plan->jobs[writer].name);
		return;
	}
	if (writer >= 0 || !endpoint_is_file(&job->input) || is_same(input, &files[i].output))
		return;
	if (input->errnum)
		place_error(&plan->errors, job->input.place, ERR_USAGE, "%sinput: %s can't be read: %s", prefix, file,
		            strerror(input->errnum));
	else if (stat(file, &status) == 0 && S_ISDIR(status.st_mode))
		place_error(&plan->errors, job->input.place, ERR_USAGE,
		            "%sinput: %s is a folder; for the names of the files in it write files:'%s/**'",
		            prefix, file, file);
	else if (faccessat(AT_FDCWD, file, R_OK, AT_EACCESS) != 0)
		place_error(&plan->errors, job->input.place, ERR_USAGE, "%sinput: %s can't be read: %s", prefix, file,
		            strerror(errno));
}

static void check_output(struct plan *plan, const struct job_files *files, size_t i, const struct identity *conf)
{
	const struct job *job = &plan->jobs[i];
	const char *file = endpoint_is_file(&job->output) ? job->output.argument : "standard output";
	char prefix[JOB_PREFIX_BYTES];
	job_prefix(job, job->output.place, prefix);
	if (is_same(&files[i].output, &files[i].input))
		place_error(&plan->errors, job->output.place, ERR_USAGE,
		            "%soutput: %s is the input, too, and can't be both: write to another file",
		            prefix, file);
	if (is_same(&files[i].output, conf))
		place_error(&plan->errors, job->output.place, ERR_USAGE,
		            "%soutput: %s is the conf file itself: write to another file", prefix, file);
	for (size_t k = 0; k < i; k++)
		if (is_same(&files[i].output, &files[k].output) &&
		    !(endpoint_is_standard(&job->output) && endpoint_is_standard(&plan->jobs[k].output)))
			place_error(&plan->errors, job->output.place, ERR_USAGE,
			            "%soutput: job '%s' writes %s, too: give each job a file of its own",
			            prefix, plan->jobs[k].name, file);
}

/* Standard input and output are for one job each. */
static void check_standard(struct plan *plan)
{
	const struct job *reader = NULL, *writer = NULL;
	char prefix[JOB_PREFIX_BYTES];
	for (size_t i = 0; i < plan->n_jobs && !place_is_full(&plan->errors); i++) {
		const struct job *job = &plan->jobs[i];
		if (endpoint_is_standard(&job->input) && reader)
			place_error(&plan->errors, job->input.place, ERR_USAGE,
			            "%sjob '%s' reads standard input already, and only one can: give this one an `input:`",
			            job_prefix(job, job->input.place, prefix), reader->name);
		if (endpoint_is_standard(&job->output) && writer)
			place_error(&plan->errors, job->output.place, ERR_USAGE,
			            "%sjob '%s' writes to standard output already, and only one can: give this one an `output:`",
			            job_prefix(job, job->output.place, prefix), writer->name);
		if (endpoint_is_standard(&job->input) && !reader)
			reader = job;
		if (endpoint_is_standard(&job->output) && !writer)
			writer = job;
	}
}

/* A file that the run writes beside its outputs is a file of its own. */
static void check_own(struct plan *plan, const struct job_files *files, const struct identity *conf, const char *key,
                      const char *file, struct place place)
{
	struct identity own = identity_of(file, -1);
	if (file[0] == '\0')
		place_error(&plan->errors, place, ERR_USAGE, "%s: the name of a file is expected", key);
	if (is_same(&own, conf))
		place_error(&plan->errors, place, ERR_USAGE, "%s: %s is the conf file itself: give it another name", key, file);
	for (size_t i = 0; i < plan->n_jobs && !place_is_full(&plan->errors); i++)
		if (is_same(&own, &files[i].input) || is_same(&own, &files[i].output))
			place_error(&plan->errors, place, ERR_USAGE, "%s: %s is the %s of job '%s', too: give it a file of its own",
			            key, file, is_same(&own, &files[i].input) ? "input" : "output", plan->jobs[i].name);
	free(own.path);
}

/* What it tells of an output can be gone back to. */
static void check_journal(struct plan *plan, const struct job_files *files, const struct identity *conf)
{
	const struct place place = plan->journal_place;
	if (!plan->journal_file) {
		if (plan->is_resuming || plan->retries_failed)
			place_error(&plan->errors, place, ERR_USAGE, "--%s needs the journal: add --journal FILE",
			            plan->is_resuming ? "resume" : "retry-failed");
		return;
	}
	if (plan->retries_failed && !plan->is_resuming)
		place_error(&plan->errors, place, ERR_USAGE, "--retry-failed goes with --resume: give both");
	check_own(plan, files, conf, "journal", plan->journal_file, place);
	for (size_t i = 0; i < plan->n_jobs && !place_is_full(&plan->errors); i++)
		if (endpoint_is_standard(&plan->jobs[i].output) && files[i].output.is_there)
			place_error(&plan->errors, plan->jobs[i].output.place, ERR_USAGE,
			            "with a journal, name the output: --output FILE instead of > FILE, which would empty the "
			            "file before a resume");
}

static void check_joblog(struct plan *plan, const struct job_files *files, const struct identity *conf)
{
	if (!plan->joblog_file)
		return;
	check_own(plan, files, conf, "joblog", plan->joblog_file, plan->joblog_place);
	if (!plan->journal_file)
		return;
	struct identity joblog = identity_of(plan->joblog_file, -1), journal = identity_of(plan->journal_file, -1);
	if (is_same(&joblog, &journal))
		place_error(&plan->errors, plan->joblog_place, ERR_USAGE, "joblog: %s is the journal, too: give each a file",
		            plan->joblog_file);
	free(joblog.path);
	free(journal.path);
}

void plan_files_check(struct plan *plan)
{
	struct job_files *files = calloc(plan->n_jobs ? plan->n_jobs : 1, sizeof(*files));
	if (!files) {
		place_error(&plan->errors, (struct place){.file = plan->file}, ERR_RESOURCE, "memory is short");
		return;
	}
	struct identity conf = {0};
	struct stat status;
	if (plan->file && stat(plan->file, &status) == 0 && S_ISREG(status.st_mode))
		conf = (struct identity){.is_there = true, .device = status.st_dev, .inode = status.st_ino};
	for (size_t i = 0; i < plan->n_jobs; i++) {
		files[i].input = identity_find(&plan->jobs[i].input, STDIN_FILENO);
		files[i].output = identity_find(&plan->jobs[i].output, STDOUT_FILENO);
	}
	check_standard(plan);
	for (size_t i = 0; i < plan->n_jobs && !place_is_full(&plan->errors); i++) {
		check_input(plan, files, i);
		check_output(plan, files, i, &conf);
	}
	check_journal(plan, files, &conf);
	check_joblog(plan, files, &conf);
	for (size_t i = 0; i < plan->n_jobs; i++) {
		free(files[i].input.path);
		free(files[i].output.path);
	}
	free(files);
}
