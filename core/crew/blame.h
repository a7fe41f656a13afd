/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blame - a worker died: what it had published is collected, the item that it had begun is charged, the rest goes back.
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

#include "core/crew/worker.h"

enum verdict {
	VERDICT_ACCOUNTED, /* it left in order, or it was noted of an item, or the death was our doing */
	VERDICT_REFUSED,   /* it was never ready, its open said no: worker->refusal */
	VERDICT_NOT_READY, /* it died before it was ready */
	VERDICT_UNCHARGED  /* it died owing nothing */
};

/*
 * wait_status as of waitpid. was_lost: it died with its fork server. Afterwards it owes nothing and is to be cleared.
 */
enum verdict blame_death(struct worker *worker, int wait_status, bool was_lost);

#endif
