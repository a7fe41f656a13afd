/* SPDX-License-Identifier: Apache-2.0 */
/* foreign - see foreign.h. */
#include "config.h"

#include "core/cli/foreign.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* names: between blanks. */
static const struct {
	const char *names, *letters, *instead;
} foreigns[] = {
	{" interactive ", "p", "rota never asks: look at the commands first with --dry-run"},
	{" sshlogin sshloginfile slf ssh ssh-delay sshdelay controlmaster rsync-opts transferfile tf transfer return "
     "cleanup "
     "trc basefile bf onall nonall hostgroups hgrp filter-hosts ",
     "SM", "rota runs on one machine: start it on each, by ssh"},
	{" sql sqlmaster sql-master sqlworker sql-worker sqlandworker sql-and-worker ", "",
     "--journal keeps what was done in an SQLite file, --joblog a line per item"},
	{" semaphore id fg bg semaphorename semaphore-name semaphoretimeout semaphore-timeout st wait ", "",
     "flock(1) lets one command at a time run"},
	{" rpl parens er extensionreplace bnr basenamereplace bner basenameextensionreplace dnr dirnamereplace seqreplace "
     "slotreplace plus ",
     "U", "there are no Perl expressions and no other names for {.} and the like: use a shell's ${1%.*}, by sh -c"},
	{" profile plain record-env env embed ", "J",
     "a conf file keeps options: rota run FILE; the environment is passed on"},
	{" ungroup line-buffer linebuffer lb latest-line ll ", "",
     "a command's output is kept together until it ends: let it write to a file or to /dev/tty to see it before"},
	{" termseq term-seq ", "", "a command is ended by TERM, and 200 ms later by KILL"},
	{" tty open-tty tmux tmuxpane ", "", "commands have no terminal: run it in the shell, or let it open /dev/tty"},
	{" max-procs procs ", "", "it is --jobs"},
	{" eta bar ", "", "it is --progress always"},
	{" resume-failed ", "", "it is --resume with --retry-failed, and needs --journal"},
	{" exit ", "x", "a value that is too long for a command always fails its item"},
	{" quote shellquote shell-quote ", "q", "{} is quoted wherever rota uses a shell; see --shell"},
	{" compress compress-program decompress-program tmpdir files output-as-files outputasfiles cat fifo ", "",
     "rota needs no temporary files: results stay in memory, within --window"},
	{" tmpl template ", "", "let the command read a file of its own, by sh -c"},
	{" round-robin roundrobin round shard bin group-by groupby tee ", "",
     "--pipe gives each block to a command of its own"},
	{" memsuspend noswap limit ", "", "--memfree and --load hold items back"},
	{" will-cite citation bibtex ", "", "rota asks for no citation"},
	{" group ", "", "that is always so"},
	{" max-line-length-allowed show-limits ", "", "a command takes 128K by default: --max-chars"},
};

static bool has_name(const char *names, const char *name)
{
	size_t n = strlen(name);
	for (const char *at = names; n > 0 && (at = strstr(at, name)); at++)
		if (at[-1] == ' ' && at[n] == ' ')
			return true;
	return false;
}

const char *foreign_find(const char *name, char letter)
{
	for (size_t i = 0; i < sizeof(foreigns) / sizeof(foreigns[0]); i++)
		if ((name && has_name(foreigns[i].names, name)) || (letter && strchr(foreigns[i].letters, letter)))
			return foreigns[i].instead;
	return NULL;
}
