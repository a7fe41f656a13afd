/* SPDX-License-Identifier: Apache-2.0 */
/* plan_files - see plan_files.h. */
#include "config.h"

#include "core/plan/plan_files.h"

#include "core/base/fileid.h"
#include "core/plan/file_use.h"
#include "core/plan/plan_order.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- one file in two roles ---------------------------------------------------------------------------------------- */

/* Would one spoil what is the other's? */
static bool is_conflict(const struct file_use *one, const struct file_use *other)
{
	if (!file_use_is_written(one) && !file_use_is_written(other))
		return false;
	/* it goes on where the other is; two jobs with one descriptor: check_descriptors */
	if (one->fd >= 0 && one->fd == other->fd)
		return false;
	/* 2>&1: whoever gave us both has them flow together */
	if ((one->role == ROLE_STREAM && other->fd >= 0) || (other->role == ROLE_STREAM && one->fd >= 0))
		return false;
	/* that may be, one after the other: check_input */
	if ((one->role == ROLE_INPUT && other->role == ROLE_OUTPUT && one->job != other->job) ||
	    (one->role == ROLE_OUTPUT && other->role == ROLE_INPUT && one->job != other->job))
		return false;
	return fileid_is_same(&one->id, &other->id);
}

/* Said of the later one; the first has no place of its own. */
static void add_conflict(struct plan *plan, const struct file_use *first, const struct file_use *later)
{
	char prefix[JOB_PREFIX_BYTES] = "", text[FILE_USE_NAME_BYTES];
	const char *key = file_use_key(later), *name = later->name;
	bool is_output = later->role == ROLE_OUTPUT;
	if (later->job)
		job_prefix(later->job, later->place, prefix);
	if (is_output && first->role == ROLE_INPUT)
		place_error(&plan->errors, later->place, ERR_USAGE, "%soutput: %s is also the input: write to another file",
		            prefix, name);
	else if (is_output && first->role == ROLE_OUTPUT)
		place_error(&plan->errors, later->place, ERR_USAGE,
		            "%soutput: job '%s' also writes %s: give each job its own file", prefix, first->job->name, name);
	else if (first->role == ROLE_CONF || (is_output && first->role == ROLE_PLUGIN && first->job == later->job))
		place_error(&plan->errors, later->place, ERR_USAGE, "%s%s: %s is the %s itself: %s", prefix, key, name,
		            first->role == ROLE_CONF ? "conf file" : "plugin",
		            is_output ? "write to another file" : "give it another name");
	else if (later->role == ROLE_BESIDE || later->role == ROLE_NEW_OUTPUT)
		place_error(&plan->errors, later->place, ERR_USAGE,
		            "%s%s: rota creates %s beside it, but that is also %s: give the %s another name", prefix, key, name,
		            file_use_name(first, text), key);
	else if (later->role == ROLE_JOBLOG && first->role == ROLE_JOURNAL)
		place_error(&plan->errors, later->place, ERR_USAGE, "joblog: %s is also the journal: give each its own file",
		            name);
	else
		place_error(&plan->errors, later->place, ERR_USAGE, "%s%s: %s is also %s: use another file", prefix, key, name,
		            file_use_name(first, text));
}

/* --- one by one --------------------------------------------------------------------------------------------------- */

/* Another job that writes what this one reads; NULL: none. */
static const struct file_use *writer_find(const struct file_uses *uses, const struct file_use *input)
{
	for (size_t i = 0; i < uses->n; i++)
		if (uses->all[i].role == ROLE_OUTPUT && uses->all[i].job != input->job &&
		    fileid_is_same(&uses->all[i].id, &input->id))
			return &uses->all[i];
	return NULL;
}

