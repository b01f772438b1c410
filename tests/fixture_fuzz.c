/* Readers take paths, so what a fuzzer makes up becomes a file that exists in memory only. */
#include "tests/fixture_fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sampler/exporter.h"
#include "sampler/importer.h"
#include "sampler/recording.h"
#include "sampler/recording_check.h"

int fuzz_file(const uint8_t *data, size_t size, char path[FUZZ_PATH_BYTES])
{
	int fd = memfd_create("fuzz", 0);
	if (fd >= 0 && write(fd, data, size) != (ssize_t)size) {
		close(fd);
		return -1;
	}
	snprintf(path, FUZZ_PATH_BYTES, "/proc/self/fd/%d", fd);
	return fd;
}

void fuzz_read(struct recording *(*read)(const char *path, struct why *why), const uint8_t *data,
	       size_t size)
{
	char path[FUZZ_PATH_BYTES];
	struct why why;
	int fd = fuzz_file(data, size, path);
	if (fd < 0)
		return;
	struct recording *recording = read(path, &why);
	close(fd);
	if (!recording)
		return;
	if (!recording_check(recording, "what was read", &why))
		abort();
	FILE *out = fopen("/dev/null", "w");
	if (!out)
		abort();
	exporter_find("folded")->write(recording, &(struct export_options){ 0 }, out, &why);
	fclose(out);
	recording_free(recording);
}

void fuzz_import(const char *importer, const uint8_t *data, size_t size)
{
	fuzz_read(importer_find(importer)->read, data, size);
}
