/*
 * recording_format: the bytes of a .stoke file, version 1, little-endian. Shared by its writer and
 * its reader only.
 */
#ifndef SAMPLER_RECORDING_FORMAT_H
#define SAMPLER_RECORDING_FORMAT_H

#include <stdint.h>

#define RECORDING_MAGIC "STOKEREC"

enum {
	RECORDING_VERSION = 1,
	RECORDING_ENDIAN = 0x01020304,
	RECORDING_BLOCK = 0x4b4c4253, /* "SBLK" */
	RECORDING_COMMIT = 0x100,     /* kind; below it: enum table_id */
	RECORDING_ZSTD = 1,           /* flag: the rows are compressed */
	/* A reader never holds more than one block beside the tables. */
	RECORDING_MOST_BLOCK_BYTES = 16 << 20,
};

struct recording_header {
	char magic[8];
	uint32_t version, endian;
	uint64_t start_ns, start_epoch_ns;
	uint32_t header_bytes; /* blocks start here: headers may grow */
	uint32_t checksum;     /* CRC-32 of the bytes before it */
};

/*
 * A block: this, then stored_bytes of rows. A commit block's rows are n_rows counts (u64), one a
 * table in the order of enum table_id: everything before it is complete up to these.
 */
struct recording_block {
	uint32_t mark, kind;
	uint64_t first_row, n_rows;
	uint32_t row_bytes, flags;
	uint32_t plain_bytes, stored_bytes;
	uint32_t stored_checksum, checksum; /* of the rows as stored; of the fields before it */
};

#endif
