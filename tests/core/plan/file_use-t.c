/* SPDX-License-Identifier: Apache-2.0 */
/* file_use: which files a plan uses, as what, in which order, and how messages call them. */
#include "config.h"

#include "core/plan/file_use.h"

#include "tests/tap.h"

#define TEXT_BYTES 4096

static void set_endpoint(struct endpoint *endpoint, const char *text, enum endpoint_role role)
{
	struct err err;

	must(endpoint_parse(endpoint, text, role, &err) == 0);
}

/* A line a use: KEY NAME, as a message says it, or a standard stream's name alone. */
static void describe(const struct plan *plan, char text[TEXT_BYTES])
{
	struct file_uses uses;
	size_t n = 0;

	file_uses_gather(&uses, plan);
	text[0] = '\0';
	for (size_t i = 0; i < uses.n && n < TEXT_BYTES; i++) {
		const struct file_use *use = &uses.all[i];
		const char *key = file_use_key(use);
		char name[FILE_USE_NAME_BYTES];

		n += (size_t)snprintf(text + n, TEXT_BYTES - n, "%s %s: %s%s\n", key ? key : "-", file_use_name(use, name),
		                      use->role == ROLE_BESIDE || use->role == ROLE_NEW_OUTPUT ? "" : use->name,
		                      file_use_is_written(use) ? " (written)" : "");
	}
	ok(!uses.is_short, "there is memory");
	file_uses_fini(&uses);
	ok(!uses.all && uses.n == 0, "fini");
}

static void test_all(void)
{
	static char one[] = "one", two[] = "two", plugin[] = "/lib/p.so", conf[] = "c.yaml", journal[] = "j", log[] = "l";
	struct plugin_info info = {.file = plugin};
	struct job jobs[2] = {{.name = one, .info = &info}, {.name = two}};
	struct plan plan = {.file = conf,
	                    .jobs = jobs,
	                    .n_jobs = 2,
	                    .journal_file = journal,
	                    .joblog_file = log,
	                    .joblog_fd = -1,
	                    .retries_failed = true};
	struct file_uses uses;
	char seen[TEXT_BYTES];

	set_endpoint(&jobs[0].input, "-", ENDPOINT_SOURCE);
	set_endpoint(&jobs[0].output, "mid", ENDPOINT_SINK);
	set_endpoint(&jobs[1].input, "mid", ENDPOINT_SOURCE);
	set_endpoint(&jobs[1].output, "none", ENDPOINT_SINK);
	describe(&plan, seen);
	is_str(seen,
	       "- standard output: standard output\n"
	       "- standard error: standard error\n"
	       "- the conf file itself: c.yaml\n"
	       "input the input of job 'one': standard input\n"
	       "plugin the plugin of job 'one': /lib/p.so\n"
	       "output the output of job 'one': mid (written)\n"
	       "output the file that replaces the output of job 'one':  (written)\n"
	       "input the input of job 'two': mid\n"
	       "journal the journal: j (written)\n"
	       "journal a file that belongs to the journal:  (written)\n"
	       "journal a file that belongs to the journal:  (written)\n"
	       "journal a file that belongs to the journal:  (written)\n"
	       "journal a file that belongs to the journal:  (written)\n"
	       "journal a file that belongs to the journal:  (written)\n"
	       "joblog the job log: l (written)\n",
	       "all files of a plan");
	file_uses_gather(&uses, &plan);
	const struct file_use *output = file_uses_find(&uses, ROLE_OUTPUT, &jobs[0]);
	const struct file_use *input = file_uses_find(&uses, ROLE_INPUT, &jobs[1]);
	ok(output && input && fileid_is_same(&output->id, &input->id), "what one writes the other reads");
	ok(!file_uses_find(&uses, ROLE_OUTPUT, &jobs[1]), "none is no file");
	file_uses_fini(&uses);
	for (size_t i = 0; i < 2; i++) {
		endpoint_fini(&jobs[i].input);
		endpoint_fini(&jobs[i].output);
	}
}

static void test_descriptors(void)
{
	ok(file_use_means_descriptor("-") && file_use_means_descriptor("/dev/fd/5"), "descriptors");
	ok(!file_use_means_descriptor("./-") && !file_use_means_descriptor("5"), "and files");
}

int main(void)
{
	test_all();
	test_descriptors();
	return tap_done();
}
