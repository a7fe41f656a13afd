/* SPDX-License-Identifier: Apache-2.0 */
/* core_option - see core_option.h. */
#include "config.h"

#include "core/plan/core_option.h"

#include "core/base/duty.h"
#include "core/base/nearest.h"
#include "core/plan/plan.h"
#include "core/plan/setter.h"
#include "core/plan/settings.h"

#include <string.h>

#define IN_JOB(member) .owner = OWNER_JOB, .field = FIELD(job, member)
/* a dry run has one row for all of them */
#define ITEMS .flags = CORE_CONF | CORE_ITEMS, .has_row = true
#define BY(setter) .owner = OWNER_JOB, .set = setter
#define IN_PLAN(member) .owner = OWNER_PLAN, .field = FIELD(plan, member)
#define IN_SETTINGS(member) .owner = OWNER_SETTINGS, .field = FIELD(settings, member)
#define IN_EXEC(option) .flags = CORE_EXEC, .owner = OWNER_PLUGIN, .plugin_option = option

static const struct core_option table[] = {
	{{"jobs", OPTION_STRING, NULL,
      "workers: a number, 200% or +2 of the usable CPUs, a file that has one of these and is read again while the "
      "job runs, or, of commands, 0: as many as there are items (default: one per usable CPU)",
      NULL, "NUMBER"},
     .letter = 'j',
     .other_letter = 'P',
     .other_name = "workers",
     .flags = CORE_JOB,
     .owner = OWNER_JOB,
     .set = setter_jobs,
     .has_row = true},
	{{"backend", OPTION_CHOICE, "auto",
      "how a worker lives: process, thread, or auto: process, or thread if no process can be created",
      "process,thread,auto", "KIND"},
     .letter = 'b',
     .flags = CORE_JOB,
     IN_JOB(backend),
     .has_row = true,
     .is_rare = true},
	{{"input", OPTION_STRING, "lines:-",
      "where items come from (default: standard input): lines:FILE or just "
      "FILE, nul:FILE, files:GLOB, range:FIRST-LAST[/STEP]",
      NULL, "SOURCE"},
     .letter = 'i',
     .flags = CORE_JOB,
     .owner = OWNER_JOB,
     .set = setter_input,
     .once = "a job has only one; to read several files, use: cat FILE... | rota",
     .has_row = true},
	{{"output", OPTION_STRING, "lines:-",
      "where results go (default: standard output): lines:FILE or just FILE, "
      "nul:FILE, none",
      NULL, "SINK"},
     .letter = 'o',
     .flags = CORE_JOB,
     .owner = OWNER_JOB,
     .set = setter_output,
     .once = "a job has only one",
     .has_row = true},
	{{"null", OPTION_BOOL, "no", "input items end with a NUL byte, as find -print0 writes them", NULL, NULL},
     .letter = '0',
     .flags = CORE_JOB | CORE_FAILURES | CORE_TRY,
     IN_JOB(has_null_items),
     .has_row = true},
	{{"arg-file", OPTION_STRING, NULL,
      "values from a file, or any other source, - being standard input; several: all "
      "combinations, the first slowest; ::: VALUE... behind the command are values, too, and :::: FILE... files",
      NULL, "FILE"},
     .letter = 'a',
     ITEMS,
     BY(setter_arg_file),
     .adds = true},
	{{"values", OPTION_LIST, NULL, "a list of values, or a list of lists: all combinations", NULL, "VALUE"},
     .flags = CORE_CONF,
     BY(setter_values),
     .adds = true,
     .has_row = true,
     .is_rare = true},
	{{"link", OPTION_BOOL, "no", "lists go step by step; a shorter one begins again (:::+ and ::::+ link two)", NULL,
      NULL},
     .other_name = "xapply",
     ITEMS,
     IN_JOB(recipe.links_all),
     .is_rare = true},
	{{"delimiter", OPTION_STRING, NULL, "values end with this character: , or \\t or \\0 or \\x1f", NULL, "CHAR"},
     .letter = 'd',
     ITEMS,
     BY(setter_delimiter)},
	{{"no-run-if-empty", OPTION_BOOL, "no", "drop empty values", NULL, NULL},
     .letter = 'r',
     ITEMS,
     IN_JOB(recipe.drops_empty),
     .is_rare = true},
	{{"eof", OPTION_STRING, NULL, "a value that is this ends its list", NULL, "TEXT"},
     .letter = 'E',
     ITEMS,
     BY(setter_eof),
     .is_rare = true},
	{{"trim", OPTION_CHOICE, "n", "drop blanks on the left of each value, on the right, on both sides", "n,l,r,lr,rl",
      "ENDS"},
     ITEMS,
     BY(setter_trim),
     .is_rare = true},
	{{"colsep", OPTION_STRING, NULL,
      "split each value at this regular expression: {1} {2} ...; with --csv: a character", NULL, "REGEXP"},
     .letter = 'C',
     ITEMS,
     BY(setter_colsep)},
	{{"csv", OPTION_BOOL, "no", "values are comma-separated, with quotes as in RFC 4180: {1} {2} ...", NULL, NULL},
     ITEMS,
     IN_JOB(recipe.given.is_csv),
     .is_rare = true},
	{{"header", OPTION_STRING, NULL, "the first value of each list, or its columns, are names: {name}", NULL, ":"},
     ITEMS,
     BY(setter_header),
     .is_rare = true},
	{{"max-args", OPTION_INT, NULL, "so many values an item", "1..1000000000", "N"},
     .letter = 'n',
     ITEMS,
     IN_JOB(recipe.given.max_args)},
	{{"max-replace-args", OPTION_INT, NULL, "so many values an item: {1} {2} ...; with --pipe: so many records a block",
      "1..1000000000", "N"},
     .letter = 'N',
     ITEMS,
     IN_JOB(recipe.given.max_replace_args),
     .is_rare = true},
	{{"max-lines", OPTION_INT, NULL, "so many lines an item; one that ends in a blank goes on in the next",
      "1..1000000000", "N"},
     .letter = 'L',
     ITEMS,
     IN_JOB(recipe.given.max_lines),
     .is_rare = true},
	{{"context-replace", OPTION_BOOL, "no",
      "as many values an item as a command line takes, shared out over the workers; a word with {} is repeated for "
      "each",
      NULL, NULL},
     .letter = 'X',
     ITEMS,
     IN_JOB(recipe.given.fills_words)},
	{{"multiple-args", OPTION_BOOL, "no", "the same, but {} is all of them", NULL, NULL},
     .letter = 'm',
     ITEMS,
     IN_JOB(recipe.given.fills_one),
     .is_rare = true},
	{{"xargs", OPTION_BOOL, "no", "the same, but not shared out: each command line is full", NULL, NULL},
     ITEMS,
     IN_JOB(recipe.given.fills),
     .is_rare = true},
	{{"max-chars", OPTION_SIZE, NULL, "so many bytes a command line at most, its own words too (default: 128K)",
      "1..1G", "SIZE"},
     .letter = 's',
     ITEMS,
     IN_JOB(recipe.given.max_chars),
     .is_rare = true},
	{{"pipe", OPTION_BOOL, "no", "cut the input into blocks of whole records, for each command's standard input", NULL,
      NULL},
     .other_name = "spreadstdin",
     ITEMS,
     IN_JOB(recipe.given.pipes)},
	{{"pipepart", OPTION_BOOL, "no", "the same of a file, which only the commands read", NULL, NULL},
     .other_name = "pipe-part",
     ITEMS,
     IN_JOB(recipe.given.pipes_parts),
     .is_rare = true},
	{{"block", OPTION_SIZE, NULL,
      "a block ends with the first record that makes it this large (default: 1M; --pipepart: ten blocks a worker, of "
      "1M to 1G)",
      "1..1024G", "SIZE"},
     .other_name = "block-size",
     ITEMS,
     IN_JOB(recipe.block_bytes),
     .is_rare = true},
	{{"recstart", OPTION_STRING, NULL, "a record begins with this", NULL, "TEXT"},
     ITEMS,
     BY(setter_recstart),
     .is_rare = true},
	{{"recend", OPTION_STRING, NULL, "a record ends with this (default: a newline)", NULL, "TEXT"},
     ITEMS,
     BY(setter_recend),
     .is_rare = true},
	{{"shuf", OPTION_STRING, NULL, "items in an order of chance; the same SEED gives the same again", NULL, "SEED"},
     ITEMS,
     BY(setter_shuf),
     .alone = SHUF_ANY,
     .is_rare = true},
	{{"keep-order", OPTION_BOOL, "yes", "write results in input order (the default)", NULL, NULL},
     .letter = 'k',
     .flags = CORE_JOB,
     IN_JOB(is_ordered),
     .has_row = true,
     .is_rare = true},
	{{"unordered", OPTION_BOOL, "no", "write results as they come", NULL, NULL},
     .letter = 'u',
     .flags = CORE_JOB,
     IN_JOB(is_ordered),
     .is_inverse = true,
     .has_row = true},
	{{"raw", OPTION_BOOL, "no",
      "results one right behind the other, with no newline added: binary ones, or parts of one file (commands whose "
      "items are blocks: always)",
      NULL, NULL},
     .flags = CORE_JOB,
     IN_JOB(has_raw_results),
     .is_rare = true},
	{{"max-item", OPTION_SIZE, "1G", "a longer item fails without being run", "1..1024G", "SIZE"},
     .flags = CORE_JOB,
     IN_JOB(max_item_bytes),
     .has_row = true,
     .is_rare = true},
	{{"max-result", OPTION_SIZE, "1G", "an item with a longer result fails", "1..1024G", "SIZE"},
     .flags = CORE_JOB,
     IN_JOB(max_result_bytes),
     .has_row = true,
     .is_rare = true},
	{{"window", OPTION_SIZE, NULL,
      "how much to read ahead and hold back; rota uses at most this much memory plus one result per worker (default: "
      "64M, or less if memory is limited)",
      "4K..1024G", "SIZE"},
     .flags = CORE_JOB,
     IN_JOB(window_bytes),
     .has_row = true,
     .is_rare = true},
	{{"timeout", OPTION_DURATION, NULL, "time limit of one item; a worker that exceeds it is replaced (default: none)",
      "1ms..365d", "TIME"},
     .flags = CORE_JOB,
     IN_JOB(timeout_ns),
     .per = "an item"},
	{{"retries", OPTION_INT, "0",
      "number of further attempts at an item after a crash, a timeout, a broken limit or \"try again\"; an item that "
      "the plugin reports as failed is not tried again",
      "0..1000000", "N"},
     .flags = CORE_JOB,
     IN_JOB(n_retries)},
	{{"retry-on", OPTION_LIST, RETRY_ON_DEFAULT,
      "which failures --retries is for: crash, timeout, limit, again (a plugin says so, or a command's exit status "
      "isn't ok), fail (a plugin says so), exit:75,100-110 (of a command, those statuses only)",
      NULL, "WHAT,..."},
     .flags = CORE_JOB,
     .owner = OWNER_JOB,
     .set = setter_retry_on,
     .has_row = true,
     .is_rare = true},
	{{"backoff", OPTION_DURATION, "0", "pause before the second attempt; doubles before each later one", "..1d",
      "TIME"},
     .flags = CORE_JOB,
     IN_JOB(backoff_ns),
     .is_rare = true},
	{{"memory", OPTION_SIZE, NULL, "memory limit of one worker; the item that breaks it fails (default: none)", "1M..",
      "SIZE"},
     .flags = CORE_JOB,
     IN_JOB(memory_bytes),
     .per = "a worker"},
	{{"max-failures", OPTION_STRING, NULL,
      "end the run when more items than this have failed: a number, or a percentage, which applies from the 100th "
      "finished item on (default: never)",
      NULL, "N|P%"},
     .flags = CORE_JOB,
     .owner = OWNER_JOB,
     .set = setter_max_failures,
     .has_row = true},
	{{"halt", OPTION_STRING, NULL,
      "stop before the end: now (end what runs) or soon (let it finish), then fail, success or done, with a number of "
      "items or a percentage: now,fail=1, soon,done=30% (default: never)",
      NULL, "WHEN,WHAT=N"},
     .flags = CORE_JOB,
     .owner = OWNER_JOB,
     .set = setter_halt,
     .other_name = "halt-on-error",
     .has_row = true},
	{{"delay", OPTION_DURATION, "0", "pause between the begin of one item and that of the next", "..1d", "TIME"},
     .flags = CORE_JOB,
     IN_JOB(delay_ns),
     .is_rare = true},
	{{"rate", OPTION_STRING, NULL, "begin no more items than so many per second, minute or hour: 10/s, 100/m, 5/h",
      NULL, "N/s"},
     .flags = CORE_JOB,
     .owner = OWNER_JOB,
     .set = setter_rate,
     .has_row = true,
     .is_rare = true},
	{{"load", OPTION_STRING, NULL,
      "begin no item while the machine's load (of the last minute) is larger: a number, or a percentage of the CPUs",
      NULL, "N|P%"},
     .flags = CORE_JOB,
     .owner = OWNER_JOB,
     .set = setter_load,
     .has_row = true,
     .is_rare = true},
	{{"memfree", OPTION_SIZE, "0", "begin no item while less memory than this is available", "..1024T", "SIZE"},
     .flags = CORE_JOB,
     IN_JOB(min_free_bytes),
     .is_rare = true},
	{{"grace", OPTION_DURATION, "1s", "how long started items may continue after SIGTERM", "..1d", "TIME"},
     .flags = CORE_JOB,
     IN_JOB(grace_ns),
     .is_rare = true},
	{{"start-timeout", OPTION_DURATION, "5s", "time limit for the plugin's load, and for each worker's open", "1ms..1d",
      "TIME"},
     .flags = CORE_JOB,
     IN_JOB(start_timeout_ns),
     .is_rare = true},
	{{"recycle", OPTION_INT, NULL, "replace a worker after this many items (default: never)", "1..16000000", "N"},
     .flags = CORE_JOB,
     IN_JOB(recycle_items),
     .per = "items a worker",
     .is_rare = true},
	{{"pid-namespace", OPTION_BOOL, "no",
      "run the job's processes in a PID namespace, so that nothing that an item starts outlives the run, whatever "
      "happens; requires root, or a kernel that lets users create namespaces",
      NULL, NULL},
     .flags = CORE_JOB,
     IN_JOB(duty.has_pid_namespace),
     .is_rare = true},
	{{"spin", OPTION_BOOL, "no",
      "poll for work and results for up to a millisecond before sleeping: an item takes a microsecond or two on its "
      "way, but rota and each worker use a whole CPU",
      NULL, NULL},
     .flags = CORE_JOB,
     IN_JOB(duty.spins),
     .is_rare = true},
	{{"nice", OPTION_INT, "0", "raise the niceness of the workers, and of what they start, by this much", "0..19", "N"},
     .flags = CORE_JOB,
     IN_JOB(duty.niceness),
     .is_rare = true},
	{{"pin", OPTION_CHOICE, "none", "keep each worker on the CPUs of one core, or of one NUMA node", "none,core,numa",
      "WHERE"},
     .flags = CORE_JOB,
     IN_JOB(pin),
     .is_rare = true},
	{{"verify-results", OPTION_CHOICE, "auto",
      "whether to check that results don't change after they are made: always, never, or auto: if an item takes 10 us "
      "or more",
      "auto,always,never", "WHEN"},
     .flags = CORE_JOB,
     IN_JOB(verify),
     .is_rare = true},
	{{"journal", OPTION_STRING, NULL,
      "keep a journal in this file, to resume the run and to list its failures ('rota failures FILE')", NULL, "FILE"},
     .flags = CORE_COMMAND | CORE_RUN_KEY,
     .owner = OWNER_PLAN,
     .set = setter_journal},
	{{"resume", OPTION_BOOL, "no", "resume the run from the journal, or start it if there is none", NULL, NULL},
     .flags = CORE_COMMAND,
     IN_PLAN(is_resuming)},
	{{"retry-failed", OPTION_BOOL, "no",
      "with --resume, after the run has finished: run the failed items again and put their results where they belong",
      NULL, NULL},
     .flags = CORE_COMMAND,
     IN_PLAN(retries_failed)},
	{{"accept-change", OPTION_BOOL, "no",
      "with --resume: run the rest with a plugin, command or options that differ from the journal's; existing results "
      "stay",
      NULL, NULL},
     .flags = CORE_COMMAND,
     IN_PLAN(accepts_change),
     .is_rare = true},
	{{"joblog", OPTION_STRING, NULL, "write one line per item to this file, in the format of GNU parallel's --joblog",
      NULL, "FILE"},
     .flags = CORE_COMMAND | CORE_RUN_KEY,
     .owner = OWNER_PLAN,
     .set = setter_joblog},
	{{"json", OPTION_BOOL, "no", "write one object per line, for programs", NULL, NULL},
     .flags = CORE_FAILURES,
     IN_SETTINGS(wants_json)},
	{{"items", OPTION_BOOL, "no",
      "write only the items, byte for byte, to feed back into a run; with -0 each ends with a "
      "NUL byte",
      NULL, NULL},
     .flags = CORE_FAILURES,
     IN_SETTINGS(wants_items)},
	{{"set", OPTION_STRING, NULL,
      "override one key of the conf file: JOB.KEY=VALUE, JOB.options.KEY=VALUE, "
      "run.KEY=VALUE",
      NULL, "JOB.KEY=VALUE"},
     .letter = 's',
     .flags = CORE_SET,
     IN_SETTINGS(sets)},
	{{"progress", OPTION_CHOICE, "auto",
      "report progress on standard error; auto: a live line on a terminal, unless results go to a terminal or a pipe; "
      "always; never; json: a line per second, for programs",
      "auto,always,never,json", "WHEN"},
     .flags = CORE_COMMAND,
     IN_SETTINGS(progress)},
	{{"dry-run", OPTION_BOOL, "no", "check everything and print what would be run, but run nothing", NULL, NULL},
     .flags = CORE_PLANNED,
     IN_SETTINGS(is_dry_run)},
	{{"dry-run", OPTION_BOOL, NULL, "print the commands, quoted for a shell, but run none", NULL, NULL},
     IN_EXEC("dry-run")},
	{{"print-commands", OPTION_BOOL, NULL, "print each command on standard error before it is run", NULL, NULL},
     .letter = 't',
     IN_EXEC("trace")},
	{{"replace", OPTION_STRING, NULL, "what stands for the item instead of {}", NULL, "TEXT"},
     .letter = 'I',
     IN_EXEC("replace")},
	{{"shell", OPTION_BOOL, NULL, "COMMAND and its arguments are a script for sh -c", NULL, NULL},
     IN_EXEC("shell"),
     .is_rare = true},
	{{"no-shell", OPTION_BOOL, NULL, "no shell is used, whatever COMMAND is", NULL, NULL},
     IN_EXEC("shell"),
     .plugin_text = "no",
     .is_rare = true},
	{{"stdin", OPTION_BOOL, NULL, "the item is the command's standard input", NULL, NULL},
     IN_EXEC("stdin"),
     .plugin_text = "item",
     .is_rare = true},
	{{"ok-status", OPTION_STRING, NULL, "exit statuses that are no failure, such as 0,1 or 0-9", NULL, "LIST"},
     IN_EXEC("ok-status")},
	{{"drop-failed", OPTION_BOOL, NULL, "a command that failed has no result", NULL, NULL},
     IN_EXEC("keep-failed"),
     .plugin_text = "no",
     .is_rare = true},
	{{"tag", OPTION_BOOL, NULL, "the item and a tab before each line of its result", NULL, NULL}, IN_EXEC("tag")},
	{{"tagstring", OPTION_STRING, NULL, "the same with this text, which may have {} and the like", NULL, "TEXT"},
     .other_name = "tag-string",
     IN_EXEC("tagstring"),
     .is_rare = true},
	{{"results", OPTION_STRING, NULL,
      "each command's output in files, too: DIR/1/VALUE/stdout, or a file's name with {}", NULL, "DIR"},
     IN_EXEC("results")},
	{{"group-stderr", OPTION_BOOL, NULL, "what a command writes to standard error belongs to its result", NULL, NULL},
     IN_EXEC("group-stderr"),
     .is_rare = true},
	{{"process-slot-var", OPTION_STRING, NULL, "a variable with the worker's number, like ROTA_SLOT", NULL, "NAME"},
     IN_EXEC("slot-var"),
     .is_rare = true},
	{{"workdir", OPTION_STRING, NULL, "the directory in which commands are run", NULL, "DIR"},
     .other_name = "wd",
     IN_EXEC("workdir"),
     .is_rare = true},
	{{"trust-path", OPTION_BOOL, "no", "load a plugin no matter who owns it or may write to it", NULL, NULL},
     .flags = CORE_ANYWHERE | CORE_RUN_KEY,
     IN_PLAN(trust_path)},
	{{"quiet", OPTION_BOOL, "no", "print errors only", NULL, NULL},
     .letter = 'q',
     .flags = CORE_ANYWHERE,
     .owner = OWNER_SETTINGS,
     .set = setter_quiet},
	{{"verbose", OPTION_BOOL, "no", "print more details; twice: what each worker does", NULL, NULL},
     .letter = 'v',
     .flags = CORE_ANYWHERE,
     .owner = OWNER_SETTINGS,
     .set = setter_verbose},
	{{"all", OPTION_BOOL, "no", "describe the rare options, too", NULL, NULL},
     .flags = CORE_HELP,
     IN_SETTINGS(wants_all)},
	{{"version", OPTION_BOOL, "no", "print the version and exit", NULL, NULL},
     .letter = 'V',
     .flags = CORE_ANYWHERE,
     IN_SETTINGS(wants_version)},
	{{"help", OPTION_BOOL, "no", "print this help and exit", NULL, NULL},
     .letter = 'h',
     .flags = CORE_ANYWHERE,
     IN_SETTINGS(wants_help)},
	{{"plugin", OPTION_STRING, NULL, "the plugin to run over the items: a name, or a file if it contains a slash", NULL,
      "NAME"},
     .flags = CORE_CONF,
     .owner = OWNER_JOB,
     .set = setter_plugin,
     .has_row = true},
	{{"options", OPTION_STRING, NULL, "the plugin's own options", NULL, NULL},
     .flags = CORE_CONF,
     .owner = OWNER_JOB,
     .has_row = true},
	{{"after", OPTION_LIST, NULL, "jobs that must finish before this one starts", NULL, "JOB"},
     .flags = CORE_CONF,
     .owner = OWNER_JOB,
     .set = setter_after,
     .has_row = true},
};

