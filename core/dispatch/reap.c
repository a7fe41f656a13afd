/* SPDX-License-Identifier: Apache-2.0 */
/* reap - see reap.h. */
#include "config.h"

#include "core/crew/blame.h"
#include "core/dispatch/reap.h"

#define RESTS_MAX 4

/* All that it published before it died counts. */
static void collect_rest(struct collector *collector, struct worker *worker)
{
	int more = 1;
	/* one look finds all of it; who goes on writing now is something else that has the channel */
	for (int i = 0; i < RESTS_MAX && !worker->is_broken && more > 0; i++)
		more = collect(collector, worker);
	if (more < 0)
		worker_mute(worker);
}

bool reap_next(struct collector *collector, uint64_t *ret_charged)
{
	struct crew *crew = collector->crew;
	struct worker *worker = crew_next_dead(crew);
	*ret_charged = 0;
	if (!worker) {
		crew_note_loss(crew);
		return false;
	}
	collect_rest(collector, worker);
	struct judgement judgement = blame_death(crew, worker);
	if (judgement.is_charged) {
		*ret_charged = flight_seq(&worker->flight, 0);
		collect_charge(collector, worker, &judgement.cause);
	}
	worker_put_back(worker, judgement.blame);
	crew_bury(crew, worker, judgement.verdict);
	return true;
}
