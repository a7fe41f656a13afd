/* SPDX-License-Identifier: Apache-2.0 */
/* exec_environment - see exec_environment.h. */
#define _GNU_SOURCE 1
#include "plugins/exec_environment.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static const char *const own_names[] = {"ROTA_SEQ", "ROTA_ATTEMPT", "ROTA_SLOT", "ROTA_ITEM"};
#define N_OWN_NAMES (sizeof(own_names) / sizeof(*own_names))

/* Held to 1 for numerical libraries in workers; a command isn't one. */
static const char *const held_names[] = {"OMP_NUM_THREADS",  "OPENBLAS_NUM_THREADS",   "MKL_NUM_THREADS",
                                         "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"};
#define N_HELD_NAMES (sizeof(held_names) / sizeof(*held_names))

static bool is_entry_of(const char *entry, const char *const *names, size_t n_names)
{
	size_t n_bytes = strcspn(entry, "=");
	for (size_t i = 0; i < n_names; i++)
		if (strlen(names[i]) == n_bytes && strncmp(entry, names[i], n_bytes) == 0)
			return true;
	return false;
}

/* The environment that this process began with, NUL behind each entry; malloc'ed. NULL where it can't be read. */
static char *read_first_environment(size_t *ret_bytes)
{
	int fd = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);
	char *bytes = NULL;
	size_t n_bytes = 0, n_cap = 0;
	ssize_t n = fd >= 0 ? 1 : -1;
	while (n > 0) {
		if (n_cap - n_bytes < 4096) {
			n_cap = n_cap * 2 + 16384;
			char *larger = realloc(bytes, n_cap);
			if (!larger)
				break;
			bytes = larger;
		}
		n = read(fd, bytes + n_bytes, n_cap - n_bytes - 1);
		n_bytes += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	if (n != 0) {
		free(bytes);
		return NULL;
	}
	bytes[n_bytes] = '\0';
	*ret_bytes = n_bytes;
	return bytes;
}

/* Was it there from the beginning? Then the user has set it. Where nobody knows, it stays. */
static bool is_first(const char *entry, const char *first, size_t n_first)
{
	for (const char *at = first; at && at < first + n_first; at += strlen(at) + 1)
		if (strcmp(at, entry) == 0)
			return true;
	return !first;
}

bool environment_init(struct environment *environment, unsigned slot, const char *slot_name)
{
	size_t n = 0, n_first = 0;
	*environment = (struct environment){0};
	while (environ[n])
		n++;
	char *first = read_first_environment(&n_first);
	environment->envp = calloc(n + N_OWN_NAMES + 2, sizeof(*environment->envp));
	char **next = environment->envp;
	for (size_t i = 0; i < n && next; i++) {
		bool is_held = is_entry_of(environ[i], held_names, N_HELD_NAMES) && !is_first(environ[i], first, n_first);
		if (!is_held && !is_entry_of(environ[i], own_names, N_OWN_NAMES) && !is_entry_of(environ[i], &slot_name, 1))
			*next++ = environ[i];
	}
	free(first);
	if (!next || (*slot_name && asprintf(&environment->slot_named, "%s=%u", slot_name, slot) < 0)) {
		environment->slot_named = NULL;
		environment_fini(environment);
		return false;
	}
	snprintf(environment->slot, sizeof(environment->slot), "ROTA_SLOT=%u", slot);
	*next++ = environment->slot;
	if (environment->slot_named)
		*next++ = environment->slot_named;
	*next++ = environment->seq;
	*next++ = environment->attempt;
	environment->item_entry = next;
	return true;
}

void environment_set(struct environment *environment, uint64_t seq, uint32_t attempt, char *item_entry)
{
	snprintf(environment->seq, sizeof(environment->seq), "ROTA_SEQ=%" PRIu64, seq);
	snprintf(environment->attempt, sizeof(environment->attempt), "ROTA_ATTEMPT=%" PRIu32, attempt);
	*environment->item_entry = item_entry;
}

void environment_fini(struct environment *environment)
{
	free(environment->envp);
	free(environment->slot_named);
	*environment = (struct environment){0};
}
