/* SPDX-License-Identifier: Apache-2.0 */
/* plan: conf files and command lines, what is wrong with them and exactly what is said; what right ones come to. */
#include "config.h"

#include "core/plan/plan.h"

#include "core/base/log.h"
#include "tests/core/plan/stage.h"

#include <stdint.h>

#define JOB(rest) "jobs:\n  j:\n    plugin: upper\n" rest

static const struct {
	const char *what, *text, *errors; /* one a line; each begins with "t.yaml:", which is left out here */
} conf_files[] = {
	{"a job", JOB(""), ""},
	{"nothing", "",
     "1:1: the file is empty: a conf file needs `jobs:`, below it a job's name, and below that `plugin: NAME`\n"},
	{"a list", "- a\n",
     "1:1: found a list, expected a map: `jobs:`, below it a job's name, and below that `plugin: NAME`\n"},
	{"no jobs", "run:\n",
     "1:1: there is no `jobs:`: a conf file needs at least one job below `jobs:`, with its `plugin:`\n"},
	{"jobs without jobs", "jobs:\n",
     "1:6: jobs: found nothing, expected at least one job: a name, and below it `plugin: NAME`\n"},
	{"jobs as a list", "jobs: [a]\n",
     "1:7: jobs: found a list, expected at least one job: a name, and below it `plugin: NAME`\n"},
	{"a section misspelt", "jobs: {j: {plugin: upper}}\nrnu: {}\n", "2:1: unknown key 'rnu', did you mean 'run'?\n"},
	{"jobs misspelt", "job: {j: {plugin: upper}}\n", "1:1: unknown key 'job', did you mean 'jobs'?\n"},
	{"a key at the top", "jobs: {j: {plugin: upper}}\nplugin: upper\n",
     "2:1: unknown key 'plugin': the top-level keys of a conf file are `run:` and `jobs:`\n"},
	{"run", "run: {trust-path: yes}\n" JOB(""), ""},
	{"run, wrong", "run:\n  trust-path: maybe\n  trustpath: no\n  plugin: [x]\n" JOB(""),
     "2:15: run: trust-path: 'maybe' isn't yes or no (expected one such as yes)\n"
     "3:3: run: unknown key 'trustpath', did you mean 'trust-path'?\n"
     "4:3: run: unknown key 'plugin'; a job's keys go below `jobs:` and the job's name\n"},
	{"run as a list", "run: [x]\n" JOB(""), "1:6: run: found a list, expected keys with values\n"},
	{"a value that is a list", "run:\n  trust-path: [yes]\n" JOB("    window: [1]\n"),
     "2:15: run: trust-path: found a list, expected one value\n"
     "6:13: job 'j': window: found a list, expected a size such as 64K\n"},
	{"names of jobs", "jobs:\n  run: {plugin: upper}\n  a.b: {plugin: upper}\n  -x: {plugin: upper}\n",
     "2:3: 'run' isn't a valid job name: expected letters, digits, - and _, at most 64, and not 'run'\n"
     "3:3: 'a.b' isn't a valid job name: expected letters, digits, - and _, at most 64, and not 'run'\n"
     "4:3: '-x' isn't a valid job name: expected letters, digits, - and _, at most 64, and not 'run'\n"},
	{"a job that is a text", "jobs:\n  j: upper\n  k:\n",
     "2:6: job 'j': found a text, expected keys such as `plugin: NAME`\n"
     "3:5: job 'k': found nothing, expected keys such as `plugin: NAME`\n"},
	{"keys that aren't there", JOB("    jbos: 2\n    mark: x\n    quiet: yes\n    timout: 2s\n"),
     "4:5: job 'j': unknown key 'jbos', did you mean 'jobs'?\n"
     "5:5: job 'j': unknown key 'mark'; the plugin's own options go under `options:`\n"
     "6:5: job 'j': 'quiet' isn't a key of a job, but a key of `run:` or a command-line option\n"
     "7:5: job 'j': unknown key 'timout', did you mean 'timeout'?\n"},
	{"a choice that isn't there", JOB("    pin: yes\n"),
     "4:10: job 'j': pin: 'yes' isn't a valid choice (expected one of none,core,numa)\n"},
	{"supervision's keys of the wrong kind",
     JOB("    timeout: 2x\n    retries: [1]\n    max-failures: 5 %\n    memory: 12\n"),
     "4:14: job 'j': timeout: '2x' isn't a duration (expected one such as 500ms, 10s, 2m or 1h)\n"
     "5:14: job 'j': retries: found a list, expected a whole number such as 8\n"
     "6:19: job 'j': max-failures: '5 ' isn't a whole number (expected one such as 8)\n"
     "7:13: job 'j': memory: '12' is out of range: expected 1M..\n"},
	{"values of the wrong type",
     JOB("    jobs: many\n    backend: threads\n    window: 1\n    keep-order: maybe\n    max-item: -1\n"
         "    input: {a: b}\n"),
     "4:11: job 'j': jobs: 'many' isn't a number of workers, nor a file that has one (expected one such as 8, 200%, +1 "
     "or 0)\n"
     "5:14: job 'j': backend: 'threads' isn't a valid choice (expected one of process,thread,auto)\n"
     "6:13: job 'j': window: '1' is out of range: expected 4K..1024G\n"
     "7:17: job 'j': keep-order: 'maybe' isn't yes or no (expected one such as yes)\n"
     "8:15: job 'j': max-item: '-1' isn't a size (expected one such as 64K, 512M or 2G)\n"
     "9:12: job 'j': input: found a map, expected a value\n"},
	{"workers out of range", JOB("    jobs: 0\n"),
     "4:11: job 'j': jobs: '0' is out of range: expected 1..4096 (0, as many as there are items, is for commands)\n"},
	{"two names of one setting", JOB("    jobs: 1\n    workers: 2\n    keep-order: yes\n    unordered: no\n"),
     "5:14: job 'j': 'workers' is 'jobs', which is already given: remove one of them\n"
     "7:16: job 'j': 'keep-order' and 'unordered' are the same setting: use only one of them\n"},
	{"no plugin", "jobs:\n  j: {output: none}\n",
     "2:3: job 'j' has no plugin: add `plugin: NAME` ('rota plugins' lists them)\n"},
	{"the key plugin misspelt", "jobs:\n  j: {plugn: upper}\n",
     "2:7: job 'j': unknown key 'plugn', did you mean 'plugin'?\n"},
	{"the key plugin refused", "jobs:\n  j: {plugin: !x upper}\n",
     "2:15: tags (!x) aren't allowed in a conf file: write the bare value\n"},
	{"an empty plugin", "jobs:\n  j:\n    plugin:\n",
     "3:12: job 'j': plugin: the plugin's name is missing ('rota plugins' lists them)\n"},
	{"a plugin that isn't there", "jobs: {j: {plugin: uper}}\n",
     "1:20: job 'j': no plugin 'uper' in @/plugins; did you mean 'upper'?\n"},
	{"a plugin that crashes", "jobs: {j: {plugin: crash}}\n",
     "1:20: job 'j': @/plugins/crash.so: the plugin crashed while it was being loaded: SIGSEGV (Segmentation fault); "
     "its last words: two\n"},
	{"a plugin that accumulates", "jobs: {j: {plugin: flush}}\n",
     "1:20: job 'j': plugin 'flush' accumulates (flush), which this version of rota does not support yet\n"},
	{"a required option", "jobs: {j: {plugin: choosy}}\n",
     "1:20: job 'j': plugin 'choosy' (@/plugins/choosy.so) needs its option 'mode' (how): write it under `options:`\n"},
	{"a plugin's options",
     "jobs:\n  j:\n    plugin: choosy\n    options:\n      mode: fat\n      ms: 101\n      tag: x\n      zzzzzz: 1\n",
     "5:13: job 'j': option 'mode' of plugin 'choosy': 'fat' isn't a valid choice (expected one of fast,small)\n"
     "6:11: job 'j': option 'ms' of plugin 'choosy': '101' is out of range: expected 0..100\n"
     "7:12: job 'j': plugin 'choosy' has no option 'tag', did you mean 'tags'?\n"
     "8:15: job 'j': plugin 'choosy' has no option 'zzzzzz'; 'rota plugins choosy' lists them\n"},
	{"options of a plugin without", JOB("    options: {x: 1}\n"),
     "4:18: job 'j': plugin 'upper' has no options, so 'x' can't be set\n"},
	{"options as a list", JOB("    options: [x]\n"),
     "4:14: job 'j': options: found a list, expected the plugin's options, each with a value\n"},
	{"lists in options",
     "jobs:\n  j:\n    plugin: choosy\n    options: {mode: [fast], tags: [a, {b: c}, [d]], ms: {e: f}}\n",
     "4:39: job 'j': tags: found a map in the list, expected a value\n"
     "4:47: job 'j': tags: found a list in the list, expected a value\n"
     "4:57: job 'j': ms: found a map, expected a value\n"
     "4:21: job 'j': option 'mode' of plugin 'choosy': found a list, expected one of its words\n"},
	{"kinds of input and output", JOB("    input: rnage:1-2\n    output: files:x\n"),
     "4:12: job 'j': input: 'rnage' isn't a kind, did you mean 'range:1-2'? For a file of that name, write "
     "lines:rnage:1-2\n"
     "5:13: job 'j': output: 'files:' can't be written to: an output is lines:FILE, nul:FILE or none\n"},
	{"an input that isn't there", JOB("    input: nofile\n"),
     "4:12: job 'j': input: nofile can't be read: No such file or directory\n"},
	{"an input that is a folder", JOB("    input: plugins\n"),
     "4:12: job 'j': input: plugins is a directory; for the names of the files in it use files:'plugins/**'\n"},
	{"one file as input and output", JOB("    input: in\n    output: ./in\n"),
     "5:13: job 'j': output: ./in is also the input: write to another file\n"},
	{"by a link", JOB("    input: in\n    output: link\n"),
     "5:13: job 'j': output: link is also the input: write to another file\n"},
	{"a file that isn't there yet", JOB("    input: new\n    output: plugins/../new\n"),
     "5:13: job 'j': output: plugins/../new is also the input: write to another file\n"},
	{"the conf file as output", JOB("    output: t.yaml\n"),
     "4:13: job 'j': output: t.yaml is the conf file itself: write to another file\n"},
	{"/dev/null as both", JOB("    input: /dev/null\n    output: /dev/null\n"), ""},
	{"two writers of one file",
     "jobs:\n  a: {plugin: upper, input: in, output: new}\n  b: {plugin: upper, input: in, output: ./new}\n",
     "3:41: job 'b': output: job 'a' also writes ./new: give each job its own file\n"},
	{"two writers by a dangling link",
     "jobs:\n  a: {plugin: upper, input: in, output: new}\n  b: {plugin: upper, input: in, output: dangling}\n",
     "3:41: job 'b': output: job 'a' also writes dangling: give each job its own file\n"},
	{"two writers of /dev/null",
     "jobs:\n  a: {plugin: upper, input: in, output: /dev/null}\n  b: {plugin: upper, input: in, output: /dev/null}\n",
     ""},
	{"two with standard streams", "jobs:\n  a: {plugin: upper}\n  b: {plugin: upper, input: -, output: nul:-}\n",
     "3:29: job 'b': job 'a' already reads standard input, and only one job can: give this one an `input:`\n"
     "3:40: job 'b': job 'a' already writes to standard output, and only one job can: give this one an `output:`\n"},
	{"a reader without after",
     "jobs:\n  a: {plugin: upper, input: in, output: new}\n  b: {plugin: upper, input: new}\n",
     "3:29: job 'b': input: job 'a' writes new, so this one must wait for it: add `after: a`\n"},
	{"a reader before the writer",
     "jobs:\n  b: {plugin: upper, input: in}\n  a: {plugin: upper, after: b, input: range:1-2, output: in}\n",
     "2:29: job 'b': input: job 'a' writes in, so this one must wait for it: add `after: a`\n"},
	{"a reader with after",
     "jobs:\n  a: {plugin: upper, input: in, output: new}\n  b: {plugin: upper, input: new, after: a}\n", ""},
	{"a reader after a job after the writer",
     "jobs:\n  c: {plugin: upper, input: new, after: [b]}\n  b: {plugin: upper, input: in, output: none, after: a}\n"
     "  a: {plugin: upper, input: in, output: new}\n",
     ""},
	{"after", "jobs:\n  a: {plugin: upper, after: [b, aa, a], output: none}\n  b: {plugin: upper, input: in}\n",
     "2:29: job 'a': after: there is no job 'aa'\n"
     "2:29: job 'a': after: a job can't wait for itself\n"},
	{"after, misspelt", "jobs:\n  upper: {plugin: upper}\n  b: {plugin: upper, input: in, output: none, after: uper}\n",
     "3:54: job 'b': after: there is no job 'uper', did you mean 'upper'?\n"},
	{"a circle",
     "jobs:\n  a: {plugin: upper, after: c, output: none}\n  b: {plugin: upper, input: in, after: a, output: none}\n"
     "  c: {plugin: upper, input: in, after: b}\n",
     "2:29: after: these jobs wait for each other in a circle: a -> c -> b -> a\n"},
	{"several things at once", "run: {x: y}\njobs:\n  a: {plugin: uper, jobs: x}\n  b: {after: z, input: nofile}\n",
     "1:7: run: unknown key 'x'; a job's keys go below `jobs:` and the job's name\n"
     "3:27: job 'a': jobs: 'x' isn't a number of workers, nor a file that has one (expected one such as 8, 200%, +1 or "
     "0)\n"
     "3:15: job 'a': no plugin 'uper' in @/plugins; did you mean 'upper'?\n"
     "4:3: job 'b' has no plugin: add `plugin: NAME` ('rota plugins' lists them)\n"
     "4:14: job 'b': after: there is no job 'z'\n"
     "4:3: job 'b': job 'a' already writes to standard output, and only one job can: give this one an `output:`\n"
     "4:24: job 'b': input: nofile can't be read: No such file or directory\n"},
};

