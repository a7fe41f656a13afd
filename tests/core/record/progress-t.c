/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress-t - what stands on a terminal while jobs run, seen by a small terminal emulator behind a pseudo-terminal;
 * and what is written where there is none. Time is what the test says: draws come at the times that are due.
 */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/record/progress.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS CLOCK_NS_PER_MS
#define ROWS_MAX 30
#define COLUMNS_MAX 120
#define MARK '\a' /* the last byte of what is to be read: a pseudo-terminal hands bytes on when it likes */

static struct {
	int master;
	int n_rows, n_columns, row, column;
	char cells[ROWS_MAX][COLUMNS_MAX + 1];
	bool has_wrapped, has_scrolled, has_garbage;
	size_t n_bytes; /* since the last terminal_read */
} terminal;

static int own_stderr;

static void terminal_resize(int n_rows, int n_columns)
{
	struct winsize size = {.ws_row = (unsigned short)n_rows, .ws_col = (unsigned short)n_columns};
	terminal.n_rows = n_rows;
	terminal.n_columns = n_columns;
	if (ioctl(terminal.master, TIOCSWINSZ, &size) < 0)
		abort();
}

/* Becomes standard error. */
static bool terminal_open(int n_rows, int n_columns)
{
	memset(&terminal, 0, sizeof(terminal));
	terminal.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal.master < 0 || grantpt(terminal.master) < 0 || unlockpt(terminal.master) < 0)
		return false;
	int slave = open(ptsname(terminal.master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || dup2(slave, STDERR_FILENO) < 0)
		return false;
	close(slave);
	terminal_resize(n_rows, n_columns);
	return true;
}

static void terminal_close(void)
{
	dup2(own_stderr, STDERR_FILENO);
	close(terminal.master);
}

static void terminal_newline(void)
{
	if (terminal.row + 1 < terminal.n_rows) {
		terminal.row++;
		return;
	}
	terminal.has_scrolled = true;
	memmove(terminal.cells[0], terminal.cells[1], sizeof(terminal.cells) - sizeof(terminal.cells[0]));
	memset(terminal.cells[ROWS_MAX - 1], 0, sizeof(terminal.cells[0]));
}

static void terminal_put_cell(char byte)
{
	if (terminal.column >= terminal.n_columns)
		terminal.has_wrapped = true;
	if (terminal.column >= COLUMNS_MAX)
		return;
	for (char *cell = terminal.cells[terminal.row]; cell < terminal.cells[terminal.row] + terminal.column; cell++)
		*cell = *cell ? *cell : ' ';
	terminal.cells[terminal.row][terminal.column++] = byte;
}

/* What is outside ASCII is wide: two cells. */
static void terminal_put(char byte)
{
	if ((byte & 0xc0) == 0x80)
		return;
	if (byte & 0x80)
		terminal_put_cell('?');
	terminal_put_cell(byte & 0x80 ? '?' : byte);
}

/* ESC [ number letter, of which A, J and K are known. */
static void terminal_control(int number, char letter)
{
	if (letter == 'A')
		terminal.row -= number < terminal.row ? number : terminal.row;
	else if (letter == 'J' || letter == 'K')
		memset(terminal.cells[terminal.row] + terminal.column, 0, (size_t)(COLUMNS_MAX + 1 - terminal.column));
	else
		terminal.has_garbage = true;
	for (int row = terminal.row + 1; letter == 'J' && row < ROWS_MAX; row++)
		memset(terminal.cells[row], 0, sizeof(terminal.cells[row]));
}

/* Takes all that was written so far to the screen. Returns how many bytes that were. */
static size_t terminal_read(void)
{
	static const char mark = MARK;
	char bytes[4096];
	int number = -2; /* -2: plain text, -1: behind ESC, else within a control sequence */
	size_t n_before = terminal.n_bytes;
	if (write(STDERR_FILENO, &mark, 1) != 1)
		abort();
	for (;;) {
		ssize_t n = read(terminal.master, bytes, sizeof(bytes));
		if (n <= 0)
			abort();
		for (ssize_t i = 0; i < n; i++) {
			char byte = bytes[i];
			if (byte == MARK)
				return terminal.n_bytes - n_before;
			terminal.n_bytes++;
			if (number == -1) {
				terminal.has_garbage |= byte != '[';
				number = 0;
			} else if (number >= 0 && byte >= '0' && byte <= '9') {
				number = number * 10 + byte - '0';
			} else if (number >= 0) {
				terminal_control(number, byte);
				number = -2;
			} else if (byte == '\033') {
				number = -1;
			} else if (byte == '\r') {
				terminal.column = 0;
			} else if (byte == '\n') {
				terminal_newline();
			} else {
				terminal_put(byte);
			}
		}
	}
}

