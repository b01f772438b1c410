/* Text of any bytes: kernel and JIT symbols, names to demangle, durations, patterns of UTF-8. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/base/text.h"
#include "sampler/demangle.h"
#include "sampler/symbols_text.h"
#include "tests/fixture_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_symbols(const uint8_t *data, size_t size)
{
	char path[FUZZ_PATH_BYTES];
	struct text_symbols symbols;
	int fd = fuzz_file(data, size, path);
	if (fd < 0)
		return;
	text_symbols_kernel(&symbols, path);
	text_symbols_find(&symbols, 0xffffffff81000000);
	text_symbols_free(&symbols);
	if (text_symbols_jit(&symbols, path))
		text_symbols_find(&symbols, 0x7f0000000000);
	text_symbols_free(&symbols);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char out[256];
	char *text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	read_symbols(data, size);
	demangle(out, sizeof out, text);
	if (text_width(out) < 0)
		abort();
	text_clean(out, sizeof out, text);
	if (text_fit(text, 10, NULL) > size)
		abort();
	text_parse_duration_ns(text);
	text_parse_bytes(text);
	free(text);
	return 0;
}
