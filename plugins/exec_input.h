/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_input - what a command reads on its standard input: bytes of the item, or a part of a file.
 *
 *   for each command input_of_bytes or input_of_part, input_open (its pipe), input_feed whenever there is room,
 *   input_close
 *
 * Invariants: nothing blocks: the pipe's writing end doesn't wait. A command that doesn't read all is no failure. The
 * caller has SIGPIPE blocked. A part goes from the file to the pipe in the kernel.
 */
#ifndef EXEC_INPUT_H
#define EXEC_INPUT_H

#include <rota/plugin.h>

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct values;

/* One worker's; all -1 or zero between commands. */
struct input {
	int fd;         /* where the command's input is written; -1: nothing is to be written (any more) */
	int command_fd; /* the command's end; -1: it is the command's by now, or there is none */
	int file_fd;    /* of a part; -1: bytes */
	const char *bytes;
	off_t offset;
	uint64_t n_left;
};

void input_init(struct input *input);

void input_of_bytes(struct input *input, const char *bytes, size_t n_bytes);

/* values: PATH, OFFSET and BYTES. A rota_status. */
int input_of_part(struct input *input, struct rota_task *task, const struct values *values);

/* Makes the pipe. Returns an errno, or 0. */
int input_open(struct input *input);

/* As much as there is room for. A rota_status: a file that can't be read fails the item. */
int input_feed(struct input *input, struct rota_task *task);

void input_close(struct input *input);

#endif
