/* SPDX-License-Identifier: Apache-2.0 */
/* server: a process without a job says what a plugin is, once; is taken for that plugin only; leaves nothing behind. */
#include "config.h"

#include "core/crew/server.h"

#include "core/base/clock.h"
#include "tests/tap.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct err err;
static char upper[PATH_MAX], hangs[PATH_MAX], crashes[PATH_MAX];

static void find_plugins(void)
{
	const char *folder = getenv("abs_top_builddir");
	if (!folder)
		folder = ".";
	must(chdir(folder) == 0);
	must(realpath("plugins/upper.so", upper) && realpath("tests/bad/ctor-hang.so", hangs) &&
	     realpath("tests/bad/ctor-segv.so", crashes));
}

static bool is_gone(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) < 0 && errno == ECHILD;
}

static void test_describes(void)
{
	struct server server;
	struct buf text = {0};
	is_int(server_start(&server, "./rota-worker", &err), 0, "started, without a job");
	ok(server.pid > 0 && server.fd >= 0 && !server.file, "with nothing loaded");
	is_int(server_describe(&server, upper, CLOCK_NS_PER_SEC * 60, &text), 0, "it says what a plugin is");
	ok(text.len > 10 && memmem(text.bytes, text.len, "upper", 5), "its name, for one");
	is_str(server.file, upper, "and has it loaded");
	pid_t pid = server.pid;
	size_t len = text.len;
	is_int(server_describe(&server, crashes, CLOCK_NS_PER_SEC * 60, &text), 1, "it isn't asked twice");
	ok(server.pid == pid && text.len == len, "which does it no harm");
	struct server other = server_take(&server, crashes);
	ok(other.pid == 0 && other.fd < 0 && server.pid == pid, "it isn't taken for another plugin");
	other = server_take(&server, upper);
	ok(other.pid == pid && server.pid == 0 && server.fd < 0 && !server.file, "but for this");
	server_end(&other);
	ok(is_gone(pid) && other.pid == 0 && other.fd < 0, "it ends when its socket is closed");
	server_end(&other);
	ok(server_take(NULL, upper).pid == 0, "of none nothing is taken");
	buf_fini(&text);
}

static void test_trouble(void)
{
	struct server server;
	struct buf text = {0};
	must(server_start(&server, "./rota-worker", &err) == 0);
	pid_t pid = server.pid;
	is_int(server_describe(&server, crashes, CLOCK_NS_PER_SEC * 60, &text), 1, "one that crashes: no answer");
	ok(server.pid == 0 && server.fd < 0 && is_gone(pid), "and it's gone");
	must(server_start(&server, "./rota-worker", &err) == 0);
	is_int(server_describe(&server, "/nonexistent.so", CLOCK_NS_PER_SEC * 60, &text), 1, "no such file: none");
	ok(server.pid == 0, "gone, too");
	must(server_start(&server, "./rota-worker", &err) == 0);
	pid = server.pid;
	is_int(server_describe(&server, hangs, CLOCK_NS_PER_MS * 50, &text), -1, "one that hangs while it is loaded");
	ok(server.pid == 0 && is_gone(pid), "and is over");
	is_int(server_describe(&server, upper, CLOCK_NS_PER_SEC, &text), 1, "where there is none there is no answer");
	is_int(text.len, 0, "nothing was said in all that");
	is_int(server_kill(&server), 0, "nor is there anything to kill");
	is_int(server_start(&server, "./nonexistent", &err), -1, "a program that isn't there");
	ok(server.pid == 0 && server.fd < 0, "is none");
}

int main(void)
{
	find_plugins();
	test_describes();
	test_trouble();
	return tap_done();
}
