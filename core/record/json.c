/* SPDX-License-Identifier: Apache-2.0 */
/* json - see json.h. The rate is written as two whole numbers: printf's decimal point is the locale's. */
#include "config.h"

#include "core/record/json.h"

#include "core/base/clock.h"
#include "core/base/utf8.h"

#include <inttypes.h>
#include <string.h>

static int put_escaped(struct buf *out, unsigned char byte)
{
	switch (byte) {
	case '"':
		return buf_append_str(out, "\\\"");
	case '\\':
		return buf_append_str(out, "\\\\");
	case '\n':
		return buf_append_str(out, "\\n");
	case '\t':
		return buf_append_str(out, "\\t");
	default:
		return buf_printf(out, "\\u%04x", byte);
	}
}

int json_put_string(struct buf *out, const char *bytes, size_t n_bytes)
{
	int result = buf_append_str(out, "\"");
	for (size_t at = 0; at < n_bytes && result == 0;) {
		unsigned char byte = (unsigned char)bytes[at];
		uint32_t character;
		size_t length = utf8_read(bytes + at, n_bytes - at, &character);
		if (length == 0)
			result = buf_append_str(out, "\\ufffd");
		else if (byte < 0x20 || byte == '"' || byte == '\\')
			result = put_escaped(out, byte);
		else
			result = buf_append(out, bytes + at, length);
		at += length ? length : 1;
	}
	return result < 0 ? -1 : buf_append_str(out, "\"");
}

static int put_counts(struct buf *out, const struct tally *tally)
{
	static const char *const keys[OUTCOME_COUNT] = {
		[OUTCOME_OK] = "ok",
		[OUTCOME_FAILED] = "failed",
		[OUTCOME_CRASHED] = "crashed",
		[OUTCOME_TIMED_OUT] = "timed_out",
		[OUTCOME_OVER_LIMIT] = "over_limit",
		[OUTCOME_CANCELLED] = "cancelled",
	};
	int bad = buf_printf(out, ",\"items_read\":%" PRIu64, tally->n_read);
	for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
		bad |= buf_printf(out, ",\"%s\":%" PRIu64, keys[outcome], tally->n_outcomes[outcome]);
	bad |= buf_printf(out, ",\"finished\":%" PRIu64 ",\"total\":", tally_finished(tally));
	bad |= tally_total(tally) >= 0 ? buf_printf(out, "%" PRId64, tally_total(tally)) : buf_append_str(out, "null");
	bad |= buf_printf(out, ",\"result_bytes\":%" PRIu64, tally->result_bytes);
	return bad | buf_printf(out, ",\"workers\":%u,\"deaths\":%" PRIu64, tally->n_workers, tally->n_deaths);
}

static int put_times(struct buf *out, const struct tally *tally, const struct pace *pace, int64_t now_ns, bool is_final)
{
	int64_t elapsed_ns = tally->start_ns ? (tally->end_ns ? tally->end_ns : now_ns) - tally->start_ns : 0;
	if (elapsed_ns < 0)
		elapsed_ns = 0;
	double rate = pace_rate(pace);
	if (is_final)
		rate = elapsed_ns ? (double)tally_finished(tally) / ((double)elapsed_ns / (double)CLOCK_NS_PER_SEC) : 0;
	uint64_t thousandths = rate < 1e15 ? (uint64_t)(rate * 1000) : UINT64_MAX;
	int bad = buf_printf(out, ",\"elapsed_ns\":%" PRId64, elapsed_ns);
	bad |= buf_printf(out, ",\"rate_per_s\":%" PRIu64 ".%03" PRIu64, thousandths / 1000, thousandths % 1000);
	bad |= buf_append_str(out, ",\"eta_s\":");
	int64_t eta_s = is_final ? -1 : pace_eta_s(pace, tally);
	return bad | (eta_s >= 0 ? buf_printf(out, "%" PRId64, eta_s) : buf_append_str(out, "null"));
}

static int put_counters(struct buf *out, const struct tally *tally)
{
	int bad = buf_append_str(out, ",\"counters\":{");
	for (size_t i = 0; i < tally->n_counters; i++) {
		const struct tally_counter *counter = &tally->counters[i];
		bad |= buf_append_str(out, i > 0 ? "," : "");
		bad |= json_put_string(out, counter->name, strlen(counter->name));
		bad |= buf_printf(out, ":%" PRId64, counter->value);
	}
	return bad | buf_append_str(out, "}");
}

int json_put_job(struct buf *out, const char *job_name, const struct tally *tally, const struct pace *pace,
                 int64_t now_ns, bool is_final)
{
	int bad = buf_append_str(out, "{\"job\":");
	bad |= json_put_string(out, job_name, strlen(job_name));
	bad |= put_counts(out, tally);
	bad |= put_times(out, tally, pace, now_ns, is_final);
	bad |= buf_printf(out, ",\"waiting\":%s", tally->is_waiting ? "true" : "false");
	bad |= buf_printf(out, ",\"final\":%s", is_final ? "true" : "false");
	bad |= put_counters(out, tally);
	return bad | buf_append_str(out, "}\n");
}
