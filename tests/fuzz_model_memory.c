/*
 * What a hostile program writes to the memory that it shares with the profiler under the cache
 * model: any word of any table, before and between two looks at it. Whatever it is, the recording
 * that comes of it must hold together.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counters/model_memory.h"
#include "sampler/recording.h"
#include "sampler/recording_check.h"
#include "sampler/source.h"
#include "sampler/target.h"

extern const struct source source_model;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FEW = 8, TEXT_AT_MOST = 512 };

/* A part of the memory that words are written to: few rows of each table, so that they meet. */
struct part {
	size_t at, bytes;
};

static const struct part parts[] = {
	{ 0, offsetof(struct model_memory, maps) },
	{ offsetof(struct model_memory, maps), TEXT_AT_MOST },
	{ offsetof(struct model_memory, threads), FEW * sizeof(struct model_thread) },
	{ offsetof(struct model_memory, arrays), FEW * sizeof(struct model_array) },
	{ offsetof(struct model_memory, nodes), FEW * sizeof(struct model_node) },
	{ offsetof(struct model_memory, sites), FEW * sizeof(struct model_site) },
	{ offsetof(struct model_memory, geometry), CACHE_GEOMETRY_BYTES },
	{ offsetof(struct model_memory, n_nodes), 24 },
};
enum { N_PARTS = sizeof parts / sizeof parts[0], WRITE_BYTES = 1 + 2 + 8 };

/* A well-behaved program: a call of a call, an access in it to a block allocated there. */
static void begin(struct model_memory *memory, int pid)
{
	static const char maps[] = "1000-9000 r-xp 00000000 00:00 0 /nonexistent/program\n"
				   "a000-b000 r-xp 00000000 00:00 0 \n";
	memory->pid = pid;
	snprintf(memory->geometry, sizeof memory->geometry, "l1=32K/8,l2=1M/16,tlb=64/4");
	memcpy(memory->maps, maps, sizeof maps);
	memory->maps_bytes = sizeof maps - 1;
	memory->maps_changes = 2;
	memory->nodes[1] = (struct model_node){ .call = 1 };
	memory->nodes[2] = (struct model_node){ .call = 0x2000, .parent = 1, .entry = 0x3000 };
	memory->nodes[3] = (struct model_node){ .call = 0x4000, .parent = 2, .entry = 0xa100 };
	memory->arrays[1] = (struct model_array){
		.pc = 0x5000, .size_bytes = 8192, .n_blocks = 1, .node = 2, .kind = MODEL_HEAP
	};
	memory->arrays[2] = (struct model_array){ .size_bytes = 64, .kind = MODEL_GLOBAL };
	memory->arrays[1].is_whole = memory->arrays[2].is_whole = 1;
	snprintf(memory->arrays[2].name, sizeof memory->arrays[2].name, "global");
	memory->threads[1] = (struct model_thread){ .tid = 1, .is_whole = 1, .name = "program" };
	for (uint32_t i = 1; i < 4; i++)
		memory->sites[i] = (struct model_site){ .pc = 0x2000 + 0x2800 * i,
							.node = i,
							.thread = 1,
							.array = i - 1,
							.counts = { 100, 10, 1 } };
	memory->n_nodes = memory->n_sites = 4;
	memory->n_arrays = 3;
	memory->n_threads = 2;
	memory->is_open = 1;
}

/* Which process and part, where in it, and the word that is written there. */
static void write_words(struct model_memory *memory, const uint8_t *data, size_t size)
{
	for (; size >= WRITE_BYTES; data += WRITE_BYTES, size -= WRITE_BYTES) {
		const struct part *part = &parts[data[0] % N_PARTS];
		struct model_memory *of = &memory[data[0] / N_PARTS % 2];
		size_t at = (size_t)(data[1] | data[2] << 8) * 4 % part->bytes;
		size_t n = part->bytes - at < 8 ? part->bytes - at : 8;
		memcpy((char *)of + part->at + at, data + 3, n);
	}
}

static void look(struct model_memory *memory, int fd, const uint8_t *data, size_t size)
{
	struct why why;
	struct sampling sampling;
	size_t half = size / 2 / WRITE_BYTES * WRITE_BYTES;
	sampling_defaults(&sampling);
	struct target target = { .sampling = &sampling, .pid = 1, .model_fd = fd };
	struct recording *recording = recording_new();
	void *state = allocate(1, source_model.state_bytes);
	if (source_model.open(state, &target, recording, &why)) {
		write_words(memory, data, half);
		source_model.drain(state, recording, false);
		write_words(memory, data + half, size - half);
		source_model.drain(state, recording, false);
		source_model.drain(state, recording, true);
		source_model.close(state);
	}
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	if (!recording_check(recording, "a modelled program", &why))
		abort();
	recording_free(recording);
	free(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct why why;
	int fd = model_memory_create(&why);
	struct model_memory *memory = fd < 0 ? NULL : model_memory_map(fd, &why);
	if (!memory)
		return 0;
	begin(&memory[0], 1);
	begin(&memory[1], 2);
	look(memory, fd, data, size);
	model_memory_unmap(memory);
	close(fd);
	return 0;
}
