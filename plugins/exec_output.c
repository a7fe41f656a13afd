/* SPDX-License-Identifier: Apache-2.0 */
/* exec_output - see exec_output.h. */
#define _GNU_SOURCE 1
#include "plugins/exec_output.h"

#include <inttypes.h>
#include <string.h>

void output_begin(struct output *output, const char *tag, size_t n_tag)
{
	output->tag = tag;
	output->n_tag = n_tag;
	output->is_in_line = false;
	output->n_line = 0;
	output->n_err_bytes = 0;
}

int output_write(struct output *output, struct rota_task *task, const char *bytes, size_t n_bytes)
{
	if (output->results.is_on) {
		int status = results_write(&output->results, task, RESULTS_STDOUT, bytes, n_bytes);
		if (status != ROTA_OK)
			return status;
	}
	if (!output->tag)
		return rota_write(task, bytes, n_bytes);
	for (const char *end = bytes + n_bytes; bytes < end;) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		size_t n_part = (size_t)((newline ? newline + 1 : end) - bytes);
		int status = output->is_in_line ? ROTA_OK : rota_write(task, output->tag, output->n_tag);
		if (status == ROTA_OK)
			status = rota_write(task, bytes, n_part);
		if (status != ROTA_OK)
			return status;
		output->is_in_line = !newline;
		bytes += n_part;
	}
	return ROTA_OK;
}

static void log_line(struct output *output, struct rota_task *task)
{
	/* Not rota_log: a line may have NUL bytes inside. */
	task->host->log(task, output->line, output->n_line);
	output->n_line = 0;
}

/* Lines that are too long come in pieces. */
static void log_bytes(struct output *output, struct rota_task *task, const char *bytes, size_t n_bytes)
{
	for (const char *end = bytes + n_bytes; bytes < end;) {
		if (*bytes == '\n') {
			log_line(output, task);
			bytes++;
			continue;
		}
		if (output->n_line == sizeof(output->line))
			log_line(output, task);
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		size_t n_part = (size_t)((newline ? newline : end) - bytes);
		size_t n_room = sizeof(output->line) - output->n_line;
		if (n_part > n_room)
			n_part = n_room;
		memcpy(output->line + output->n_line, bytes, n_part);
		output->n_line += n_part;
		bytes += n_part;
	}
}

/* Where in the ring the byte of that number (behind the first) stands. */
static size_t place_of(uint64_t number)
{
	return (size_t)(number % LOG_HALF_BYTES);
}

static void keep(struct output *output, const char *bytes, size_t n_bytes)
{
	uint64_t number = output->n_err_bytes - LOG_HALF_BYTES;
	while (n_bytes > 0) {
		size_t at = place_of(number), n = LOG_HALF_BYTES - at < n_bytes ? LOG_HALF_BYTES - at : n_bytes;
		memcpy(output->tail + at, bytes, n);
		bytes += n;
		n_bytes -= n;
		number += n;
	}
}

int output_log(struct output *output, struct rota_task *task, const char *bytes, size_t n_bytes)
{
	size_t n_head = 0;
	if (output->n_err_bytes < LOG_HALF_BYTES) {
		n_head = LOG_HALF_BYTES - (size_t)output->n_err_bytes;
		n_head = n_head < n_bytes ? n_head : n_bytes;
		log_bytes(output, task, bytes, n_head);
		output->n_err_bytes += n_head;
	}
	if (n_head < n_bytes) {
		keep(output, bytes + n_head, n_bytes - n_head);
		output->n_err_bytes += n_bytes - n_head;
	}
	return results_write(&output->results, task, RESULTS_STDERR, bytes, n_bytes);
}

void output_end(struct output *output, struct rota_task *task)
{
	uint64_t n_behind = output->n_err_bytes > LOG_HALF_BYTES ? output->n_err_bytes - LOG_HALF_BYTES : 0;
	uint64_t n_out = n_behind > LOG_HALF_BYTES ? n_behind - LOG_HALF_BYTES : 0;
	if (n_out > 0) {
		if (output->n_line > 0)
			log_line(output, task);
		rota_log(task, "... %" PRIu64 " more bytes of standard error, which are left out ...", n_out);
	}
	for (uint64_t number = n_out; number < n_behind;) {
		size_t at = place_of(number), n = LOG_HALF_BYTES - at;
		n = n < n_behind - number ? n : (size_t)(n_behind - number);
		log_bytes(output, task, output->tail + at, n);
		number += n;
	}
	if (output->n_line > 0)
		log_line(output, task);
	output->n_err_bytes = 0;
}
