/* SPDX-License-Identifier: Apache-2.0 */
/* pin - see pin.h. */
#include "config.h"

#include "core/base/buf.h"
#include "core/crew/pin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pin_fini(struct pin *pin)
{
	for (size_t i = 0; pin->cpus && i < pin->n_places; i++)
		free(pin->cpus[i]);
	free(pin->cpus);
	free(pin->nodes);
	*pin = (struct pin){0};
}

#ifndef HAVE_HWLOC

int pin_choose(enum pin_kind kind, size_t n_workers, size_t n_places, struct pin *ret, struct err *err)
{
	(void)kind, (void)n_workers, (void)n_places;
	*ret = (struct pin){0};
	return err_set(
		err, ERR_USAGE,
		"--pin: this rota was built without hwloc: omit the option, or install libhwloc-dev and rebuild rota");
}

#else

#include <hwloc.h>

/* The CPUs of a core or node, as text; NULL when memory is short. */
static char *list_cpus(hwloc_const_bitmap_t set)
{
	struct buf buf = {0};
	char number[16];
	for (int cpu = hwloc_bitmap_next(set, -1); cpu >= 0; cpu = hwloc_bitmap_next(set, cpu)) {
		int n = snprintf(number, sizeof number, "%s%d", buf.len > 0 ? "," : "", cpu);
		if (buf_append(&buf, number, (size_t)n) != 0)
			break;
	}
	char *text = buf.len > 0 ? strndup(buf.bytes, buf.len) : NULL;
	buf_fini(&buf);
	return text;
}

static int fill(hwloc_topology_t topology, enum pin_kind kind, size_t n_workers, struct pin *pin, struct err *err)
{
	int depth = hwloc_get_type_depth(topology, kind == PIN_NUMA ? HWLOC_OBJ_NUMANODE : HWLOC_OBJ_CORE);
	if (depth == HWLOC_TYPE_DEPTH_UNKNOWN) /* a machine that doesn't tell its cores */
		depth = hwloc_get_type_depth(topology, HWLOC_OBJ_PU);
	size_t n_objects = hwloc_get_nbobjs_by_depth(topology, depth);
	if (n_objects == 0)
		return err_set(err, ERR_RESOURCE, "--pin: hwloc finds no CPU to pin a worker to: omit the option");
	for (size_t i = 0; i < pin->n_places; i++) {
		size_t turn = i % n_workers;
		size_t which = n_workers < n_objects ? turn * n_objects / n_workers : turn % n_objects;
		hwloc_obj_t object = hwloc_get_obj_by_depth(topology, depth, (unsigned)which);
		pin->cpus[i] = object ? list_cpus(object->cpuset) : NULL;
		if (!pin->cpus[i])
			return err_set(err, ERR_RESOURCE, "out of memory");
		pin->nodes[i] = object->nodeset ? hwloc_bitmap_to_ulong(object->nodeset) : 0;
	}
	return 0;
}

int pin_choose(enum pin_kind kind, size_t n_workers, size_t n_places, struct pin *ret, struct err *err)
{
	const unsigned long flags = HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING | HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM;
	hwloc_topology_t topology = NULL;
	int result = -1;
	*ret = (struct pin){.n_places = n_places};
	ret->cpus = calloc(n_places, sizeof *ret->cpus);
	ret->nodes = calloc(n_places, sizeof *ret->nodes);
	if (!ret->cpus || !ret->nodes)
		err_set(err, ERR_RESOURCE, "out of memory");
	else if (hwloc_topology_init(&topology) != 0 || hwloc_topology_set_flags(topology, flags) != 0 ||
	         hwloc_topology_load(topology) != 0)
		err_set_errno(err, ERR_RESOURCE, errno, "--pin: hwloc cannot inspect this machine");
	else
		result = fill(topology, kind, n_workers, ret, err);
	if (topology)
		hwloc_topology_destroy(topology);
	if (result != 0)
		pin_fini(ret);
	return result;
}

#endif
