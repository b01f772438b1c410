/*
 * AMX's kernels as they are compiled, on any x86-64 CPU: where the instructions do not exist, each
 * ends in SIGILL, and the handler here does what the manual says it would have done (Intel SDM
 * vol. 2: LDTILECFG, TILELOADD, TILESTORED, TILEZERO, TILERELEASE, TDPBF16PS, TDPBUSD). Where they
 * exist they run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "kernels/fma_peak.h"
#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/gemm_tiles_dot.h"
#include "kernels/support/gemv_weights.h"
#include "workloads/support/random.h"

#if defined(__x86_64__)
extern const struct kernel kernel_fma_peak;

enum { TILES = 8, ROWS = 16, ROW_BYTES = 64 };

/* The tile registers; nothing is configured until LDTILECFG. */
static struct {
	bool is_configured;
	unsigned rows[TILES], row_bytes[TILES];
	uint8_t data[TILES][ROWS][ROW_BYTES];
	unsigned long n_products; /* instructions done here, to know that any were */
} unit;

/* A VEX instruction with three bytes of prefix (C4). */
struct instruction {
	unsigned prefix; /* 0 none, 1 66, 2 F3, 3 F2 */
	unsigned opcode, mod, reg, rm, third;
	uintptr_t address, stride; /* of a memory operand; the index is a row's distance */
	size_t length;
};

static uintptr_t register_of(const ucontext_t *context, unsigned number)
{
	static const int places[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
					REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
					REG_R12, REG_R13, REG_R14, REG_R15 };
	return (uintptr_t)context->uc_mcontext.gregs[places[number]];
}

/* ModRM, SIB and displacement (SDM vol. 2, tables 2-2 and 2-3). */
static void decode_memory(struct instruction *at, const uint8_t *code, const ucontext_t *context)
{
	unsigned extend_index = ~code[1] >> 6 & 1, extend_base = ~code[1] >> 5 & 1;
	const uint8_t *next = code + 5;
	unsigned base = at->rm | extend_base << 3;
	bool has_base = !(at->mod == 0 && at->rm == 5);
	if (at->rm == 4) {
		unsigned sib = *next++, index = (sib >> 3 & 7) | extend_index << 3;
		base = (sib & 7) | extend_base << 3;
		has_base = !(at->mod == 0 && (sib & 7) == 5);
		at->stride = index == 4 ? 0 : register_of(context, index) << (sib >> 6);
	}
	int32_t distance = 0;
	if (at->mod == 1) {
		distance = (int8_t)*next++;
	} else if (at->mod == 2 || !has_base) {
		memcpy(&distance, next, 4);
		next += 4;
	}
	at->length = (size_t)(next - code);
	uintptr_t start = has_base ? register_of(context, base) : 0;
	if (!has_base && at->rm == 5)
		start = (uintptr_t)code + at->length;
	at->address = start + (uintptr_t)(intptr_t)distance;
}

static bool decode(struct instruction *at, const uint8_t *code, const ucontext_t *context)
{
	*at = (struct instruction){ .length = 5 };
	if (code[0] != 0xc4 || (code[1] & 31) != 2) /* map 0F38 */
		return false;
	at->prefix = code[2] & 3;
	at->third = ~code[2] >> 3 & 15;
	at->opcode = code[3];
	at->mod = code[4] >> 6;
	at->reg = code[4] >> 3 & 7;
	at->rm = code[4] & 7;
	if (at->mod != 3)
		decode_memory(at, code, context);
	return true;
}

/* False for what LDTILECFG answers with a fault: bytes that must be zero, sizes too large. */
static bool configure(const uint8_t *from)
{
	if (from[0] != 1 || from[1] != 0)
		return false;
	for (int i = 2; i < 64; i++)
		if ((i < 16 || (i >= 32 && i < 48) || i >= 56) && from[i] != 0)
			return false;
	for (int tile = 0; tile < TILES; tile++) {
		unit.row_bytes[tile] = from[16 + 2 * tile] | (unsigned)from[17 + 2 * tile] << 8;
		unit.rows[tile] = from[48 + tile];
		if (unit.rows[tile] > ROWS || unit.row_bytes[tile] > ROW_BYTES)
			return false;
	}
	memset(unit.data, 0, sizeof unit.data);
	unit.is_configured = true;
	return true;
}

static void load(const struct instruction *at)
{
	memset(unit.data[at->reg], 0, sizeof unit.data[at->reg]);
	for (unsigned row = 0; row < unit.rows[at->reg]; row++)
		memcpy(unit.data[at->reg][row], (const char *)at->address + row * at->stride,
		       unit.row_bytes[at->reg]);
}

