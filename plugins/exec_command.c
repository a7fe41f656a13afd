/* SPDX-License-Identifier: Apache-2.0 */
/* exec_command - see exec_command.h. */
#define _GNU_SOURCE 1
#include "plugins/exec_command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 50      /* how often a running command is asked whether it was cancelled */
#define TICK_BLIND_MS 2 /* the same where the kernel has no pidfd that tells of its end */
#define REST_MS 500     /* for what a command leaves behind, to end by itself */
#define REST_FIRST_TICK_MS 1
#define REST_TICK_MS 16

void command_init(struct command *command)
{
	group_init(&command->group);
	command->pid_fd = command->out_fd = command->err_fd = -1;
	input_init(&command->input);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* posix_spawn with these as the command's standard output and error. Returns an errno, or 0. */
static int spawn(const struct command_line *line, int in_fd, int out_fd, int err_fd, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int errnum = posix_spawn_file_actions_init(&actions);
	if (errnum)
		return errnum;
	errnum = posix_spawn_file_actions_adddup2(&actions, in_fd, STDIN_FILENO);
	if (!errnum)
		errnum = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	if (!errnum)
		errnum = posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
	if (!errnum && line->folder)
		errnum = posix_spawn_file_actions_addchdir_np(&actions, line->folder);
	if (errnum)
		goto out;

	errnum = ENOENT;
	if (line->program)
		errnum = posix_spawn(ret_pid, line->program, &actions, line->attributes, line->argv, line->envp);
	if (errnum == ENOENT) /* not looked up before, or no longer where it was */
		errnum = posix_spawnp(ret_pid, line->argv[0], &actions, line->attributes, line->argv, line->envp);
out:
	posix_spawn_file_actions_destroy(&actions);
	return errnum;
}

int command_launch(struct command *command, const struct command_line *line)
{
	int out[2] = {-1, -1}, err[2] = {-1, -1};
	sigset_t before;
	pid_t pid = 0;
	int errnum = 0;
	group_hold(&command->group, &before);
	if (pipe2(out, O_CLOEXEC) || (!line->joins_error && pipe2(err, O_CLOEXEC)))
		errnum = errno;
	else if (line->has_input)
		errnum = input_open(&command->input);
	if (!errnum)
		errnum = spawn(line, line->has_input ? command->input.command_fd : line->null_fd, out[1],
		               line->joins_error ? out[1] : err[1], &pid);
	group_begin(&command->group, errnum ? 0 : pid, &before);
	close_fd(&command->input.command_fd);
	close_fd(&out[1]);
	close_fd(&err[1]);
	if (errnum) {
		close_fd(&out[0]);
		close_fd(&err[0]);
		close_fd(&command->input.fd);
		return errnum;
	}
	command->pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	command->out_fd = out[0];
	command->err_fd = err[0];
	return 0;
}

/* Reads at most n_bytes into the buffer; how many came. At the end of the pipe it is closed. */
static size_t read_pipe(struct command *command, int *fd, size_t n_bytes)
{
	ssize_t n;
	do
		n = read(*fd, command->buffer, n_bytes < COMMAND_BUFFER_BYTES ? n_bytes : COMMAND_BUFFER_BYTES);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		close_fd(fd);
	return n > 0 ? (size_t)n : 0;
}

/* How many bytes are in a pipe: the last words of a command that has ended, however much others still write. */
static size_t pipe_bytes(int fd)
{
	int n_bytes = 0;
	return fd >= 0 && ioctl(fd, FIONREAD, &n_bytes) == 0 && n_bytes > 0 ? (size_t)n_bytes : 0;
}

static int drain(struct rota_task *task, struct command *command)
{
	size_t n;
	for (size_t n_left = pipe_bytes(command->err_fd); n_left > 0; n_left -= n) {
		n = read_pipe(command, &command->err_fd, n_left);
		if (n == 0)
			break;
		int status = output_log(&command->output, task, command->buffer, n);
		if (status != ROTA_OK)
			return status;
	}
	for (size_t n_left = pipe_bytes(command->out_fd); n_left > 0; n_left -= n) {
		n = read_pipe(command, &command->out_fd, n_left);
		if (n == 0)
			break;
		int status = output_write(&command->output, task, command->buffer, n);
		if (status != ROTA_OK)
			return status;
	}
	return ROTA_OK;
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What has come, at most a buffer of each. */
static int relay(struct rota_task *task, struct command *command, bool has_out, bool has_err)
{
	if (has_err) {
		size_t n = read_pipe(command, &command->err_fd, COMMAND_BUFFER_BYTES);
		int status = output_log(&command->output, task, command->buffer, n);
		if (status != ROTA_OK)
			return status;
	}
	if (!has_out)
		return ROTA_OK;
	size_t n = read_pipe(command, &command->out_fd, COMMAND_BUFFER_BYTES);
	return n > 0 ? output_write(&command->output, task, command->buffer, n) : ROTA_OK;
}

/* Does the run still want it? */
static bool is_wanted(struct rota_task *task, const struct command *command)
{
	return group_is_wanted(&command->group) && !rota_cancelled(task);
}

/* How long the command may be left alone. Nothing tells of the end of what it left behind. */
static int tick_ms(const struct command *command, int *rest_tick_ms)
{
	if (!command->group.is_reaped)
		return command->pid_fd < 0 ? TICK_BLIND_MS : TICK_MS;
	*rest_tick_ms = *rest_tick_ms < REST_TICK_MS ? *rest_tick_ms * 2 : REST_TICK_MS;
	return *rest_tick_ms;
}

int command_follow(struct rota_task *task, struct command *command)
{
	struct group *group = &command->group;
	int64_t rest_until_ms = 0;
	int rest_tick_ms = REST_FIRST_TICK_MS;
	for (;;) {
		struct pollfd fds[] = {
			{.fd = command->pid_fd, .events = POLLIN},
			{.fd = command->out_fd, .events = POLLIN},
			{.fd = command->err_fd, .events = POLLIN},
			{.fd = command->input.fd, .events = POLLOUT},
		};
		int n_ready = poll(fds, 4, tick_ms(command, &rest_tick_ms));
		if (n_ready < 0 && errno != EINTR)
			return rota_fail(task, "cannot wait for the command: %s", strerror(errno));
		bool may_have_ended = command->pid_fd < 0 || (n_ready > 0 && fds[0].revents);
		if (!group->is_reaped && may_have_ended && group_has_ended(group)) {
			group_end_leader(group);
			close_fd(&command->pid_fd);
			rest_until_ms = now_ms() + REST_MS;
		}
		if (!is_wanted(task, command))
			return rota_fail(task, "cancelled while its command was running");
		if (group->is_reaped && (!group_has_rest(group) || now_ms() >= rest_until_ms))
			return drain(task, command);
		int status = n_ready > 0 && fds[3].revents ? input_feed(&command->input, task) : ROTA_OK;
		if (status == ROTA_OK)
			status = relay(task, command, n_ready > 0 && fds[1].revents, n_ready > 0 && fds[2].revents);
		if (status != ROTA_OK)
			return status;
	}
}

void command_end(struct rota_task *task, struct command *command)
{
	struct group *group = &command->group;
	if (!group->is_reaped)
		group_end_leader(group);
	if (group_has_rest(group)) {
		if (!command->has_said_rest && is_wanted(task, command))
			rota_log(task, "its command left child processes, which were ended %d ms later", REST_MS);
		command->has_said_rest = true;
		group_end_rest(group);
	}
	output_end(&command->output, task);
	input_close(&command->input);
	results_close(&command->output.results);
	close_fd(&command->pid_fd);
	close_fd(&command->out_fd);
	close_fd(&command->err_fd);
	group_leave(group);
}
