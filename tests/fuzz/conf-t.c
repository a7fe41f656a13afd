/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf - a fuzzer of conf files: texts with mistakes in them, and --set with mistakes, are read as a plan.
 *
 *	FUZZ_SECONDS=600 FUZZ_SEED=1 tests/fuzz/conf-t     (make check-fuzz)
 *
 * What holds in every run: it comes to its end, whatever the text; it has errors or it hasn't, and says so; each error
 * names the file, or the --set, that it is about.
 */
#include "config.h"

#include "core/plan/plan.h"

#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <unistd.h>

static const char sample[] = "# comment\n"
							 "run:\n"
							 "  trust-path: no\n"
							 "  journal: 'run.db'\n"
							 "jobs:\n"
							 "  first: {plugin: sleep, options: {ms: 1, spin: 'no'}, after: [second, \"b\\n\"]}\n"
							 "  second:\n"
							 "    plugin: exec\n"
							 "    options:\n"
							 "      command:\n"
							 "        - printf\n"
							 "        - \"%s \\u00e4\"\n"
							 "    input: range:1-10/3\n"
							 "    output: |\n"
							 "      a\n"
							 "      b\n"
							 "    jobs: 2 # two\n"
							 "    timeout: 1.5s\n"
							 "    memory: 1G\n"
							 "    max-failures: 3%\n"
							 "  ? third\n"
							 "  : plugin: upper\n";
static const char *const sets[] = {"second.jobs=4", "second.options.command=a,b\\,c", "run.journal=x",
                                   "first.input=files:**/*.c"};

static char file[TAP_PATH_BYTES];
static unsigned n_right;

static void write_file(const char *text, size_t n_bytes)
{
	FILE *stream = fopen(file, "w");
	must(stream && fwrite(text, 1, n_bytes, stream) == n_bytes);
	must(fclose(stream) == 0);
}

static void look_at_errors(const struct err_list *errors, const char *about)
{
	for (size_t i = 0; i < errors->n_errs; i++) {
		fuzz_check(strncmp(errors->errs[i].text, about, strlen(about)) == 0, "an error doesn't say what it is about");
	}
}

static void run(void)
{
	char text[2 * sizeof sample], set[64];
	struct plan *plan = NULL;
	struct err err;

	memcpy(text, sample, sizeof sample - 1);
	size_t n_bytes = fuzz_mutate(text, sizeof sample - 1, " \n:-{}[],'\"#&*!|>%?\t\\0");
	write_file(text, n_bytes);
	must(plan_create(&plan, NULL, &err) == 0);
	int result = plan_read(plan, file);
	fuzz_check(result == 0 ? plan->errors.n_errs == 0 : plan->errors.n_errs > 0, "what it says and its errors differ");
	look_at_errors(&plan->errors, file);
	n_right += result == 0;

	const char *good = sets[fuzz_below(sizeof sets / sizeof *sets)];
	strcpy(set, good);
	n_bytes = fuzz_mutate(set, strlen(set), ".=,\\");
	set[n_bytes] = '\0';
	size_t n_before = plan->errors.n_errs;
	result = plan_set(plan, set);
	fuzz_check((result != 0) == (plan->errors.n_errs > n_before), "--set says what its errors don't");
	for (size_t i = n_before; i < plan->errors.n_errs; i++)
		fuzz_check(strncmp(plan->errors.errs[i].text, "--set ", 6) == 0, "an error of --set doesn't say so");
	plan_destroy(&plan);
	if (fuzz.finding)
		diag("seed %llu: %s; --set %s", (unsigned long long)fuzz.seed, text, set);
}

int main(void)
{
	tap_template(file, "conf");
	int fd = mkstemp(file);
	must(fd >= 0 && close(fd) == 0);
	int status = fuzz_main("tests/fuzz/conf-t", run);
	diag("%u texts were right", n_right);
	must(unlink(file) == 0);
	return status;
}
