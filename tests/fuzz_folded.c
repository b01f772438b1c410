/* Folded text of any bytes, read and written again. */
#include <stddef.h>
#include <stdint.h>

#include "tests/fixture_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_import("folded", data, size);
	return 0;
}