static const struct {
	const char *set, *error;
} sets[] = {
	{"a.jobs=3", ""},
	{"a.unordered=yes", ""},
	{"a.options.ms=7", ""},
	{"b.after=a", ""},
	{"run.trust-path=yes", ""},
	{"a.input=range:1-9=x",
     "--set a.input=range:1-9=x: job 'a': input: range:1-9=x: '9=x' isn't a whole number (expected "
     "one such as 8)"},
	{"a", "--set a: expected JOB.KEY=VALUE, JOB.options.KEY=VALUE or run.KEY=VALUE"},
	{"a=b", "--set a=b: expected JOB.KEY=VALUE, JOB.options.KEY=VALUE or run.KEY=VALUE"},
	{"a.=b", "--set a.=b: expected JOB.KEY=VALUE, JOB.options.KEY=VALUE or run.KEY=VALUE"},
	{".a=b", "--set .a=b: expected JOB.KEY=VALUE, JOB.options.KEY=VALUE or run.KEY=VALUE"},
	{"jobs=a.b", "--set jobs=a.b: expected JOB.KEY=VALUE, JOB.options.KEY=VALUE or run.KEY=VALUE"},
	{"x.jobs=1", "--set x.jobs=1: no job 'x' in t.yaml"},
	{"choosey.jobs=1", "--set choosey.jobs=1: no job 'choosey' in t.yaml, did you mean 'choosy'?"},
	{"a.jbos=1", "--set a.jbos=1: job 'a': unknown key 'jbos', did you mean 'jobs'?"},
	{"a.jobs=x", "--set a.jobs=x: job 'a': jobs: 'x' isn't a number of workers, nor a file that has one (expected one "
                 "such as 8, 200%, +1 or 0)"},
	{"a.pin=yes", "--set a.pin=yes: job 'a': pin: 'yes' isn't a valid choice (expected one of none,core,numa)"},
	{"a.options=x", "--set a.options=x: the option is missing: expected a.options.KEY=VALUE"},
	{"run.x=y", "--set run.x=y: run: unknown key 'x'; a job's keys go below `jobs:` and the job's name"},
};

