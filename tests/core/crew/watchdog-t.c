/* SPDX-License-Identifier: Apache-2.0 */
/* watchdog: whose item's time runs, who is stuck, and how much memory a worker has. */
#include "config.h"

#include "core/crew/watchdog.h"

#include "core/base/proc.h"
#include "tests/core/rig.h"
#include "tests/tap.h"

#include <sched.h>
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
	rig.plan.timeout_ns = CLOCK_NS_PER_SEC;
	rig_begin(&rig, 1, 1);
	ok(looks(say_something) < 40, "the time of one that goes on saying something runs");
	is_int(first()->ending, ENDING_TIMED_OUT, "and comes to its end");
	rig_fini(&rig);
	give_three();
	rig.plan.timeout_ns = CLOCK_NS_PER_SEC;
	rig_begin(&rig, 1, 1);
	watchdog_look(&rig.watchdog, now_ns, true, NULL);
	unclaim();
	ok(looks(do_nothing) < 3, "an item that was seen to have begun can't be hidden");
	ok(first()->is_broken, "who tries is given up");
	rig_fini(&rig);
}

/* Looks, each so much later than the one before, as long as that holds; at most n. How many. */
static int look_on(int n, int64_t step_ns, bool (*holds)(void))
{
	int i = 0;
	for (; i < n && holds(); i++)
		watchdog_look(&rig.watchdog, now_ns += step_ns, true, NULL);
	return i;
}

static bool is_item_let_be(void)
{
	return first()->ending == ENDING_NONE && !first()->is_broken;
}

static bool is_run_let_be(void)
{
	return !rig_gave_up(&rig);
}

#define STEP_NS (100 * CLOCK_NS_PER_MS)

/* A machine that slept, or a run that was stopped: for nobody's clock was that time. */
static void test_gaps(void)
{
	const int64_t gap_ns = 10 * CLOCK_NS_PER_SEC;
	give_three();
	rig.plan.timeout_ns = CLOCK_NS_PER_SEC;
	rig_begin(&rig, 1, 1);
	look_on(1, STEP_NS, is_item_let_be);
	look_on(1, gap_ns, is_item_let_be);
	ok(is_item_let_be(), "an item's time isn't over after a gap");
	int n = look_on(100, STEP_NS, is_item_let_be);
	ok(n >= 8 && n <= 10, "but after its time: %d looks of 0.1 s", n);
	is_int(first()->ending, ENDING_TIMED_OUT, "it has timed out");
	rig_fini(&rig);

	rig_init(&rig, 1, true, LINES);
	now_ns = clock_now_ns();
	crew_open(&rig.crew);
	look_on(1, STEP_NS, is_run_let_be);
	look_on(1, gap_ns, is_run_let_be);
	ok(is_run_let_be(), "nor is the time of a load");
	n = look_on(100, STEP_NS, is_run_let_be);
	ok(n >= 45 && n <= 50, "but after 5 s: %d looks", n);
	ok(strstr(rig_gave_up(&rig), "load took longer"), "which is said: %s", rig_gave_up(&rig));
	rig_fini(&rig);

	rig_init(&rig, 1, true, LINES);
	now_ns = clock_now_ns();
	rig_load(&rig);
	must(crew_want(&rig.crew));
	first()->pid = getpid();
	look_on(1, STEP_NS, is_run_let_be);
	look_on(1, gap_ns, is_run_let_be);
	ok(is_run_let_be(), "nor that of an open");
	n = look_on(100, STEP_NS, is_run_let_be);
	ok(n >= 45 && n <= 50, "but after 5 s: %d looks", n);
	ok(strstr(rig_gave_up(&rig), "open took longer"), "which is said, too: %s", rig_gave_up(&rig));
	first()->pid = 0;
	rig_fini(&rig);
}

/* Where one was ready before, another that doesn't get ready is only ended. */
static void test_late_start(void)
{
	rig_init(&rig, 1, true, LINES);
	rig_start_all(&rig);
	rig_die(&rig, 1, 0, false);
	rig.crew.not_before_ns = 0;
	now_ns = clock_now_ns();
	must(crew_want(&rig.crew));
	first()->pid = getpid();
	int n = look_on(100, STEP_NS, is_item_let_be);
	ok(n > 48 && n < 55, "one that doesn't get ready is ended after 5 s: %d looks", n);
	is_int(first()->ending, ENDING_START, "for that");
	is_int(rig.hands[1].n_signals[SIGKILL], 1, "at once");
	ok(!rig_gave_up(&rig), "and the run goes on");
	first()->pid = 0;
	rig_fini(&rig);
}

