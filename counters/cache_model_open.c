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
			cache_sets_open(&model->levels[i][n], n_sets, level->ways, level->policy);
		for (uint32_t n = 0; n < geometry->n_cores; n++)
			model->cores[n].path[i] = &model->levels[i][n / each];
	}
}

static void open_core(const struct cache_model *model, struct cache_core *core, uint32_t number)
{
	core->number = number;
	core->places = allocate(core->path[0]->n_sets * core->path[0]->ways, sizeof *core->places);
	core->lost = allocate(CACHE_LOST_LINES, sizeof *core->lost);
	core->last_page = model->geometry.tlb[0].n_entries ? UINT64_MAX : 0;
	for (int i = 0; i < 2; i++)
		cache_tlb_open(&core->tlb[i], &model->geometry.tlb[i]);
}

static uint64_t shift_of(uint64_t power_of_two)
{
	return (uint64_t)__builtin_ctzll(power_of_two);
}

/* Most programs, with most geometries of others' models: no questions need be asked. */
bool cache_model_suits_plain(const struct cache_model *model)
{
	const struct cache_geometry *geometry = &model->geometry;
	bool is_it = model->n_active <= 1 && model->is_fast && !geometry->has_next_line &&
		     !geometry->is_write_around;
	for (uint32_t i = 0; i < geometry->n_levels; i++)
		is_it = is_it && geometry->levels[i].policy == CACHE_LRU &&
			geometry->levels[i].inclusion == CACHE_NEITHER;
	return is_it;
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
	model->is_fast = model->levels[0]->orders != NULL;
	model->is_plain = cache_model_suits_plain(model);
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
		free(model->cores[i].places);
		free(model->cores[i].lost);
	}
	free(model->cores);
	free(model);
}
