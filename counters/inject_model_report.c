/* Sums at the program's end, for one who runs it without stoke and sets STOKE_MODEL. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "counters/inject_model.h"

static void add_sites(uint64_t sums[2][N_MODEL_COUNTS])
{
	const struct model_memory *memory = hooks.memory;
	for (uint32_t i = 0; i < memory->n_sites && i < MODEL_SITES; i++)
		for (int count = 0; count < N_MODEL_COUNTS; count++)
			sums[memory->sites[i].is_write != 0][count] +=
				memory->sites[i].counts[count];
}

static void print_row(const char *name, const uint64_t sums[2][N_MODEL_COUNTS], int count)
{
	fprintf(stderr, "stoke-model: %-14s %15" PRIu64 " %15" PRIu64 " %15" PRIu64 "\n", name,
		sums[0][count] + sums[1][count], sums[0][count], sums[1][count]);
}

void hook_report(void)
{
	uint64_t sums[2][N_MODEL_COUNTS] = { { 0 } };
	const struct model_memory *memory = hooks.memory;
	char name[24];
	if (!getenv("STOKE_MODEL"))
		return;
	add_sites(sums);
	fprintf(stderr, "stoke-model: %s\n", memory->geometry);
	fprintf(stderr, "stoke-model: %-14s %15s %15s %15s\n", "", "all", "loads", "stores");
	print_row("accesses", sums, MODEL_ACCESSES);
	for (uint32_t i = 0; i < hooks.model->geometry.n_levels; i++) {
		snprintf(name, sizeof name, "L%u misses", i + 1);
		print_row(name, sums, MODEL_MISSES + (int)i);
	}
	if (hooks.model->geometry.tlb[0].n_entries) {
		print_row("TLB misses", sums, MODEL_TLB_MISSES);
		print_row("page walks", sums, MODEL_WALKS);
	}
	print_row("true sharing", sums, MODEL_TRUE_SHARING);
	print_row("false sharing", sums, MODEL_FALSE_SHARING);
	fprintf(stderr,
		"stoke-model: lines from memory %" PRIu64 ", to memory %" PRIu64
		", prefetched %" PRIu64 ", of those used %" PRIu64 "\n",
		memory->counts.n_memory_reads, memory->counts.n_memory_writes,
		memory->counts.n_prefetches, memory->counts.n_used_prefetches);
	if (memory->n_unseen)
		fprintf(stderr,
			"stoke-model: %" PRIu64 " accesses in handlers of signals were left out\n",
			memory->n_unseen);
}
