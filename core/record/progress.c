/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress - see progress.h. Each look at the tallies moves the jobs' paces, then says what there is to say: live
 * lines, plain lines or JSON.
 *
 * The live lines are made into a frame, and the frame is brought to the screen by put_back, which log calls under its
 * lock; the cursor then stands at the end of the last line. What is on the screen (n_shown) is read and written under
 * that lock only, for any thread's log line wipes it. The lines never wrap: each is shorter than the terminal is wide.
 * A job that has ended has no live line any more: report_job says how it went.
 */
#include "config.h"

#include "core/record/progress.h"

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/record/json.h"
#include "core/record/line.h"
#include "core/record/pace.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FIRST_NS (300 * CLOCK_NS_PER_MS) /* a shorter run shows nothing */
#define NEWS_NS (100 * CLOCK_NS_PER_MS)  /* between two draws when something changed */
#define NO_NEWS_NS CLOCK_NS_PER_SEC      /* and when nothing did: rates fall, another thread may have wiped the lines */
#define JSON_NS CLOCK_NS_PER_SEC
#define PLAIN_NS (10 * CLOCK_NS_PER_SEC)

enum medium { MEDIUM_NONE, MEDIUM_LIVE, MEDIUM_PLAIN, MEDIUM_JSON };
enum state { STATE_WAITING, STATE_RUNNING, STATE_ENDED };

struct progress_job {
	const char *name;
	const struct tally *tally;
	struct line_name line_name;
	struct pace pace;
	enum state state;  /* at the last look */
	bool has_said_all; /* its final object is written */
};

struct progress {
	enum medium medium;
	struct progress_job *jobs;
	size_t n_jobs;
	int64_t look_ns; /* the last look; before the first one the time of birth */
	bool has_looked;
	struct buf text; /* scratch */

	/* Live lines; all but n_shown belongs to the drawing thread. */
	pthread_t thread;
	struct buf frame;
	size_t n_lines;  /* in the frame */
	bool is_changed; /* the frame isn't what was put on the screen last */
	bool is_drawing; /* put_back is about to replace what is shown: nothing need be wiped before */
	size_t n_shown;  /* lines on the screen; guarded by log's lock */
};

static enum state state_of(const struct tally *tally)
{
	return tally->end_ns ? STATE_ENDED : tally->is_waiting ? STATE_WAITING : STATE_RUNNING;
}

/* Another job of the shell's has the terminal: what stands there isn't ours to change. */
static bool is_in_background(void)
{
	pid_t foreground = tcgetpgrp(STDERR_FILENO);
	return foreground >= 0 && foreground != getpgrp();
}

/* To where the lines that are shown begin. Returns text. */
#define REWIND_BYTES 32
static const char *rewind_text(char text[REWIND_BYTES], size_t n_shown)
{
	if (n_shown > 1)
		snprintf(text, REWIND_BYTES, "\r\033[%zuA", n_shown - 1);
	else
		strcpy(text, "\r");
	return text;
}

/* Any thread's, under log's lock. */
static void wipe(void *arg)
{
	struct progress *progress = arg;
	if (pthread_equal(progress->thread, pthread_self()) && progress->is_drawing)
		return;
	if (progress->n_shown > 0 && !is_in_background()) {
		char start[REWIND_BYTES], text[REWIND_BYTES + sizeof("\033[J")];
		int n = snprintf(text, sizeof(text), "%s\033[J", rewind_text(start, progress->n_shown));
		log_raw(text, (size_t)n);
	}
	progress->n_shown = 0;
}

/* The drawing thread's, under log's lock. */
static void put_back(void *arg)
{
	struct progress *progress = arg;
	if (is_in_background())
		progress->n_shown = 0;
	else if (progress->n_shown != progress->n_lines || (progress->n_lines > 0 && progress->is_changed)) {
		char start[REWIND_BYTES];
		struct buf *out = &progress->text;
		buf_clear(out);
		if (buf_append_str(out, rewind_text(start, progress->n_shown)) < 0 ||
		    buf_append(out, progress->frame.bytes, progress->frame.len) < 0 || buf_append_str(out, "\033[J") < 0)
			return;
		log_raw(out->bytes, out->len);
		progress->n_shown = progress->n_lines;
		progress->is_changed = false;
	}
}

