/* The parts put together, the table of facts, and the way through a recording. See machine.h. */
#include "counters/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/machine_parts.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"

/* Some three times what the largest machine has: a recording must not fill the memory. */
enum { MOST_FACTS = 600 };

const struct machine_section machine_sections[] = {
	{ "system", "System" }, { "cpu", "Processor" }, { "clock", "Clocks" },
	{ "cache", "Caches" },  { "memory", "Memory" }, { "pmu", "Counters" },
	{ "limit", "Limits" },  { "gpu", "GPUs" },      { NULL, NULL },
};

struct label {
	const char *key, *label;
};

/* What is not here is called by the rest of its key: names of caches, PMUs and PCI devices. */
static const struct label labels[] = {
	{ "system.host", "host" },
	{ "system.product", "product" },
	{ "system.hypervisor", "hypervisor" },
	{ "system.container", "container" },
	{ "cpu.model", "model" },
	{ "cpu.count", "CPUs" },
	{ "cpu.kinds", "kinds of cores" },
	{ "cpu.vectors", "vector units" },
	{ "cpu.matrix", "matrix units" },
	{ "clock.most", "highest" },
	{ "clock.base", "base" },
	{ "clock.now", "now (CPU 0)" },
	{ "clock.governor", "governor" },
	{ "clock.boost", "boost" },
	{ "clock.source", "clock source" },
	{ "cache.unknown", "caches" },
	{ "memory.total", "memory" },
	{ "memory.nodes", "NUMA nodes" },
	{ "memory.pages", "page sizes" },
	{ "memory.huge", "transparent huge" },
	{ "pmu.counters", "events at once" },
	{ "pmu.cpu_none", "core PMU" },
	{ "limit.paranoid", "perf_event_paranoid" },
	{ "limit.mlock_kb", "perf_event_mlock_kb" },
	{ "limit.rate", "max_sample_rate" },
	{ "limit.kptr", "kptr_restrict" },
	{ "limit.watchdog", "nmi_watchdog" },
	{ "limit.memlock", "ulimit -l" },
	{ "limit.files", "ulimit -n" },
	{ "limit.quota", "CPU quota" },
	{ "limit.memory", "memory limit" },
	{ "limit.affinity", "CPUs allowed" },
	{ "gpu.none", "GPUs" },
};

static void set_label(struct machine_fact *fact)
{
	const char *dot = strchr(fact->key, '.');
	snprintf(fact->label, sizeof fact->label, "%.*s", (int)sizeof fact->label - 1,
		 dot ? dot + 1 : fact->key);
	for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
		if (strcmp(labels[i].key, fact->key) == 0)
			snprintf(fact->label, sizeof fact->label, "%s", labels[i].label);
}

const struct machine_fact *machine_fact(const struct machine *machine, const char *key)
{
	for (size_t i = 0; i < machine->n_facts; i++)
		if (strcmp(machine->facts[i].key, key) == 0)
			return &machine->facts[i];
	return NULL;
}

static struct machine_fact *add_fact(struct machine *machine, const char *key)
{
	char clean[sizeof machine->facts->key];
	text_clean(clean, sizeof clean, key);
	if (machine->n_facts == MOST_FACTS || machine_fact(machine, clean))
		return NULL;
	if ((machine->n_facts & (machine->n_facts - 1)) == 0)
		machine->facts =
			reallocate(machine->facts, machine->n_facts ? machine->n_facts * 2 : 1,
				   sizeof *machine->facts);
	struct machine_fact *fact = &machine->facts[machine->n_facts++];
	*fact = (struct machine_fact){ 0 };
	snprintf(fact->key, sizeof fact->key, "%s", clean);
	set_label(fact);
	return fact;
}

void machine_know(struct machine *machine, const char *key, const char *format, ...)
{
	char raw[sizeof machine->facts->value];
	va_list list;
	va_start(list, format);
	vsnprintf(raw, sizeof raw, format, list);
	va_end(list);
	struct machine_fact *fact = add_fact(machine, key);
	if (fact)
		text_clean(fact->value, sizeof fact->value, raw);
}

void machine_wonder(struct machine *machine, const char *key, const char *format, ...)
{
	char raw[sizeof machine->facts->reason];
	va_list list;
	va_start(list, format);
	vsnprintf(raw, sizeof raw, format, list);
	va_end(list);
	struct machine_fact *fact = add_fact(machine, key);
	if (fact)
		text_clean(fact->reason, sizeof fact->reason, raw);
}

bool machine_in_section(const struct machine_fact *fact, const struct machine_section *section)
{
	size_t length = strlen(section->name);
	return strncmp(fact->key, section->name, length) == 0 && fact->key[length] == '.';
}

struct machine_group *machine_add_group(struct machine_groups *groups, uint32_t id,
					const struct cpu_mask *cpus)
{
	if (groups->n >= CPU_MASK_MOST)
		return NULL;
	if ((groups->n & (groups->n - 1)) == 0)
		groups->rows = reallocate(groups->rows, groups->n ? groups->n * 2 : 1,
					  sizeof *groups->rows);
	struct machine_group *group = &groups->rows[groups->n++];
	*group = (struct machine_group){ .id = id, .cpus = *cpus };
	return group;
}