/* Each item has a time of its own, and only while its worker is heard. */
static void test_clock_of_each(void)
{
	give_three();
	rig.plan.timeout_ns = CLOCK_NS_PER_SEC;
	for (int i = 0; i < 3; i++) {
		rig_begin(&rig, 1, 1);
		is_int(look_on(9, STEP_NS, is_item_let_be), 9, "item %d has nearly a second", i + 1);
		rig_answer(&rig, 1, "x\n", 2);
	}
	ok(is_item_let_be(), "nobody looked between them, and none has the time of the one before");
	rig_fini(&rig);
	give_three();
	rig.plan.timeout_ns = CLOCK_NS_PER_SEC;
	rig_begin(&rig, 1, 1);
	for (int i = 0; i < 50; i++)
		watchdog_look(&rig.watchdog, now_ns += STEP_NS, false, NULL);
	ok(is_item_let_be(), "while a worker isn't heard its item's time stands still");
	rig_fini(&rig);
}

/* TERM, a pause, KILL; each once. */
static void test_kill_follows(void)
{
	give_three();
	rig.plan.timeout_ns = CLOCK_NS_PER_SEC;
	now_ns -= 3 * CLOCK_NS_PER_SEC;
	rig_begin(&rig, 1, 1);
	look_on(100, STEP_NS, is_item_let_be);
	const struct hand *hand = &rig.hands[1];
	is_int(hand->n_signals[SIGTERM], 1, "a time-out is TERM");
	is_int(hand->n_signals[SIGCONT], 1, "which one that was stopped hears, too");
	is_int(hand->n_signals[SIGKILL], 0, "and not KILL");
	int64_t kill_ns = first()->kill_ns;
	ok(kill_ns > now_ns && kill_ns <= clock_now_ns() + WORKER_KILL_PAUSE_NS, "KILL is due a pause later");
	while (now_ns + STEP_NS < kill_ns)
		watchdog_look(&rig.watchdog, now_ns += STEP_NS, true, NULL);
	is_int(hand->n_signals[SIGKILL], 0, "not before");
	for (int i = 0; i < 3; i++)
		watchdog_look(&rig.watchdog, now_ns += STEP_NS, true, NULL);
	is_int(hand->n_signals[SIGKILL], 1, "then it comes");
	is_int(hand->n_signals[SIGTERM], 1, "and nothing else does");
	rig_fini(&rig);
}