#define N_OPTIONS (sizeof(table) / sizeof(table[0]))
_Static_assert(N_OPTIONS <= CORE_OPTIONS_MAX, "struct job.is_given has room for each");

const struct core_option *core_options(size_t *ret_n)
{
	*ret_n = N_OPTIONS;
	return table;
}

const struct core_option *core_option_find(const char *name, unsigned flags)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct core_option *option = &table[i];
		bool is_other = option->other_name && strcmp(option->other_name, name) == 0;
		if ((is_other || strcmp(option->spec.name, name) == 0) && option->flags & flags)
			return option;
	}
	return NULL;
}

size_t core_option_index(const struct core_option *option)
{
	return (size_t)(option - table);
}

bool core_option_has_value(const struct core_option *option)
{
	return option->spec.type != OPTION_BOOL;
}

bool core_option_is_same(const struct core_option *one, const struct core_option *other)
{
	return one == other || (one->field.kind != FIELD_NONE && one->owner == other->owner &&
	                        one->field.kind == other->field.kind && one->field.offset == other->field.offset);
}

const char *core_option_nearest(const char *word, unsigned flags)
{
	const char *names[2 * N_OPTIONS];
	size_t n_names = 0;
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (!(table[i].flags & flags))
			continue;
		names[n_names++] = table[i].spec.name;
		if (table[i].other_name)
			names[n_names++] = table[i].other_name;
	}
	return nearest_find(word, names, n_names);
}

int core_option_put(const struct core_option *option, void *owner, const char *const *texts, size_t n_texts,
                    struct place place, struct err *err)
{
	struct option_value value;
	/* One text for a list ("after: a,b") is split at its commas. */
	int rc = n_texts == 1 ? option_parse(&option->spec, texts[0], &value, err)
	                      : option_parse_elements(&option->spec, texts, n_texts, &value, err);
	if (rc)
		return -1;
	if (option->is_inverse)
		value.number = !value.number;
	rc = option->set ? option->set(owner, &value, place, err) : field_put(&option->field, owner, &value, err);
	option_value_fini(&value);
	return rc;
}

int core_options_reset(enum core_owner kind, void *owner, struct place place, struct err *err)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct core_option *option = &table[i];
		/* the default of a setting with two names is that of the other one */
		if (option->owner != kind || !option->spec.fallback || option->is_inverse)
			continue;
		if (core_option_put(option, owner, &option->spec.fallback, 1, place, err))
			return -1;
	}
	return 0;
}