static void store(const struct instruction *at)
{
	for (unsigned row = 0; row < unit.rows[at->reg]; row++)
		memcpy((char *)at->address + row * at->stride, unit.data[at->reg][row],
		       unit.row_bytes[at->reg]);
}

/* reg += rm x third; B's rows hold pairs. */
static void multiply_bf16(unsigned c, unsigned a, unsigned b)
{
	for (unsigned i = 0; i < unit.rows[c]; i++) {
		for (unsigned j = 0; j < unit.row_bytes[c] / 4; j++) {
			float sum;
			memcpy(&sum, &unit.data[c][i][4 * j], 4);
			for (unsigned p = 0; p < unit.row_bytes[a] / 4; p++) {
				uint16_t x[2], y[2];
				memcpy(x, &unit.data[a][i][4 * p], 4);
				memcpy(y, &unit.data[b][p][4 * j], 4);
				sum += f32_from_bf16(x[0]) * f32_from_bf16(y[0]) +
				       f32_from_bf16(x[1]) * f32_from_bf16(y[1]);
			}
			memcpy(&unit.data[c][i][4 * j], &sum, 4);
		}
	}
}

/* reg += unsigned rm x signed third; B's rows hold fours. */
static void multiply_int8(unsigned c, unsigned a, unsigned b)
{
	for (unsigned i = 0; i < unit.rows[c]; i++) {
		for (unsigned j = 0; j < unit.row_bytes[c] / 4; j++) {
			uint32_t sum;
			memcpy(&sum, &unit.data[c][i][4 * j], 4);
			for (unsigned q = 0; q < unit.row_bytes[a]; q++)
				sum += (uint32_t)(unit.data[a][i][q] *
						  (int8_t)unit.data[b][q / 4][4 * j + q % 4]);
			memcpy(&unit.data[c][i][4 * j], &sum, 4);
		}
	}
}

/* False: no instruction of AMX, or one that would fault. */
static bool execute(const struct instruction *at)
{
	if (at->opcode == 0x49 && at->prefix == 0 && at->mod != 3)
		return configure((const uint8_t *)at->address);
	if (!unit.is_configured)
		return false;
	if (at->opcode == 0x49 && at->prefix == 0 && at->reg == 0 && at->rm == 0)
		unit.is_configured = false;
	else if (at->opcode == 0x49 && at->prefix == 3 && at->mod == 3)
		memset(unit.data[at->reg], 0, sizeof unit.data[at->reg]);
	else if (at->opcode == 0x4b && at->prefix == 3)
		load(at);
	else if (at->opcode == 0x4b && at->prefix == 2)
		store(at);
	else if (at->opcode == 0x5c && at->prefix == 2)
		multiply_bf16(at->reg, at->rm, at->third);
	else if (at->opcode == 0x5e && at->prefix == 1)
		multiply_int8(at->reg, at->rm, at->third);
	else
		return false;
	unit.n_products += at->opcode == 0x5c || at->opcode == 0x5e;
	return true;
}

static void on_illegal(int number, siginfo_t *information, void *opaque)
{
	ucontext_t *context = opaque;
	struct instruction at;
	const uint8_t *code = information->si_addr;
	(void)number;
	if (!decode(&at, code, context) || !execute(&at)) {
		static const char text[] = "an illegal instruction that is not AMX's\n";
		(void)!write(STDERR_FILENO, text, sizeof text - 1);
		_exit(1);
	}
	context->uc_mcontext.gregs[REG_RIP] += (greg_t)at.length;
}

/* In every test: cmocka sets its own handler before each. */
static void take_over(bool has_amx)
{
	struct sigaction action = { .sa_sigaction = on_illegal, .sa_flags = SA_SIGINFO };
	sigaction(SIGILL, &action, NULL);
	print_message("%s\n", has_amx ? "AMX runs" : "AMX is done by this test: the CPU has none");
	unit.n_products = 0;
}

static double element(bool is_bf16, bool is_signed, const void *values, size_t at)
{
	if (is_bf16)
		return f32_from_bf16(((const uint16_t *)values)[at]);
	return is_signed ? ((const int8_t *)values)[at] : ((const uint8_t *)values)[at];
}

/* C is f32 or int32, adding to what is there; bf16 up to k + 2 roundings, bytes exactly. */
static bool is_right(const struct gemm_task *task, const void *before, bool is_bf16)
{
	for (size_t cell = 0; cell < task->m * task->n; cell++) {
		double sum =
			is_bf16 ? ((const float *)before)[cell] : ((const int32_t *)before)[cell];
		double scale = fabs(sum), got = is_bf16 ? ((const float *)task->c)[cell]
							: ((const int32_t *)task->c)[cell];
		for (size_t p = 0; p < task->k; p++) {
			double x = element(is_bf16, false, task->a, cell / task->n * task->k + p);
			double y = element(is_bf16, true, task->b, p * task->n + cell % task->n);
			sum += x * y;
			scale += fabs(x * y);
		}
		double unit_of = is_bf16 ? ((double)task->k + 2) * 0x1p-24 : 0;
		if (!(fabs(got - sum) <= unit_of * scale))
			return false;
	}
	return true;
}

