/* Records as libstoke-cupti.so writes them, through the source that reads them. See fixture_gpu.h.
 */
#include "tests/fixture_gpu.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gpu/gpu_record.h"
#include "sampler/base/why.h"
#include "sampler/probe_memory.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"
#include "tests/fixture_machine.h"

extern const struct source source_cupti;

static const uint64_t START_NS = 1000000000000;

enum { PID = 4711 };

static void send_at(struct shared_ring *ring, uint64_t time_ns, uint32_t type, const void *payload,
		    size_t bytes)
{
	struct shared_record record = { .type = type, .time_ns = time_ns, .pid = PID, .tid = PID };
	memcpy(record.payload, payload, bytes);
	shared_ring_write_to(ring, GPU_RING_RECORDS, &record);
}

static void send(struct shared_ring *ring, uint32_t type, const void *payload, size_t bytes)
{
	send_at(ring, START_NS, type, payload, bytes);
}

static void send_text(struct shared_ring *ring, uint32_t type, uint64_t id, const char *text)
{
	struct gpu_text piece = { .id = id, .total = (uint16_t)strlen(text) };
	for (; piece.offset < piece.total; piece.offset += GPU_TEXT_BYTES) {
		size_t n = piece.total - piece.offset;
		memcpy(piece.text, text + piece.offset, n < GPU_TEXT_BYTES ? n : GPU_TEXT_BYTES);
		send(ring, type, &piece, sizeof piece);
	}
}

static void send_kernel(struct shared_ring *ring, const struct gpu_kernel *form, uint32_t number,
			double start_ms, double ms)
{
	struct gpu_kernel kernel = *form;
	struct gpu_launch launch = { .stack = 21 + number % 2,
				     .duration_ns = 5000,
				     .correlation = number };
	kernel.correlation = number;
	kernel.start_ns = START_NS + (uint64_t)(start_ms * 1e6 + 0.5);
	kernel.end_ns = kernel.start_ns + (uint64_t)(ms * 1e6 + 0.5);
	if (number % 16 != 15) /* some launches are never heard of */
		send_at(ring, kernel.start_ns - FIXTURE_GPU_QUEUED_NS, GPU_LAUNCH, &launch,
			sizeof launch);
	send(ring, GPU_KERNEL, &kernel, sizeof kernel);
}

static void send_copy(struct shared_ring *ring, uint32_t type, double start_ms, double ms,
		      uint64_t bytes)
{
	struct gpu_copy copy = { .start_ns = START_NS + (uint64_t)(start_ms * 1e6),
				 .bytes = bytes,
				 .correlation = 900 + type,
				 .context = 1,
				 .stream = 14,
				 .kind = type == GPU_COPY ? 1 : 3 };
	struct gpu_launch launch = { .stack = 21,
				     .duration_ns = (uint64_t)(ms * 1e6),
				     .correlation = copy.correlation,
				     .kind = type == GPU_COPY ? GPU_CALL_COPY : GPU_CALL_SYNC };
	copy.end_ns = copy.start_ns + (uint64_t)(ms * 1e6);
	send_at(ring, copy.start_ns, GPU_LAUNCH, &launch, sizeof launch);
	send(ring, type, &copy, sizeof copy);
}

static void send_names(struct shared_ring *ring)
{
	struct gpu_frames stacks[] = {
		{ .id = 21, .total = 2, .frames = { 1ull << 48 | 0x1200, 1ull << 48 | 0x1100 } },
		{ .id = 22, .total = 2, .frames = { 1ull << 48 | 0x1300, 1ull << 48 | 0x1100 } },
	};
	send_text(ring, GPU_MODULE, 1, "/usr/bin/train");
	send(ring, GPU_FRAMES_OF, &stacks[0], sizeof stacks[0]);
	send(ring, GPU_FRAMES_OF, &stacks[1], sizeof stacks[1]);
	send_text(ring, GPU_NAME, 11, "_Z10gemm_tiledPKfS0_Pfiii");
	send_text(ring, GPU_NAME, 12, "softmax_rows");
	send_text(ring, GPU_NAME, 13,
		  "void at::native::vectorized_elementwise_kernel<4, at::native::AddFunctor, "
		  "at::detail::Array<char*, 3>>(int, float)");
	send_text(ring, GPU_NAME, 14, "NVIDIA H200");
}

