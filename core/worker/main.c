/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rota-worker - the program in which plugins run. rota starts it as a fork server (--serve); by hand it describes a
 * plugin (--describe) or tries one without a supervisor (--try).
 */
#include "config.h"

#include "core/base/proc.h"
#include "core/worker/forkserver.h"
#include "core/worker/host.h"
#include "core/worker/try.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char help[] =
	"usage: rota-worker --describe FILE                 print a plugin's description, for programs\n"
	"       rota-worker --try [-0] FILE [KEY=VALUE]...  do what 'rota try' does, for gdb and valgrind: read items\n"
	"                                                   from standard input, one per line (-0: each ends with\n"
	"                                                   NUL), and write results to standard output\n"
	"       rota-worker --help | --version\n"
	"rota starts rota-worker itself for everything else. See rota(1) and rota-plugin(7).\n";

static int write_all(int fd, const char *bytes, size_t n_bytes)
{
	while (n_bytes > 0) {
		ssize_t n = write(fd, bytes, n_bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes += n;
		n_bytes -= (size_t)n;
	}
	return 0;
}

/*
 * Standard output belongs to the description: what the plugin's constructors print goes to standard error. parent: with
 * whom we end; 0: it is tried by hand.
 */
static int describe(const char *file, long parent)
{
	if (isatty(STDOUT_FILENO)) {
		fputs("rota-worker --describe writes a description for programs; for people, use 'rota plugins FILE'; for its "
		      "bytes, send standard output to a file or a pipe\n",
		      stderr);
		return 2;
	}
	if (parent != 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (parent != 0 && getppid() != parent)
		_exit(3);
	struct host *host = NULL;
	struct buf text = {0};
	struct err err = {0};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (out_fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 || proc_drop_input() != 0)
		err_set_errno(&err, ERR_RUN, errno, "cannot set up the standard streams");
	else if (host_open(&host, file, &err) == 0 && host_describe(host, &text, &err) == 0 &&
	         write_all(out_fd, text.bytes, text.len) != 0)
		err_set_errno(&err, ERR_RUN, errno, "cannot write the description");
	if (err.code != ERR_NONE)
		fprintf(stderr, "%s\n", err.text);
	buf_fini(&text);
	host_close(&host);
	/* a plugin whose destructors crash can be described all the same */
	fflush(stderr);
	_exit(err.code == ERR_NONE ? 0 : err.code == ERR_USAGE ? 2 : 3);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	if (proc_begin() != 0)
		return 3;
	if (strcmp(command, "--serve") == 0 && argc == 3)
		return forkserver_run(argv[0], strtol(argv[2], NULL, 10));
	if (strcmp(command, "--describe") == 0 && (argc == 3 || argc == 4))
		return describe(argv[2], argc == 4 ? strtol(argv[3], NULL, 10) : 0);
	if (strcmp(command, "--try") == 0)
		return try_run(argc - 2, argv + 2);
	if (strcmp(command, "--version") == 0) {
		printf("rota-worker %s, plugin ABI %u\n", PACKAGE_VERSION, ROTA_ABI);
		return 0;
	}
	if (strcmp(command, "--help") == 0)
		return fputs(help, stdout) < 0 ? 3 : 0;
	fputs(help, stderr);
	return 2;
}
