/*
 * libhwloc knows the caches also where /sys is silent, because it asks CPUID on every CPU. Where
 * /sys speaks it is believed, as it can be tested with machines that are not here.
 */
#include "counters/machine_parts.h"

#if HAVE_HWLOC
#include <hwloc.h>

static void take_cpus(struct cpu_mask *list, hwloc_const_cpuset_t set)
{
	*list = (struct cpu_mask){ 0 };
	for (int cpu = hwloc_bitmap_first(set); cpu >= 0 && cpu < CPU_MASK_MOST;
	     cpu = hwloc_bitmap_next(set, cpu))
		cpu_mask_add(list, (unsigned)cpu);
}

static void take_cache(struct machine *machine, hwloc_obj_t object)
{
	const struct hwloc_cache_attr_s *attribute = &object->attr->cache;
	struct machine_cache cache = { .level = attribute->depth,
				       .size_bytes = attribute->size,
				       .line_bytes = attribute->linesize,
				       .type = attribute->type == HWLOC_OBJ_CACHE_DATA ? 'd'
					       : attribute->type == HWLOC_OBJ_CACHE_INSTRUCTION
						       ? 'i'
						       : 'u' };
	if (attribute->associativity > 0)
		cache.ways = (uint32_t)attribute->associativity;
	if (cache.ways && cache.line_bytes)
		cache.sets = (uint32_t)(cache.size_bytes / cache.ways / cache.line_bytes);
	take_cpus(&cache.cpus, object->cpuset);
	machine_add_cache(machine, &cache);
}

static void take_caches(struct machine *machine, hwloc_topology_t topology)
{
	for (int type = HWLOC_OBJ_L1CACHE; type <= HWLOC_OBJ_L3ICACHE; type++) {
		hwloc_obj_t object = NULL;
		while ((object = hwloc_get_next_obj_by_type(topology, (hwloc_obj_type_t)type,
							    object)))
			take_cache(machine, object);
	}
}

static void take_groups(struct machine_groups *groups, hwloc_topology_t topology,
			hwloc_obj_type_t type)
{
	struct cpu_mask cpus;
	hwloc_obj_t object = NULL;
	groups->n = 0;
	while ((object = hwloc_get_next_obj_by_type(topology, type, object))) {
		take_cpus(&cpus, object->cpuset);
		machine_add_group(groups, object->os_index, &cpus);
	}
}

bool machine_ask_hwloc(struct machine *machine)
{
	hwloc_topology_t topology;
	if (hwloc_topology_init(&topology) != 0)
		return false;
	hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL);
	hwloc_topology_set_io_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE);
	bool is_loaded = hwloc_topology_load(topology) == 0;
	if (is_loaded && machine->n_caches == 0)
		take_caches(machine, topology);
	if (is_loaded && hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE) > 0) {
		take_groups(&machine->cores, topology, HWLOC_OBJ_CORE);
		take_groups(&machine->packages, topology, HWLOC_OBJ_PACKAGE);
	}
	hwloc_topology_destroy(topology);
	return is_loaded && machine->cores.n > 0 && machine->packages.n > 0;
}
#else
bool machine_ask_hwloc(struct machine *machine)
{
	(void)machine;
	return false;
}
#endif
