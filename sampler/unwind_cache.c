/* Two levels of rules by address. See unwind_cache.h. */
#include "sampler/unwind_cache.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/unwind.h"

enum {
	/* 2^14 x 32 B = 512 KiB: a C compiler at work shows some 10,000 distinct addresses. */
	N_ENTRIES_LOG2 = 14,
	FIRST_RULES = 256,
	MOST_RULES = 1 << 20, /* 24 MiB a module, then it starts afresh */
};

struct entry {
	uint64_t space_id, address;
	struct cfi_rule rule;
};

struct unwind_cache {
	uint64_t n_decoded;
	struct entry entries[1 << N_ENTRIES_LOG2];
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
	uint64_t hash = mix(address ^ process->space_id << 40);
	struct entry *entry = &cache->entries[hash >> (64 - N_ENTRIES_LOG2)];
	*is_mapped = true;
	if (entry->address == address && entry->space_id == process->space_id)
		return entry->rule;
	struct mapping *mapping = process_find(process, address);
	if (!mapping) { /* not cached: a mapping may come */
		*is_mapped = false;
		return (struct cfi_rule){ .cfa = CFI_NONE };
	}
	struct cfi_rule rule = module_rule(cache, mapping->module, address - mapping->bias);
	*entry = (struct entry){ process->space_id, address, rule };
	return rule;
}

uint64_t unwind_cache_decoded(const struct unwind_cache *cache)
{
	return cache->n_decoded;
}
