/* SPDX-License-Identifier: Apache-2.0 */
/* exec_results - see exec_results.h. */
#define _GNU_SOURCE 1
#include "plugins/exec_results.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), n_end = strlen(end);
	return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

int results_init(struct results *results, struct rota_worker *worker, const char *text,
                 const struct template_options *options)
{
	*results = (struct results){.fds = {-1, -1}, .is_on = *text};
	if (!*text)
		return ROTA_OK;
	if (ends_with(text, ".json") || ends_with(text, ".csv") || ends_with(text, ".tsv"))
		return rota_refuse(worker,
		                   "results: '%.200s' would be one table of all results, which rota can't write: name a "
		                   "directory, or use --joblog",
		                   text);
	if (template_compile(&results->template, options, &text, 1) != 0)
		return rota_refuse(worker, "out of memory for the names of results");
	if (!results->template.has_values)
		results->folder = text;
	return ROTA_OK;
}

/* As one name of a path. */
static void put_name(struct words *path, const struct rota_field *field)
{
	bool is_dots = field->n_bytes <= 2 && (field->n_bytes == 0 || memcmp(field->bytes, "..", field->n_bytes) == 0);
	if (is_dots)
		words_put(path, field->n_bytes == 0 ? "\\0" : "\\", field->n_bytes == 0 ? 2 : 1);
	for (size_t i = 0; i < field->n_bytes; i++) {
		switch (field->bytes[i]) {
		case '/':
			words_put(path, "\\_", 2);
			break;
		case '\\':
			words_put(path, "\\\\", 2);
			break;
		case '\t':
			words_put(path, "\\t", 2);
			break;
		default:
			words_put(path, &field->bytes[i], 1);
		}
	}
}

static void put_number(struct words *path, uint64_t number)
{
	char text[24];
	words_put(path, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, number));
}

/* What the command reads has no name: it has a number. */
static void put_folder(const struct results *results, const struct values *values, struct words *path)
{
	words_put(path, results->folder, strlen(results->folder));
	words_put(path, "/", 1);
	if (values->n == 0) {
		put_number(path, values->seq);
		words_put(path, "/", 1);
	}
	for (size_t i = 0; i < values->n; i++) {
		if (i < values->n_names)
			put_name(path, &values->names[i]);
		else
			put_number(path, i + 1);
		words_put(path, "/", 1);
		put_name(path, &values->fields[i]);
		words_put(path, "/", 1);
	}
}

static int make_folders(char *path)
{
	for (char *at = path + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		int result = mkdir(path, 0777);
		int errnum = errno;
		*at = '/';
		if (result != 0 && errnum != EEXIST) {
			errno = errnum;
			return -1;
		}
	}
	return 0;
}

/* The file of that end; in a folder it is a name. */
static int open_file(struct results *results, const char *in_folder, const char *beside)
{
	char path[PATH_MAX];
	const char *stem = results->path.argv[0];
	int n = snprintf(path, sizeof(path), "%s%s", stem, ends_with(stem, "/") ? in_folder : beside);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

static int write_seq(struct results *results, uint64_t seq)
{
	char text[24];
	int fd = open_file(results, "seq", ".seq");
	if (fd < 0)
		return -1;
	int n = snprintf(text, sizeof(text), "%" PRIu64, seq);
	ssize_t n_written = write(fd, text, (size_t)n);
	int errnum = errno;
	close(fd);
	errno = errnum;
	return n_written == n ? 0 : -1;
}

int results_open(struct results *results, struct rota_task *task, const struct values *values)
{
	struct words *path = &results->path;
	if (!results->is_on)
		return ROTA_OK;
	words_begin(path);
	words_next(path);
	if (results->folder)
		put_folder(results, values, path);
	else
		template_fill(&results->template, values, path);
	int errnum = words_end(path);
	if (errnum)
		return rota_fail(task, "no name for the item's results: %s", strerror(errnum));
	if (make_folders(path->argv[0]) == 0 && write_seq(results, values->seq) == 0) {
		results->fds[RESULTS_STDOUT] = open_file(results, "stdout", "");
		results->fds[RESULTS_STDERR] = open_file(results, "stderr", ".err");
	}
	if (results->fds[RESULTS_STDOUT] >= 0 && results->fds[RESULTS_STDERR] >= 0)
		return ROTA_OK;
	errnum = errno;
	results_close(results);
	return rota_fail(task, "cannot write results to %.300s: %s", path->argv[0], strerror(errnum));
}

int results_write(const struct results *results, struct rota_task *task, enum results_stream stream, const char *bytes,
                  size_t n_bytes)
{
	while (results->is_on && n_bytes > 0) {
		ssize_t n = write(results->fds[stream], bytes, n_bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return rota_fail(task, "cannot write results to %.300s: %s", results->path.argv[0], strerror(errno));
		bytes += n;
		n_bytes -= (size_t)n;
	}
	return ROTA_OK;
}

void results_close(struct results *results)
{
	for (int i = 0; i < RESULTS_STREAMS; i++) {
		if (results->is_on && results->fds[i] >= 0)
			close(results->fds[i]);
		results->fds[i] = -1;
	}
}

void results_fini(struct results *results)
{
	template_fini(&results->template);
	words_fini(&results->path);
}
