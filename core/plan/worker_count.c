/* SPDX-License-Identifier: Apache-2.0 */
/* worker_count - see worker_count.h. */
#include "config.h"

#include "core/plan/worker_count.h"

#include "core/base/log.h"
#include "core/base/notation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES 64 /* what such a file has at most */

enum answer { ANSWER_NO = 0, ANSWER_YES, ANSWER_OUT_OF_RANGE };

static enum answer read_count(struct worker_count *ret, const char *text)
{
	size_t n_bytes = strlen(text);
	bool is_percent = n_bytes > 1 && text[n_bytes - 1] == '%', is_more = text[0] == '+' || text[0] == '-';
	int64_t number;
	enum notation_result result =
		notation_read_int(text + (text[0] == '+'), n_bytes - is_percent - (text[0] == '+'), &number);

	if (result == NOTATION_TOO_LARGE || result == NOTATION_TOO_SMALL)
		return ANSWER_OUT_OF_RANGE;
	if (result != NOTATION_OK || (is_percent && is_more))
		return ANSWER_NO;
	ret->kind = is_percent ? WORKERS_PERCENT : is_more ? WORKERS_MORE : number == 0 ? WORKERS_ALL : WORKERS_NUMBER;
	ret->number = number;
	if (is_percent)
		return number >= 1 && number <= 100 * WORKERS_MAX ? ANSWER_YES : ANSWER_OUT_OF_RANGE;
	return number >= -WORKERS_MAX && number <= WORKERS_MAX ? ANSWER_YES : ANSWER_OUT_OF_RANGE;
}

static int refuse(enum answer answer, const char *text, struct err *err)
{
	char quoted[LOG_QUOTE_BYTES];

	log_quote_value(quoted, text);
	if (answer == ANSWER_OUT_OF_RANGE)
		return err_set(err, ERR_USAGE, "%s is out of range: expected 1..%d", quoted, WORKERS_MAX);
	return err_set(err, ERR_USAGE,
	               "%s isn't a number of workers, nor a file that has one (expected one such as 8, 200%%, +1 or 0)",
	               quoted);
}

/* The file's first line; -1 with errno. */
static int read_line(const char *file, char text[FILE_BYTES])
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd >= 0 ? read(fd, text, FILE_BYTES - 1) : -1;
	int errnum = errno;

	if (fd >= 0)
		close(fd);
	errno = errnum;
	if (n < 0)
		return -1;
	text[n] = '\0';
	text[strcspn(text, " \t\r\n")] = '\0';
	return 0;
}

int worker_count_read(struct worker_count *count, struct err *err)
{
	char text[FILE_BYTES], quoted[LOG_QUOTE_BYTES];
	struct worker_count read = {.file = count->file};

	log_quote_value(quoted, count->file);
	if (read_line(count->file, text) != 0)
		return err_set_errno(err, ERR_USAGE, errno, "%s can't be read", quoted);
	enum answer answer = read_count(&read, text);
	if (answer != ANSWER_YES) {
		refuse(answer, text, err);
		return err_prefix(err, "%s", quoted);
	}
	*count = read;
	return 0;
}

int worker_count_parse(struct worker_count *ret, const char *text, struct err *err)
{
	struct worker_count count = {0};
	enum answer answer = read_count(&count, text);

	if (answer == ANSWER_NO && access(text, F_OK) == 0) {
		count = (struct worker_count){.file = strdup(text)};
		if (!count.file)
			return err_set(err, ERR_RESOURCE, "out of memory");
		if (worker_count_read(&count, err) != 0) {
			worker_count_fini(&count);
			return -1;
		}
		answer = ANSWER_YES;
	}
	if (answer != ANSWER_YES)
		return refuse(answer, text, err);
	worker_count_fini(ret);
	*ret = count;
	return 0;
}

int64_t worker_count_resolve(const struct worker_count *count, int64_t n_cpus)
{
	int64_t n = n_cpus;

	switch (count->kind) {
	case WORKERS_BY_CPUS:
		break;
	case WORKERS_NUMBER:
		n = count->number;
		break;
	case WORKERS_ALL:
		n = WORKERS_MAX;
		break;
	case WORKERS_PERCENT:
		n = (n_cpus * count->number + 50) / 100;
		break;
	case WORKERS_MORE:
		n = n_cpus + count->number;
		break;
	}
	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : n;
}

void worker_count_fini(struct worker_count *count)
{
	free(count->file);
	count->file = NULL;
}
