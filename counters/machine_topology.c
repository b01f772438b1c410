/*
 * CPUs, cores, packages and caches from /sys/devices/system/cpu, memory from .../node. A set of
 * CPUs that was seen is not read again for its other members, so the cost follows cores.
 * Source: Linux, Documentation/ABI/testing/sysfs-devices-system-cpu and
 * Documentation/admin-guide/cputopology.rst.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "counters/machine_parts.h"
#include "sampler/base/text.h"

#define CPU_FOLDER "/sys/devices/system/cpu"

/* L1d, L1i, L2, L3 and, on some, L4 or a system cache. */
enum { MOST_INDEXES = 8 };

static bool is_known(const struct machine_groups *groups, unsigned cpu)
{
	for (size_t i = groups->n; i-- > 0;)
		if (cpu_mask_has(&groups->rows[i].cpus, cpu))
			return true;
	return false;
}

/* A list that leaves out the CPU itself, or names CPUs that are off, is not believed. */
static bool read_siblings(const struct machine *machine, const struct machine_root *root,
			  struct cpu_mask *list, unsigned cpu, const char *name)
{
	return file_list(root, list, CPU_FOLDER "/cpu%u/topology/%s", cpu, name) &&
	       cpu_mask_has(list, cpu) && cpu_mask_is_within(list, &machine->online);
}

/* Kernels before 5.x have the old names only; the new ones say what they mean. */
static void read_groups(struct machine *machine, const struct machine_root *root, unsigned cpu,
			bool *is_whole)
{
	struct cpu_mask list, alone = { 0 };
	int64_t id;
	cpu_mask_add(&alone, cpu);
	if (!is_known(&machine->cores, cpu)) {
		bool has_list = read_siblings(machine, root, &list, cpu, "core_cpus_list") ||
				read_siblings(machine, root, &list, cpu, "thread_siblings_list");
		*is_whole &= has_list;
		if (!file_number(root, &id, CPU_FOLDER "/cpu%u/topology/core_id", cpu) || id < 0)
			id = (int64_t)machine->cores.n;
		machine_add_group(&machine->cores, (uint32_t)id, has_list ? &list : &alone);
	}
	if (!is_known(&machine->packages, cpu)) {
		bool has_list = read_siblings(machine, root, &list, cpu, "package_cpus_list") ||
				read_siblings(machine, root, &list, cpu, "core_siblings_list");
		*is_whole &= has_list;
		if (!file_number(root, &id, CPU_FOLDER "/cpu%u/topology/physical_package_id",
				 cpu) ||
		    id < 0)
			id = (int64_t)machine->packages.n;
		if (has_list || machine->packages.n == 0)
			machine_add_group(&machine->packages, (uint32_t)id,
					  has_list ? &list : &machine->online);
	}
}

/* "32K", "1024K", "8M", as the kernel writes sizes; 0 = unknown. */
static uint64_t read_size(const struct machine_root *root, unsigned cpu, unsigned place)
{
	char text[32];
	if (!file_text(root, text, sizeof text, CPU_FOLDER "/cpu%u/cache/index%u/size", cpu, place))
		return 0;
	uint64_t bytes = text_parse_bytes(text);
	return bytes == UINT64_MAX ? 0 : bytes;
}

static uint32_t read_property(const struct machine_root *root, unsigned cpu, unsigned place,
			      const char *name)
{
	int64_t value;
	bool is_good =
		file_number(root, &value, CPU_FOLDER "/cpu%u/cache/index%u/%s", cpu, place, name);
	return is_good && value > 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
}

static bool has_cache(const struct machine *machine, uint32_t level, char type, unsigned cpu)
{
	for (size_t i = machine->n_caches; i-- > 0;) {
		const struct machine_cache *cache = &machine->caches[i];
		if (cache->level == level && cache->type == type && cpu_mask_has(&cache->cpus, cpu))
			return true;
	}
	return false;
}

static void read_cache(struct machine *machine, const struct machine_root *root, unsigned cpu,
		       unsigned place)
{
	char type[32];
	struct machine_cache cache = { .level = read_property(root, cpu, place, "level") };
	if (cache.level == 0 || cache.level > 9 ||
	    !file_text(root, type, sizeof type, CPU_FOLDER "/cpu%u/cache/index%u/type", cpu, place))
		return;
	cache.type = strcmp(type, "Data") == 0 ? 'd' : strcmp(type, "Instruction") == 0 ? 'i' : 'u';
	if (has_cache(machine, cache.level, cache.type, cpu))
		return;
	if (!file_list(root, &cache.cpus, CPU_FOLDER "/cpu%u/cache/index%u/shared_cpu_list", cpu,
		       place) ||
	    !cpu_mask_has(&cache.cpus, cpu)) {
		cache.cpus = (struct cpu_mask){ 0 };
		cpu_mask_add(&cache.cpus, cpu);
	}
	cache.size_bytes = read_size(root, cpu, place);
	cache.line_bytes = read_property(root, cpu, place, "coherency_line_size");
	cache.ways = read_property(root, cpu, place, "ways_of_associativity");
	cache.sets = read_property(root, cpu, place, "number_of_sets");
	machine_add_cache(machine, &cache);
}

