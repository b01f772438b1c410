/* Sets of CPUs cut into smaller sets. See machine_plan.h. */
#include "tui/machine_plan.h"

#include <stddef.h>

#include "sampler/base/arena.h"

static struct cpu_mask both(const struct cpu_mask *a, const struct cpu_mask *b)
{
	struct cpu_mask part;
	for (int i = 0; i < CPU_MASK_WORDS; i++)
		part.words[i] = a->words[i] & b->words[i];
	return part;
}

static void take_away(struct cpu_mask *from, const struct cpu_mask *part)
{
	for (int i = 0; i < CPU_MASK_WORDS; i++)
		from->words[i] &= ~part->words[i];
}

static const struct machine_group *group_of(const struct machine_groups *groups, unsigned cpu)
{
	for (size_t i = 0; i < groups->n; i++)
		if (cpu_mask_has(&groups->rows[i].cpus, cpu))
			return &groups->rows[i];
	return NULL;
}

/* Those of `rest` that share this CPU's cache of a level; without one, all that have none. */
static struct cpu_mask sharers(const struct machine *machine, unsigned level, unsigned cpu,
			       const struct cpu_mask *rest)
{
	const struct machine_cache *cache = machine_cache_of(machine, level, cpu);
	if (cache)
		return both(&cache->cpus, rest);
	struct cpu_mask without = { 0 };
	for (unsigned at = cpu_mask_next(rest, 0); at < CPU_MASK_MOST;
	     at = cpu_mask_next(rest, at + 1))
		if (!machine_cache_of(machine, level, at))
			cpu_mask_add(&without, at);
	return without;
}

static void find_cores(const struct machine *machine, struct plan_module *module)
{
	enum { MOST_PLACES = sizeof module->core_places / sizeof module->core_places[0] };
	for (size_t i = 0; i < machine->cores.n; i++) {
		unsigned first = cpu_mask_next(&machine->cores.rows[i].cpus, 0);
		if (!cpu_mask_has(&module->cpus, first))
			continue;
		if (module->n_cores < MOST_PLACES)
			module->core_places[module->n_cores] = (unsigned)i;
		module->n_cores++;
	}
}

static void make_modules(const struct machine *machine, unsigned level, struct plan_domain *domain,
			 struct arena *arena)
{
	struct cpu_mask rest = domain->cpus;
	domain->modules = arena_take(arena, cpu_mask_count(&rest) * sizeof *domain->modules);
	for (unsigned cpu; (cpu = cpu_mask_next(&rest, 0)) < CPU_MASK_MOST;) {
		struct plan_module *module = &domain->modules[domain->n_modules++];
		const struct machine_group *core = group_of(&machine->cores, cpu);
		module->cache = level ? machine_cache_of(machine, level, cpu) : NULL;
		module->cores = machine->cores.rows;
		if (module->cache)
			module->cpus = both(&module->cache->cpus, &rest);
		else if (core)
			module->cpus = both(&core->cpus, &rest);
		cpu_mask_add(&module->cpus, cpu);
		module->kind = group_of(&machine->kinds, cpu);
		find_cores(machine, module);
		take_away(&rest, &module->cpus);
	}
}

static void make_domains(const struct machine *machine, unsigned level, unsigned module_level,
			 struct plan_package *package, struct arena *arena)
{
	struct cpu_mask rest = package->cpus;
	package->domains = arena_take(arena, cpu_mask_count(&rest) * sizeof *package->domains);
	for (unsigned cpu; (cpu = cpu_mask_next(&rest, 0)) < CPU_MASK_MOST;) {
		struct plan_domain *domain = &package->domains[package->n_domains++];
		domain->cache = level ? machine_cache_of(machine, level, cpu) : NULL;
		domain->cpus = level ? sharers(machine, level, cpu, &rest) : rest;
		cpu_mask_add(&domain->cpus, cpu);
		make_modules(machine, module_level, domain, arena);
		take_away(&rest, &domain->cpus);
	}
}

/* Does any cache of this level serve more than one core? */
static bool is_shared(const struct machine *machine, unsigned level)
{
	for (size_t i = 0; i < machine->n_caches; i++) {
		const struct machine_cache *cache = &machine->caches[i];
		const struct machine_group *core =
			group_of(&machine->cores, cpu_mask_next(&cache->cpus, 0));
		if (cache->level == level && cache->type != 'i' && core &&
		    !cpu_mask_is_within(&cache->cpus, &core->cpus))
			return true;
	}
	return false;
}

const struct machine_plan *machine_plan_make(const struct machine *machine, struct arena *arena)
{
	struct machine_plan *plan = arena_take(arena, sizeof *plan);
	struct cpu_mask rest = machine->online;
	unsigned last = machine_last_level(machine);
	unsigned level = is_shared(machine, last) ? last : 0;
	plan->module_level = level ? last - 1 : last;
	plan->packages = arena_take(arena, (cpu_mask_count(&rest) + 1) * sizeof *plan->packages);
	for (unsigned cpu; (cpu = cpu_mask_next(&rest, 0)) < CPU_MASK_MOST;) {
		struct plan_package *package = &plan->packages[plan->n_packages++];
		package->package = group_of(&machine->packages, cpu);
		package->cpus = package->package ? both(&package->package->cpus, &rest) : rest;
		make_domains(machine, level, plan->module_level, package, arena);
		take_away(&rest, &package->cpus);
	}
	return plan;
}

static bool caches_are_alike(const struct machine_cache *a, const struct machine_cache *b)
{
	return (!a && !b) || (a && b && a->size_bytes == b->size_bytes);
}

bool plan_modules_are_alike(const struct plan_module *a, const struct plan_module *b)
{
	return a->n_cores == b->n_cores && a->kind == b->kind &&
	       caches_are_alike(a->cache, b->cache) &&
	       cpu_mask_count(&a->cpus) == cpu_mask_count(&b->cpus);
}

bool plan_domains_are_alike(const struct plan_domain *a, const struct plan_domain *b)
{
	if (a->n_modules != b->n_modules || !caches_are_alike(a->cache, b->cache))
		return false;
	for (unsigned i = 0; i < a->n_modules; i++)
		if (!plan_modules_are_alike(&a->modules[i], &b->modules[i]))
			return false;
	return true;
}
