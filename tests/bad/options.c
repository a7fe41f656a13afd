/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options - has an option of every type; each result tells what they are. A good plugin, for testing options.
 */
#define _GNU_SOURCE 1
#include <rota/plugin.h>

#include <inttypes.h>
#include <stdlib.h>

struct told {
	char *text;
	size_t n_bytes;
};

static void tell(FILE *out, struct rota_worker *worker)
{
	fprintf(out, "string=%s", rota_option_string(worker, "string"));
	fprintf(out, " int=%" PRId64, rota_option_int(worker, "int"));
	fprintf(out, " bool=%s", rota_option_bool(worker, "bool") ? "yes" : "no");
	fprintf(out, " size=%" PRId64, rota_option_size(worker, "size"));
	fprintf(out, " duration=%" PRId64, rota_option_duration(worker, "duration"));
	fprintf(out, " choice=%s", rota_option_choice(worker, "choice"));
	size_t n;
	const char *const *elements = rota_option_list(worker, "list", &n);
	fprintf(out, " list=%zu", n);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "[%s]", elements[i]);
	if (elements[n])
		fprintf(out, " without a NULL behind it");
}

static int options_open(struct rota_worker *worker, void **state)
{
	struct told *told = calloc(1, sizeof(*told));
	FILE *out = told ? open_memstream(&told->text, &told->n_bytes) : NULL;
	if (!out) {
		free(told);
		return rota_refuse(worker, "no memory for the options");
	}
	tell(out, worker);
	if (fclose(out)) {
		free(told->text);
		free(told);
		return rota_refuse(worker, "no memory for the options");
	}
	*state = told;
	return ROTA_OK;
}

static int options_run(struct rota_task *task, void *state)
{
	const struct told *told = state;
	return rota_write(task, told->text, told->n_bytes);
}

static void options_close(void *state)
{
	struct told *told = state;
	free(told->text);
	free(told);
}

ROTA_OPTIONS(options_options, {"string", ROTA_STRING, "some text", "any text"},
             {"int", ROTA_INT, "42", "a number", "-100..100000", "apples"}, {"bool", ROTA_BOOL, "no", "yes or no"},
             {"size", ROTA_SIZE, "64K", "bytes", "1..1G"}, {"duration", ROTA_DURATION, "1500ms", "a time", "..1h"},
             {"choice", ROTA_CHOICE, "small", "one of three", "fast,small,safe"},
             {"list", ROTA_LIST, "a,b", "some words"}, {NULL});

ROTA_PLUGIN(.name = "options", .version = "1.0", .summary = "tells its options",
            .flags = ROTA_THREAD_SAFE | ROTA_PURE | ROTA_TIDY, .options = options_options, .open = options_open,
            .run = options_run, .close = options_close);
