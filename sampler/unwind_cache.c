/* Rules by a module's own addresses. See unwind_cache.h. */
#include "sampler/unwind_cache.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/mix.h"
#include "sampler/base/table.h"
#include "sampler/base/why.h"
#include "sampler/interner.h"
#include "sampler/unwind.h"

enum {
	FIRST_ADDRESSES = 256, /* 2 KiB: what most libraries need stays in the first-level cache */
	MOST_ADDRESSES = 1 << 20, /* 8 MiB a module, then it starts afresh */
	MOST_RULES = 1 << 16,     /* compilers make some hundreds; beyond, rules are not kept */
};

struct unwind_cache {
	struct table rules; /* struct cfi_rule: few differ, so the addresses hold their numbers */
	struct interner by_content;
	uint64_t n_decoded;
};

/* Eight to a cache line: a walk looks at one line for each frame, in no order. */
struct known_address {
	uint32_t vaddr_plus_1; /* 0 = free */
	uint32_t rule;         /* unwind_cache.rules */
};

struct unwind_module {
	struct cfi_table *table; /* NULL: no unwind information */
	struct known_address *addresses;
	uint32_t n_slots, n_used;
};

struct unwind_cache *unwind_cache_new(void)
{
	struct unwind_cache *cache = allocate(1, sizeof *cache);
	table_open(&cache->rules, sizeof(struct cfi_rule));
	table_append(&cache->rules, NULL, 1); /* row 0 is never found */
	return cache;
}

void unwind_cache_free(struct unwind_cache *cache)
{
	if (!cache)
		return;
	table_close(&cache->rules);
	interner_free(&cache->by_content);
	free(cache);
}

void unwind_module_free(struct unwind_module *module)
{
	if (!module)
		return;
	cfi_table_free(module->table);
	free(module->addresses);
	free(module);
}

static struct known_address *slot_of(const struct unwind_module *module, uint32_t key)
{
	uint32_t mask = module->n_slots - 1;
	uint32_t at = (uint32_t)(key * MIX_STEP >> 32) & mask;
	while (module->addresses[at].vaddr_plus_1 && module->addresses[at].vaddr_plus_1 != key)
		at = (at + 1) & mask;
	return &module->addresses[at];
}

static void grow(struct unwind_module *module)
{
	struct unwind_module old = *module;
	module->n_slots = old.n_slots ? old.n_slots * 2 : FIRST_ADDRESSES;
	if (module->n_slots > MOST_ADDRESSES) {
		memset(module->addresses, 0, old.n_slots * sizeof *module->addresses);
		module->n_slots = old.n_slots;
		module->n_used = 0;
		return;
	}
	module->addresses = allocate(module->n_slots, sizeof *module->addresses);
	for (uint32_t i = 0; i < old.n_slots; i++)
		if (old.addresses[i].vaddr_plus_1)
			*slot_of(module, old.addresses[i].vaddr_plus_1) = old.addresses[i];
	free(old.addresses);
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

static struct cfi_rule decode(struct unwind_cache *cache, const struct unwind_module *unwind,
			      uint64_t vaddr)
{
	struct cfi_rule rule = { .cfa = CFI_NONE };
	cfi_find(unwind->table, vaddr, &rule);
	cache->n_decoded++;
	return rule;
}

static struct cfi_rule module_rule(struct unwind_cache *cache, struct module *module,
				   uint64_t vaddr)
{
	struct unwind_module *unwind = open_module(module);
	if (!unwind->table)
		return (struct cfi_rule){ .cfa = CFI_NONE };
	if (vaddr >= UINT32_MAX) /* no file of code is this long, but one may say so */
		return decode(cache, unwind, vaddr);
	if (unwind->n_used * 2 >= unwind->n_slots)
		grow(unwind);
	struct known_address *known = slot_of(unwind, (uint32_t)vaddr + 1);
	if (!known->vaddr_plus_1) {
		struct cfi_rule rule = decode(cache, unwind, vaddr);
		if (cache->rules.n_rows > MOST_RULES)
			return rule;
		known->vaddr_plus_1 = (uint32_t)vaddr + 1;
		known->rule = interner_row(&cache->by_content, &cache->rules, &rule);
		unwind->n_used++;
	}
	return *(const struct cfi_rule *)table_row(&cache->rules, known->rule);
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
