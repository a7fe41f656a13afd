/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup - see setup.h. Records: file, delimiter, frame, max-result, workers, places, pid-namespace, times, spin,
 * option (name and elements), pin (one a place), end.
 */
#include "config.h"

#include "core/base/fields.h"
#include "core/wire/setup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int put_number(struct buf *buf, const char *key, long long number)
{
	char text[32];
	snprintf(text, sizeof text, "%lld", number);
	return fields_put(buf, key, text, NULL);
}

static int put_option(struct buf *buf, const struct setup_option *option)
{
	const char **strings = calloc(option->n_elements + 2, sizeof *strings);
	if (!strings)
		return -1;
	strings[0] = "option";
	strings[1] = option->name;
	for (size_t i = 0; i < option->n_elements; i++)
		strings[2 + i] = option->elements[i];
	int result = fields_put_array(buf, strings, option->n_elements + 2);
	free(strings);
	return result;
}

int setup_write(const struct setup *setup, struct buf *buf)
{
	if (fields_put(buf, "file", setup->file, NULL) != 0 || put_number(buf, "delimiter", setup->delimiter) != 0 ||
	    put_number(buf, "frame", setup->frame) != 0 || put_number(buf, "frame-byte", setup->frame_byte) != 0 ||
	    put_number(buf, "max-result", setup->max_result_bytes) != 0 ||
	    put_number(buf, "workers", setup->n_workers) != 0 || put_number(buf, "places", setup->n_places) != 0 ||
	    put_number(buf, "pid-namespace", setup->has_pid_namespace) != 0 ||
	    put_number(buf, "times", setup->tells_times) != 0 || put_number(buf, "all", setup->tells_all) != 0 ||
	    put_number(buf, "spin", setup->spins) != 0 || put_number(buf, "commands", setup->runs_commands) != 0)
		return -1;
	for (size_t i = 0; i < setup->n_options; i++)
		if (put_option(buf, &setup->options[i]) != 0)
			return -1;
	for (size_t i = 0; i < setup->n_pins; i++)
		if (fields_put(buf, "pin", setup->pins[i], NULL) != 0)
			return -1;
	return fields_put(buf, "end", NULL);
}

/* The fields' strings stand in setup->memory; the array of them is ours. */
static int take_option(struct setup *setup, char *const *field, size_t n_fields)
{
	struct setup_option *options = realloc(setup->options, (setup->n_options + 1) * sizeof *options);
	if (!options)
		return -1;
	setup->options = options;
	const char **elements = calloc(n_fields, sizeof *elements);
	if (!elements)
		return -1;
	for (size_t i = 2; i < n_fields; i++)
		elements[i - 2] = field[i];
	options[setup->n_options++] =
		(struct setup_option){.name = field[1], .elements = elements, .n_elements = n_fields - 2};
	return 0;
}

/* As an option's. */
static int take_pin(struct setup *setup, char *cpus)
{
	char **pins = realloc(setup->pins, (setup->n_pins + 1) * sizeof *pins);
	if (!pins)
		return -1;
	setup->pins = pins;
	pins[setup->n_pins++] = cpus;
	return 0;
}

static int take_record(struct setup *setup, char *const *field, size_t n_fields)
{
	const char *key = field[0];
	if (n_fields < 2)
		return -1;
	long long number = strtoll(field[1], NULL, 10);
	if (strcmp(key, "file") == 0)
		setup->file = field[1];
	else if (strcmp(key, "delimiter") == 0)
		setup->delimiter = (char)number;
	else if (strcmp(key, "frame") == 0)
		setup->frame = (enum setup_frame)number;
	else if (strcmp(key, "frame-byte") == 0)
		setup->frame_byte = (char)number;
	else if (strcmp(key, "max-result") == 0)
		setup->max_result_bytes = number;
	else if (strcmp(key, "workers") == 0)
		setup->n_workers = (unsigned)number;
	else if (strcmp(key, "places") == 0)
		setup->n_places = (unsigned)number;
	else if (strcmp(key, "pid-namespace") == 0)
		setup->has_pid_namespace = number != 0;
	else if (strcmp(key, "times") == 0)
		setup->tells_times = number != 0;
	else if (strcmp(key, "all") == 0)
		setup->tells_all = number != 0;
	else if (strcmp(key, "spin") == 0)
		setup->spins = number != 0;
	else if (strcmp(key, "commands") == 0)
		setup->runs_commands = number != 0;
	else if (strcmp(key, "option") == 0)
		return take_option(setup, field, n_fields);
	else if (strcmp(key, "pin") == 0)
		return take_pin(setup, field[1]);
	else
		return -1;
	return 0;
}

int setup_read(struct setup *ret, const char *text, size_t n_bytes, struct err *err)
{
	struct setup setup = {.memory = malloc(n_bytes + 1)};
	struct fields fields = {0};
	if (!setup.memory)
		return err_set(err, ERR_RESOURCE, "out of memory");
	memcpy(setup.memory, text, n_bytes);
	setup.memory[n_bytes] = '\0';
	fields_init(&fields, setup.memory, n_bytes);
	int n_fields;
	bool is_whole = false;
	while (!is_whole && (n_fields = fields_next(&fields)) > 0) {
		is_whole = n_fields == 1 && strcmp(fields.field[0], "end") == 0 && setup.file;
		if (!is_whole && take_record(&setup, fields.field, (size_t)n_fields) != 0)
			break;
	}
	fields_fini(&fields);
	if (!is_whole) {
		setup_fini(&setup);
		return err_set(err, ERR_RUN,
		               "the set-up of the job can't be read: rota and rota-worker must be of one version");
	}
	*ret = setup;
	return 0;
}

void setup_fini(struct setup *setup)
{
	for (size_t i = 0; i < setup->n_options; i++)
		free((void *)(uintptr_t)setup->options[i].elements);
	free(setup->options);
	free(setup->pins);
	free(setup->memory);
	*setup = (struct setup){0};
}
