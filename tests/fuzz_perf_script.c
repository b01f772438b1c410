/* Text like that of perf script, of any bytes; what is read of it must hold together. */
#include <stddef.h>
#include <stdint.h>

#include "tests/fixture_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_import("perf-script", data, size);
	return 0;
}
