/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup - a memory limit of each worker's in the kernel's hands (cgroup v2, the kernel's
 * Documentation/admin-guide/cgroup-v2.rst), where a cgroup was delegated to us: for a worker that takes in one go what
 * would be seen too late by watching it.
 *
 *   cgroup_open once a run; cgroup_add when a worker has its process, cgroup_was_oom and cgroup_remove when it has
 *   died; cgroup_close
 *
 * No processes may be in a cgroup that has controllers for others. So we move ourselves, the only ones in there, to
 * rota-PID in it, and beside that each worker gets rota-PID-JOB-WORKER. What can't be done leaves all as it was. What
 * a killed rota has left is removed by the next one there.
 * One thread, one a process.
 */
#ifndef CREW_CGROUP_H
#define CREW_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CGROUP_WHY_BYTES 160

struct cgroup {
	char folder[PATH_MAX]; /* "": none */
	bool has_enabled;      /* the memory controller in there was enabled by us */
};

/* false: there is none for us; why says so. */
bool cgroup_open(struct cgroup *cgroup, char why[CGROUP_WHY_BYTES]);
void cgroup_close(struct cgroup *cgroup); /* workers are gone */

/* The folder of this process's cgroup v2, by the files that the kernel has in /proc/self. false: none that is seen. */
bool cgroup_find(const char *mountinfo_file, const char *cgroup_file, char ret_folder[PATH_MAX]);

/* false: it goes on without. job: counted from 0. */
bool cgroup_add(const struct cgroup *cgroup, unsigned job, unsigned worker, pid_t pid, int64_t memory_bytes);
bool cgroup_was_oom(const struct cgroup *cgroup, unsigned job, unsigned worker);
/* With all that is left in it. */
void cgroup_remove(const struct cgroup *cgroup, unsigned job, unsigned worker);

#endif
