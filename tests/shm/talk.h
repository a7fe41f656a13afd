/* SPDX-License-Identifier: Apache-2.0 */
/* talk - the two ends of one channel in one thread, and what a test has the worker's end do: take a batch, answer. */
#ifndef TESTS_SHM_TALK_H
#define TESTS_SHM_TALK_H

#include "tests/shm/ends.h"
#include "tests/tap.h"

#include <stdint.h>

static struct ends ends;
static struct port_batch batch;
static uint64_t n_bytes;
static uint32_t n_items;

static struct channel *channel(void)
{
	return ends.channel;
}

static struct port *port(void)
{
	return &ends.port;
}

static void next_batch(void)
{
	must(port_next_batch(port(), &batch, &ends.err) == 1);
}

static void answer(const char *text, bool is_last)
{
	must(port_claim(port()));
	memcpy(port_out(port()), text, strlen(text));
	port_answer(port(), strlen(text), is_last);
}

#endif
