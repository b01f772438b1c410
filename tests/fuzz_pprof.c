/* pprof files of any bytes; what is read of them must hold together. */
#include <stddef.h>
#include <stdint.h>

#include "tests/fixture_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_import("pprof", data, size);
	return 0;
}
