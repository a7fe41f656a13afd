/* SPDX-License-Identifier: Apache-2.0 */
/* setup: what is written is read again, and what wasn't written so is refused. */
#include "config.h"

#include "core/wire/setup.h"

#include "tests/tap.h"

static struct err err;

static void test_round(void)
{
	const char *const command[] = {"echo", "a\tb\nc\\d", ""};
	const char *const one[] = {"yes"};
	struct setup_option options[] = {
		{.name = "command", .elements = command, .n_elements = 3},
		{.name = "empty", .elements = NULL, .n_elements = 0},
		{.name = "flag", .elements = one, .n_elements = 1},
	};
	char first[] = "0", second[] = "1,3", *pins[] = {first, second};
	struct setup written = {.file = "/a folder/with\ttab\n.so",
	                        .delimiter = '\0',
	                        .frame = FRAME_MISSING,
	                        .frame_byte = '\n',
	                        .max_result_bytes = INT64_MAX,
	                        .n_workers = 4000000000u,
	                        .duty = {.has_pid_namespace = 1, .spins = INT64_MAX},
	                        .tells_times = true,
	                        .tells_all = true,
	                        .runs_commands = true,
	                        .pins = pins,
	                        .n_pins = 2,
	                        .options = options,
	                        .n_options = 3};
	struct setup seen;
	struct buf buf = {0};
	is_int(setup_write(&written, &buf), 0, "written");
	if (!ok(setup_read(&seen, buf.bytes, buf.len, &err) == 0, "read"))
		return;
	is_str(seen.file, written.file, "the file");
	is_int(seen.delimiter, '\0', "the delimiter");
	is_int(seen.frame, FRAME_MISSING, "the frame");
	is_int(seen.frame_byte, '\n', "its byte");
	is_int(seen.max_result_bytes, INT64_MAX, "max-result");
	is_int(seen.n_workers, 4000000000u, "workers");
	ok(seen.tells_times && seen.tells_all && seen.runs_commands, "times, words, and commands");
	is_int(seen.duty.has_pid_namespace, 1, "a PID namespace");
	is_int(seen.duty.spins, INT64_MAX, "the last number of the duty, whole");
	is_int(seen.n_pins, 2, "two places have their CPUs");
	is_str(seen.pins[1], "1,3", "the second's");
	is_int(seen.n_options, 3, "three options");
	for (size_t i = 0; i < seen.n_options; i++) {
		is_str(seen.options[i].name, options[i].name, "option %zu", i);
		is_int(seen.options[i].n_elements, options[i].n_elements, "its elements");
		for (size_t k = 0; k < seen.options[i].n_elements; k++)
			is_str(seen.options[i].elements[k], options[i].elements[k], "element %zu", k);
	}
	setup_fini(&seen);
	ok(!seen.options && !seen.memory, "given back");
	setup_fini(&seen);
	/* cut at each byte: never half a set-up */
	unsigned n_taken = 0;
	for (size_t n = 0; n + 1 < buf.len; n++)
		if (setup_read(&seen, buf.bytes, n, &err) == 0) {
			n_taken++;
			setup_fini(&seen);
		}
	is_int(n_taken, 0, "cut at any place it is refused");
	buf_fini(&buf);
	for (int c = -128; c < 128; c++) {
		written.delimiter = written.frame_byte = (char)c;
		if (setup_write(&written, &buf) != 0 || setup_read(&seen, buf.bytes, buf.len, &err) != 0 ||
		    seen.delimiter != (char)c || seen.frame_byte != (char)c)
			ok(false, "the byte %d as delimiter", c);
		setup_fini(&seen);
		buf_clear(&buf);
	}
	buf_fini(&buf);
}

static void test_nonsense(void)
{
	static const struct {
		const char *text, *what;
	} cases[] = {
		{"", "nothing"},
		{"end\n", "no file"},
		{"file\tx.so\n", "no end"},
		{"file\nend\n", "a file without a name"},
		{"file\tx.so\nfile\nend\n", "a second one without a name"},
		{"file\tx.so\nnonsense\n", "an unknown word alone"},
		{"file\tx.so\nnonsense\t1\nend\n", "an unknown word"},
		{"file\tx.so\noption\nend\n", "an option without a name"},
		{"file\tx.so\nduty\t1\nend\n", "a duty of another version's length"},
		{"file\tx.so\nend\tof it\n", "an end with more"},
		{"file\tx\\q.so\nend\n", "an escape that isn't one"},
		{"file\tx.so\nend", "an end without a newline"},
		{"\n", "an empty line"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct setup seen = {0};
		is_int(setup_read(&seen, cases[i].text, strlen(cases[i].text), &err), -1, "refused: %s", cases[i].what);
		ok(strstr(err.text, "the same version"), "which says what to do");
		setup_fini(&seen);
	}
}

int main(void)
{
	test_round();
	test_nonsense();
	return tap_done();
}