/* One that sleeps with work in hand for a second and several looks is stuck: not after one look, however late it is. */
static void test_looks_until_stuck(void)
{
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	must(pid > 0);
	while (proc_state(pid) != 'S')
		sched_yield();
	give_three();
	first()->pid = pid;
	look_on(1, 10 * CLOCK_NS_PER_SEC, is_item_let_be);
	ok(!first()->is_broken, "one look after a long time isn't enough");
	look_on(2, 10 * CLOCK_NS_PER_SEC, is_item_let_be);
	ok(!first()->is_broken, "nor are three");
	look_on(1, 10 * CLOCK_NS_PER_SEC, is_item_let_be);
	ok(first()->is_broken, "four are, in more than a second");
	first()->pid = 0;
	rig_fini(&rig);
	give_three();
	first()->pid = pid;
	now_ns += 2 * CLOCK_NS_PER_SEC;
	rig.plan.timeout_ns = CLOCK_NS_PER_SEC;
	int n = look_on(100, STEP_NS, is_item_let_be);
	ok(n >= 10 && n <= 12, "looks in less than a second aren't, many as they may be: %d", n);
	first()->pid = 0;
	rig_fini(&rig);
	must(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

/* One that nearly was stuck, and then wasn't, has all of its time again. */
static void test_stuck_again(void)
{
	const int n_of_20_s = 40;
	const int64_t half_ns = CLOCK_NS_PER_SEC / 2;
	give_three();
	rig.plan.start_timeout_ns = 5 * CLOCK_NS_PER_SEC;
	is_int(look_on(n_of_20_s, half_ns, is_item_let_be), n_of_20_s, "20 s, and it begins nothing");
	rig_begin(&rig, 1, 1);
	look_on(1, half_ns, is_item_let_be);
	rig_answer(&rig, 1, "ONE\n", 4);
	rig_collect(&rig);
	is_int(look_on(n_of_20_s, half_ns, is_item_let_be), n_of_20_s, "an item, and then 20 s once more");
	ok(!first()->is_broken, "it isn't given up for both together");
	look_on(n_of_20_s, half_ns, is_item_let_be);
	ok(first()->is_broken, "but for 30 s in a row");
	rig_fini(&rig);
}

/* When there is something to look at. */
static void test_due(void)
{
	rig_init(&rig, 1, true, LINES);
	is_int(watchdog_due_ns(&rig.watchdog), -1, "nothing is there: nothing is looked at");
	crew_open(&rig.crew);
	ok(watchdog_due_ns(&rig.watchdog) >= 0, "a plugin that is loaded is");
	rig.tell.loaded(rig.tell.arg, 0);
	is_int(watchdog_due_ns(&rig.watchdog), -1, "one that has been isn't");
	must(crew_want(&rig.crew));
	ok(watchdog_due_ns(&rig.watchdog) >= 0, "a worker that starts is");
	rig_ready(&rig, 1);
	is_int(watchdog_due_ns(&rig.watchdog), -1, "one that has nothing to do isn't");
	worker_send(first(), rig_add(&rig, 3));
	ok(watchdog_due_ns(&rig.watchdog) >= 0, "one that has is");
	rig_work(&rig, 1, 3, 1);
	rig_collect(&rig);
	is_int(watchdog_due_ns(&rig.watchdog), -1, "one that has done it isn't");
	first()->ending = ENDING_TIMED_OUT;
	ok(watchdog_due_ns(&rig.watchdog) >= 0, "one that is being ended is");
	first()->ending = ENDING_NONE;
	crew_stop(&rig.crew);
	ok(watchdog_due_ns(&rig.watchdog) >= 0, "and one that is leaving");
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
	rig_plan(&rig, 1, true);
	rig.sizes = (struct channel_sizes){.task_bytes = MIB, .result_bytes = MIB, .event_bytes = MIB};
	rig_build(&rig, LINES, strlen(LINES));
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
		size_t page_bytes = segment_page_bytes();
		for (size_t at = channel_control_bytes(page_bytes); at < map->mapped_bytes; at += page_bytes)
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

/* More than it may have: at an item that is the item's doing, between items nobody's. */
static void test_over_memory(void)
{
	give_three();
	rig.plan.memory_bytes = 1;
	first()->pid = getpid();
	rig_begin(&rig, 1, 1);
	look_on(1, STEP_NS, is_item_let_be);
	is_int(first()->ending, ENDING_OVER_MEMORY, "one over its limit is ended for its item");
	is_int(rig.hands[1].n_signals[SIGKILL], 1, "by KILL");
	int64_t rss_bytes = first()->rss_bytes;
	ok(rss_bytes > 1, "what it had is known");
	first()->rss_bytes = rss_bytes + 1;
	look_on(1, STEP_NS, is_run_let_be);
	is_int(first()->rss_bytes, rss_bytes + 1, "and isn't asked for again while it dies");
	first()->pid = 0;
	rig_fini(&rig);
	give_three();
	rig.plan.memory_bytes = 1;
	first()->pid = getpid();
	look_on(1, STEP_NS, is_item_let_be);
	ok(first()->ending == ENDING_NONE && first()->is_retiring, "one that is at no item is replaced when it's done");
	first()->pid = 0;
	rig_fini(&rig);
}

/* It has crashed, and says where: that may take as long as last words may. */
static void test_dying(void)
{
	give_three();
	rig.plan.timeout_ns = CLOCK_NS_PER_SEC;
	rig.plan.memory_bytes = 1;
	rig_begin(&rig, 1, 1);
	look_on(1, STEP_NS, is_item_let_be);
	first()->pid = getpid();
	atomic_store(&first()->channel->up->is_dying, 1);
	ok(look_on(28, STEP_NS, is_item_let_be) == 28, "who says its last words is neither late nor over its memory");
	ok(look_on(10, STEP_NS, is_item_let_be) < 10, "but that isn't believed for ever");
	first()->pid = 0;
	rig_fini(&rig);

	rig_init(&rig, 1, true, LINES);
	rig_load(&rig);
	must(crew_want(&rig.crew));
	now_ns = clock_now_ns();
	rig.plan.start_timeout_ns = CLOCK_NS_PER_SEC;
	first()->pid = getpid();
	atomic_store(&first()->channel->up->is_dying, 1);
	ok(look_on(28, STEP_NS, is_run_let_be) == 28, "nor is its open late");
	ok(look_on(20, STEP_NS, is_run_let_be) < 20, "for as long");
	first()->pid = 0;
	rig_fini(&rig);

	give_three();
	rig.plan.timeout_ns = CLOCK_NS_PER_SEC;
	rig_begin(&rig, 1, 1);
	look_on(30, STEP_NS, is_item_let_be);
	is_int(first()->ending, ENDING_TIMED_OUT, "one that was late before");
	atomic_store(&first()->channel->up->is_dying, 1);
	look_on(1, CLOCK_NS_PER_SEC, is_run_let_be);
	is_int(rig.hands[1].killed_by, SIGKILL, "is killed all the same");
	rig_fini(&rig);
}

/* One that is dead and not reaped has no memory any more: what it had is what will be told. */
static void test_memory_of_the_dead(void)
{
	give_three();
	rig.plan.memory_bytes = MIB;
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
	test_gaps();
	test_late_start();
	test_clock_of_each();
	test_kill_follows();
	test_looks_until_stuck();
	test_stuck_again();
	test_due();
	test_memory();
	test_over_memory();
	test_memory_of_the_dead();
	test_dying();
	return tap_done();
}
