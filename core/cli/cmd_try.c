/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_try - rota try [OPTIONS] PLUGIN [KEY=VALUE]...: a plugin run by hand, over items from standard input, in one
 * process and one thread: rota-worker --try. It tells which item it is in (struct trial_shm), so that one that ends the
 * process can be named, whatever way it went.
 */
#include "config.h"

#include "core/cli/cmd.h"

#include "core/base/log.h"
#include "core/base/proc.h"
#include "shm/layout.h"
#include "shm/segment.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TELL_FD 3
#define TELL_FD_TEXT "3"

/* The process's memory and ours; -1 with err. The descriptor is the caller's. */
static int trial_open(struct trial_shm **ret, struct err *err)
{
	const char *why_memfd;
	int fd;
	if (segment_create(sizeof **ret, NULL, &fd, &why_memfd, err) != 0)
		return -1;
	*ret = mmap(NULL, sizeof **ret, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*ret != MAP_FAILED)
		return fd;
	err_set_errno(err, ERR_RUN, errno, "cannot map the memory to share with rota-worker");
	close(fd);
	return -1;
}

/* rota-worker --try --tell 3 [-0] FILE KEY=VALUE ...; NULL: memory is short. */
static const char **argv_make(const char *program, const char *file, const struct options *options)
{
	const char **argv = calloc(options->n_words + 6, sizeof *argv);
	size_t n = 0;
	if (!argv)
		return NULL;
	argv[n++] = program;
	argv[n++] = "--try";
	argv[n++] = "--tell";
	argv[n++] = TELL_FD_TEXT;
	if (cmd_is_given(options, "null"))
		argv[n++] = "-0";
	argv[n++] = file;
	for (size_t i = 1; i < options->n_words; i++)
		argv[n++] = options->words[i];
	return argv;
}

/* From outside, and not for what an item did: rota ends by the same. */
static bool is_from_outside(int signum)
{
	return signum == SIGINT || signum == SIGTERM || signum == SIGHUP || signum == SIGQUIT || signum == SIGPIPE;
}

static int end_by(int signum)
{
	signal(signum, SIG_DFL);
	raise(signum);
	return 128 + signum;
}

/* What its end means: it has said so itself, or it ended in the middle of something. */
static int judge(const struct trial_shm *trial, const char *file, int wait_status)
{
	char how[PROC_DEATH_BYTES], item[LOG_QUOTE_BYTES];
	unsigned long long seq = trial->seq;
	size_t n_bytes = trial->n_item_bytes < sizeof trial->item ? trial->n_item_bytes : sizeof trial->item;
	bool is_done = trial->is_done && WIFEXITED(wait_status);
	if (is_done)
		return WEXITSTATUS(wait_status);
	if (WIFSIGNALED(wait_status) && is_from_outside(WTERMSIG(wait_status)))
		return end_by(WTERMSIG(wait_status));
	proc_death(how, wait_status);
	if (seq != 0)
		log_error("item %llu %s: crashed: %s; the trial ends here (a run continues with the next item)", seq,
		          log_quote(item, trial->item, n_bytes), how);
	else
		log_error("%s: the plugin ended its process outside of any item: %s", file, how);
	return CMD_BROKEN;
}

static int plugin_try(const char *program, const char *file, const struct options *options, struct err *err)
{
	struct trial_shm *trial;
	const char **argv = argv_make(program, file, options);
	int status = -1, wait_status, fd = -1;
	pid_t pid;
	if (!argv)
		return err_set(err, ERR_RESOURCE, "out of memory");
	if ((fd = trial_open(&trial, err)) < 0)
		goto out;
	const struct proc_fd fds[] = {{fd, TELL_FD}};
	log_detail("%s --try %s", program, file);
	if (proc_spawn(argv, fds, 1, 0, &pid, err) == 0) {
		while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR)
			;
		status = judge(trial, file, wait_status);
	}
	munmap(trial, sizeof *trial);
	close(fd);
out:
	free(argv);
	return status;
}

int cmd_try(const struct command *command, const struct options *options)
{
	struct catalog *catalog;
	const struct plugin_info *info;
	struct err err;
	if (options->n_words == 0)
		return cmd_usage_error(command, "the plugin is missing");
	if (catalog_create(&catalog, cmd_is_given(options, "trust-path"), NULL, &err))
		return cmd_error(&err);
	int status = -1;
	if (catalog_describe(catalog, options->words[0], &info, &err) == 0)
		status = plugin_try(catalog_worker_program(catalog), info->file, options, &err);
	if (status < 0)
		status = cmd_error(&err);
	catalog_destroy(&catalog);
	return status;
}
