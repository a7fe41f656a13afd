/* SPDX-License-Identifier: Apache-2.0 */
/* plan_files - see plan_files.h. */
#include "config.h"

#include "core/plan/plan_files.h"

#include "core/base/fileid.h"
#include "core/base/ownfile.h"
#include "core/plan/plan_order.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum role {
	ROLE_STREAM, /* a standard stream: whoever started rota has it */
	ROLE_CONF,
	ROLE_INPUT,
	ROLE_PLUGIN,
	ROLE_OUTPUT,
	ROLE_NEW_OUTPUT, /* takes the output's place */
	ROLE_JOURNAL,
	ROLE_BESIDE, /* the journal */
	ROLE_JOBLOG
};

/* One file in one role. */
struct use {
	enum role role;
	char *name;            /* as the user calls it; owned */
	const struct job *job; /* whose it is, or NULL */
	struct place place;
	struct fileid id;      /* owned */
	int fd;                /* the descriptor that the name means, or -1 */
};

struct uses {
	struct use *all;
	size_t n;
	bool is_short; /* memory is */
};

/* --- gathering ---------------------------------------------------------------------------------------------------- */

static void add(struct uses *uses, enum role role, const struct job *job, const char *name, int fd, struct place place)
{
	char *copy = strdup(name);
	struct use *grown = copy ? reallocarray(uses->all, uses->n + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(copy);
		uses->is_short = true;
		return;
	}
	uses->all = grown;
	grown[uses->n++] = (struct use){.role = role,
	                                .name = copy,
	                                .job = job,
	                                .place = place,
	                                .id = fd >= 0 ? fileid_of_fd(fd) : fileid_of_name(name),
	                                .fd = fd};
}

static void add_endpoint(struct uses *uses, enum role role, const struct job *job, const struct endpoint *endpoint)
{
	int standard_fd = role == ROLE_INPUT ? STDIN_FILENO : STDOUT_FILENO;
	int fd = endpoint_descriptor(endpoint, standard_fd);
	if (fd == standard_fd)
		add(uses, role, job, role == ROLE_INPUT ? "standard input" : "standard output", fd, endpoint->place);
	else if (fd >= 0 || endpoint_is_file(endpoint))
		add(uses, role, job, endpoint->argument, fd, endpoint->place);
}

/* By the file's real name, which is what it is derived from; called by the user's. */
static void add_derived(struct uses *uses, enum role role, const struct job *job, const char *name, const char *suffix,
                        struct place place)
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

static bool means_descriptor(const char *name)
{
	return strcmp(name, "-") == 0 || fileid_descriptor(name) >= 0;
}

static void add_journal(struct uses *uses, const struct plan *plan)
{
	/* record/journal_file.c: what SQLite and the lock are called; NULL: what a new one is until it is complete */
	static const char *const suffixes[] = {"-wal", "-shm", "-journal", ".lock", NULL};
	if (!plan->journal_file || !plan->journal_file[0] || means_descriptor(plan->journal_file))
		return;
	add(uses, ROLE_JOURNAL, NULL, plan->journal_file, -1, plan->journal_place);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		add_derived(uses, ROLE_BESIDE, NULL, plan->journal_file, suffixes[i], plan->journal_place);
}

/* Those that the run uses by themselves have their roles there. */
static void add_streams(struct uses *uses, const struct plan *plan)
{
	static const char *const names[] = {"standard input", "standard output", "standard error"};
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		bool is_used = plan->joblog_fd == fd;
		for (size_t i = 0; i < plan->n_jobs; i++)
			is_used = is_used || endpoint_descriptor(&plan->jobs[i].input, STDIN_FILENO) == fd ||
			          endpoint_descriptor(&plan->jobs[i].output, STDOUT_FILENO) == fd;
		if (!is_used)
			add(uses, ROLE_STREAM, NULL, names[fd], fd, (struct place){0});
	}
}