static struct catalog *catalog;

static struct plan *plan_new(void)
{
	struct plan *plan = NULL;
	struct err err;
	stage_need(plan_create(&plan, catalog, &err) == 0, "a plan");
	return plan;
}

static struct plan *plan_of_text(const char *text)
{
	struct plan *plan = plan_new();
	stage_write("t.yaml", text, strlen(text), 0600);
	plan_read(plan, "t.yaml");
	return plan;
}

/* All errors, one a line, without "t.yaml:", the stage's folder as @. Returns text. */
static const char *errors_join(const struct plan *plan, char *text, size_t room_bytes)
{
	size_t n = 0, n_folder = strlen(stage_path());
	text[0] = '\0';
	for (size_t i = 0; i < plan->errors.n_errs; i++) {
		const char *at = plan->errors.errs[i].text;
		if (strncmp(at, "t.yaml:", 7) == 0)
			at += 7;
		while (*at && n + 2 < room_bytes) {
			bool is_folder = strncmp(at, stage_path(), n_folder) == 0;
			text[n++] = is_folder ? '@' : *at;
			at += is_folder ? n_folder : 1;
		}
		text[n++] = '\n';
		text[n] = '\0';
	}
	return text;
}

static void test_conf_files(void)
{
	static char text[1 << 16];
	for (size_t i = 0; i < sizeof(conf_files) / sizeof(conf_files[0]); i++) {
		struct plan *plan = plan_of_text(conf_files[i].text);
		plan_check(plan);
		is_str(errors_join(plan, text, sizeof(text)), conf_files[i].errors, "%s", conf_files[i].what);
		plan_destroy(&plan);
	}
}

