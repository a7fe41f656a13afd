/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup - see setup.h. Records: file, duty (its numbers), one for each row of the table, option (name and elements),
 * pin (one a place), end.
 */
#include "config.h"

#include "core/base/fields.h"
#include "core/wire/setup.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum number_kind { NUMBER_CHAR, NUMBER_BOOL, NUMBER_UNSIGNED, NUMBER_INT64 };

#define NUMBER(record, member) \
	{ \
		(record), offsetof(struct setup, member), NUMBER_KIND(member) \
	}
#define NUMBER_KIND(member) \
	_Generic(((struct setup *)0)->member, char \
	         : NUMBER_CHAR, bool \
	         : NUMBER_BOOL, unsigned \
	         : NUMBER_UNSIGNED, int64_t \
	         : NUMBER_INT64)

/* What is a number: written and read by this. */
static const struct number {
	const char *name;
	size_t offset;
	enum number_kind kind;
} numbers[] = {
	NUMBER("delimiter", delimiter),         NUMBER("frame", frame),       NUMBER("frame-byte", frame_byte),
	NUMBER("max-result", max_result_bytes), NUMBER("workers", n_workers), NUMBER("places", n_places),
	NUMBER("times", tells_times),           NUMBER("all", tells_all),     NUMBER("commands", runs_commands),
};

#define N_NUMBERS (sizeof numbers / sizeof numbers[0])

static long long number_get(const struct setup *setup, const struct number *number)
{
	const void *at = (const char *)setup + number->offset;
	switch (number->kind) {
	case NUMBER_CHAR:
		return *(const char *)at;
	case NUMBER_BOOL:
		return *(const bool *)at;
	case NUMBER_UNSIGNED:
		return *(const unsigned *)at;
	case NUMBER_INT64:
		break;
	}
	return *(const int64_t *)at;
}

static void number_set(struct setup *setup, const struct number *number, long long value)
{
	void *at = (char *)setup + number->offset;
	switch (number->kind) {
	case NUMBER_CHAR:
		*(char *)at = (char)value;
		break;
	case NUMBER_BOOL:
		*(bool *)at = value != 0;
		break;
	case NUMBER_UNSIGNED:
		*(unsigned *)at = (unsigned)value;
		break;
	case NUMBER_INT64:
		*(int64_t *)at = value;
		break;
	}
}

static int put_numbers(struct buf *buf, const struct setup *setup)
{
	for (size_t i = 0; i < N_NUMBERS; i++) {
		char text[32];
		snprintf(text, sizeof text, "%lld", number_get(setup, &numbers[i]));
		if (fields_put(buf, numbers[i].name, text, NULL) != 0)
			return -1;
	}
	return 0;
}

static int put_duty(struct buf *buf, const struct duty *duty)
{
	int64_t values[DUTY_NUMBERS];
	char texts[DUTY_NUMBERS][32];
	const char *strings[1 + DUTY_NUMBERS] = {"duty"};
	memcpy(values, duty, sizeof values);
	for (size_t i = 0; i < DUTY_NUMBERS; i++) {
		snprintf(texts[i], sizeof texts[i], "%" PRId64, values[i]);
		strings[1 + i] = texts[i];
	}
	return fields_put_array(buf, strings, 1 + DUTY_NUMBERS);
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
	if (fields_put(buf, "file", setup->file, NULL) != 0 || put_duty(buf, &setup->duty) != 0 ||
	    put_numbers(buf, setup) != 0)
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

static int take_duty(struct duty *duty, char *const *field, size_t n_fields)
{
	int64_t values[DUTY_NUMBERS];
	if (n_fields != 1 + DUTY_NUMBERS)
		return -1;
	for (size_t i = 0; i < DUTY_NUMBERS; i++)
		values[i] = strtoll(field[1 + i], NULL, 10);
	memcpy(duty, values, sizeof *duty);
	return 0;
}

static int take_number(struct setup *setup, const char *name, const char *text)
{
	for (size_t i = 0; i < N_NUMBERS; i++) {
		if (strcmp(numbers[i].name, name) != 0)
			continue;
		number_set(setup, &numbers[i], strtoll(text, NULL, 10));
		return 0;
	}
	return -1;
}

static int take_record(struct setup *setup, char *const *field, size_t n_fields)
{
	const char *key = field[0];
	if (n_fields < 2)
		return -1;
	if (strcmp(key, "option") == 0)
		return take_option(setup, field, n_fields);
	if (strcmp(key, "pin") == 0)
		return take_pin(setup, field[1]);
	if (strcmp(key, "duty") == 0)
		return take_duty(&setup->duty, field, n_fields);
	if (strcmp(key, "file") != 0)
		return take_number(setup, key, field[1]);
	setup->file = field[1];
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
		return err_set(err, ERR_RUN, "the job's setup can't be read: rota and rota-worker must have the same version");
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