/* One more line of the frame, behind those that are there. */
static int frame_put_job(struct buf *frame, const struct progress_job *job, size_t n_name_columns, size_t n_columns)
{
	if (frame->len > 0 && buf_append_str(frame, "\033[K\r\n") < 0)
		return -1;
	return line_put(frame, &job->line_name, n_name_columns, job->tally, &job->pace, n_columns);
}

static int frame_put_rest(struct buf *frame, size_t n_rest, size_t n_columns)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "and %zu more jobs", n_rest);
	if (frame->len > 0 && buf_append_str(frame, "\033[K\r\n") < 0)
		return -1;
	return buf_append(frame, text, (size_t)n < n_columns ? (size_t)n : n_columns);
}

/*
 * The jobs that run before those that wait; no more lines than the terminal has rows, for what has scrolled out of it
 * can't be wiped.
 */
static int frame_make(const struct progress *progress, struct buf *frame, size_t *ret_lines)
{
	struct winsize size = {0};
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_row == 0)
		size = (struct winsize){.ws_col = 80, .ws_row = 24};
	size_t n_columns = size.ws_col - 1u, n_name_columns = 0, n_jobs = 0;
	for (size_t i = 0; i < progress->n_jobs; i++) {
		const struct progress_job *job = &progress->jobs[i];
		if (job->state == STATE_ENDED)
			continue;
		n_jobs++;
		if (job->line_name.n_columns > n_name_columns)
			n_name_columns = job->line_name.n_columns;
	}
	size_t n_lines = 0, n_most = n_jobs <= size.ws_row ? n_jobs : size.ws_row - 1u;
	static const enum state order[] = {STATE_RUNNING, STATE_WAITING};
	for (size_t turn = 0; turn < sizeof(order) / sizeof(order[0]); turn++) {
		for (size_t i = 0; i < progress->n_jobs && n_lines < n_most; i++) {
			if (progress->jobs[i].state != order[turn])
				continue;
			if (frame_put_job(frame, &progress->jobs[i], n_name_columns, n_columns) < 0)
				return -1;
			n_lines++;
		}
	}
	if (n_lines < n_jobs && frame_put_rest(frame, n_jobs - n_lines, n_columns) < 0)
		return -1;
	*ret_lines = n_lines + (n_lines < n_jobs);
	return 0;
}

static void draw_live(struct progress *progress)
{
	size_t n_lines;
	struct buf *made = &progress->text, *frame = &progress->frame, before = *frame;
	buf_clear(made);
	if (frame_make(progress, made, &n_lines) < 0)
		return;
	if (made->len != frame->len || (made->len > 0 && memcmp(made->bytes, frame->bytes, made->len) != 0))
		progress->is_changed = true;
	*frame = *made;
	*made = before;
	progress->n_lines = n_lines;
	progress->is_drawing = true;
	log_raw("", 0); /* takes log's lock and calls put_back */
	progress->is_drawing = false;
}

static void draw_plain(struct progress *progress)
{
	struct buf *line = &progress->text;
	for (size_t i = 0; i < progress->n_jobs; i++) {
		const struct progress_job *job = &progress->jobs[i];
		buf_clear(line);
		if (job->state != STATE_ENDED && buf_append_str(line, "rota: ") == 0 &&
		    line_put(line, &job->line_name, job->line_name.n_columns, job->tally, &job->pace, SIZE_MAX) == 0 &&
		    buf_append(line, "\n", 1) == 0)
			log_raw(line->bytes, line->len);
	}
}

/* A job's final object comes when it has ended, or when all is over; nothing comes after it. */
static void draw_json(struct progress *progress, int64_t now_ns, bool is_over)
{
	struct buf *line = &progress->text;
	for (size_t i = 0; i < progress->n_jobs; i++) {
		struct progress_job *job = &progress->jobs[i];
		bool is_final = is_over || job->state == STATE_ENDED;
		buf_clear(line);
		if (!job->has_said_all && json_put_job(line, job->name, job->tally, &job->pace, now_ns, is_final) == 0)
			log_raw(line->bytes, line->len);
		job->has_said_all = is_final;
	}
}

