/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host: plugins are loaded, described, configured, opened; and those of tests/bad are refused with the words that tell
 * what to do. They are in the build's tests/bad, or in the folder that is given as argument.
 */
#include "config.h"

#include "core/worker/host.h"
#include "core/worker/services.h"

#include "tests/tap.h"

#include <errno.h>
#include <limits.h>
#include <sys/wait.h>

static char folder[PATH_MAX - 64]; /* without links in it: messages have the real path */
static struct err err;

static const char *path_of(const char *name)
{
	static char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s.so", folder, name);
	return path;
}

static struct host *open_plugin(const char *name)
{
	struct host *host;
	must(host_open(&host, path_of(name), &err) == 0);
	return host;
}

/* err's text without the file's name in front. */
static const char *behind(const char *path)
{
	size_t n = strlen(path);
	return strncmp(err.text, path, n) == 0 && strncmp(err.text + n, ": ", 2) == 0 ? err.text + n + 2 : err.text;
}

static void test_refused_files(void)
{
	char short_words[128];
	snprintf(short_words, sizeof short_words,
	         "rota_plugin says that it has %zu bytes, but at least %zu are needed: use ROTA_PLUGIN",
	         offsetof(struct rota_plugin, options), offsetof(struct rota_plugin, flush));
	const struct {
		const char *name, *want;
	} cases[] = {
		{"badabi",
	     "the plugin has ABI 999, but this rota has ABI 1: compile it again with this rota's <rota/plugin.h>"},
		{"nosymbol", "isn't a rota plugin: it exports no symbol rota_plugin (see ROTA_PLUGIN in <rota/plugin.h>)"},
		{"short", short_words},
		{"no-run", "the plugin has no run callback: set .run in ROTA_PLUGIN"},
		{"badoptions", "the plugin's option table is wrong: option 'count': default: 'many' isn't a whole number "
	                   "(expected one such as 8)"},
		{"undefined", "cannot be loaded: undefined symbol: function_that_exists_nowhere"},
		{"not-there", "cannot be opened: No such file or directory"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct host *untouched = (struct host *)&err, *host = untouched;
		const char *path = path_of(cases[i].name);
		err = (struct err){0};
		is_int(host_open(&host, path, &err), -1, "%s is refused", cases[i].name);
		is_str(behind(path), cases[i].want, "with these words");
		is_int(err.code, ERR_USAGE, "as the plugin's fault");
		ok(host == untouched, "and nothing is returned");
	}
}

/* Each plugin opens again after others, and twice. */
static void test_open(void)
{
	struct host *first = open_plugin("options"), *second = open_plugin("options");
	is_str(first->plugin.name, "options", "its name");
	is_int(first->n_options, 7, "its options");
	is_str(first->file, path_of("options"), "its file");
	ok(!first->specs[7].name, "the table has an end");
	host_close(&first);
	ok(!first, "close nulls");
	host_close(&first);
	is_str(second->plugin.name, "options", "another one stays");
	host_close(&second);
}

static void test_describe(void)
{
	struct buf buf = {0};
	char want[PATH_MAX + 1024];
	struct host *host = open_plugin("options");
	snprintf(want, sizeof want,
	         "rota-plugin\t1\t%s\n"
	         "name\toptions\n"
	         "version\t1.0\n"
	         "summary\ttells its options\n"
	         "flags\tthread-safe\tpure\ttidy\n"
	         "option\tstring\tstring\t1\tsome text\tany text\t0\t\t\n"
	         "option\tint\tint\t1\t42\ta number\t1\t-100..100000\tapples\n"
	         "option\tbool\tbool\t1\tno\tyes or no\t0\t\t\n"
	         "option\tsize\tsize\t1\t64K\tbytes\t1\t1..1G\t\n"
	         "option\tduration\tduration\t1\t1500ms\ta time\t1\t..1h\t\n"
	         "option\tchoice\tchoice\t1\tsmall\tone of three\t1\tfast,small,safe\t\n"
	         "option\tlist\tlist\t1\ta,b\tsome words\t0\t\t\n"
	         "end\n",
	         host->file);
	is_int(host_describe(host, &buf, &err), 0, "a plugin is described");
	is_mem(buf.bytes, buf.len, want, strlen(want), "its options, one a line");
	buf_fini(&buf);
	host_close(&host);

	host = open_plugin("flush");
	snprintf(want, sizeof want,
	         "rota-plugin\t1\t%s\nname\tflush\nversion\t1.0\nsummary\thas a flush\nflags\nflush\nend\n", host->file);
	is_int(host_describe(host, &buf, &err), 0, "one that accumulates, too");
	is_mem(buf.bytes, buf.len, want, strlen(want), "without flags and options");
	buf_fini(&buf);
	is_int(host_configure(host, NULL, 0, 1, &err), -1, "but it can't be used");
	is_str(err.text, "plugin flush accumulates (it has a flush), which this version of rota does not support", "yet");
	is_int(err.code, ERR_USAGE, "which is known before a run");
	host_close(&host);
}

/* What the plugin itself would see: by the services. */
#define WORKER_OF(host) \
	{ \
		.pub.host = &services, .host = (host), .number = 3 \
	}

static void test_defaults(void)
{
	struct host *host = open_plugin("options");
	is_int(host_configure(host, NULL, 0, 5, &err), 0, "nothing is given");
	struct host_worker worker = WORKER_OF(host);
	size_t n;
	is_str(rota_option_string(&worker.pub, "string"), "some text", "a string's default");
	is_int(rota_option_int(&worker.pub, "int"), 42, "an integer's");
	ok(!rota_option_bool(&worker.pub, "bool"), "a bool's");
	is_int(rota_option_size(&worker.pub, "size"), 65536, "a size's, in bytes");
	is_int(rota_option_duration(&worker.pub, "duration"), 1500000000, "a duration's, in nanoseconds");
	is_str(rota_option_choice(&worker.pub, "choice"), "small", "a choice's");
	const char *const *elements = rota_option_list(&worker.pub, "list", &n);
	is_int(n, 2, "a list's");
	is_str(elements[0], "a", "first");
	is_str(elements[1], "b", "second");
	ok(!elements[2], "and the NULL behind them");
	is_int(rota_worker_number(&worker.pub), 3, "the worker's number");
	is_int(rota_worker_count(&worker.pub), 5, "how many there are");
	host_close(&host);
}

static void test_given(void)
{
	static const char *const text[] = {"a\tb"}, *const number[] = {"-0x10"}, *const yes[] = {"ON"};
	static const char *const size[] = {"1.5M"}, *const duration[] = {"2m"}, *const choice[] = {"safe"};
	static const char *const list[] = {"x,y", "", "z"};
	static const struct setup_option options[] = {
		{"list", list, 3}, {"choice", choice, 1}, {"duration", duration, 1}, {"size", size, 1},
		{"bool", yes, 1},  {"int", number, 1},    {"string", text, 1},
	};
	struct host *host = open_plugin("options");
	is_int(host_configure(host, options, 7, 1, &err), 0, "all are given, in any order");
	struct host_worker worker = WORKER_OF(host);
	size_t n;
	is_str(rota_option_string(&worker.pub, "string"), "a\tb", "a string");
	is_int(rota_option_int(&worker.pub, "int"), -16, "an integer");
	ok(rota_option_bool(&worker.pub, "bool"), "a bool");
	is_int(rota_option_size(&worker.pub, "size"), 1572864, "a size");
	is_int(rota_option_duration(&worker.pub, "duration"), INT64_C(120000000000), "a duration");
	is_str(rota_option_choice(&worker.pub, "choice"), "safe", "a choice");
	const char *const *elements = rota_option_list(&worker.pub, "list", &n);
	is_int(n, 3, "a list of three");
	is_str(elements[0], "x,y", "with a comma that is its own");
	is_str(elements[1], "", "an empty one");
	is_str(elements[2], "z", "and a last one");
	host_close(&host);
}

static void test_wrong_options(void)
{
	static const char *const twelve[] = {"12x"}, *const far[] = {"100001"}, *const big[] = {"2G"};
	static const char *const green[] = {"green"}, *const two[] = {"1", "2"}, *const maybe[] = {"maybe"};
	static const char *const long_time[] = {"61m"};
	static const struct {
		struct setup_option option;
		const char *want;
	} cases[] = {
		{{"int", twelve, 1}, "option int of plugin options: '12x' isn't a whole number (expected one such as 8)"},
		{{"int", far, 1}, "option int of plugin options: '100001' is out of range: expected -100..100000"},
		{{"int", two, 2},
	     "option int of plugin options: 2 values are given (expected just one: a whole number such as 8)"},
		{{"bool", maybe, 1}, "option bool of plugin options: 'maybe' isn't yes or no (expected one such as yes)"},
		{{"size", big, 1}, "option size of plugin options: '2G' is out of range: expected 1..1G"},
		{{"duration", long_time, 1}, "option duration of plugin options: '61m' is out of range: expected ..1h"},
		{{"choice", green, 1},
	     "option choice of plugin options: 'green' isn't a valid choice (expected one of fast,small,safe)"},
		{{"colour", green, 1}, "plugin options has no option 'colour': see rota plugins options"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct host *host = open_plugin("options");
		is_int(host_configure(host, &cases[i].option, 1, 1, &err), -1, "a wrong %s", cases[i].option.name);
		is_str(err.text, cases[i].want, "is told");
		is_int(err.code, ERR_USAGE, "as the user's fault");
		host_close(&host);
	}
}

/* Required is what has no default. No plugin of tests/bad has such an option: one's table is made to. */
static void test_required(void)
{
	struct host *host = open_plugin("options");
	host->specs[3].fallback = NULL;
	is_int(host_configure(host, NULL, 0, 1, &err), -1, "a required option isn't given");
	is_str(err.text, "plugin options needs the option size=size", "which is told");
	is_int(err.code, ERR_USAGE, "as the user's fault");
	host_close(&host);
	static const char *const size[] = {"1K"};
	static const struct setup_option option = {"size", size, 1};
	host = open_plugin("options");
	host->specs[3].fallback = NULL;
	is_int(host_configure(host, &option, 1, 1, &err), 0, "it is given");
	host_close(&host);
}

static void test_load_and_open(void)
{
	struct host_worker worker;
	struct host *host = open_plugin("load-refuse");
	must(host_configure(host, NULL, 0, 1, &err) == 0);
	is_int(host_load(host, &err), -1, "load says no");
	is_str(err.text, "plugin load-refuse: no model at /nowhere", "and why");
	is_int(err.code, ERR_RUN, "which ends the run");
	host_close(&host);

	host = open_plugin("open-refuse");
	must(host_configure(host, NULL, 0, 4, &err) == 0);
	is_int(host_load(host, &err), 0, "no load is a good one");
	is_int(host_open_worker(host, &worker, 4, &err), -1, "open says no");
	is_str(err.text, "plugin open-refuse: no device for worker 4", "and why");
	host_close(&host);

	host = open_plugin("options");
	must(host_configure(host, NULL, 0, 1, &err) == 0);
	is_int(host_open_worker(host, &worker, 1, &err), 0, "open goes well");
	ok(worker.state, "and has made its state");
	host_close_worker(&worker);
	host_close(&host);
}

static int open_silently(struct rota_worker *worker, void **state)
{
	(void)worker, (void)state;
	return 42;
}

static int open_at_length(struct rota_worker *worker, void **state)
{
	static char text[3 * ROTA_TEXT_MAX];
	(void)state;
	memset(text, 'x', sizeof text);
	return worker->host->refuse(worker, text, sizeof text);
}

static void test_refusals(void)
{
	struct host_worker worker;
	struct host *host = open_plugin("options");
	host->plugin.open = open_silently;
	is_int(host_open_worker(host, &worker, 1, &err), -1, "open says no, and nothing else");
	is_str(err.text, "plugin options: its open returned 42 and gave no reason (rota_refuse)", "which is told");
	host->plugin.open = open_at_length;
	is_int(host_open_worker(host, &worker, 1, &err), -1, "open says no, with too many words");
	is_int(strlen(err.text), strlen("plugin options: ") + ROTA_TEXT_MAX - 1, "which are cut");
	host_close(&host);
}

/* A plugin that asks for an option that it doesn't have ends its process: in a child, whose words are read. */
static void test_wrong_asking(void)
{
	static const struct {
		const char *name, *want;
	} cases[] = {
		{"option-type",
	     "plugin option-type: asks for its option 'mark' as int, but its table has string: fix the plugin\n"},
		{"option-unknown", "plugin option-unknown: asks for its option 'colour' as int, but its table has no such "
	                       "option: fix the plugin\n"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct host *host = open_plugin(cases[i].name);
		struct host_worker worker;
		char said[512];
		size_t n_said = 0;
		int fds[2], status;
		must(host_configure(host, NULL, 0, 1, &err) == 0 && pipe(fds) == 0);
		pid_t pid = fork();
		must(pid >= 0);
		if (pid == 0) {
			dup2(fds[1], STDERR_FILENO);
			host_open_worker(host, &worker, 1, &err);
			_exit(99);
		}
		close(fds[1]);
		for (ssize_t n; n_said < sizeof said - 1 && (n = read(fds[0], said + n_said, sizeof said - 1 - n_said)) > 0;)
			n_said += (size_t)n;
		said[n_said] = '\0';
		close(fds[0]);
		must(waitpid(pid, &status, 0) == pid);
		ok(WIFEXITED(status) && WEXITSTATUS(status) == 3, "%s ends its process (status %#x)", cases[i].name,
		   (unsigned)status);
		is_str(said, cases[i].want, "with these words");
		host_close(&host);
	}
}

int main(int argc, char **argv)
{
	char path[PATH_MAX + 16], real[PATH_MAX];
	const char *build = getenv("abs_top_builddir");
	if (argc > 1)
		snprintf(path, sizeof path, "%s", argv[1]);
	else if (build)
		snprintf(path, sizeof path, "%s/tests/bad", build);
	else
		skip_all("abs_top_builddir isn't set, and no folder is given");
	must(realpath(path, real) && strlen(real) < sizeof folder);
	strcpy(folder, real);
	test_refused_files();
	test_open();
	test_describe();
	test_defaults();
	test_given();
	test_wrong_options();
	test_required();
	test_load_and_open();
	test_refusals();
	test_wrong_asking();
	return tap_done();
}
