/* SPDX-License-Identifier: Apache-2.0 */
/* watchdog: whose item's time runs, who is stuck, and how much memory a worker has. */
#include "config.h"

#include "core/sched/watchdog.h"

#include "rig.h"
#include "tests/tap.h"

#include <sys/mman.h>
#include <sys/wait.h>

#define LINES "one\ntwo\nthree\n"
#define MIB (1024 * 1024)
#define LOOKS_MAX 1000

static struct rig rig;
static int64_t now_ns;

static struct worker *first(void)
{
	return &rig.crew.workers[0];
}

static void give_three(void)
{
	rig_init(&rig, 1, true, LINES);
	rig_start_all(&rig);
	worker_send(first(), rig_add(&rig, 3));
	now_ns = clock_now_ns();
}

/* Looks, half a second apart by the watchdog's clock, until the worker is being ended. How many. */
static int looks(void (*between)(void))
{
	int n = 0;
	while (n < LOOKS_MAX && !first()->is_broken && first()->ending == ENDING_NONE) {
		between();
		rig_collect(&rig);
		watchdog_look(&rig.watchdog, now_ns, true, NULL);
		now_ns += CLOCK_NS_PER_SEC / 2;
		n++;
	}
	return n;
}

static void do_nothing(void)
{
}

static void say_something(void)
{
	port_say(&rig.hands[1].port, EVENT_COUNT, 1, "words", 5);
}

static void unclaim(void)
{
	atomic_store(&first()->channel->up->claim, claim_word(0, CLAIM_EPOCH_FIRST));
}

/* It was sent something and is in no item. Without a process that could be asked, 30 s are given. */
static void test_stuck(void)
{
	give_three();
	int n_silent = looks(do_nothing);
	ok(first()->is_broken, "one that does nothing is given up");
	is_int(rig.hands[1].killed_by, SIGKILL, "and killed");
	rig_fini(&rig);
	give_three();
	is_int(looks(say_something), n_silent, "one that only says something is, just as soon");
	ok(first()->is_broken, "and as surely");
	rig_fini(&rig);
}

/* One that can't be heard may wait for room. */
static void test_unheard_is_not_stuck(void)
{
	give_three();
	for (int i = 0; i < LOOKS_MAX; i++) {
		watchdog_look(&rig.watchdog, now_ns, false, NULL);
		now_ns += CLOCK_NS_PER_SEC / 2;
	}
	ok(!first()->is_broken, "one that isn't heard isn't stuck");
	rig_fini(&rig);
}

static void test_timeout(void)
{
	give_three();
	rig.watchdog.timeout_ns = CLOCK_NS_PER_SEC;
	rig_begin(&rig, 1, 1);
	ok(looks(say_something) < 40, "the time of one that goes on saying something runs");
	is_int(first()->ending, ENDING_TIMED_OUT, "and comes to its end");
	rig_fini(&rig);
	give_three();
	rig.watchdog.timeout_ns = CLOCK_NS_PER_SEC;
	rig_begin(&rig, 1, 1);
	watchdog_look(&rig.watchdog, now_ns, true, NULL);
	unclaim();
	ok(looks(do_nothing) < 3, "an item that was seen to have begun can't be hidden");
	ok(first()->is_broken, "who tries is given up");
	rig_fini(&rig);
}

static int64_t own_kib(const char *name)
{
	char line[256];
	int64_t kib = -1;
	FILE *file = fopen("/proc/self/status", "re");
	must(file);
	while (fgets(line, sizeof line, file))
		if (strncmp(line, name, strlen(name)) == 0)
			kib = strtoll(line + strlen(name), NULL, 10);
	fclose(file);
	return kib;
}

/* This process stands for a worker. */
static void test_memory(void)
{
	rig_init(&rig, 1, true, LINES);
	rig.crew.sizes = (struct channel_sizes){.task_bytes = MIB, .result_bytes = MIB, .event_bytes = MIB};
	rig_start_all(&rig);
	if (own_kib("RssShmem:") < 0) {
		skip("this kernel doesn't tell shared memory apart");
		rig_fini(&rig);
		return;
	}
	const struct segment_map *map = &first()->channel->map;
	first()->pid = getpid();
	for (int i = 0; i < 2; i++) {
		int64_t want = (own_kib("RssAnon:") + own_kib("RssFile:")) * 1024;
		int64_t seen = watchdog_rss_bytes(first());
		ok(seen > want - MIB && seen < want + MIB, "%lld bytes with rings that were %s: those that are its own, %lld",
		   (long long)seen, i ? "used" : "not used yet", (long long)want);
		/* both mappings of each ring */
		for (size_t at = CHANNEL_CONTROL_BYTES; at < map->mapped_bytes; at += CHANNEL_PAGE_BYTES)
			((volatile unsigned char *)map->base)[at] = 0;
	}
	unsigned char *shared = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(shared != MAP_FAILED);
	int64_t before = watchdog_rss_bytes(first());
	memset(shared, 1, 16 * MIB);
	ok(watchdog_rss_bytes(first()) - before > 15 * MIB, "what it shares with others of its own counts");
	munmap(shared, 16 * MIB);
	first()->pid = 0;
	rig_fini(&rig);
}

/* One that is dead and not reaped has no memory any more: what it had is what will be told. */
static void test_memory_of_the_dead(void)
{
	give_three();
	rig.watchdog.memory_bytes = MIB;
	siginfo_t info;
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	must(pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
	first()->pid = pid;
	first()->rss_bytes = 12345;
	watchdog_look(&rig.watchdog, now_ns, true, NULL);
	is_int(first()->rss_bytes, 12345, "what a dead worker had isn't forgotten");
	must(waitpid(pid, NULL, 0) == pid);
	first()->pid = 0;
	rig_fini(&rig);
}

int main(void)
{
	log_init(LOG_NORMAL);
	test_stuck();
	test_unheard_is_not_stuck();
	test_timeout();
	test_memory();
	test_memory_of_the_dead();
	return tap_done();
}
