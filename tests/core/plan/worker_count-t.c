/* SPDX-License-Identifier: Apache-2.0 */
/* worker_count: what --jobs takes and refuses, how many workers that is, and a file that says it. */
#include "config.h"

#include "core/plan/worker_count.h"

#include "tests/tap.h"

#include <stdio.h>
#include <unistd.h>

static void test_counts(void)
{
	static const struct {
		const char *text;
		int64_t n_cpus, n;
	} cases[] = {{"3", 8, 3},   {"4096", 8, 4096}, {"0", 8, WORKERS_MAX}, {"200%", 8, 16},
	             {"50%", 3, 2}, {"10%", 2, 1},     {"+2", 8, 10},         {"+0", 8, 8},
	             {"-3", 8, 5},  {"-9", 8, 1},      {"100%", 6, 6},        {"+4096", 8, WORKERS_MAX}};
	static const char *const wrong[] = {"",     "x",         "1.5",
	                                    "%",    "-",         "+",
	                                    "4097", "100000000", "99999999999999999999",
	                                    "0%",   "+1%",       "/nonexistent/jobs",
	                                    "3 4"};
	struct worker_count none = {0};
	struct err err;

	is_int(worker_count_resolve(&none, 8), 8, "nothing was said: one a CPU");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct worker_count count = {0};
		must(worker_count_parse(&count, cases[i].text, &err) == 0);
		is_int(worker_count_resolve(&count, cases[i].n_cpus), cases[i].n, "'%s' of %d CPUs", cases[i].text,
		       (int)cases[i].n_cpus);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct worker_count count = {0};
		ok(worker_count_parse(&count, wrong[i], &err) == -1 && err.code == ERR_USAGE && count.kind == WORKERS_BY_CPUS,
		   "'%s' is refused, and nothing is set", wrong[i]);
	}
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	must(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void test_file(void)
{
	char path[TAP_PATH_BYTES];
	struct worker_count count = {0};
	struct err err;
	int fd;

	tap_template(path, "jobs");
	must((fd = mkstemp(path)) >= 0 && close(fd) == 0);
	put(path, "3\n");
	ok(worker_count_parse(&count, path, &err) == 0 && worker_count_resolve(&count, 8) == 3, "a file says how many");
	is_str(count.file, path, "and is remembered");
	put(path, "200% \n");
	ok(worker_count_read(&count, &err) == 0 && worker_count_resolve(&count, 8) == 16, "it is read again");
	put(path, "many\n");
	ok(worker_count_read(&count, &err) == -1 && strstr(err.text, path) && strstr(err.text, "'many'"),
	   "nonsense is refused by file and word: %s", err.text);
	is_int(worker_count_resolve(&count, 8), 16, "and what it said before holds");
	must(unlink(path) == 0);
	ok(worker_count_read(&count, &err) == -1 && strstr(err.text, path), "a file that has gone is named: %s", err.text);
	worker_count_fini(&count);
}

int main(void)
{
	test_counts();
	test_file();
	return tap_done();
}
