/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields - a fuzzer of the texts that cross between processes: base/fields itself, a job's set-up, a plugin's
 * description, each with mistakes in it.
 *
 *	FUZZ_SECONDS=600 FUZZ_SEED=1 tests/fuzz/fields-t     (make check-fuzz)
 *
 * What holds in every run: records that are read are the text when they are written again; a set-up that is read is
 * the same when it was written and read once more; a description that is believed has a name and options that are
 * right, or an error says why it isn't.
 */
#include "config.h"

#include "core/base/fields.h"
#include "core/plan/plugin_info.h"
#include "core/wire/setup.h"

#include "tests/fuzz/fuzz.h"

static const char special[] = "\t\n\\0123456789nt-\xff";
static unsigned n_right;

static void run_fields(const char *given, size_t n_bytes)
{
	struct fields fields;
	struct buf again = {0};
	char *text = malloc(n_bytes + 1);
	int n;

	must(text != NULL);
	memcpy(text, given, n_bytes);
	fields_init(&fields, text, n_bytes);
	while ((n = fields_next(&fields)) > 0)
		must(fields_put_array(&again, (const char *const *)fields.field, (size_t)n) == 0);
	if (n == 0) {
		n_right++;
		fuzz_check(again.len == n_bytes && (n_bytes == 0 || memcmp(again.bytes, given, n_bytes) == 0),
		           "records that were read are another text when they are written");
	}
	fuzz_check(n == 0 || fields_next(&fields) == -1, "a reader goes on behind what it has refused");
	fields_fini(&fields);
	buf_fini(&again);
	free(text);
}

static void run_setup(const char *text, size_t n_bytes)
{
	struct setup setup, again;
	struct buf first = {0}, second = {0};
	struct err err = {0};

	if (setup_read(&setup, text, n_bytes, &err) != 0) {
		fuzz_check(err.text[0] != '\0', "a set-up is refused without a reason");
		return;
	}
	n_right++;
	must(setup_write(&setup, &first) == 0);
	fuzz_check(setup_read(&again, first.bytes, first.len, &err) == 0, "a set-up that was written isn't read");
	if (!fuzz.finding) {
		must(setup_write(&again, &second) == 0);
		fuzz_check(first.len == second.len && memcmp(first.bytes, second.bytes, first.len) == 0,
		           "a set-up is another when it was written and read");
		setup_fini(&again);
	}
	setup_fini(&setup);
	buf_fini(&first);
	buf_fini(&second);
}

static void run_info(const char *given, size_t n_bytes)
{
	struct plugin_info info;
	struct err err = {0};
	char *text = malloc(n_bytes + 1);

	must(text != NULL);
	memcpy(text, given, n_bytes);
	if (plugin_info_parse(&info, text, n_bytes, &err) != 0) {
		fuzz_check(err.text[0] != '\0', "a description is refused without a reason");
	} else {
		n_right++;
		fuzz_check(info.name && info.name[0] && info.file && info.file[0], "a plugin without a name is believed");
		fuzz_check(option_check_table(info.options, &err) == 0, "options that aren't right are believed");
		plugin_info_fini(&info);
	}
	free(text);
}

/* Texts without mistakes. */
static struct buf setup_text, info_text;

static void make_texts(void)
{
	static const char *const words[] = {"printf", "a\tb\n\\c", ""};
	struct setup_option options[] = {{.name = "command", .elements = words, .n_elements = 3},
	                                 {.name = "ms", .elements = words, .n_elements = 1}};
	struct setup setup = {.file = "/lib/rota/exec.so",
	                      .delimiter = '\n',
	                      .frame_byte = '\n',
	                      .max_result_bytes = 1 << 30,
	                      .n_workers = 4,
	                      .n_places = 20,
	                      .options = options,
	                      .n_options = 2};
	char abi[16];

	must(setup_write(&setup, &setup_text) == 0);
	snprintf(abi, sizeof abi, "%u", plugin_info_abi());
	must(fields_put(&info_text, "rota-plugin", abi, "/lib/rota/sleep.so", NULL) == 0 &&
	     fields_put(&info_text, "name", "sleep", NULL) == 0 && fields_put(&info_text, "version", "1.0", NULL) == 0 &&
	     fields_put(&info_text, "summary", "sleeps", NULL) == 0 &&
	     fields_put(&info_text, "flags", "thread-safe", "pure", NULL) == 0 &&
	     fields_put(&info_text, "option", "ms", "int", "1", "10", "how long", "1", "0..1000", "ms", NULL) == 0 &&
	     fields_put(&info_text, "option", "kind", "choice", "0", "", "how", "1", "busy,idle", "", NULL) == 0 &&
	     fields_put(&info_text, "end", NULL) == 0);
}

static void run(void)
{
	const struct buf *sample = fuzz_below(2) ? &setup_text : &info_text;
	char *text = malloc(2 * sample->len);

	must(text != NULL);
	memcpy(text, sample->bytes, sample->len);
	size_t n_bytes = fuzz_mutate(text, sample->len, special);
	run_fields(text, n_bytes);
	if (sample == &setup_text)
		run_setup(text, n_bytes);
	else
		run_info(text, n_bytes);
	free(text);
}

int main(void)
{
	make_texts();
	n_right = 0;
	run_fields(setup_text.bytes, setup_text.len);
	run_setup(setup_text.bytes, setup_text.len);
	run_info(info_text.bytes, info_text.len);
	is_int(n_right, 3, "the texts that the mistakes are made in are right");
	int status = fuzz_main("tests/fuzz/fields-t", run);
	diag("%u texts were right", n_right - 3);
	buf_fini(&setup_text);
	buf_fini(&info_text);
	return status;
}
