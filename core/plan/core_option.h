/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core_option - rota's own options, one record each, in the order of the help: the keys of a job and of `run:` in a
 * conf file, and the options of the command line. The record says all about an option: the command line and its
 * completion, the conf file, --set, the help and the dry run are made from it.
 */
#ifndef PLAN_CORE_OPTION_H
#define PLAN_CORE_OPTION_H

#include "core/base/option.h"
#include "core/plan/field.h"
#include "core/plan/place.h"

#include <stdbool.h>
#include <stddef.h>

/* Where each may stand. */
enum core_flag {
	CORE_JOB = 1 << 0,      /* a key of a job, and an option of map, exec and run (there it holds for every job) */
	CORE_COMMAND = 1 << 1,  /* an option of map, exec and run only: progress, dry-run */
	CORE_RUN_KEY = 1 << 2,  /* a key of the conf file's `run:` */
	CORE_CONF = 1 << 3,     /* a key of a job that is no option: plugin, options, after */
	CORE_ANYWHERE = 1 << 4, /* an option of every command: quiet, verbose, help */
	CORE_SET = 1 << 5,      /* an option of run only: set */
	CORE_FAILURES = 1 << 6, /* an option of failures: json, items, null */
	CORE_TRY = 1 << 7,      /* an option of try: null */
	CORE_ITEMS = 1 << 8,    /* with CORE_CONF: a key of a job, and an option of map and exec */
	CORE_EXEC = 1 << 9,     /* an option of exec only: its plugin's */
	CORE_PLANNED = 1 << 10, /* an option of map and run only: dry-run */
	CORE_HELP = 1 << 11     /* an option of help: all */
};

/* The struct that a value goes into. */
enum core_owner {
	OWNER_JOB,      /* struct job */
	OWNER_PLAN,     /* struct plan: the run as a whole */
	OWNER_SETTINGS, /* struct settings: the command itself */
	OWNER_PLUGIN    /* none: the value is told to the job's plugin */
};

/* For those that aren't just put into a field, see setter.h. The value's strings may be taken (set to NULL). */
typedef int core_set_f(void *owner, struct option_value *value, struct place place, struct err *err);

/*
 * All about one option. Two may have the same name or letter if no command takes both. Of two that name the same field
 * one may be given. How the command line takes it follows from its type: a BOOL has no value there and means "yes", all
 * others have one.
 */
struct core_option {
	struct option_spec spec;
	unsigned flags;
	enum core_owner owner;
	struct field field;        /* or */
	core_set_f *set;           /* if not NULL */
	const char *plugin_option; /* OWNER_PLUGIN: which option of its that is */
	const char *plugin_text;   /* and what it is told; NULL: the value as it is given */
	bool is_inverse;           /* a BOOL: the field is its opposite */
	char letter;               /* of the short option, or 0 */
	char other_letter;         /* a second short option that people's fingers know, or 0 */
	const char *other_name;    /* a second long option, or NULL */
	const char *once;  /* a command line that gives it twice is wrong, and this is why; NULL: the last one holds */
	bool adds;         /* given several times, each counts; so do the elements of a list in a file */
	const char *alone; /* its value may be left out, and is this then; or NULL */
	const char *per;   /* what a dry run says behind the value: "a worker"; or NULL */
	bool is_rare;      /* the help names it only with --all */
	bool has_row;      /* a dry run has a row of its own for it */
};

#define CORE_OPTIONS_MAX 160 /* in the table */

#define SHUF_ANY "any" /* a seed of chance */

const struct core_option *core_options(size_t *ret_n);

/* The option of that name (or other_name) that has one of the flags; NULL when there is none. */
const struct core_option *core_option_find(const char *name, unsigned flags);

/* The place of an option in the table. */
size_t core_option_index(const struct core_option *option);

/* Does it have a value on the command line? */
bool core_option_has_value(const struct core_option *option);

/* Are they two names of one setting? One option is. */
bool core_option_is_same(const struct core_option *one, const struct core_option *other);

/* The name nearest to a misspelt one among those that have one of the flags, or NULL. */
const char *core_option_nearest(const char *word, unsigned flags);

/*
 * Texts become a value of the option's type, which goes where the record says. owner is the struct that the record
 * names. -1: err says what is wrong, without the option's name.
 */
int core_option_put(const struct core_option *option, void *owner, const char *const *texts, size_t n_texts,
                    struct place place, struct err *err);

/* All defaults of an owner's options. */
int core_options_reset(enum core_owner kind, void *owner, struct place place, struct err *err);

#endif