static const char *row(int number)
{
	terminal_read();
	return terminal.cells[number];
}

/* A job that began with the progress. */
static struct tally tally_running(int64_t start_ns, int64_t total_items)
{
	struct tally tally;
	tally_init(&tally);
	tally.start_ns = start_ns;
	tally.total_items = total_items;
	return tally;
}

static struct progress *progress_new(enum progress_mode mode)
{
	struct err err;
	struct progress *progress;
	if (progress_create(&progress, mode, &err) < 0)
		abort();
	return progress;
}

static void progress_with(struct progress *progress, const char *name, const struct tally *tally)
{
	struct err err;
	if (progress_add(progress, name, tally, &err) < 0)
		abort();
}

static void *log_in_thread(void *arg)
{
	log_notice("%s", (const char *)arg);
	return NULL;
}

static void test_one_job(void)
{
	struct tally tally;
	struct progress *progress = progress_new(PROGRESS_AUTO);
	is_int(progress_due_ns(progress), -1, "without jobs nothing is due");
	tally = tally_running(1, 5000);
	progress_with(progress, "upper", &tally);
	int64_t due_ns = progress_due_ns(progress);
	ok(due_ns > clock_now_ns(), "the first draw comes later");
	tally.start_ns = due_ns - 300 * MS;
	tally.n_outcomes[OUTCOME_OK] = 297;
	tally.n_outcomes[OUTCOME_FAILED] = 3;
	progress_draw(progress, due_ns - 1);
	log_notice("a short run");
	is_str(row(1), "", "and not before it is due");
	progress_draw(progress, due_ns);
	is_str(row(1), "upper  300/5,000 6%  3 failed  1.0 k items/s  ETA 0:05", "after 300 ms the line stands there");

	is_int(progress_due_ns(progress), due_ns + 1000 * MS, "nothing happens: the next look is in a second");
	progress_draw(progress, due_ns + 999 * MS);
	is_int(terminal_read(), 0, "before it nothing is written");
	tally.n_outcomes[OUTCOME_OK] += 100;
	is_int(progress_due_ns(progress), due_ns + 100 * MS, "something happened: in a tenth");
	progress_draw(progress, due_ns + 99 * MS);
	is_int(terminal_read(), 0, "not sooner");
	progress_draw(progress, due_ns + 100 * MS);
	is_str(row(1), "upper  400/5,000 8%  3 failed  1.0 k items/s  ETA 0:05", "the line is replaced");
	is_str(row(2), "", "not doubled");

	tally.end_ns = due_ns + 101 * MS;
	is_int(progress_due_ns(progress), due_ns + 200 * MS, "an end is news");
	progress_draw(progress, due_ns + 200 * MS);
	is_str(row(1), "", "it takes the line away");
	is_int(progress_due_ns(progress), -1, "then nothing is due any more");
	progress_destroy(&progress);
	ok(!progress, "destroyed is NULL");
	progress_destroy(&progress);
	is_str(row(0), "rota: a short run", "what was there before stands there");
}

static void test_unchanged(void)
{
	struct progress *progress = progress_new(PROGRESS_AUTO);
	struct tally waiting;
	tally_init(&waiting);
	waiting.is_waiting = true;
	progress_with(progress, "later", &waiting);
	int64_t due_ns = progress_due_ns(progress);
	progress_draw(progress, due_ns);
	is_str(row(0), "later  waiting for its turn", "a job that waits says so");
	progress_draw(progress, due_ns + 1000 * MS);
	is_int(terminal_read(), 0, "a line that says the same isn't written again");
	progress_destroy(&progress);
	is_str(row(0), "", "destroy takes the line away");
	is_int(terminal.column, 0, "and leaves the cursor where it was");
}

