/* JSON of any shape as a trace and as speedscope's; what is read must hold together. */
#include <stddef.h>
#include <stdint.h>

#include "tests/fixture_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_import("speedscope", data, size);
	fuzz_import("chrome", data, size);
	return 0;
}
