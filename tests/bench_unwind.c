/*
 * How long one stack takes to unwind, by our own walk and by libunwind, on the same samples of a
 * real program: its records are kept in memory and then gone through several times. The first time
 * is cold (files are opened and rules decoded), later ones are warm. Each pass follows all
 * mappings, so that both see the process as it was.
 * Usage: bench_unwind [COMMAND...]   (default: gbdt, as `stoke run` starts it)
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/address_space.h"
#include "sampler/base/why.h"
#include "sampler/ladder.h"
#include "sampler/perf_replay.h"
#include "sampler/recording.h"
#include "sampler/target.h"
#include "sampler/unwind.h"

enum { MOST_BYTES = 600 << 20, WARM_PASSES = 3 };

struct records {
	uint8_t *bytes;
	size_t n;
	struct perf_layout layout;
};

static void keep(struct records *records, const struct perf_event_header *header)
{
	if (records->n + header->size > MOST_BYTES)
		return;
	memcpy(records->bytes + records->n, header, header->size);
	records->n += header->size;
}

static void drain(struct records *records, struct cpu_rings *rings, uint64_t until_ns)
{
	const struct perf_event_header *header;
	cpu_rings_begin(rings);
	while ((header = cpu_rings_next(rings, until_ns))) {
		keep(records, header);
		cpu_rings_consume(rings);
	}
	cpu_rings_end(rings);
}

static bool record(char **argv, struct records *records, struct why *why)
{
	struct sampling sampling;
	struct target target;
	struct cpu_rings rings;
	struct rung rung;
	int status;
	sampling_defaults(&sampling);
	sampling.frequency_hz = 2003;
	sampling.call_graph = CALL_GRAPH_DWARF;
	sampling.stack_bytes = 16384;
	struct launch launch = { .argv = argv, .probe_fd = -1, .output = TARGET_OUTPUT_TO_STDERR };
	struct recording *recording = recording_new();
	if (!target_launch(&target, &launch, &sampling, why) ||
	    !ladder_open(&target, recording, &rings, &rung, why) ||
	    !target_release(&target, &status, why))
		return false;
	while (!target_poll(&target)) {
		poll(NULL, 0, 10);
		drain(records, &rings, now_ns());
	}
	drain(records, &rings, UINT64_MAX);
	records->layout = rings.layout;
	cpu_rings_close(&rings);
	target_close(&target);
	recording_free(recording);
	return true;
}

struct pass {
	uint64_t n_stacks, n_frames, ns;
};

static void unwind_one(struct perf_replay *replay, const struct perf_sample *sample,
		       struct pass *pass)
{
	uint64_t addresses[UNWIND_MAX_FRAMES];
	enum unwind_end end;
	struct unwind_input input = {
		.process = address_space_process(replay->space, (pid_t)sample->pid),
		.registers = sample->registers,
		.stack = sample->stack,
		.stack_bytes = sample->stack_bytes,
	};
	uint64_t start = now_ns();
	pass->n_frames +=
		unwind_stack(replay->unwinder, &input, addresses, UNWIND_MAX_FRAMES, NULL, &end);
	pass->ns += now_ns() - start;
	pass->n_stacks++;
}

static struct pass go_through(struct perf_replay *replay, const struct records *records)
{
	struct pass pass = { 0 };
	struct perf_sample sample;
	for (size_t at = 0; at < records->n;) {
		const struct perf_event_header *header = (const void *)(records->bytes + at);
		if (header->type != PERF_RECORD_SAMPLE)
			perf_replay_task(replay, header, &records->layout);
		else if (perf_record_sample(header, &records->layout, &sample) && sample.registers)
			unwind_one(replay, &sample, &pass);
		at += header->size;
	}
	return pass;
}

static double us(struct pass pass)
{
	return pass.n_stacks ? (double)pass.ns / 1e3 / (double)pass.n_stacks : 0;
}

static void measure(const struct records *records, int kind, double *cold, double *warm)
{
	struct recording *recording = recording_new();
	struct perf_replay replay = { 0 };
	perf_replay_open(&replay, recording, kind);
	struct pass pass = go_through(&replay, records);
	*cold = us(pass);
	*warm = 1e9;
	for (int i = 0; i < WARM_PASSES; i++) {
		pass = go_through(&replay, records);
		if (us(pass) < *warm)
			*warm = us(pass);
	}
	printf("  %-10s %8.2f us cold %8.2f us warm, %llu stacks of %.1f frames\n",
	       kind == UNWINDER_FAST ? "our walk" : "libunwind", *cold, *warm,
	       (unsigned long long)pass.n_stacks,
	       pass.n_stacks ? (double)pass.n_frames / (double)pass.n_stacks : 0);
	perf_replay_close(&replay);
	recording_free(recording);
}

int main(int argc, char **argv)
{
	static char stoke[] = "build/release/stoke", verb[] = "run", name[] = "gbdt";
	static char headless[] = "--headless", format[] = "--format=folded", quiet[] = "-q";
	char *own[] = { stoke, verb, headless, quiet, format, name, NULL };
	struct why why;
	struct records records = { .bytes = allocate(MOST_BYTES, 1) };
	if (!record(argc > 1 ? argv + 1 : own, &records, &why)) {
		printf("SKIP bench_unwind: %s\n", why.text);
		free(records.bytes);
		return 0;
	}
	double cold[2], warm[2];
	printf("unwinding, a stack (%s):\n", argc > 1 ? argv[1] : "gbdt");
	measure(&records, UNWINDER_LIBUNWIND, &cold[1], &warm[1]);
	measure(&records, UNWINDER_FAST, &cold[0], &warm[0]);
	printf("  ratio %14.1f cold (goal 8) %8.1f warm (goal 15)\n", cold[1] / cold[0],
	       warm[1] / warm[0]);
	free(records.bytes);
	return 0;
}
