/* SPDX-License-Identifier: Apache-2.0 */
/* exec_input - see exec_input.h. */
#define _GNU_SOURCE 1
#include "plugins/exec_input.h"

#include "plugins/exec_values.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)1 << 20)

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void input_init(struct input *input)
{
	*input = (struct input){.fd = -1, .command_fd = -1, .file_fd = -1};
}

void input_of_bytes(struct input *input, const char *bytes, size_t n_bytes)
{
	input->bytes = bytes;
	input->n_left = n_bytes;
}

/* A number of digits only. */
static bool parse_number(const struct rota_field *field, uint64_t *ret)
{
	uint64_t number = 0;
	for (size_t i = 0; i < field->n_bytes; i++) {
		unsigned digit = (unsigned)(field->bytes[i] - '0');
		if (digit > 9 || __builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, digit, &number))
			return false;
	}
	*ret = number;
	return field->n_bytes > 0 && number <= INT64_MAX;
}

int input_of_part(struct input *input, struct rota_task *task, const struct values *values)
{
	uint64_t offset;
	const struct rota_field *fields = values->fields;
	if (values->n != 3 || !parse_number(&fields[1], &offset) || !parse_number(&fields[2], &input->n_left))
		return rota_fail(task, "the item is no part of a file: it must be a row of a path, an offset and a size");
	char *path = strndup(fields[0].bytes, fields[0].n_bytes);
	if (!path)
		return rota_retry(task, "out of memory for a path of %zu bytes", fields[0].n_bytes);
	input->offset = (off_t)offset;
	input->file_fd = open(path, O_RDONLY | O_CLOEXEC);
	int errnum = errno;
	free(path);
	if (input->file_fd < 0)
		return rota_fail(task, "cannot open %.*s: %s", (int)fields[0].n_bytes, fields[0].bytes, strerror(errnum));
	return ROTA_OK;
}

int input_open(struct input *input)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0)
		return errno;
	input->command_fd = fds[0];
	input->fd = fds[1];
	if (fcntl(input->fd, F_SETFL, O_NONBLOCK) == 0)
		return 0;
	int errnum = errno;
	close_fd(&input->fd);
	close_fd(&input->command_fd);
	return errnum;
}

static ssize_t feed_piece(struct input *input)
{
	size_t n_bytes = input->n_left < PIECE_BYTES ? (size_t)input->n_left : PIECE_BYTES;
	if (input->file_fd >= 0)
		return sendfile(input->fd, input->file_fd, &input->offset, n_bytes);
	ssize_t n = write(input->fd, input->bytes, n_bytes);
	input->bytes += n > 0 ? n : 0;
	return n;
}

int input_feed(struct input *input, struct rota_task *task)
{
	while (input->n_left > 0) {
		ssize_t n = feed_piece(input);
		if (n > 0) {
			input->n_left -= (uint64_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return ROTA_OK;
		if (n < 0 && errno == EPIPE)
			break;
		close_fd(&input->fd);
		if (n == 0)
			return rota_fail(task, "the file became shorter while the command read it");
		return rota_fail(task, "cannot write to the command's standard input: %s", strerror(errno));
	}
	close_fd(&input->fd);
	return ROTA_OK;
}

void input_close(struct input *input)
{
	close_fd(&input->fd);
	close_fd(&input->command_fd);
	close_fd(&input->file_fd);
	input->n_left = 0;
}
