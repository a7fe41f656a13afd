/* SPDX-License-Identifier: Apache-2.0 */
/* parts - what dispatch and collect work with of their job; borrowed, and each its own room's. */
#ifndef DISPATCH_PARTS_H
#define DISPATCH_PARTS_H

#include "core/crew/crew.h"
#include "core/io/feed.h"
#include "core/plan/job.h"
#include "core/record/report.h"
#include "core/record/tally.h"
#include "core/resume/checkpoint.h"
#include "core/resume/resume.h"
#include "core/resume/retry.h"
#include "core/window/window.h"

struct parts {
	const struct job *plan;
	struct feed *feed;
	struct window *window;
	struct crew *crew;
	struct tally *tally;
	struct report *report;
	struct checkpoint *checkpoint;
	struct resume *resume;
	struct retry *retry;
};

#endif
