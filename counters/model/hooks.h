/*
 * model/hooks: how code tells the cache model of accesses that the compiler does not report. In
 * programs that are not linked with the model nothing of it may be used.
 */
#ifndef COUNTERS_MODEL_HOOKS_H
#define COUNTERS_MODEL_HOOKS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Lanes of a vector, a bit each, that lie side by side from address on. */
void stoke_model_read_lanes(const void *address, unsigned long lanes, unsigned lane_bytes);
void stoke_model_write_lanes(const void *address, unsigned long lanes, unsigned lane_bytes);
void stoke_model_read(const void *address, unsigned long bytes);
void stoke_model_write(const void *address, unsigned long bytes);
/* Lanes, a bit each, at base + scale * index; indexes are of index_bits, 32 or 64. */
void stoke_model_gather(const void *base, const void *indexes, int index_bits, unsigned lanes,
			int scale, unsigned lane_bytes);
void stoke_model_scatter(const void *base, const void *indexes, int index_bits, unsigned lanes,
			 int scale, unsigned lane_bytes);
/* A store past the caches; a prefetch. */
void stoke_model_write_past(const void *address, unsigned bytes);
void stoke_model_prefetch(const void *address);
/* Tiles: their shapes as LDTILECFG reads them; one loaded or stored, stride bytes a row. */
void stoke_model_tile_shapes(const void *configuration);
void stoke_model_tile(unsigned tile, const void *base, long stride, int is_write);

#ifdef __cplusplus
}
#endif

#endif
