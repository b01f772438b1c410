/*
 * amx: Intel's tile registers: eight of 16 rows of 64 bytes. Header-only, for functions compiled
 * with target("amx-tile"); callable after cpu_has_amx_...() has said yes.
 * Source: Intel SDM vol. 1, chapter 18 (programming with AMX); LDTILECFG, vol. 2A.
 */
#ifndef KERNELS_SUPPORT_AMX_H
#define KERNELS_SUPPORT_AMX_H

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>

enum { AMX_ROWS = 16, AMX_ROW_BYTES = 64, AMX_TILE_BYTES = AMX_ROWS * AMX_ROW_BYTES };

/* Laid out as LDTILECFG reads it. */
struct amx_configuration {
	uint8_t palette, start_row, zeros[14];
	uint16_t row_bytes[16];
	uint8_t rows[16];
};

_Static_assert(sizeof(struct amx_configuration) == 64, "LDTILECFG reads 64 bytes");

/* amx_configure: all eight tiles whole. Undone by _tile_release(). */
__attribute__((target("amx-tile"))) static inline void amx_configure(void)
{
	struct amx_configuration configuration = { .palette = 1 };
	for (int i = 0; i < 8; i++) {
		configuration.row_bytes[i] = AMX_ROW_BYTES;
		configuration.rows[i] = AMX_ROWS;
	}
	/* GCC 12 says the intrinsic reads 8 of the 64 bytes and drops the other stores. */
	__asm__ volatile("" : : "r"(&configuration) : "memory");
	_tile_loadconfig(&configuration);
}

/* amx_zero_six: tiles 0 to 5. */
__attribute__((target("amx-tile"))) static inline void amx_zero_six(void)
{
	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	_tile_zero(4);
	_tile_zero(5);
}
#endif

#endif
