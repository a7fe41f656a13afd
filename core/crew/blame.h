/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blame - a worker died: is an item charged with that, and which way does the rest go back?
 *
 * Who is charged: the one item that the claim word says was begun. When the worker was taken down together with its
 * fork server, when it ended for want of its bell, or when its claim word can't be true, nobody knows: what it held is
 * run again one item at a time (suspect), and only a suspect item that takes its worker along once more, or the fork
 * server twice more, is charged. Such a rerun is no attempt.
 *
 * The claim word exonerates nobody for ever. When a worker ends that owes something, though it says that it had begun
 * nothing, dead or having left in order, that is noted of the item that it owed first. After the third time this one is
 * run alone; when that goes on (twice more; thrice where the worker left in order, as it may when the item before made
 * it) it is charged.
 */
#ifndef CREW_BLAME_H
#define CREW_BLAME_H

#include "core/base/cause.h"
#include "core/crew/crew.h"

struct judgement {
	bool is_charged;         /* the item behind those answered, with this cause */
	struct cause cause;      /* else nothing */
	enum flight_blame blame; /* how what it owes goes back, after that */
	enum verdict verdict;    /* for the crew */
};

/* Of a worker that is DEAD, and whose channel has nothing more to collect. Counts it, and says what is to be said. */
struct judgement blame_death(struct crew *crew, const struct worker *worker);

#endif
