/* SPDX-License-Identifier: Apache-2.0 */
/* joblog - see joblog.h. */
#include "config.h"

#include "core/base/clock.h"
#include "core/record/joblog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct joblog {
	FILE *file;
	char *name;
	int64_t epoch_ns; /* of CLOCK_MONOTONIC, since 1970: looked up once */
	int errnum;       /* of the first write that failed */
};

static void note_error(struct joblog *joblog)
{
	if (joblog->errnum == 0)
		joblog->errnum = errno != 0 ? errno : EIO;
}

/* A descriptor is written to where it stands. */
static int open_file(const char *file, int fd, bool is_resuming)
{
	if (fd >= 0)
		return fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | (is_resuming ? 0 : O_TRUNC), 0666);
}

int joblog_open(struct joblog **ret, const char *file, int given_fd, bool is_resuming, struct err *err)
{
	struct joblog *joblog = calloc(1, sizeof *joblog);
	if (joblog)
		joblog->name = strdup(file);
	if (!joblog || !joblog->name) {
		free(joblog);
		return err_set(err, ERR_RESOURCE, "out of memory");
	}
	int fd = open_file(file, given_fd, is_resuming);
	/* "a" would set O_APPEND on a description that others have, too; "w" doesn't truncate */
	joblog->file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!joblog->file) {
		err_set_errno(err, ERR_USAGE, errno, "cannot write the job log %s", file);
		if (fd >= 0)
			close(fd);
		free(joblog->name);
		free(joblog);
		return -1;
	}
	joblog->epoch_ns = clock_real_ns() - clock_now_ns();
	/* only a file that is gone on with has one; what can't tell gets it each time */
	struct stat status;
	bool has_head = is_resuming && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
	if (!has_head)
		fputs("Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n", joblog->file);
	*ret = joblog;
	return 0;
}

/* What a shell would have seen of it. */
static int exit_value(const struct cause *cause)
{
	if (cause->kind == CAUSE_NONE)
		return 0;
	if (cause->kind == CAUSE_TIMED_OUT)
		return -1;
	int code = cause_exit_code(cause);
	if (code >= 0)
		return code;
	return cause_signal(cause) != 0 ? 0 : 1;
}

static void put_item(FILE *file, const char *item, size_t n_bytes)
{
	const char *newline;
	while (n_bytes > 0 && (newline = memchr(item, '\n', n_bytes))) {
		fwrite(item, 1, (size_t)(newline - item), file);
		putc('\0', file);
		n_bytes -= (size_t)(newline + 1 - item);
		item = newline + 1;
	}
	fwrite(item, 1, n_bytes, file);
}

static void put_seconds(FILE *file, int64_t ns, int width)
{
	int64_t ms = (ns + CLOCK_NS_PER_MS / 2) / CLOCK_NS_PER_MS;
	fprintf(file, "%*" PRId64 ".%03d\t", width, ms / 1000, (int)(ms % 1000));
}

void joblog_add(struct joblog *joblog, const char *job_name, const struct joblog_entry *entry)
{
	FILE *file = joblog->file;
	const struct item_time *time = &entry->time;
	int64_t now_ns = clock_now_ns();
	int64_t start_ns = time->start_ns > 0 ? time->start_ns : now_ns;
	int64_t runtime_ns = time->runtime_ns >= 0 ? time->runtime_ns : now_ns - start_ns;
	fprintf(file, "%" PRIu64 "\t:\t", entry->seq);
	put_seconds(file, start_ns + joblog->epoch_ns, 0);
	put_seconds(file, runtime_ns > 0 ? runtime_ns : 0, 6);
	fprintf(file, "0\t%" PRIu64 "\t%d\t%d\t%s%s", entry->cause.kind == CAUSE_NONE ? time->result_bytes : 0,
	        exit_value(&entry->cause), cause_signal(&entry->cause), job_name, *job_name ? " " : "");
	put_item(file, entry->item, entry->item_bytes);
	if (putc('\n', file) == EOF || ferror(file))
		note_error(joblog);
}

void joblog_flush(struct joblog *joblog)
{
	if (joblog && fflush(joblog->file) != 0)
		note_error(joblog);
}

int joblog_close(struct joblog **joblog, struct err *err)
{
	int result = 0;
	if (!*joblog)
		return 0;
	joblog_flush(*joblog);
	if (fclose((*joblog)->file) != 0)
		note_error(*joblog);
	if ((*joblog)->errnum != 0)
		result = err_set_errno(err, ERR_RUN, (*joblog)->errnum, "cannot write the job log %s", (*joblog)->name);
	free((*joblog)->name);
	free(*joblog);
	*joblog = NULL;
	return result;
}
