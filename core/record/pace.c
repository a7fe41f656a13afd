/* SPDX-License-Identifier: Apache-2.0 */
/* pace - see pace.h. */
#include "config.h"

#include "core/record/pace.h"

#include "core/base/clock.h"

#define SMOOTHING_S 3.0
#define SMOOTHING_ITEMS 10.0
#define ETA_MAX_S 1e8

void pace_look(struct pace *pace, const struct tally *tally, int64_t now_ns)
{
	uint64_t n_finished = tally_finished(tally), n_more = n_finished - pace->n_finished;
	pace->n_finished = n_finished;
	if (tally->start_ns == 0 || tally->is_waiting)
		return;
	int64_t since_ns = pace->look_ns ? pace->look_ns : tally->start_ns;
	if (now_ns > since_ns) {
		double more_s = (double)(now_ns - since_ns) / (double)CLOCK_NS_PER_SEC;
		double all_s = (double)(now_ns - tally->start_ns) / (double)CLOCK_NS_PER_SEC;
		double smoothing_s = n_finished ? SMOOTHING_ITEMS * all_s / (double)n_finished : SMOOTHING_S;
		if (smoothing_s < SMOOTHING_S)
			smoothing_s = SMOOTHING_S;
		double fading = smoothing_s / (smoothing_s + more_s);
		pace->faded_items = pace->faded_items * fading + (double)n_more;
		pace->faded_s = pace->faded_s * fading + more_s;
	}
	pace->look_ns = now_ns;
}

double pace_rate(const struct pace *pace)
{
	return pace->faded_s > 0 ? pace->faded_items / pace->faded_s : 0;
}

int64_t pace_eta_s(const struct pace *pace, const struct tally *tally)
{
	double to_go = pace_total(tally) - (double)pace->n_finished, rate = pace_rate(pace);
	if (tally->is_waiting || tally->is_cut || tally->end_ns || to_go < 0 || rate <= 0 || to_go / rate > ETA_MAX_S)
		return -1;
	int64_t whole_s = (int64_t)(to_go / rate);
	return whole_s + ((double)whole_s < to_go / rate);
}

double pace_total(const struct tally *tally)
{
	int64_t total_items = tally_total(tally);
	uint64_t n_finished = tally_finished(tally);
	if (total_items >= 0)
		return (double)total_items;
	if (n_finished == 0 || tally->finished_bytes <= 0 || tally->finished_bytes > tally->total_bytes)
		return -1;
	return (double)n_finished * ((double)tally->total_bytes / (double)tally->finished_bytes);
}
