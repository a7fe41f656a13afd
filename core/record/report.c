/* SPDX-License-Identifier: Apache-2.0 */
/* report - see report.h. A line's length is bounded by what a tally can hold, so none needs memory. */
#include "config.h"

#include "core/record/report.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/record/figure.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* Enough for each counter with its name, sign and figure. */
#define LINE_BYTES (256 + TALLY_COUNTERS_MAX * (TALLY_COUNTER_NAME_BYTES + FIGURE_BYTES + 4))

struct line {
	size_t len;
	char text[LINE_BYTES];
};

__attribute__((format(printf, 2, 3))) static void line_printf(struct line *line, const char *format, ...)
{
	size_t room = sizeof(line->text) - line->len;
	va_list args;
	va_start(args, format);
	int n = vsnprintf(line->text + line->len, room, format, args);
	va_end(args);
	if (n > 0)
		line->len += (size_t)n < room ? (size_t)n : room - 1;
}

void report_init(struct report *report, const char *job_name)
{
	*report = (struct report){.job_name = job_name ? job_name : "", .separator = job_name ? ": " : ""};
}

/* "upper: item 7 "foo": crashed after 3 attempts: SIGSEGV (...)", without its end. */
static void put_failure(struct line *line, const struct report *report, const struct failure *failure)
{
	char item[LOG_QUOTE_BYTES], prose[CAUSE_PROSE_BYTES];
	struct item_text text;
	item_text_init(&text, report->shape, ITEM_TEXT_ENDS, failure->item, failure->item_bytes);
	line_printf(line, "%s%sitem %" PRIu64 " %s: %s", report->job_name, report->separator, failure->seq,
	            log_quote(item, text.bytes, text.n_bytes), outcome_name(outcome_of(failure->cause.kind)));
	item_text_fini(&text);
	if (failure->attempts > 1)
		line_printf(line, " after %" PRIu32 " attempts", failure->attempts);
	if (*cause_prose(prose, &failure->cause))
		line_printf(line, ": %s", prose);
}

/* Is one more line of that kind to be said? What is left unsaid is announced once. */
static bool may_say(const struct report *report, uint64_t n_said, const char *what)
{
	if (n_said == REPORT_FAILURES_MAX + 1 && log_level() < LOG_VERBOSE)
		log_error("%s%smore %s: not shown, only counted (-v shows all)", report->job_name, report->separator, what);
	return n_said <= REPORT_FAILURES_MAX || log_level() >= LOG_VERBOSE;
}

static void log_item(const struct report *report, const struct joblog_entry *entry)
{
	struct joblog_entry shown = *entry;
	struct item_text text;
	item_text_init(&text, report->shape, ITEM_TEXT_LINE, entry->item, entry->item_bytes);
	shown.item = text.bytes;
	shown.item_bytes = text.n_bytes;
	joblog_add(report->joblog, report->job_name, &shown);
	item_text_fini(&text);
}

void report_ok(struct report *report, uint64_t seq, const char *item, size_t item_bytes, const struct item_time *time)
{
	const struct joblog_entry entry = {.seq = seq, .item = item, .item_bytes = item_bytes, .time = *time};
	log_item(report, &entry);
}

static void log_failure(const struct report *report, const struct failure *failure)
{
	const struct joblog_entry entry = {.seq = failure->seq,
	                                   .item = failure->item,
	                                   .item_bytes = failure->item_bytes,
	                                   .cause = failure->cause,
	                                   .time = failure->time};
	log_item(report, &entry);
}

void report_failure(struct report *report, const struct failure *failure)
{
	struct line line = {0};
	if (report->joblog)
		log_failure(report, failure);
	if (!may_say(report, ++report->n_failures, "failures"))
		return;
	put_failure(&line, report, failure);
	log_error("%s", line.text);
}

void report_retry(struct report *report, const struct failure *failure, uint32_t attempts_max)
{
	struct line line = {0};
	if (log_level() < LOG_NORMAL || !may_say(report, ++report->n_retries, "attempts that failed"))
		return;
	put_failure(&line, report, failure);
	log_warning("%s: trying again, attempt %" PRIu32 " of %" PRIu32, line.text, failure->attempts + 1, attempts_max);
}

