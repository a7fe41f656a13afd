/* SPDX-License-Identifier: Apache-2.0 */
/* ring, its two ends in two processes over one segment: what is sent is what comes, once a way. */
#include "config.h"

#include "shm/ring.h"

#include "stream.h"
#include "tests/tap.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static struct stream stream;
static struct err err;
static pid_t child;

static bool is_child_gone(void *nothing)
{
	(void)nothing;
	siginfo_t info = {0};
	return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == child;
}

/* The child dies with us, however that happens. */
static void fork_child(int (*live)(void))
{
	pid_t parent = getpid();
	child = fork();
	if (child < 0) {
		printf("Bail out! no process\n");
		exit(EXIT_FAILURE);
	}
	if (child > 0)
		return;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(99);
	_exit(live());
}

static int end_of_child(void)
{
	int status;
	return waitpid(child, &status, 0) == child ? status : -1;
}

static int live_as_producer(void)
{
	return stream_produce(&stream) ? 0 : 1;
}

/* What it saw goes to the parent behind the ring's indices. */
static struct stream_report *shared_report(void)
{
	return (struct stream_report *)(void *)((char *)stream.map.base + 1024);
}

static int live_as_consumer(void)
{
	struct stream_report report;
	stream_consume(&stream, &report);
	*shared_report() = report;
	return report.is_at_end ? 0 : 1;
}

static void begin(uint64_t seed)
{
	if (stream_init(&stream, seed, &err) != 0) {
		printf("Bail out! %s\n", err.text);
		exit(EXIT_FAILURE);
	}
}

static void wait_as_parent(void)
{
	stream.is_other_gone = is_child_gone;
}

int main(void)
{
	struct stream_report report;

	begin(3);
	fork_child(live_as_producer);
	wait_as_parent();
	stream_consume(&stream, &report);
	if (!report.is_at_end)
		kill(child, SIGKILL);
	is_int(end_of_child(), 0, "the child sent all");
	stream_test(&stream, &report);
	segment_unmap(&stream.map);

	begin(4);
	fork_child(live_as_consumer);
	wait_as_parent();
	ok(stream_produce(&stream), "the parent sent all");
	is_int(end_of_child(), 0, "the child got all");
	stream_test(&stream, shared_report());
	segment_unmap(&stream.map);
	return tap_done();
}