static void gather(struct uses *uses, const struct plan *plan)
{
	add_streams(uses, plan);
	if (plan->file)
		add(uses, ROLE_CONF, NULL, plan->file, -1, (struct place){.file = plan->file});
	for (size_t i = 0; i < plan->n_jobs; i++) {
		const struct job *job = &plan->jobs[i];
		add_endpoint(uses, ROLE_INPUT, job, &job->input);
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

static void uses_fini(struct uses *uses)
{
	for (size_t i = 0; i < uses->n; i++) {
		fileid_fini(&uses->all[i].id);
		free(uses->all[i].name);
	}
	free(uses->all);
}

static const struct use *use_of(const struct uses *uses, enum role role, const struct job *job)
{
	for (size_t i = 0; i < uses->n; i++)
		if (uses->all[i].role == role && uses->all[i].job == job)
			return &uses->all[i];
	return NULL;
}

/* --- one file in two roles ---------------------------------------------------------------------------------------- */

static bool is_written(const struct use *use)
{
	return use->role >= ROLE_OUTPUT;
}

/* Would one spoil what is the other's? */
static bool is_conflict(const struct use *one, const struct use *other)
{
	if (!is_written(one) && !is_written(other))
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

#define WHO_BYTES 300
static const char *who(const struct use *use, char text[WHO_BYTES])
{
	static const char *const words[] = {
		[ROLE_CONF] = "the conf file itself",    [ROLE_INPUT] = "the input",   [ROLE_PLUGIN] = "the plugin",
		[ROLE_OUTPUT] = "the output",            [ROLE_JOURNAL] = "the journal", [ROLE_JOBLOG] = "the job log",
		[ROLE_NEW_OUTPUT] = "what takes the place of the output", [ROLE_BESIDE] = "a file that belongs to the journal"};
	if (use->role == ROLE_STREAM)
		snprintf(text, WHO_BYTES, "%s", use->name);
	else
		snprintf(text, WHO_BYTES, "%s%s%.200s%s", words[use->role], use->job ? " of job '" : "",
		         use->job ? use->job->name : "", use->job ? "'" : "");
	return text;
}

/* The first words of a message about it: the key of the conf file or the command line. */
static const char *key_of(const struct use *use)
{
	static const char *const keys[] = {[ROLE_INPUT] = "input",       [ROLE_PLUGIN] = "plugin",
	                                   [ROLE_OUTPUT] = "output",     [ROLE_NEW_OUTPUT] = "output",
	                                   [ROLE_JOURNAL] = "journal",   [ROLE_BESIDE] = "journal",
	                                   [ROLE_JOBLOG] = "joblog"};
	return keys[use->role];
}

/* Said of the later one; the first has no place of its own. */
static void add_conflict(struct plan *plan, const struct use *first, const struct use *later)
{
	char prefix[JOB_PREFIX_BYTES] = "", text[WHO_BYTES];
	const char *key = key_of(later), *name = later->name;
	bool is_output = later->role == ROLE_OUTPUT;
	if (later->job)
		job_prefix(later->job, later->place, prefix);
	if (is_output && first->role == ROLE_INPUT)
		place_error(&plan->errors, later->place, ERR_USAGE,
		            "%soutput: %s is the input, too, and can't be both: write to another file", prefix, name);
	else if (is_output && first->role == ROLE_OUTPUT)
		place_error(&plan->errors, later->place, ERR_USAGE,
		            "%soutput: job '%s' writes %s, too: give each job a file of its own", prefix, first->job->name,
		            name);
	else if (first->role == ROLE_CONF || (is_output && first->role == ROLE_PLUGIN && first->job == later->job))
		place_error(&plan->errors, later->place, ERR_USAGE, "%s%s: %s is the %s itself: %s", prefix, key, name,
		            first->role == ROLE_CONF ? "conf file" : "plugin",
		            is_output ? "write to another file" : "give it another name");
	else if (later->role == ROLE_BESIDE || later->role == ROLE_NEW_OUTPUT)
		place_error(&plan->errors, later->place, ERR_USAGE,
		            "%s%s: rota makes %s beside it, and that is %s, too: give the %s another name", prefix, key, name,
		            who(first, text), key);
	else if (later->role == ROLE_JOBLOG && first->role == ROLE_JOURNAL)
		place_error(&plan->errors, later->place, ERR_USAGE, "joblog: %s is the journal, too: give each a file", name);
	else
		place_error(&plan->errors, later->place, ERR_USAGE, "%s%s: %s is %s, too: give it a file of its own", prefix,
		            key, name, who(first, text));
}

/* --- one by one --------------------------------------------------------------------------------------------------- */

/* Another job that writes what this one reads; NULL: none. */
static const struct use *writer_find(const struct uses *uses, const struct use *input)
{
	for (size_t i = 0; i < uses->n; i++)
		if (uses->all[i].role == ROLE_OUTPUT && uses->all[i].job != input->job &&
		    fileid_is_same(&uses->all[i].id, &input->id))
			return &uses->all[i];
	return NULL;
}

static void check_input(struct plan *plan, const struct uses *uses, const struct use *input)
{
	const struct job *job = input->job;
	const struct use *writer = writer_find(uses, input), *output = use_of(uses, ROLE_OUTPUT, job);
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
		            "%sinput: %s is a folder; for the names of the files in it write files:'%s/**'", prefix,
		            input->name, input->name);
	else if (input->id.errnum || faccessat(AT_FDCWD, input->name, R_OK, AT_EACCESS) != 0)
		place_error(&plan->errors, input->place, ERR_USAGE, "%sinput: %s can't be read: %s", prefix, input->name,
		            strerror(input->id.errnum ? input->id.errnum : errno));
}

/* Can a file of that name be made or written? */
static void check_writable(struct plan *plan, const struct use *use)
{
	char prefix[JOB_PREFIX_BYTES] = "";
	const char *slash = strrchr(use->name, '/');
	struct stat status;
	if (use->job)
		job_prefix(use->job, use->place, prefix);
	if (stat(use->name, &status) == 0 && S_ISDIR(status.st_mode))
		place_error(&plan->errors, use->place, ERR_USAGE, "%s%s: %s is a folder: give the name of a file", prefix,
		            key_of(use), use->name);
	else if (use->id.kind == FILEID_NONE && use->id.errnum == ENOENT && slash)
		place_error(&plan->errors, use->place, ERR_USAGE, "%s%s: %s can't be made: there is no folder %.*s", prefix,
		            key_of(use), use->name, slash == use->name ? 1 : (int)(slash - use->name), use->name);
	else if (use->id.kind == FILEID_NONE && use->id.errnum)
		place_error(&plan->errors, use->place, ERR_USAGE, "%s%s: %s can't be written: %s", prefix, key_of(use),
		            use->name, strerror(use->id.errnum));
	else if (use->id.kind != FILEID_FUTURE && faccessat(AT_FDCWD, use->name, W_OK, AT_EACCESS) != 0)
		place_error(&plan->errors, use->place, ERR_USAGE, "%s%s: %s can't be written: %s", prefix, key_of(use),
		            use->name, strerror(errno));
}

/* Opened, it would be the file behind it once more, from its beginning, and emptied under its owner. */
static bool is_others_file(const struct use *use)
{
	return use->fd < 0 && use->id.kind == FILEID_FILE &&
	       (use->role == ROLE_OUTPUT || use->role == ROLE_JOBLOG || use->role == ROLE_JOURNAL) &&
	       fileid_is_others_descriptor(use->name);
}

static void add_others_file(struct plan *plan, const struct use *use)
{
	char prefix[JOB_PREFIX_BYTES] = "";
	if (use->job)
		job_prefix(use->job, use->place, prefix);
	place_error(&plan->errors, use->place, ERR_USAGE,
	            "%s%s: %s is a file that another process has open: give the name of a file", prefix, key_of(use),
	            use->name);
}

/* A descriptor is for one job to read, and for one to write. */
static void check_descriptors(struct plan *plan, const struct uses *uses, const struct use *use)
{
	char prefix[JOB_PREFIX_BYTES];
	for (const struct use *first = uses->all; use->fd >= 0 && first < use; first++) {
		if (first->role != use->role || first->fd != use->fd)
			continue;
		job_prefix(use->job, use->place, prefix);
		if (use->role == ROLE_INPUT)
			place_error(&plan->errors, use->place, ERR_USAGE,
			            "%sjob '%s' reads %s already, and only one can: give this one an `input:`", prefix,
			            first->job->name, use->name);
		else
			place_error(&plan->errors, use->place, ERR_USAGE,
			            "%sjob '%s' writes to %s already, and only one can: give this one an `output:`", prefix,
			            first->job->name, use->name);
		return;
	}
}

/* What it tells of an output can be gone back to. */
static void check_journal(struct plan *plan, const struct uses *uses)
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
		place_error(&plan->errors, place, ERR_USAGE, "--retry-failed goes with --resume: give both");
	if (plan->accepts_change && !plan->is_resuming)
		place_error(&plan->errors, place, ERR_USAGE, "--accept-change goes with --resume: give both");
	if (!file[0])
		place_error(&plan->errors, place, ERR_USAGE, "journal: the name of a file is expected");
	else if (means_descriptor(file))
		place_error(&plan->errors, place, ERR_USAGE,
		            "journal: %s means a descriptor, and a journal is a file with a name%s", file,
		            file[0] == '-' ? ": ./- is one that is called so" : "");
	for (size_t i = 0; i < uses->n && !place_is_full(&plan->errors); i++) {
		const struct use *output = &uses->all[i];
		if (output->role == ROLE_OUTPUT && output->fd >= 0 && output->id.kind != FILEID_NONE)
			place_error(&plan->errors, output->place, ERR_USAGE,
			            "with a journal, name the output: --output FILE instead of > FILE, which would empty the file "
			            "before a resume");
	}
}

/* It may go to a descriptor, but not among results. */
static void check_joblog(struct plan *plan, const struct uses *uses)
{
	int fd = plan->joblog_fd, flags;
	if (!plan->joblog_file)
		return;
	if (!plan->joblog_file[0])
		place_error(&plan->errors, plan->joblog_place, ERR_USAGE, "joblog: the name of a file is expected");
	for (size_t i = 0; fd >= 0 && i < uses->n; i++)
		if (uses->all[i].role == ROLE_OUTPUT && uses->all[i].fd == fd)
			place_error(&plan->errors, plan->joblog_place, ERR_USAGE,
			            "joblog: %s has the results of job '%s': give one of them a file", uses->all[i].name,
			            uses->all[i].job->name);
	flags = fd >= 0 ? fcntl(fd, F_GETFL) : O_WRONLY;
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		place_error(&plan->errors, plan->joblog_place, ERR_USAGE, "joblog: %s isn't open for writing",
		            plan->joblog_file);
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static void check_use(struct plan *plan, const struct uses *uses, const struct use *use)
{
	bool has_conflict = false;
	if (use->role == ROLE_INPUT)
		check_input(plan, uses, use);
	for (const struct use *first = uses->all; first < use && !place_is_full(&plan->errors); first++)
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
	struct uses uses = {0};
	gather(&uses, plan);
	if (uses.is_short)
		place_error(&plan->errors, (struct place){.file = plan->file}, ERR_RESOURCE, "memory is short");
	for (size_t i = 0; i < uses.n && !place_is_full(&plan->errors); i++)
		if (uses.all[i].role == ROLE_INPUT || uses.all[i].role == ROLE_OUTPUT)
			check_descriptors(plan, &uses, &uses.all[i]);
	for (size_t i = 0; i < uses.n && !place_is_full(&plan->errors); i++)
		check_use(plan, &uses, &uses.all[i]);
	check_journal(plan, &uses);
	check_joblog(plan, &uses);
	uses_fini(&uses);
}