static bool multiplies_rightly(const struct gemm_tile *tile, size_t m, size_t n, size_t k)
{
	bool is_bf16 = tile->element_bytes == 2;
	struct random random = { m * 10007 + n * 101 + k };
	uint16_t *a = calloc(m * k, 2), *b = calloc(k * n, 2); /* bytes need half of it */
	uint32_t *before = calloc(m * n, 4), *c = calloc(m * n, 4);
	for (size_t i = 0; i < m * k; i++)
		a[i] = is_bf16 ? bf16_from_f32((float)random_normal(&random))
			       : (uint16_t)random_bits(&random);
	for (size_t i = 0; i < k * n; i++)
		b[i] = is_bf16 ? bf16_from_f32((float)random_normal(&random))
			       : (uint16_t)random_bits(&random);
	for (size_t i = 0; i < m * n; i++) {
		float one = (float)random_normal(&random);
		memcpy(&before[i], &one, 4);
		if (!is_bf16)
			before[i] = (uint32_t)(random_bits(&random) % 1000);
	}
	memcpy(c, before, m * n * 4);
	struct gemm_task task = gemm_task_plain(m, n, k, a, b, c);
	task.is_adding = true;
	gemm_blocks(tile, &task);
	bool is_good = is_right(&task, before, is_bf16);
	free(a);
	free(b);
	free(before);
	free(c);
	return is_good;
}

static void try_sizes(const struct gemm_tile *tile)
{
	static const size_t sizes[] = { 1, 15, 17, 31, 32, 33, 65 };
	enum { N_SIZES = sizeof sizes / sizeof sizes[0] };
	for (size_t i = 0; i < (size_t)N_SIZES * N_SIZES * N_SIZES; i++) {
		size_t m = sizes[i % N_SIZES], n = sizes[i / N_SIZES % N_SIZES],
		       k = sizes[i / N_SIZES / N_SIZES];
		if (!multiplies_rightly(tile, m, n, k))
			fail_msg("wrong at m=%zu n=%zu k=%zu", m, n, k);
	}
	assert_true(multiplies_rightly(tile, 64, 32, tile->depth + 77)); /* two blocks */
	assert_true(multiplies_rightly(tile, tile->rows_most + 5, 40, 130));
}

static void bf16_tiles_multiply_rightly(void **state)
{
	(void)state;
	take_over(cpu_has_amx_bf16());
	try_sizes(&gemm_tile_bf16_amx);
	assert_true(cpu_has_amx_bf16() || unit.n_products > 1000);
}

static void int8_tiles_multiply_rightly(void **state)
{
	(void)state;
	take_over(cpu_has_amx_int8());
	try_sizes(&gemm_tile_int8_amx);
	assert_true(cpu_has_amx_int8() || unit.n_products > 1000);
}

/* A wrong operand order or type shows: the same check refuses it. */
static void wrong_tiles_are_refused(void **state)
{
	struct gemm_tile swapped = gemm_tile_bf16_amx, other = gemm_tile_int8_amx;
	(void)state;
	take_over(cpu_has_amx_bf16() && cpu_has_amx_int8());
	swapped.pack_rows = gemm_tile_bf16_amx.pack_columns;
	other.pack_columns = gemm_tile_int8_amx.pack_rows;
	assert_false(multiplies_rightly(&swapped, 33, 17, 70));
	assert_false(multiplies_rightly(&other, 33, 17, 70));
}

static void peaks_do_the_work_they_claim(void **state)
{
	(void)state;
	take_over(cpu_has_amx_bf16() && cpu_has_amx_int8());
	for (const struct variant *at = kernel_fma_peak.variants; at->name; at++) {
		if (!strstr(at->name, "-amx"))
			continue;
		fma_peak_function *peak = (fma_peak_function *)at->function;
		double passes = kernel_fma_peak.flops(3) / (double)fma_peak_pass_flops(at->name);
		double right = passes * (strncmp(at->name, "bf16", 4) == 0 ? 12 : -38592);
		assert_float_equal(peak(3), right, 1e-9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bf16_tiles_multiply_rightly),
		cmocka_unit_test(int8_tiles_multiply_rightly),
		cmocka_unit_test(wrong_tiles_are_refused),
		cmocka_unit_test(peaks_do_the_work_they_claim),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
static void needs_x86(void **state)
{
	(void)state;
	print_message("SKIP: AMX is x86-64's\n");
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(needs_x86) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