static void check_input(struct plan *plan, const struct file_uses *uses, const struct file_use *input)
{
	const struct job *job = input->job;
	const struct file_use *writer = writer_find(uses, input), *output = file_uses_find(uses, ROLE_OUTPUT, job);
	bool is_file = input->fd < 0;
	char prefix[JOB_PREFIX_BYTES];
	struct stat status;
	job_prefix(job, input->place, prefix);
	if (writer && !plan_order_is_after(plan, (size_t)(job - plan->jobs), (size_t)(writer->job - plan->jobs))) {
		place_error(&plan->errors, input->place, ERR_USAGE,
		            "%sinput: job '%s' writes %s, so this one must wait for it: add `after: %s`", prefix,
		            writer->job->name, is_file ? input->name : "this file", writer->job->name);
		return;
	}
	if (writer || !is_file || (output && fileid_is_same(&input->id, &output->id)))
		return;
	if (stat(input->name, &status) == 0 && S_ISDIR(status.st_mode))
		place_error(&plan->errors, input->place, ERR_USAGE,
		            "%sinput: %s is a directory; for the names of the files in it use files:'%s/**'", prefix,
		            input->name, input->name);
	else if (input->id.errnum || faccessat(AT_FDCWD, input->name, R_OK, AT_EACCESS) != 0)
		place_error(&plan->errors, input->place, ERR_USAGE, "%sinput: %s can't be read: %s", prefix, input->name,
		            strerror(input->id.errnum ? input->id.errnum : errno));
}

/* Can a file of that name be made or written? */
static void check_writable(struct plan *plan, const struct file_use *use)
{
	char prefix[JOB_PREFIX_BYTES] = "";
	const char *slash = strrchr(use->name, '/');
	struct stat status;
	if (use->job)
		job_prefix(use->job, use->place, prefix);
	if (stat(use->name, &status) == 0 && S_ISDIR(status.st_mode))
		place_error(&plan->errors, use->place, ERR_USAGE, "%s%s: %s is a directory: give the name of a file", prefix,
		            file_use_key(use), use->name);
	else if (use->id.kind == FILEID_NONE && use->id.errnum == ENOENT && slash)
		place_error(&plan->errors, use->place, ERR_USAGE, "%s%s: %s can't be created: there is no directory %.*s",
		            prefix, file_use_key(use), use->name, slash == use->name ? 1 : (int)(slash - use->name), use->name);
	else if (use->id.kind == FILEID_NONE && use->id.errnum)
		place_error(&plan->errors, use->place, ERR_USAGE, "%s%s: %s can't be written: %s", prefix, file_use_key(use),
		            use->name, strerror(use->id.errnum));
	else if (use->id.kind != FILEID_FUTURE && faccessat(AT_FDCWD, use->name, W_OK, AT_EACCESS) != 0)
		place_error(&plan->errors, use->place, ERR_USAGE, "%s%s: %s can't be written: %s", prefix, file_use_key(use),
		            use->name, strerror(errno));
}

/* Opened, it would be the file behind it once more, from its beginning, and emptied under its owner. */
static bool is_others_file(const struct file_use *use)
{
	return use->fd < 0 && use->id.kind == FILEID_FILE &&
	       (use->role == ROLE_OUTPUT || use->role == ROLE_JOBLOG || use->role == ROLE_JOURNAL) &&
	       fileid_is_others_descriptor(use->name);
}

static void add_others_file(struct plan *plan, const struct file_use *use)
{
	char prefix[JOB_PREFIX_BYTES] = "";
	if (use->job)
		job_prefix(use->job, use->place, prefix);
	place_error(&plan->errors, use->place, ERR_USAGE,
	            "%s%s: %s is a file that another process has open: give the name of a file", prefix, file_use_key(use),
	            use->name);
}

/* A descriptor is for one job to read, and for one to write. */
static void check_descriptors(struct plan *plan, const struct file_uses *uses, const struct file_use *use)
{
	char prefix[JOB_PREFIX_BYTES];
	for (const struct file_use *first = uses->all; use->fd >= 0 && first < use; first++) {
		if (first->role != use->role || first->fd != use->fd)
			continue;
		job_prefix(use->job, use->place, prefix);
		if (use->role == ROLE_INPUT && use->job == first->job)
			place_error(&plan->errors, use->place, ERR_USAGE,
			            "%stwo lists read %s, and only one can: put its values into a file, or name it once", prefix,
			            use->name);
		else if (use->role == ROLE_INPUT)
			place_error(&plan->errors, use->place, ERR_USAGE,
			            "%sjob '%s' already reads %s, and only one job can: give this one an `input:`", prefix,
			            first->job->name, use->name);
		else
			place_error(&plan->errors, use->place, ERR_USAGE,
			            "%sjob '%s' already writes to %s, and only one job can: give this one an `output:`", prefix,
			            first->job->name, use->name);
		return;
	}
}

