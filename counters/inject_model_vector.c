/* What counters/model/immintrin.h reports: accesses of built-in functions, which the compiler does
 * not. */
#include "counters/inject_model.h"
#include "counters/model/hooks.h"

/* What the program may see of the library. */
#pragma GCC visibility push(default)

#define PC __builtin_return_address(0)

static void access_lanes(const void *address, uint64_t lanes, unsigned lane_bytes, bool is_write,
			 const void *pc)
{
	if (lanes == 0)
		return;
	unsigned first = (unsigned)__builtin_ctzll(lanes);
	unsigned last = 63 - (unsigned)__builtin_clzll(lanes);
	hook_range_access((const char *)address + (size_t)first * lane_bytes,
			  (size_t)(last - first + 1) * lane_bytes, is_write, pc);
}

void stoke_model_read_lanes(const void *address, unsigned long lanes, unsigned lane_bytes)
{
	access_lanes(address, lanes, lane_bytes, false, PC);
}

void stoke_model_write_lanes(const void *address, unsigned long lanes, unsigned lane_bytes)
{
	access_lanes(address, lanes, lane_bytes, true, PC);
}

static long index_at(const void *indexes, int bits, unsigned lane)
{
	return bits == 64 ? ((const long *)indexes)[lane] : ((const int *)indexes)[lane];
}

void stoke_model_gather(const void *base, const void *indexes, int index_bits, unsigned lanes,
			int scale, unsigned lane_bytes)
{
	for (unsigned lane = 0; lanes; lane++, lanes >>= 1)
		if (lanes & 1)
			hook_range_access((const char *)base +
						  index_at(indexes, index_bits, lane) * scale,
					  lane_bytes, false, PC);
}

void stoke_model_scatter(const void *base, const void *indexes, int index_bits, unsigned lanes,
			 int scale, unsigned lane_bytes)
{
	for (unsigned lane = 0; lanes; lane++, lanes >>= 1)
		if (lanes & 1)
			hook_range_access((const char *)base +
						  index_at(indexes, index_bits, lane) * scale,
					  lane_bytes, true, PC);
}

void stoke_model_read(const void *address, unsigned long bytes)
{
	hook_range_access(address, bytes, false, PC);
}

void stoke_model_write(const void *address, unsigned long bytes)
{
	hook_range_access(address, bytes, true, PC);
}

/* Several stores past the caches to one line leave the core together. */
void stoke_model_write_past(const void *address, unsigned bytes)
{
	struct hook_thread *thread = hook_thread;
	if ((!thread && !(thread = hook_thread_start())) || thread->is_busy)
		return;
	thread->is_busy = true;
	uint64_t at = (uintptr_t)address, pc = (uintptr_t)PC;
	hook_slot_for(thread, pc, at, true)->site->counts[MODEL_ACCESSES]++;
	uint64_t line = (at + bytes - 1) >> hooks.model->line_shift;
	if (line != thread->last_past_line)
		cache_model_write_past(hooks.model, thread->core, at);
	thread->last_past_line = line;
	thread->is_busy = false;
}

void stoke_model_prefetch(const void *address)
{
	struct hook_thread *thread = hook_thread;
	if ((!thread && !(thread = hook_thread_start())) || thread->is_busy)
		return;
	thread->is_busy = true;
	cache_model_prefetch(hooks.model, thread->core, (uintptr_t)address);
	thread->is_busy = false;
}

/* Bytes 16 to 31 and 48 to 55 of LDTILECFG's memory: Intel SDM vol. 2A. */
enum { N_TILES = 8, MOST_TILE_ROWS = 16, MOST_TILE_ROW_BYTES = 64 };
static _Thread_local struct {
	uint16_t row_bytes[N_TILES];
	uint8_t rows[N_TILES];
} shapes __attribute__((tls_model("initial-exec")));

void stoke_model_tile_shapes(const void *configuration)
{
	const unsigned char *from = configuration;
	hook_range_access(configuration, 64, false, PC);
	for (int i = 0; i < N_TILES; i++) {
		shapes.row_bytes[i] = (uint16_t)(from[16 + 2 * i] | from[17 + 2 * i] << 8);
		shapes.rows[i] = from[48 + i];
	}
}

void stoke_model_tile(unsigned tile, const void *base, long stride, int is_write)
{
	unsigned rows = shapes.rows[tile % N_TILES], bytes = shapes.row_bytes[tile % N_TILES];
	if (rows > MOST_TILE_ROWS || bytes > MOST_TILE_ROW_BYTES)
		return;
	for (unsigned row = 0; row < rows; row++)
		hook_range_access((const char *)base + (long)row * stride, bytes, is_write, PC);
}

/* Defined by model/immintrin.h: not there in programs compiled without it. */
extern int stoke_model_has_vectors __attribute__((weak));

__attribute__((constructor(102))) static void say_what_is_seen(void)
{
	if (!hooks.is_off && &stoke_model_has_vectors)
		hooks.memory->has_vectors = 1;
}