/* One line a distinct cache: "32 KiB x 2, 8 ways, 64 B lines, each for 1 CPU". */
static void describe_cache(struct machine *machine, size_t first)
{
	const struct machine_cache *one = &machine->caches[first];
	unsigned n = 0, n_cpus = cpu_mask_count(&one->cpus);
	for (size_t i = 0; i < machine->n_caches; i++) {
		const struct machine_cache *other = &machine->caches[i];
		bool is_same = other->level == one->level && other->type == one->type &&
			       other->size_bytes == one->size_bytes && other->ways == one->ways &&
			       cpu_mask_count(&other->cpus) == n_cpus;
		if (is_same && i < first)
			return;
		n += is_same;
	}
	static const char *const types[] = { "d", "i", "" };
	const char *type = types[one->type == 'd' ? 0 : one->type == 'i' ? 1 : 2];
	char key[64], name[16], size[TEXT_BYTES], ways[32] = "", line[32] = "";
	snprintf(name, sizeof name, "L%u%s", one->level, type);
	snprintf(key, sizeof key, "cache.%s", name);
	/* Cores of several kinds have several caches of one name. */
	for (int i = 2; machine_fact(machine, key) && i < 9; i++)
		snprintf(key, sizeof key, "cache.%s (%d)", name, i);
	if (one->ways)
		snprintf(ways, sizeof ways, ", %" PRIu32 " ways", one->ways);
	if (one->line_bytes)
		snprintf(line, sizeof line, ", %" PRIu32 " B lines", one->line_bytes);
	if (!one->size_bytes)
		machine_wonder(machine, key,
			       "the kernel knows of %u such cache%s but not the size: firmware "
			       "does not say",
			       n, n == 1 ? "" : "s");
	else
		machine_know(machine, key, "%s x %u%s%s, each for %u CPU%s",
			     machine_print_size(size, sizeof size, one->size_bytes), n, ways, line,
			     n_cpus, n_cpus == 1 ? "" : "s");
}

static void read_online(struct machine *machine, const struct machine_root *root)
{
	if (file_list(root, &machine->online, CPU_FOLDER "/online"))
		return;
	long n = root->is_live ? sysconf(_SC_NPROCESSORS_ONLN) : 0;
	for (long cpu = 0; cpu < n && cpu < CPU_MASK_MOST; cpu++)
		cpu_mask_add(&machine->online, (unsigned)cpu);
}

/* Threads of one core share all its caches, so only its first CPU is asked. */
static bool is_first_of_core(const struct machine *machine, unsigned cpu)
{
	for (size_t i = machine->cores.n; i-- > 0;)
		if (cpu_mask_has(&machine->cores.rows[i].cpus, cpu))
			return cpu_mask_next(&machine->cores.rows[i].cpus, 0) == cpu;
	return true;
}

static void read_each_cpu(struct machine *machine, const struct machine_root *root, bool *is_whole)
{
	for (unsigned cpu = cpu_mask_next(&machine->online, 0); cpu < CPU_MASK_MOST;
	     cpu = cpu_mask_next(&machine->online, cpu + 1)) {
		read_groups(machine, root, cpu, is_whole);
		if (!is_first_of_core(machine, cpu))
			continue;
		for (unsigned place = 0; place < MOST_INDEXES; place++) {
			if (!file_exists(root, CPU_FOLDER "/cpu%u/cache/index%u", cpu, place))
				break;
			read_cache(machine, root, cpu, place);
		}
	}
}

static void describe_count(struct machine *machine, bool is_whole)
{
	unsigned n_cpus = cpu_mask_count(&machine->online);
	if (n_cpus == 0)
		machine_wonder(machine, "cpu.count", CPU_FOLDER "/online cannot be read");
	else if (!is_whole)
		machine_know(machine, "cpu.count",
			     "%u online; the kernel does not say which share a core", n_cpus);
	else
		machine_know(machine, "cpu.count", "%u online: %zu package%s, %zu core%s, %s",
			     n_cpus, machine->packages.n, machine->packages.n == 1 ? "" : "s",
			     machine->cores.n, machine->cores.n == 1 ? "" : "s",
			     n_cpus > machine->cores.n ? "several threads a core"
						       : "one thread a core");
}

void machine_read_topology(struct machine *machine, const struct machine_root *root)
{
	bool is_whole = true;
	read_online(machine, root);
	read_each_cpu(machine, root, &is_whole);
	if (root->is_live && (machine->n_caches == 0 || !is_whole) && machine_ask_hwloc(machine))
		is_whole = true;
	machine_sort(machine);
	describe_count(machine, is_whole);
	for (size_t i = 0; i < machine->n_caches; i++)
		describe_cache(machine, i);
	if (machine->n_caches == 0)
		machine_wonder(machine, "cache.unknown",
			       "the kernel shows none in " CPU_FOLDER "/cpu0/cache, as in some "
			       "virtual machines%s",
			       HAVE_HWLOC || !root->is_live
				       ? ""
				       : "; a build with libhwloc-dev could ask CPUID");
}