static void test_log_lines(void)
{
	struct progress *progress = progress_new(PROGRESS_AUTO);
	struct tally waiting, running = tally_running(1, -1);
	char words[] = "of a thread";
	pthread_t thread;
	tally_init(&waiting);
	waiting.is_waiting = true;
	progress_with(progress, "one", &running);
	progress_with(progress, "other", &waiting);
	int64_t due_ns = progress_due_ns(progress);
	running.start_ns = due_ns - 300 * MS;
	progress_draw(progress, due_ns);
	log_notice("own");
	is_str(row(0), "rota: own", "a line of the log stands above");
	is_str(row(1), "one    0  0 items/s", "the live lines below it");
	is_str(row(2), "other  waiting for its turn", "all of them");

	if (pthread_create(&thread, NULL, log_in_thread, words) == 0)
		pthread_join(thread, NULL);
	is_str(row(1), "rota: of a thread", "another thread's line, too");
	is_str(row(2), "", "the live lines are gone");
	progress_draw(progress, due_ns + 1000 * MS);
	is_str(row(2), "one    0  0 items/s", "until the next look, though nothing changed");
	is_str(row(3), "other  waiting for its turn", "all of them");

	progress_finish(progress, due_ns + 1001 * MS);
	is_str(row(2), "", "at the end they go");
	log_notice("the end");
	is_str(row(2), "rota: the end", "and what comes then is alone");
	is_str(row(3), "", "for good");
	is_int(progress_due_ns(progress), -1, "nothing is due any more");
	progress_draw(progress, due_ns + 5000 * MS);
	progress_destroy(&progress);
	is_str(row(3), "", "and nothing is drawn");
}

static void test_many_jobs(void)
{
	enum { N_JOBS = 12 };
	struct progress *progress = progress_new(PROGRESS_AUTO);
	struct tally tallies[N_JOBS];
	char names[N_JOBS][8];
	for (int i = 0; i < N_JOBS; i++) {
		tally_init(&tallies[i]);
		tallies[i].is_waiting = true;
		snprintf(names[i], sizeof(names[i]), "job%d", i);
		progress_with(progress, names[i], &tallies[i]);
	}
	int64_t due_ns = progress_due_ns(progress);
	tallies[3].is_waiting = false;
	tallies[3].start_ns = due_ns - 300 * MS;
	progress_draw(progress, due_ns);
	is_str(row(0), "job3   0  0 items/s", "those that run stand first");
	is_str(row(1), "job0   waiting for its turn", "then those that wait");
	is_str(row(4), "and 8 more jobs", "and those for which there is no row");
	for (int i = 1; i < 20; i++) {
		tallies[3].n_outcomes[OUTCOME_OK]++;
		progress_draw(progress, due_ns + i * 100 * MS);
	}
	is_str(row(0), "job3   19  9.0 items/s", "they are drawn in their place");
	ok(!terminal.has_scrolled, "the screen stands still");

	for (int i = 4; i < N_JOBS; i++)
		tallies[i].end_ns = due_ns;
	progress_draw(progress, due_ns + 2000 * MS);
	is_str(row(3), "job2  waiting for its turn", "when jobs end the others close up");
	is_str(row(4), "", "and nothing stays below them");
	terminal_resize(1, 80);
	tallies[3].n_outcomes[OUTCOME_OK]++;
	terminal.row = 0;
	progress_draw(progress, due_ns + 2100 * MS);
	is_str(row(0), "and 4 more jobs", "one row has no place for a job among others");
	progress_destroy(&progress);
}

