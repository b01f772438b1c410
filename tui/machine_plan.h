/*
 * machine_plan: the machine as boxes in boxes: packages, in them the cores that share the last
 * cache, in them those that share the cache before it. What machine_picture.c draws.
 */
#ifndef TUI_MACHINE_PLAN_H
#define TUI_MACHINE_PLAN_H

#include "counters/machine.h"

struct arena;

/* Cores that share a cache that is not the last: often one core. */
struct plan_module {
	struct cpu_mask cpus;
	const struct machine_cache *cache; /* NULL: nothing is shared below the last level */
	const struct machine_group *kind;  /* NULL unless the machine is hybrid */
	const struct machine_group *cores; /* machine->cores.rows in order of their first CPU */
	unsigned n_cores, core_places[8];  /* the first few, as places in machine->cores */
};

/* Modules that share the last cache. */
struct plan_domain {
	struct cpu_mask cpus;
	const struct machine_cache *cache; /* NULL: it has no such cache */
	struct plan_module *modules;
	unsigned n_modules;
};

struct plan_package {
	const struct machine_group *package; /* NULL if the kernel says nothing of packages */
	struct cpu_mask cpus;
	struct plan_domain *domains;
	unsigned n_domains;
};

struct machine_plan {
	struct plan_package *packages;
	unsigned n_packages;
	unsigned module_level; /* of plan_module.cache */
};

/* machine_plan_make: all of it lives in the arena and points into the machine. */
const struct machine_plan *machine_plan_make(const struct machine *machine, struct arena *arena);

/* plan_modules_are_alike, plan_domains_are_alike: same caches, cores and threads, other numbers. */
bool plan_modules_are_alike(const struct plan_module *a, const struct plan_module *b);
bool plan_domains_are_alike(const struct plan_domain *a, const struct plan_domain *b);

#endif