static void test_sets(void)
{
	static const char conf[] =
		"jobs:\n  a: {plugin: choosy, jobs: 2, keep-order: yes, options: {ms: 1, mode: fast}}\n"
		"  b: {plugin: upper, input: in, output: none}\n  choosy: {plugin: upper, input: in, output: x}\n";
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct plan *plan = plan_of_text(conf);
		is_int(plan_set(plan, sets[i].set), sets[i].error[0] ? -1 : 0, "--set %s", sets[i].set);
		is_str(plan->errors.n_errs ? plan->errors.errs[0].text : "", sets[i].error, "--set %s: what is said",
		       sets[i].set);
		plan_destroy(&plan);
	}
	struct plan *plan = plan_of_text(conf);
	plan_set(plan, "a.jobs=3");
	plan_set(plan, "a.jobs=4");
	plan_set(plan, "a.unordered=yes");
	plan_set(plan, "a.options.ms=7");
	plan_set(plan, "a.options.tags=x,y\\,z");
	plan_set(plan, "b.after=a,choosy");
	is_int(plan_check(plan), 0, "all that is set is taken together");
	const struct job *a = &plan->jobs[0];
	is_int(a->n_workers, 4, "the last --set holds");
	ok(!a->is_ordered, "a setting's other name replaces it");
	is_str(a->options[0].elements[0], "7", "an option is replaced");
	is_int(a->n_options, 3, "and another one added");
	is_int(a->options[2].n_elements, 2, "a list is split at its commas");
	is_str(a->options[2].elements[1], "y,z", "but for those with a backslash");
	is_int(plan->jobs[1].n_after, 2, "so is `after`");
	plan_destroy(&plan);
}