static void put_outcomes(struct line *line, const struct tally *tally)
{
	char figure[FIGURE_BYTES];
	uint64_t n_finished = tally_finished(tally);
	line_printf(line, "%s item%s", figure_count(figure, n_finished), n_finished == 1 ? "" : "s");
	for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
		if (tally->n_outcomes[outcome] > 0 || outcome == OUTCOME_OK)
			line_printf(line, ", %s %s", figure_count(figure, tally->n_outcomes[outcome]),
			            outcome_name((enum outcome)outcome));
	if (tally->n_read > n_finished)
		line_printf(line, ", %s unfinished", figure_count(figure, tally->n_read - n_finished));
}

static void put_time(struct line *line, const struct tally *tally)
{
	char figure[FIGURE_BYTES];
	int64_t elapsed_ns = (tally->end_ns ? tally->end_ns : clock_now_ns()) - tally->start_ns;
	if (elapsed_ns <= 0)
		return;
	double per_s = (double)(tally_finished(tally) - tally->n_before) / ((double)elapsed_ns / (double)CLOCK_NS_PER_SEC);
	line_printf(line, ", %s", figure_duration(figure, elapsed_ns));
	line_printf(line, ", %s items/s", figure_rate(figure, per_s));
}

static void say_counters(const struct report *report, const struct tally *tally)
{
	struct line line = {0};
	char figure[FIGURE_BYTES];
	for (size_t i = 0; i < tally->n_counters; i++) {
		const struct tally_counter *counter = &tally->counters[i];
		uint64_t size = counter->value < 0 ? 0 - (uint64_t)counter->value : (uint64_t)counter->value;
		line_printf(&line, "%s%s %s%s", i > 0 ? ", " : "", counter->name, counter->value < 0 ? "-" : "",
		            figure_count(figure, size));
	}
	if (tally->has_more_counters)
		line_printf(&line, " (no more than %d counters are kept: the others are lost)", TALLY_COUNTERS_MAX);
	if (line.len > 0)
		log_detail("%s%scounters: %s", report->job_name, report->separator, line.text);
}

/* Who kept the others waiting: what the supervisor did most of the time, awake or asleep. */
static void say_bottleneck(const struct report *report, const struct tally *tally)
{
	static const char *const names[] = {
		[TALLY_INPUT] = "input", [TALLY_WORKERS] = "workers", [TALLY_OUTPUT] = "output", [TALLY_WAITS] = "rota itself"};
	int64_t shares_ns[TALLY_WAITS + 1], total_ns = tally->end_ns - tally->start_ns;
	int worst = TALLY_WAITS;
	struct line line = {0};
	if (total_ns <= 0 || tally->ready_ns == 0)
		return;
	shares_ns[TALLY_WAITS] = total_ns;
	for (int i = 0; i < TALLY_WAITS; i++) {
		shares_ns[i] = tally->waited_ns[i];
		shares_ns[TALLY_WAITS] -= tally->waited_ns[i];
	}
	for (int i = 0; i < TALLY_WAITS; i++)
		worst = shares_ns[i] > shares_ns[worst] ? i : worst;
	line_printf(&line, "%s %.0f %% of the time", names[worst], (double)shares_ns[worst] * 100 / (double)total_ns);
	for (int i = 0; i <= TALLY_WAITS; i++)
		if (i != worst)
			line_printf(&line, ", %s %.0f %%", names[i], (double)shares_ns[i] * 100 / (double)total_ns);
	line_printf(&line, "; workers were busy %.0f %% of theirs", (double)tally->busy_ns * 100 / (double)tally->ready_ns);
	log_detail("%s%sbottleneck: %s", report->job_name, report->separator, line.text);
}

void report_job(const struct report *report, const struct tally *tally)
{
	bool is_well = tally->start_ns != 0 && tally_not_ok(tally) == 0 && tally->n_read <= tally_finished(tally);
	if (is_well && log_level() < LOG_VERBOSE && !isatty(STDERR_FILENO))
		return;
	struct line line = {0};
	if (tally->start_ns == 0) {
		line_printf(&line, "not started");
	} else {
		char figure[FIGURE_BYTES];
		put_outcomes(&line, tally);
		put_time(&line, tally);
		if (tally->n_deaths > 0)
			line_printf(&line, ", %s worker%s restarted", figure_count(figure, tally->n_deaths),
			            tally->n_deaths == 1 ? "" : "s");
	}
	log_notice("%s%s%s", report->job_name, report->separator, line.text);
	say_counters(report, tally);
	say_bottleneck(report, tally);
}