/* What it tells of an output can be gone back to. */
static void check_journal(struct plan *plan, const struct file_uses *uses)
{
	const struct place place = plan->journal_place;
	const char *file = plan->journal_file;
	if (!file) {
		if (plan->is_resuming || plan->retries_failed || plan->accepts_change)
			place_error(&plan->errors, place, ERR_USAGE, "--%s needs the journal: add --journal FILE",
			            plan->is_resuming      ? "resume"
			            : plan->retries_failed ? "retry-failed"
			                                   : "accept-change");
		return;
	}
	if (plan->retries_failed && !plan->is_resuming)
		place_error(&plan->errors, place, ERR_USAGE, "--retry-failed requires --resume");
	if (plan->accepts_change && !plan->is_resuming)
		place_error(&plan->errors, place, ERR_USAGE, "--accept-change requires --resume");
	if (!file[0])
		place_error(&plan->errors, place, ERR_USAGE, "journal: expected the name of a file");
	else if (file_use_means_descriptor(file))
		place_error(&plan->errors, place, ERR_USAGE,
		            "journal: %s means a descriptor, but a journal must be a file with a name%s", file,
		            file[0] == '-' ? ": for a file called -, write ./-" : "");
	for (size_t i = 0; i < uses->n && !place_is_full(&plan->errors); i++) {
		const struct file_use *output = &uses->all[i];
		if (output->role == ROLE_OUTPUT && output->fd >= 0 && output->id.kind != FILEID_NONE)
			place_error(&plan->errors, output->place, ERR_USAGE,
			            "with a journal, name the output: --output FILE instead of > FILE, which would empty the file "
			            "before a resume");
	}
}

/* It may go to a descriptor, but not among results. */
static void check_joblog(struct plan *plan, const struct file_uses *uses)
{
	int fd = plan->joblog_fd, flags;
	if (!plan->joblog_file)
		return;
	if (!plan->joblog_file[0])
		place_error(&plan->errors, plan->joblog_place, ERR_USAGE, "joblog: expected the name of a file");
	for (size_t i = 0; fd >= 0 && i < uses->n; i++)
		if (uses->all[i].role == ROLE_OUTPUT && uses->all[i].fd == fd)
			place_error(&plan->errors, plan->joblog_place, ERR_USAGE,
			            "joblog: %s also receives the results of job '%s': give one of them a file", uses->all[i].name,
			            uses->all[i].job->name);
	flags = fd >= 0 ? fcntl(fd, F_GETFL) : O_WRONLY;
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		place_error(&plan->errors, plan->joblog_place, ERR_USAGE, "joblog: %s isn't open for writing",
		            plan->joblog_file);
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static void check_use(struct plan *plan, const struct file_uses *uses, const struct file_use *use)
{
	bool has_conflict = false;
	if (use->role == ROLE_INPUT)
		check_input(plan, uses, use);
	for (const struct file_use *first = uses->all; first < use && !place_is_full(&plan->errors); first++)
		if (is_conflict(first, use)) {
			add_conflict(plan, first, use);
			has_conflict = true;
		}
	if (is_others_file(use)) {
		add_others_file(plan, use);
		return;
	}
	/* what a job comes after may make the folder */
	if (!has_conflict && use->fd < 0 &&
	    (use->role == ROLE_OUTPUT || use->role == ROLE_JOBLOG || use->role == ROLE_JOURNAL) &&
	    !(use->job && use->job->n_after_names > 0))
		check_writable(plan, use);
}

void plan_files_check(struct plan *plan)
{
	struct file_uses uses;
	file_uses_gather(&uses, plan);
	if (uses.is_short)
		place_error(&plan->errors, (struct place){.file = plan->file}, ERR_RESOURCE, "out of memory");
	for (size_t i = 0; i < uses.n && !place_is_full(&plan->errors); i++)
		if (uses.all[i].role == ROLE_INPUT || uses.all[i].role == ROLE_OUTPUT)
			check_descriptors(plan, &uses, &uses.all[i]);
	for (size_t i = 0; i < uses.n && !place_is_full(&plan->errors); i++)
		check_use(plan, &uses, &uses.all[i]);
	check_journal(plan, &uses);
	check_joblog(plan, &uses);
	file_uses_fini(&uses);
}