/* Two workers or more, by the defaults; whatever machine this is. */
static void test_defaults(void)
{
	const char *why;
	struct plan *plan = plan_of_text(JOB(""));
	is_int(plan_check(plan), 0, "a job with nothing but a plugin");
	const struct job *job = &plan->jobs[0];
	ok(endpoint_is_standard(&job->input) && job->input.kind == ENDPOINT_LINES, "reads lines from standard input");
	ok(endpoint_is_standard(&job->output) && job->output.kind == ENDPOINT_LINES, "writes lines to standard output");
	is_int(job->n_workers, plan_usable_cpus(&why), "has a worker for each CPU");
	is_int(job->backend, BACKEND_AUTO, "of any kind");
	ok(job->is_ordered, "in order");
	is_int(job->max_item_bytes, 1 << 30, "items up to 1G");
	is_int(job->max_result_bytes, 1 << 30, "results up to 1G");
	is_int(job->window_bytes, memory_window(plan_usable_memory(&why), 1), "a window by the memory");
	ok(!job->runs_commands, "results as they are");
	is_str(job->info ? job->info->name : NULL, "upper", "and knows its plugin");
	plan_destroy(&plan);
}

static void test_every_key(void)
{
	struct plan *plan = plan_of_text(
		"run: {trust-path: no}\njobs:\n  a:\n    plugin: exec\n    options: {command: ['true', 'a,b', '{}']}\n"
		"    input: in\n"
		"    null: yes\n    output: nul:new\n    jobs: 3\n    backend: process\n    unordered: yes\n    max-item: 10\n"
		"    max-result: 2K\n    window: 1M\n"
		"  b: {plugin: slow, backend: thread, jobs: 5, input: 'range:10-1/-2', after: [a], output: none}\n");
	is_int(plan_check(plan), 0, "every key is taken");
	const struct job *a = &plan->jobs[0], *b = &plan->jobs[1];
	is_int(a->input.kind, ENDPOINT_NUL, "null makes lines of the input nul");
	is_int(a->output.kind, ENDPOINT_NUL, "the output");
	is_str(a->output.argument, "new", "its file");
	is_int(a->n_workers, 3, "the workers");
	is_int(a->backend, BACKEND_PROCESS, "the backend");
	ok(!a->is_ordered, "the order");
	is_int(a->max_item_bytes, 10, "max-item");
	is_int(a->max_result_bytes, 2048, "max-result");
	is_int(a->window_bytes, 1 << 20, "window");
	ok(a->runs_commands, "a command's output ends in a newline");
	is_int(a->options[0].n_elements, 3, "a list has its elements");
	is_str(a->options[0].elements[1], "a,b", "commas and all");
	is_int(b->n_workers, 1, "a plugin that isn't thread-safe gets one thread");
	is_int(b->input.step, -2, "the range");
	is_int(b->n_after, 1, "it waits for one job");
	is_int(b->after[0], 0, "the first");
	plan_destroy(&plan);
}