static void test_widths(void)
{
	struct progress *progress = progress_new(PROGRESS_AUTO);
	struct tally tallies[] = {tally_running(1, 5000000), tally_running(1, INT64_MAX), tally_running(1, -1)};
	progress_with(progress, "upper", &tallies[0]);
	progress_with(progress, "a name with blanks \xe6\xbc\xa2\xe5\xad\x97 and \033[31mcolours", &tallies[1]);
	progress_with(progress, "a-name-without-blanks", &tallies[2]);
	int64_t due_ns = progress_due_ns(progress);
	for (int n_columns = COLUMNS_MAX; n_columns >= 1; n_columns--) {
		terminal_resize(5, n_columns);
		for (int i = 0; i < 3; i++)
			tallies[i].n_outcomes[OUTCOME_OK] += 123456;
		progress_draw(progress, due_ns);
		terminal_read();
		due_ns += 100 * MS;
	}
	ok(!terminal.has_wrapped, "no line is ever wider than the terminal");
	ok(!terminal.has_garbage, "nothing but moves and wipes is written");
	terminal_resize(5, 60);
	tallies[0].n_outcomes[OUTCOME_OK] = 2500000;
	tallies[1].end_ns = tallies[2].end_ns = due_ns;
	progress_draw(progress, due_ns);
	ok(strncmp(row(0), "upper  2,500,000/5,000,000 50%  ", 32) == 0, "when it is wide again all is shown again");
	progress_destroy(&progress);
}

/* In a session of its own, whose terminal is in the hands of another process group: draws. */
static void draw_in_background(void)
{
	struct tally waiting;
	tally_init(&waiting);
	waiting.is_waiting = true;
	struct progress *progress = progress_new(PROGRESS_AUTO);
	progress_with(progress, "later", &waiting);
	progress_draw(progress, progress_due_ns(progress));
	log_notice("in the background");
	progress_destroy(&progress);
	_exit(0);
}

static void test_background(void)
{
	pid_t leader = fork();
	if (leader == 0) {
		pid_t other = -1;
		if (setsid() >= 0 && ioctl(STDERR_FILENO, TIOCSCTTY, 0) == 0)
			other = fork();
		if (other == 0 && setpgid(0, 0) == 0)
			draw_in_background();
		int status = 1;
		waitpid(other, &status, 0);
		_exit(other < 0 || status != 0);
	}
	int status = -1;
	waitpid(leader, &status, 0);
	is_int(status, 0, "a process in the background ran");
	is_str(row(0), "rota: in the background", "its words are written");
	is_int(terminal.n_bytes, strlen("rota: in the background\r\n"), "but nothing is drawn or wiped");
}

/* Each on a new terminal. */
static void test_terminal(void)
{
	static const struct {
		void (*run)(void);
		int n_rows;
	} tests[] = {{test_one_job, 24},  {test_unchanged, 24}, {test_log_lines, 24},
	             {test_many_jobs, 5}, {test_widths, 5},     {test_background, 24}};
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (!terminal_open(tests[i].n_rows, 80)) {
			skip("no pseudo-terminals here");
			continue;
		}
		tests[i].run();
		terminal_close();
	}
}

static int64_t first_due_ns(enum progress_mode mode, const char *term)
{
	struct tally tally = tally_running(1, -1);
	setenv("TERM", term, 1);
	struct progress *progress = progress_new(mode);
	progress_with(progress, "upper", &tally);
	int64_t due_ns = progress_due_ns(progress) < 0 ? -1 : progress_due_ns(progress) - clock_now_ns();
	progress_destroy(&progress);
	setenv("TERM", "xterm", 1);
	return due_ns;
}

static void test_modes(void)
{
	if (!terminal_open(24, 80)) {
		skip("no pseudo-terminals here");
		return;
	}
	ok(first_due_ns(PROGRESS_AUTO, "xterm") > 0, "auto: live on a terminal");
	is_int(first_due_ns(PROGRESS_AUTO, "dumb"), -1, "not on a dumb one");
	is_int(first_due_ns(PROGRESS_AUTO, ""), -1, "nor on one that nobody knows");
	is_int(first_due_ns(PROGRESS_NEVER, "xterm"), -1, "never is never");
	log_init(LOG_QUIET);
	is_int(first_due_ns(PROGRESS_AUTO, "xterm"), -1, "auto: nothing with -q");
	ok(first_due_ns(PROGRESS_ALWAYS, "xterm") <= 300 * MS, "always: live with -q, too");
	log_init(LOG_NORMAL);
	ok(first_due_ns(PROGRESS_ALWAYS, "dumb") > 9000 * MS, "always: plain lines on a dumb terminal");
	terminal_close();
}

