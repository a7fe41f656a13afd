/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder in which the test program stands as rota does in its build tree: beside a rota-worker (a shell script that
 * describes plugins, or misbehaves, by their file's name) and a folder `plugins`. The program copies itself there and
 * runs there, so that what is looked up beside the running program is found; whatever happens to it, the folder goes.
 *
 *	int main(int argc, char **argv) { return stage_main(argc, argv, test); }
 *
 * test() runs in that folder, whose path is stage_path().
 */
#ifndef TESTS_CORE_PLAN_STAGE_H
#define TESTS_CORE_PLAN_STAGE_H

#include "tests/tap.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char stage_worker[] =
	"#!/bin/sh\n"
	"[ \"$1\" = --describe ] || exit 9\n"
	"head() {\n"
	"	printf 'rota-plugin\\t1\\t%s\\nname\\t%s\\nversion\\t1.0\\n' \"$file\" \"$1\"\n"
	"	printf 'summary\\ta test\\nflags%s\\n' \"$2\"\n"
	"}\n"
	"file=$2 name=${2##*/}\n"
	"case ${name%.so} in\n"
	"upper | other) head ${name%.so} '\tthread-safe\tpure\ttidy' ;;\n"
	"slow) head slow '' ;;\n"
	"exec) head exec '\ttidy'; printf 'option\\tcommand\\tlist\\t0\\t\\ta program\\t0\\t\\t\\n' ;;\n"
	"choosy) head choosy ''\n"
	"	printf 'option\\tms\\tint\\t1\\t10\\ttime\\t1\\t0..100\\tms\\n'\n"
	"	printf 'option\\tmode\\tchoice\\t0\\t\\thow\\t1\\tfast,small\\t\\n'\n"
	"	printf 'option\\ttags\\tlist\\t1\\t\\tsome\\t0\\t\\t\\n' ;;\n"
	"flush) head flush ''; echo flush ;;\n"
	"crash) echo one >&2; echo two >&2; kill -SEGV $$ ;;\n"
	"refused) echo \"rota-worker: $file: no symbol in it\" >&2; exit 2 ;;\n"
	"silent) exit 3 ;;\n"
	"leaves) exit 0 ;;\n"
	"hang) sleep 1000 & sleep 1000 ;;\n"
	"endless) while :; do echo name; done ;;\n"
	"nonsense) echo hello; exit 0 ;;\n"
	"esac\n"
	"echo end\n";

__attribute__((unused)) static const char *stage_path(void)
{
	return getenv("STAGE");
}

/* Ends the program where the stage itself can't be built: without a plan the test fails. */
static void stage_need(bool cond, const char *what)
{
	if (cond)
		return;
	diag("the stage can't be built: %s", what);
	_exit(99);
}

__attribute__((unused)) static void stage_write(const char *path, const char *bytes, size_t n_bytes, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	stage_need(fd >= 0 && write(fd, bytes, n_bytes) == (ssize_t)n_bytes && fchmod(fd, mode) == 0, path);
	close(fd);
}

static void stage_copy_self(const char *path)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	stage_need(from >= 0 && to >= 0, path);
	ssize_t n;
	while ((n = sendfile(to, from, NULL, 1 << 24)) > 0)
		;
	stage_need(n == 0, path);
	close(from);
	close(to);
}

static int stage_remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status, (void)type, (void)ftw;
	return remove(path);
}

static void stage_build(const char *folder)
{
	static const char *const plugins[] = {"upper",   "slow",   "exec",   "choosy", "flush",   "crash",
	                                      "refused", "silent", "leaves", "hang",   "endless", "nonsense"};
	char path[PATH_MAX];
	stage_need(chdir(folder) == 0, folder);
	stage_write("rota-worker", stage_worker, sizeof(stage_worker) - 1, 0700);
	stage_copy_self("program");
	stage_need(mkdir("plugins", 0700) == 0, "plugins");
	for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++) {
		snprintf(path, sizeof(path), "plugins/%s.so", plugins[i]);
		stage_write(path, "x", 1, 0600);
	}
}

static int stage_main(int argc, char **argv, void (*test)(void))
{
	if (stage_path()) {
		test();
		return tap_done();
	}
	char folder[PATH_MAX];
	stage_need(argc >= 1, "no name");
	tap_template(folder, "stage");
	stage_need(mkdtemp(folder) != NULL, folder);
	pid_t pid = fork();
	stage_need(pid >= 0, "fork");
	if (pid == 0) {
		stage_build(folder);
		setenv("STAGE", folder, 1);
		unsetenv("ROTA_PLUGIN_PATH");
		execv("./program", argv);
		stage_need(false, "program");
	}
	int status = 0;
	waitpid(pid, &status, 0);
	nftw(folder, stage_remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

#endif