static void send_all(struct shared_ring *ring)
{
	struct gpu_device device = { .name = 14,
				     .memory_bytes = 150754820096,
				     .memory_bytes_per_s = 4812000000000,
				     .multiprocessors = 132,
				     .warps = 64,
				     .blocks = 32,
				     .shared_bytes = 233472,
				     .registers = 65536,
				     .major = 9,
				     .uuid = { 0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
					       10, 11 } };
	struct gpu_kernel gemm = { .name = 11,
				   .context = 1,
				   .stream = 7,
				   .grid = { 64, 64, 1 },
				   .block = { 16, 16, 1 },
				   .registers = 96,
				   .shared_static_bytes = 16384 };
	struct gpu_kernel softmax = { .name = 12,
				      .context = 1,
				      .stream = 13,
				      .grid = { 4096, 1, 1 },
				      .block = { 1024, 1, 1 },
				      .registers = 32,
				      .shared_dynamic_bytes = 132 };
	struct gpu_kernel add = { .name = 13,
				  .context = 1,
				  .stream = 7,
				  .grid = { 8192, 1, 1 },
				  .block = { 128, 1, 1 },
				  .registers = 20 };
	send_names(ring);
	send(ring, GPU_DEVICE, &device, sizeof device);
	send_copy(ring, GPU_COPY, 0, 1.25, 50000000);
	for (uint32_t i = 0; i < 30; i++) {
		send_kernel(ring, &gemm, 1 + i * 3, 2 + i * 0.6, 0.41);
		send_kernel(ring, &softmax, 2 + i * 3, 2.41 + i * 0.6, 0.1);
		add.grid[0] = 4096 << i % 3;
		send_kernel(ring, &add, 3 + i * 3, 2.42 + i * 0.6, 0.015 * (1 + i % 3));
	}
	send_copy(ring, GPU_SYNC, 2, 18.1, 0);
}

static void add_reading(struct recording *recording, const char *name, const char *unit,
			double value, enum origin origin)
{
	struct series_row series = { .name = recording_add_string(recording, name),
				     .unit = recording_add_string(recording, unit),
				     .source = recording_add_string(recording, "nvml"),
				     .device = recording_add_string(recording, "GPU 0"),
				     .origin = origin };
	struct reading_row row = { .time_ns = START_NS + 20000000,
				   .value = value,
				   .series = recording_add_series(recording, &series),
				   .running_ratio = 1,
				   .origin = origin };
	recording_add_reading(recording, &row);
}

struct sampled {
	const char *name, *unit;
	double base, swing; /* base + swing where gemm runs alone; nothing before 2 ms */
};

/* The device's counters, a thousand times a second: 20 values. */
static void add_sampled(struct recording *recording)
{
	static const struct sampled all[] = {
		{ "GPU DRAM read", "B/s", 1.2e12, 0.9e12 },
		{ "GPU DRAM write", "B/s", 0.6e12, 0.5e12 },
		{ "GPU DRAM traffic", "B/s", 1.8e12, 1.4e12 },
		{ "GPU DRAM use", "ratio", 0.37, 0.3 },
		{ "GPU L2 hits", "ratio", 0.81, 0.1 },
		{ "GPU SM active", "ratio", 0.97, 0 },
		{ "GPU tensor pipe", "ratio", 0.02, 0 },
		{ "GPU warps", "ratio", 0.4, 0.3 },
		{ "GPU PCIe read", "B/s", 2e8, 1e8 },
	};
	struct series_row series = { .source = recording_add_string(recording, "pm"),
				     .device = recording_add_string(recording, "GPU 0") };
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		series.name = recording_add_string(recording, all[i].name);
		series.unit = recording_add_string(recording, all[i].unit);
		series.origin = ORIGIN_MEASURED;
		struct reading_row row = { .series = recording_add_series(recording, &series),
					   .running_ratio = 1,
					   .origin = ORIGIN_MEASURED };
		for (uint64_t ms = 1; ms <= 20; ms++) {
			row.time_ns = START_NS + ms * 1000000;
			row.value = ms <= 2 ? 0 : all[i].base + (ms % 3 ? 0 : all[i].swing);
			recording_add_reading(recording, &row);
		}
	}
	series.name = recording_add_string(recording, "GPU NVLink sent");
	series.unit = recording_add_string(recording, "B/s");
	series.origin = ORIGIN_UNAVAILABLE;
	series.reason = recording_add_string(recording,
					     "GH100 does not count it in one pass with the others");
	recording_add_series(recording, &series);
}

