/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_command - one item's running command: started with pipes for its output, followed until it has ended and nothing
 * of it is left.
 *
 *   input_of_... and output_begin, command_launch, command_follow (relays output), command_end whatever follow said
 *
 * Invariants:
 *   The item ends when the command exits: who holds its pipes still has REST_MS to end by itself, then it is ended.
 *   Memory is bounded: output goes into the result as it comes (exec_output), input is written as it is read.
 *   All descriptors are close-on-exec: several threads may launch at the same time.
 */
#ifndef EXEC_COMMAND_H
#define EXEC_COMMAND_H

#include "plugins/exec_group.h"
#include "plugins/exec_input.h"
#include "plugins/exec_output.h"

#include <rota/plugin.h>

#include <spawn.h>

#define COMMAND_BUFFER_BYTES (64 * 1024) /* what a pipe holds */

/* What is to be run. */
struct command_line {
	const char *program; /* where PATH has it; NULL: look argv[0] up */
	char **argv, **envp; /* each with a NULL behind it */
	int null_fd;
	const char *folder; /* where it is run; NULL: where rota is */
	bool joins_error;   /* its standard error goes where its standard output goes */
	bool has_input;     /* command.input says what; else there is nothing to read */
	const posix_spawnattr_t *attributes;
};

/* A worker's; used by one command after another. */
struct command {
	struct group group;
	int pid_fd; /* -1: the kernel has none, or the command is reaped */
	int out_fd; /* -1: at its end */
	int err_fd;
	struct input input;
	struct output output;
	bool has_said_rest, has_said_short; /* once a worker */
	char buffer[COMMAND_BUFFER_BYTES];
};

void command_init(struct command *command);

/* Returns an errno, or 0. */
int command_launch(struct command *command, const struct command_line *line);

/* Relays until the command has ended: ROTA_OK. Anything else: it is still to be stopped. */
int command_follow(struct rota_task *task, struct command *command);

/* Stops what still runs, reaps it, logs the last words. */
void command_end(struct rota_task *task, struct command *command);

#endif
