/* A recording file of any bytes, opened and written as folded text. */
#include <stddef.h>
#include <stdint.h>

#include "sampler/recording_file.h"
#include "tests/fixture_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_read(recording_file_open, data, size);
	return 0;
}