/* 4.3 TB/s, 60 TFLOP/s of f32, 950 of bf16. */
static void add_ceilings(struct recording *recording)
{
	static const char *const rows[] = {
		"copy.DRAM\tB/s\t132\t25\t2147483648\t4.3e12\t4.29e12\t",
		"memcpy.DRAM\tB/s\t132\t25\t2147483648\t4.1e12\t4.09e12\t",
		"copy.L2\tB/s\t132\t25\t15728640\t9e12\t8.9e12\t",
		"fma.f32-cuda\tFLOP/s\t132\t25\t0\t60e12\t59.9e12\t",
		"fma.bf16-mma\tFLOP/s\t132\t25\t0\t620e12\t619e12\t",
		"fma.bf16-wgmma\tFLOP/s\t132\t25\t0\t950e12\t930e12\t",
	};
	recording_add_fact(recording, "ceilings.gpu0:head",
			   "machine 00000000feedf00d time 1700000000 lost nan stolen nan");
	recording_add_fact(recording, "ceilings.gpu0:device",
			   "device\tNVIDIA H200\tGPU-deadbeef-0001-0203-0405-060708090a0b");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		recording_add_fact(recording, "ceilings.gpu0:row", rows[i]);
}

/* Each gemm is a phase that told its work; one holds a softmax as well, and is nobody's. */
static void add_phases(struct recording *recording)
{
	struct series_row series = { .name = recording_add_string(recording, "phases"),
				     .unit = recording_add_string(recording, "ns"),
				     .source = recording_add_string(recording, "probe"),
				     .origin = ORIGIN_SOFTWARE,
				     .flags = SERIES_SPANS };
	struct span_row row = { .flops = 2.0 * 1024 * 1024 * 1024,
				.bytes = 3.0 * 4 * 1024 * 1024,
				.items = NAN,
				.series = recording_add_series(recording, &series),
				.name = recording_add_string(recording, "gemm") };
	for (uint32_t i = 0; i < 30; i++) {
		row.start_ns = START_NS + 1990000 + i * 600000ull;
		row.duration_ns = i == 7 ? 500000 : 420000;
		recording_add_span(recording, &row);
	}
}

static void name_frames(struct recording *recording)
{
	while (recording->tables[TABLE_LOCATIONS].n_rows < recording->tables[TABLE_FRAMES].n_rows) {
		uint64_t id = recording->tables[TABLE_LOCATIONS].n_rows;
		const struct frame_row *frame = recording_frame(recording, id);
		char name[32];
		snprintf(name, sizeof name, "step_%llx", (unsigned long long)frame->address);
		bool is_text = frame->module == 0 || frame->flags & FRAME_NAMED;
		struct function_row function = {
			.name = is_text ? (uint32_t)frame->address
					: recording_add_string(recording, name),
			.module = frame->module,
			.flags = frame->module ? 0 : FUNCTION_SPECIAL,
		};
		function.linkage_name = function.name;
		struct location_row location = { .function = recording_add_function(recording,
										    &function) };
		recording_add_location(recording, &location);
	}
}

struct recording *fixture_gpu(void)
{
	struct why why;
	struct sampling sampling;
	sampling_defaults(&sampling);
	int fd = probe_memory_create(GPU_RING_RECORDS, &why);
	struct shared_ring *ring = probe_memory_map(fd, GPU_RING_RECORDS, &why);
	struct target target = { .sampling = &sampling, .pid = PID, .gpu_fd = fd };
	struct recording *recording = recording_new();
	void *state = allocate(1, source_cupti.state_bytes);
	recording->start_ns = START_NS;
	recording->start_epoch_ns = 1700000000000000000;
	send_all(ring);
	if (!source_cupti.open(state, &target, recording, &why))
		die("%s", why.text);
	source_cupti.drain(state, recording, true);
	source_cupti.close(state);
	free(state);
	probe_memory_unmap(ring, GPU_RING_RECORDS);
	close(fd);
	add_phases(recording);
	add_reading(recording, "GPU power", "W", 412.5, ORIGIN_MEASURED);
	add_reading(recording, "GPU SM clock", "Hz", 1.98e9, ORIGIN_MEASURED);
	add_reading(recording, "GPU memory used", "B", 8.2e9, ORIGIN_SOFTWARE);
	add_reading(recording, "GPU busy", "ratio", 0.93, ORIGIN_SOFTWARE);
	add_reading(recording, "GPU power limit", "W", 700, ORIGIN_SOFTWARE);
	add_reading(recording, "GPU memory", "B", 150754820096.0, ORIGIN_SOFTWARE);
	add_sampled(recording);
	fake_add_facts(recording);
	add_ceilings(recording);
	recording_add_fact(recording, "command_line", "train --device cuda");
	recording_add_fact(recording, "exit_status", "0");
	recording_flush_samples(recording, UINT64_MAX);
	name_frames(recording);
	recording_publish(recording);
	return recording;
}
