/* SPDX-License-Identifier: Apache-2.0 */
/* ring, its two ends in two threads: what is sent is what comes. To be run under a thread sanitizer, too. */
#include "config.h"

#include "shm/ring.h"

#include "stream.h"
#include "tests/tap.h"

#include <pthread.h>

static struct stream stream;
static bool has_sent;

static void *produce(void *nothing)
{
	has_sent = stream_produce(&stream);
	return nothing;
}

int main(void)
{
	static const uint64_t seeds[] = {1, 88172645463325252};
	struct err err;
	for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
		struct stream_report report;
		pthread_t thread;
		if (stream_init(&stream, seeds[i], &err) != 0 || pthread_create(&thread, NULL, produce, NULL) != 0) {
			printf("Bail out! no ring or no thread\n");
			return EXIT_FAILURE;
		}
		stream_consume(&stream, &report);
		/* a producer that still waits for room would wait for ever */
		if (!report.is_at_end) {
			stream_test(&stream, &report);
			return tap_done();
		}
		pthread_join(thread, NULL);
		ok(has_sent, "all was sent");
		stream_test(&stream, &report);
		segment_unmap(&stream.map);
	}
	return tap_done();
}
