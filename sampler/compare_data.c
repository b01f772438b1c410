/* Names are interned apart from the recordings, since ids of two recordings mean nothing to each
 * other. */
#include "sampler/compare_data.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/export_paths.h"
#include "sampler/recording.h"

struct compare_data *compare_data_new(void)
{
	struct compare_data *data = allocate(1, sizeof *data);
	table_open(&data->strings, 1);
	table_open(&data->keys, sizeof(struct compare_key));
	table_append(&data->strings, NULL, 1);
	table_append(&data->keys, NULL, 1);
	return data;
}

static void free_half(struct compare_half *half)
{
	free(half->cells);
	hash_map_free(&half->places);
	free(half->first);
	free(half->whole);
	free(half->per);
}

void compare_data_free(struct compare_data *data)
{
	if (!data)
		return;
	for (int i = 0; i < N_COMPARED; i++)
		free_half(&data->halves[i]);
	table_close(&data->strings);
	table_close(&data->keys);
	interner_free(&data->string_ids);
	interner_free(&data->key_ids);
	free(data);
}

void compare_data_units(struct compare_half *half, size_t n_units, size_t stratum)
{
	half->n_units = n_units;
	half->stratum = stratum;
	half->whole = allocate(n_units, sizeof *half->whole);
	half->per = allocate(n_units, sizeof *half->per);
}

static uint32_t add_key(struct compare_data *data, uint32_t parent, const char *name)
{
	if (!name[0])
		name = "[unknown: no name]";
	struct compare_key key = {
		.parent = parent,
		.name = interner_string(&data->string_ids, &data->strings, name, strlen(name)),
	};
	return interner_row(&data->key_ids, &data->keys, &key);
}

/* path -> key; the empty path's key is 0, as a caller. */
static uint32_t *keys_of_paths(struct compare_data *data, const struct compare_input *input,
			       const struct export_paths *paths)
{
	uint32_t *keys = allocate(paths->n_paths, sizeof *keys);
	for (uint32_t i = 1; i < paths->n_paths; i++) {
		const struct export_path *path = &paths->paths[i];
		const struct function_row *function =
			recording_function(input->recording, path->function);
		keys[i] = add_key(data, input->by == COMPARE_STACKS ? keys[path->parent] : 0,
				  recording_string_at(input->recording, function->name));
	}
	return keys;
}

static void add_sample(struct compare_half *half, uint32_t key, size_t unit,
		       const struct sample_row *sample)
{
	uint32_t *place = hash_map_at(&half->places, ((uint64_t)key << 32) | (unit + 1));
	if (!*place) {
		if (half->n_cells == half->capacity) {
			half->capacity = half->capacity ? half->capacity * 2 : 1024;
			half->cells = reallocate(half->cells, half->capacity, sizeof *half->cells);
		}
		half->cells[half->n_cells++] =
			(struct compare_cell){ .key = key, .unit = (uint32_t)unit };
		*place = (uint32_t)half->n_cells;
	}
	struct compare_cell *cell = &half->cells[*place - 1];
	cell->weight += (double)sample->weight;
	cell->n_samples += sample->count;
	half->whole[unit] += (double)sample->weight;
	half->n_samples += sample->count;
}

static size_t unit_at(const struct compare_input *input, uint64_t time_ns)
{
	uint64_t at = input->slice_ns && time_ns > input->from_ns
			      ? (time_ns - input->from_ns) / input->slice_ns
			      : 0;
	return input->first_unit + (at < input->n_units ? at : input->n_units - 1);
}

void compare_data_add(struct compare_data *data, struct compare_half *half,
		      const struct compare_input *input)
{
	const struct recording *recording = input->recording;
	struct export_paths *paths = export_paths_open(recording, false);
	uint32_t *keys = keys_of_paths(data, input, paths);
	uint64_t n = recording_moment(recording).n[TABLE_SAMPLES];
	for (uint64_t id = 1; id < n; id++) {
		const struct sample_row *sample = recording_sample(recording, id);
		if (sample->series != input->series)
			continue;
		uint32_t key = keys[paths->of_stack[sample->stack]];
		if (!key)
			key = add_key(data, 0, "[no stack]");
		add_sample(half, key, unit_at(input, sample->time_ns), sample);
	}
	free(keys);
	export_paths_close(paths);
}

static void sort_half(struct compare_half *half, uint32_t n_keys)
{
	struct compare_cell *sorted = allocate(half->n_cells + 1, sizeof *sorted);
	half->first = allocate((size_t)n_keys + 2, sizeof *half->first);
	for (size_t i = 0; i < half->n_cells; i++)
		half->first[half->cells[i].key + 2]++;
	for (uint32_t key = 2; key < n_keys + 2; key++)
		half->first[key] += half->first[key - 1];
	/* first[key + 1] moves on to where the next key begins. */
	for (size_t i = 0; i < half->n_cells; i++)
		sorted[half->first[half->cells[i].key + 1]++] = half->cells[i];
	free(half->cells);
	half->cells = sorted;
	hash_map_free(&half->places);
	half->places = (struct hash_map){ 0 };
}

void compare_data_sort(struct compare_data *data)
{
	data->n_keys = (uint32_t)data->keys.n_rows;
	for (int i = 0; i < N_COMPARED; i++)
		sort_half(&data->halves[i], data->n_keys);
}