static void test_command_line(void)
{
	static const struct {
		const char *key, *value, *error;
	} words[] = {
		{"jobs", "x",
	     "--jobs: 'x' isn't a number of workers, nor a file that has one (expected one such as 8, 200%, +1 or 0)"},
		{"pin", "yes", "--pin: 'yes' isn't a valid choice (expected one of none,core,numa)"},
		{"input", "rang:1-2",
	     "--input: 'rang' isn't a kind, did you mean 'range:1-2'? For a file of that name, write "
	     "lines:rang:1-2"},
		{"plugin", "", "plugin: the plugin's name is missing ('rota plugins' lists them)"},
	};
	struct place place = {0};
	struct plan *plan = plan_new();
	struct job *job = plan_add_job(plan, "map", place);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		is_int(job_set(plan, job, words[i].key, &words[i].value, 1, place), -1, "--%s %s", words[i].key,
		       words[i].value);
		is_str(plan->errors.errs[i].text, words[i].error, "--%s: what is said", words[i].key);
	}
	plan_destroy(&plan);

	static const struct {
		const char *key, *value;
	} twice[] = {{"jobs", "2"}, {"jobs", "4"}, {"unordered", "yes"}, {"keep-order", "yes"}, {"plugin", "upper"}};
	plan = plan_new();
	job = plan_add_job(plan, "map", place);
	for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++)
		is_int(job_set(plan, job, twice[i].key, &twice[i].value, 1, place), 0, "--%s %s", twice[i].key, twice[i].value);
	const char *one = "1";
	is_int(job_set_option(plan, job, "x", &one, 1, false, place, false), 0, "x=1");
	is_int(job_set_option(plan, job, "x", &one, 1, false, place, false), -1, "x=1 again");
	is_int(plan_check(plan), -1, "the plugin has no such option");
	is_int(plan->errors.n_errs, 2, "two errors");
	is_str(plan->errors.errs[0].text, "option 'x' is given twice: remove one of them", "an option twice is one");
	is_str(plan->errors.errs[1].text, "plugin 'upper' has no options, so 'x' can't be set",
	       "the plugin says the other");
	is_int(job->n_workers, 4, "of options of rota's own the last holds");
	ok(job->is_ordered, "by whichever name");
	plan_destroy(&plan);
}

/* Conf files damaged at random never end the program, and those that are taken can be checked. */
static void test_damaged(void)
{
	static const char sample[] =
		"run: {trust-path: no}\njobs:\n  a:\n    plugin: upper\n    input: range:1-3\n    jobs: 2\n"
		"    options: {x: [1, 2]}\n  b: {plugin: upper, input: in, after: [a]}\n";
	uint32_t state = 88172645u;
	size_t n_plans = 0;
	for (unsigned i = 0; i < 500; i++) {
		char text[sizeof(sample)];
		memcpy(text, sample, sizeof(sample));
		for (unsigned k = 0; k < 3; k++) {
			state = state * 1664525u + 1013904223u;
			text[(state >> 8) % (sizeof(sample) - 1)] = sample[(state >> 20) % (sizeof(sample) - 1)];
		}
		struct plan *plan = plan_of_text(text);
		plan_check(plan);
		n_plans += plan->errors.n_errs > 0 || plan->n_jobs > 0;
		plan_destroy(&plan);
	}
	is_int(n_plans, 500, "500 damaged files each give errors or jobs");
}

static void test(void)
{
	struct err err = {0};
	log_init(LOG_QUIET);
	stage_write("in", "a\n", 2, 0600);
	ok(symlink("in", "link") == 0 && symlink("new", "dangling") == 0, "two links");
	ok(catalog_create(&catalog, false, NULL, &err) == 0, "a catalog: %s", err.text);
	test_conf_files();
	test_sets();
	test_defaults();
	test_every_key();
	test_command_line();
	test_damaged();
	catalog_destroy(&catalog);
}

int main(int argc, char **argv)
{
	return stage_main(argc, argv, test);
}
