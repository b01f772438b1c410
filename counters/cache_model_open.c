/* Caches and cores laid out by a geometry, and freed. See cache_model.h. */
#include "counters/cache_model.h"

#include <stdlib.h>

static void open_levels(struct cache_model *model)
{
	const struct cache_geometry *geometry = &model->geometry;
	for (uint32_t i = 0; i < geometry->n_levels; i++) {
		const struct cache_level_geometry *level = &geometry->levels[i];
		uint32_t each = level->n_cores ? level->n_cores : geometry->n_cores;
		uint64_t bytes_a_set = (uint64_t)geometry->line_bytes * level->ways;
		uint64_t n_sets = bytes_a_set ? level->size_bytes / bytes_a_set : 1;
		each = each ? each : 1;
		model->n_instances[i] = (geometry->n_cores + each - 1) / each;
		model->levels[i] = allocate(model->n_instances[i], sizeof **model->levels);
		for (uint32_t n = 0; n < model->n_instances[i]; n++)
			cache_sets_open(&model->levels[i][n], n_sets, level->ways, level->policy,
					i == 0 ? &model->cores[n].tlb[0].clock : NULL);
		for (uint32_t n = 0; n < geometry->n_cores; n++)
			model->cores[n].path[i] = &model->levels[i][n / each];
	}
}

static void open_core(const struct cache_model *model, struct cache_core *core, uint32_t number)
{
	core->number = number;
	core->first = *core->path[0];
	if (core->path[1])
		core->second = *core->path[1];
	core->lost = allocate(CACHE_LOST_LINES, sizeof *core->lost);
	core->last_page = model->geometry.tlb[0].n_entries ? UINT64_MAX : 0;
	core->last_translation = &core->no_translation;
	for (int i = 0; i < 2; i++)
		cache_tlb_open(&core->tlb[i], &model->geometry.tlb[i]);
	core->tlb[0].clock = CACHE_TIME_FIRST;
}

static uint64_t shift_of(uint64_t power_of_two)
{
	return (uint64_t)__builtin_ctzll(power_of_two);
}

/* Most programs, with most geometries of others' models: no questions need be asked. */
void cache_model_set_plain(struct cache_model *model)
{
	const struct cache_geometry *geometry = &model->geometry;
	bool is_it = model->n_active <= 1 && model->is_fast && !geometry->has_next_line &&
		     !geometry->is_write_around;
	for (uint32_t i = 0; i < geometry->n_levels; i++)
		is_it = is_it && geometry->levels[i].policy == CACHE_LRU &&
			geometry->levels[i].inclusion == CACHE_NEITHER;
	model->is_plain = is_it;
	model->is_short = is_it && geometry->n_levels > 1 && model->levels[1]->ordered;
}

struct cache_model *cache_model_new(const struct cache_geometry *geometry, struct why *why)
{
	if (!cache_geometry_check(geometry, why))
		return NULL;
	struct cache_model *model = allocate(1, sizeof *model);
	model->geometry = *geometry;
	model->line_shift = shift_of(geometry->line_bytes);
	/* Without TLBs every address is in page 0. */
	model->page_shift = geometry->tlb[0].n_entries ? shift_of(geometry->page_bytes) : 63;
	model->cores = allocate(geometry->n_cores, sizeof *model->cores);
	model->counts = &model->own_counts;
	open_levels(model);
	for (uint32_t i = 0; i < geometry->n_cores; i++)
		open_core(model, &model->cores[i], i);
	model->is_fast = model->levels[0]->clock != NULL;
	cache_model_set_plain(model);
	return model;
}

void cache_model_free(struct cache_model *model)
{
	if (!model)
		return;
	for (uint32_t i = 0; i < model->geometry.n_levels; i++) {
		for (uint32_t n = 0; n < model->n_instances[i]; n++)
			cache_sets_close(&model->levels[i][n]);
		free(model->levels[i]);
	}
	for (uint32_t i = 0; i < model->geometry.n_cores; i++) {
		cache_tlb_close(&model->cores[i].tlb[0]);
		cache_tlb_close(&model->cores[i].tlb[1]);
		free(model->cores[i].lost);
	}
	free(model->cores);
	free(model);
}