static void look(struct progress *progress, int64_t now_ns)
{
	for (size_t i = 0; i < progress->n_jobs; i++) {
		struct progress_job *job = &progress->jobs[i];
		pace_look(&job->pace, job->tally, now_ns);
		job->state = state_of(job->tally);
	}
	progress->look_ns = now_ns;
	progress->has_looked = true;
}

static enum medium medium_of(enum progress_mode mode)
{
	const char *terminal = getenv("TERM");
	bool can_live = isatty(STDERR_FILENO) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
	switch (mode) {
	case PROGRESS_AUTO:
		return can_live && log_level() > LOG_QUIET ? MEDIUM_LIVE : MEDIUM_NONE;
	case PROGRESS_ALWAYS:
		return can_live ? MEDIUM_LIVE : MEDIUM_PLAIN;
	case PROGRESS_JSON:
		return MEDIUM_JSON;
	case PROGRESS_NEVER:
		break;
	}
	return MEDIUM_NONE;
}

int progress_create(struct progress **ret, enum progress_mode mode, struct err *err)
{
	struct progress *progress = calloc(1, sizeof(*progress));
	if (!progress)
		return err_set(err, ERR_RESOURCE, "out of memory");
	progress->medium = medium_of(mode);
	progress->look_ns = clock_now_ns();
	progress->thread = pthread_self();
	if (progress->medium == MEDIUM_LIVE)
		log_set_live(wipe, put_back, progress);
	*ret = progress;
	return 0;
}

/* Leaves the screen to others, for good. */
static void progress_stop(struct progress *progress)
{
	if (progress->medium == MEDIUM_LIVE) {
		progress->n_lines = 0;
		buf_clear(&progress->frame);
		log_raw("", 0);
		log_set_live(NULL, NULL, NULL);
	}
	progress->medium = MEDIUM_NONE;
}

void progress_destroy(struct progress **progress)
{
	if (!*progress)
		return;
	int errno_before = errno;
	progress_stop(*progress);
	buf_fini(&(*progress)->text);
	buf_fini(&(*progress)->frame);
	free((*progress)->jobs);
	free(*progress);
	*progress = NULL;
	errno = errno_before;
}

int progress_add(struct progress *progress, const char *job_name, const struct tally *tally, struct err *err)
{
	struct progress_job *jobs = reallocarray(progress->jobs, progress->n_jobs + 1, sizeof(*jobs));
	if (!jobs)
		return err_set(err, ERR_RESOURCE, "out of memory");
	progress->jobs = jobs;
	struct progress_job *job = &jobs[progress->n_jobs++];
	*job = (struct progress_job){.name = job_name, .tally = tally};
	line_name_set(&job->line_name, job_name);
	return 0;
}

int64_t progress_due_ns(const struct progress *progress)
{
	bool has_news = !progress->has_looked, has_open = false;
	for (size_t i = 0; i < progress->n_jobs; i++) {
		const struct progress_job *job = &progress->jobs[i];
		has_open |= job->state != STATE_ENDED;
		has_news |= job->state != state_of(job->tally) || job->pace.n_finished != tally_finished(job->tally);
	}
	if (progress->medium == MEDIUM_NONE || progress->n_jobs == 0 || (!has_open && !has_news))
		return -1;
	if (progress->medium == MEDIUM_JSON)
		return progress->look_ns + JSON_NS;
	if (progress->medium == MEDIUM_PLAIN)
		return progress->look_ns + PLAIN_NS;
	return progress->look_ns + (!progress->has_looked ? FIRST_NS : has_news ? NEWS_NS : NO_NEWS_NS);
}

void progress_draw(struct progress *progress, int64_t now_ns)
{
	int64_t due_ns = progress_due_ns(progress);
	if (due_ns < 0 || now_ns < due_ns)
		return;
	look(progress, now_ns);
	if (progress->medium == MEDIUM_LIVE)
		draw_live(progress);
	else if (progress->medium == MEDIUM_PLAIN)
		draw_plain(progress);
	else
		draw_json(progress, now_ns, false);
}

void progress_finish(struct progress *progress, int64_t now_ns)
{
	look(progress, now_ns);
	if (progress->medium == MEDIUM_JSON)
		draw_json(progress, now_ns, true);
	progress_stop(progress);
}