/* What is in the file that stands in for standard error; it is emptied. */
static const char *said(int file)
{
	static char text[8192];
	ssize_t n = pread(file, text, sizeof(text) - 1, 0);
	if (n < 0 || ftruncate(file, 0) < 0 || lseek(file, 0, SEEK_SET) < 0)
		abort();
	text[n] = '\0';
	return text;
}

static void test_plain(int file)
{
	is_int(first_due_ns(PROGRESS_AUTO, "xterm"), -1, "auto: nothing into a file");
	struct progress *progress = progress_new(PROGRESS_ALWAYS);
	struct tally tallies[] = {tally_running(1, 200), tally_running(1, -1)};
	progress_with(progress, "upper", &tallies[0]);
	progress_with(progress, "lower", &tallies[1]);
	int64_t due_ns = progress_due_ns(progress);
	tallies[0].start_ns = tallies[1].start_ns = due_ns - 10000 * MS;
	tallies[0].n_outcomes[OUTCOME_OK] = 100;
	tallies[1].end_ns = due_ns;
	progress_draw(progress, due_ns - 1);
	is_str(said(file), "", "always: nothing into a file for ten seconds");
	progress_draw(progress, due_ns);
	is_str(said(file), "rota: upper  100/200 50%  10 items/s  ETA 0:10\n", "then a line for each job that runs");
	is_int(progress_due_ns(progress), due_ns + 10000 * MS, "and so on");
	progress_finish(progress, due_ns + 1);
	progress_destroy(&progress);
	is_str(said(file), "", "nothing at the end");
}

static bool has(const char *line, const char *name, const char *rest)
{
	char job[64];
	snprintf(job, sizeof(job), "{\"job\":\"%s\"", name);
	return line && strncmp(line, job, strlen(job)) == 0 && strstr(line, rest);
}

static void test_json(int file)
{
	log_init(LOG_QUIET);
	struct progress *progress = progress_new(PROGRESS_JSON);
	struct tally tallies[] = {tally_running(1, 200), tally_running(1, -1)};
	progress_with(progress, "upper", &tallies[0]);
	progress_with(progress, "lower", &tallies[1]);
	int64_t due_ns = progress_due_ns(progress);
	tallies[0].start_ns = tallies[1].start_ns = due_ns - 1000 * MS;
	progress_draw(progress, due_ns - 1);
	is_str(said(file), "", "json: nothing for a second");
	progress_draw(progress, due_ns);
	const char *text = said(file), *second = strchr(text, '\n');
	ok(has(text, "upper", "\"final\":false"), "then an object for a job, with -q, too");
	ok(second && has(second + 1, "lower", "\"elapsed_ns\":1000000000,"), "and for the other");
	is_int(progress_due_ns(progress), due_ns + 1000 * MS, "each second, whatever happens");

	tallies[0].end_ns = due_ns + 1;
	progress_draw(progress, due_ns + 1000 * MS);
	text = said(file);
	ok(has(text, "upper", "\"final\":true"), "a job's last object comes when it has ended");
	progress_draw(progress, due_ns + 2000 * MS);
	text = said(file);
	ok(has(text, "lower", "\"final\":false") && !strstr(text, "upper"), "none comes after it");
	progress_finish(progress, due_ns + 2001 * MS);
	text = said(file);
	ok(has(text, "lower", "\"final\":true") && !strstr(text, "upper"), "at the end the others have theirs");
	progress_destroy(&progress);
	is_str(said(file), "", "and that is all");
	log_init(LOG_NORMAL);
}

int main(void)
{
	own_stderr = dup(STDERR_FILENO);
	int file = memfd_create("stderr", MFD_CLOEXEC);
	if (own_stderr < 0 || file < 0)
		skip_all("standard error can't be caught here");
	setenv("TERM", "xterm", 1);
	test_terminal();
	test_modes();
	if (dup2(file, STDERR_FILENO) >= 0) {
		test_plain(file);
		test_json(file);
	}
	dup2(own_stderr, STDERR_FILENO);
	close(own_stderr);
	close(file);
	return tap_done();
}
