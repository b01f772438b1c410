/* Rules by a module's own addresses. See unwind_cache.h. */
#include "sampler/unwind_cache.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/unwind.h"

enum {
	FIRST_RULES = 256,    /* 6 KiB: what most libraries need stays in the first-level cache */
	MOST_RULES = 1 << 20, /* 24 MiB a module, then it starts afresh */
};

struct unwind_cache {
	uint64_t n_decoded;
};

struct module_rule {
	uint64_t vaddr_plus_1; /* 0 = free */
	struct cfi_rule rule;
};

struct unwind_module {
	struct cfi_table *table; /* NULL: no unwind information */
	struct module_rule *rules;
	uint32_t n_slots, n_used;
};

struct unwind_cache *unwind_cache_new(void)
{
	return allocate(1, sizeof(struct unwind_cache));
}

void unwind_cache_free(struct unwind_cache *cache)
{
	free(cache);
}

void unwind_module_free(struct unwind_module *module)
{
	if (!module)
		return;
	cfi_table_free(module->table);
	free(module->rules);
	free(module);
}

static uint64_t mix(uint64_t value)
{
	return value * 0x9e3779b97f4a7c15ULL; /* 2^64 / golden ratio */
}

static struct module_rule *slot_of(const struct unwind_module *module, uint64_t vaddr)
{
	uint32_t mask = module->n_slots - 1;
	uint32_t at = (uint32_t)(mix(vaddr) >> 32) & mask;
	while (module->rules[at].vaddr_plus_1 && module->rules[at].vaddr_plus_1 != vaddr + 1)
		at = (at + 1) & mask;
	return &module->rules[at];
}

static void grow(struct unwind_module *module)
{
	struct unwind_module old = *module;
	module->n_slots = old.n_slots ? old.n_slots * 2 : FIRST_RULES;
	if (module->n_slots > MOST_RULES) {
		memset(module->rules, 0, old.n_slots * sizeof *module->rules);
		module->n_slots = old.n_slots;
		module->n_used = 0;
		return;
	}
	module->rules = allocate(module->n_slots, sizeof *module->rules);
	for (uint32_t i = 0; i < old.n_slots; i++)
		if (old.rules[i].vaddr_plus_1)
			*slot_of(module, old.rules[i].vaddr_plus_1 - 1) = old.rules[i];
	free(old.rules);
}

static struct unwind_module *open_module(struct module *module)
{
	if (module->unwind)
		return module->unwind;
	module->unwind = allocate(1, sizeof *module->unwind);
	struct elf_image *image = module_image(module);
	module->unwind->table = image ? cfi_table_new(image) : NULL;
	return module->unwind;
}

static struct cfi_rule module_rule(struct unwind_cache *cache, struct module *module,
				   uint64_t vaddr)
{
	struct unwind_module *unwind = open_module(module);
	if (!unwind->table)
		return (struct cfi_rule){ .cfa = CFI_NONE };
	if (unwind->n_used * 2 >= unwind->n_slots)
		grow(unwind);
	struct module_rule *slot = slot_of(unwind, vaddr);
	if (!slot->vaddr_plus_1) {
		slot->vaddr_plus_1 = vaddr + 1;
		cfi_find(unwind->table, vaddr, &slot->rule);
		unwind->n_used++;
		cache->n_decoded++;
	}
	return slot->rule;
}

struct cfi_rule unwind_cache_rule(struct unwind_cache *cache, struct process *process,
				  uint64_t address, bool *is_mapped)
{
	struct mapping *mapping = process_find(process, address);
	*is_mapped = mapping != NULL;
	if (!mapping)
		return (struct cfi_rule){ .cfa = CFI_NONE };
	return module_rule(cache, mapping->module, address - mapping->bias);
}

uint64_t unwind_cache_decoded(const struct unwind_cache *cache)
{
	return cache->n_decoded;
}