void machine_add_cache(struct machine *machine, const struct machine_cache *cache)
{
	enum { MOST_CACHES = 4 * CPU_MASK_MOST };
	if (machine->n_caches >= MOST_CACHES)
		return;
	if ((machine->n_caches & (machine->n_caches - 1)) == 0)
		machine->caches =
			reallocate(machine->caches, machine->n_caches ? machine->n_caches * 2 : 1,
				   sizeof *machine->caches);
	machine->caches[machine->n_caches++] = *cache;
}

static int by_level(const void *a, const void *b)
{
	const struct machine_cache *left = a, *right = b;
	if (left->level != right->level)
		return left->level < right->level ? -1 : 1;
	if (left->type != right->type)
		return left->type < right->type ? -1 : 1;
	unsigned first = cpu_mask_next(&left->cpus, 0), second = cpu_mask_next(&right->cpus, 0);
	return first < second ? -1 : first > second;
}

static int by_first_cpu(const void *a, const void *b)
{
	const struct machine_group *left = a, *right = b;
	unsigned first = cpu_mask_next(&left->cpus, 0), second = cpu_mask_next(&right->cpus, 0);
	if (first != second)
		return first < second ? -1 : 1;
	return left->id < right->id ? -1 : left->id > right->id;
}

static void sort_groups(struct machine_groups *groups)
{
	if (groups->n > 1)
		qsort(groups->rows, groups->n, sizeof *groups->rows, by_first_cpu);
}

void machine_sort(struct machine *machine)
{
	sort_groups(&machine->packages);
	sort_groups(&machine->cores);
	sort_groups(&machine->nodes);
	sort_groups(&machine->kinds);
	if (machine->n_caches > 1)
		qsort(machine->caches, machine->n_caches, sizeof *machine->caches, by_level);
}

const struct machine_cache *machine_cache_of(const struct machine *machine, unsigned level,
					     unsigned cpu)
{
	for (size_t i = 0; i < machine->n_caches; i++) {
		const struct machine_cache *cache = &machine->caches[i];
		if (cache->level == level && cache->type != 'i' && cpu_mask_has(&cache->cpus, cpu))
			return cache;
	}
	return NULL;
}

unsigned machine_last_level(const struct machine *machine)
{
	unsigned level = 0;
	for (size_t i = 0; i < machine->n_caches; i++)
		if (machine->caches[i].type != 'i' && machine->caches[i].level > level)
			level = machine->caches[i].level;
	return level;
}

char *machine_print_size(char *out, size_t bytes, uint64_t size_bytes)
{
	const unsigned long long kib = size_bytes / 1024;
	bool is_long = kib % 1024 && kib > 9999;
	if (size_bytes % 1024 || kib == 0 || is_long)
		return text_memory(out, bytes, (double)size_bytes);
	if (kib % 1024 || kib / 1024 == 0)
		snprintf(out, bytes, "%llu KiB", kib);
	else if (kib % (1024 * 1024) || kib / (1024 * 1024) == 0)
		snprintf(out, bytes, "%llu MiB", kib / 1024);
	else
		snprintf(out, bytes, "%llu GiB", kib / 1024 / 1024);
	return out;
}

/* FNV-1a; Fowler, Noll, Vo. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
	return hash;
}

uint64_t machine_identity(const struct machine *machine)
{
	static const char *const keys[] = { "cpu.model", "cpu.count", "cpu.vectors",
					    "system.hypervisor" };
	uint64_t hash = 0xcbf29ce484222325u;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const struct machine_fact *fact = machine_fact(machine, keys[i]);
		if (fact)
			hash = mix(hash, fact->value, strlen(fact->value) + 1);
	}
	for (size_t i = 0; i < machine->n_caches; i++) {
		const struct machine_cache *cache = &machine->caches[i];
		hash = mix(hash, &cache->level, sizeof cache->level);
		hash = mix(hash, &cache->size_bytes, sizeof cache->size_bytes);
		hash = mix(hash, &cache->cpus, sizeof cache->cpus);
	}
	return hash;
}

struct machine *machine_read(const char *path)
{
	const struct machine_root root = { .path = path, .is_live = path[0] == '\0' };
	struct machine *machine = allocate(1, sizeof *machine);
	machine->is_live = root.is_live;
	machine_read_system(machine, &root);
	machine_read_topology(machine, &root);
	machine_read_cpu(machine, &root);
	machine_read_clocks(machine, &root);
	machine_read_memory(machine, &root);
	machine_read_pmus(machine, &root);
	machine_read_limits(machine, &root);
	machine_read_gpus(machine, &root);
	return machine;
}

void machine_free(struct machine *machine)
{
	if (!machine)
		return;
	free(machine->packages.rows);
	free(machine->cores.rows);
	free(machine->nodes.rows);
	free(machine->kinds.rows);
	free(machine->caches);
	free(machine->facts);
	free(machine);
}
