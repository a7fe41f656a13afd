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
#include <unistd.h>

struct joblog {
	FILE *file;
	char *name;
	int errnum; /* of the first write that failed */
};

static void note_error(struct joblog *joblog)
{
	if (joblog->errnum == 0)
		joblog->errnum = errno != 0 ? errno : EIO;
}

int joblog_open(struct joblog **ret, const char *file, bool is_resuming, struct err *err)
{
	struct joblog *joblog = calloc(1, sizeof *joblog);
	if (joblog)
		joblog->name = strdup(file);
	if (!joblog || !joblog->name) {
		free(joblog);
		return err_set(err, ERR_RUN, "out of memory");
	}
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | (is_resuming ? 0 : O_TRUNC);
	int fd = open(file, flags, 0666);
	joblog->file = fd < 0 ? NULL : fdopen(fd, "a");
	if (!joblog->file) {
		err_set_errno(err, ERR_USAGE, errno, "cannot write the job log %s", file);
		if (fd >= 0)
			close(fd);
		free(joblog->name);
		free(joblog);
		return -1;
	}
	/* a pipe has no place to tell: it gets the head each time */
	if (lseek(fd, 0, SEEK_END) <= 0)
		fputs("Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n", joblog->file);
	*ret = joblog;
	return 0;
}

/* "SIGSEGV (Segmentation fault) in worker 1", "killed by SIGTERM" */
static int signal_in(const char *cause)
{
	const char *at = cause ? strstr(cause, "SIG") : NULL;
	for (int number = 1; at && number < 32; number++) {
		const char *name = sigabbrev_np(number);
		size_t n = name ? strlen(name) : 0;
		if (n > 0 && strncmp(at + 3, name, n) == 0 && (at[3 + n] < 'A' || at[3 + n] > 'Z'))
			return number;
	}
	return 0;
}

/* What a shell would have seen of it. */
static int exit_value(const struct joblog_entry *entry)
{
	int value;
	if (entry->outcome == OUTCOME_OK)
		return 0;
	if (entry->outcome == OUTCOME_TIMED_OUT)
		return -1;
	if (entry->cause && sscanf(entry->cause, "exited with code %d", &value) == 1)
		return value;
	return signal_in(entry->cause) ? 0 : 1;
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
	int64_t now_ns = clock_real_ns();
	int64_t start_ns = time->start_ns > 0 ? time->start_ns : now_ns;
	int64_t runtime_ns = time->runtime_ns >= 0 ? time->runtime_ns : now_ns - start_ns;
	int signum = entry->outcome == OUTCOME_OK ? 0 : signal_in(entry->cause);
	fprintf(file, "%" PRIu64 "\t:\t", entry->seq);
	put_seconds(file, start_ns, 0);
	put_seconds(file, runtime_ns > 0 ? runtime_ns : 0, 6);
	fprintf(file, "0\t%" PRIu64 "\t%d\t%d\t%s%s", entry->outcome == OUTCOME_OK ? time->result_bytes : 0,
	        exit_value(entry), signum, job_name, *job_name ? " " : "");
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
