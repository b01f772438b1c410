/* pprof files of any bytes; what is read of them must hold together. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sampler/exporter.h"
#include "sampler/importer.h"
#include "sampler/recording.h"
#include "sampler/recording_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[32];
	struct why why;
	int fd = memfd_create("fuzz", 0);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	struct recording *recording = importer_find("pprof")->read(path, &why);
	close(fd);
	if (!recording)
		return 0;
	if (!recording_check(recording, "what was read", &why))
		abort();
	FILE *out = fopen("/dev/null", "w");
	exporter_find("folded")->write(recording, &(struct export_options){ 0 }, out, &why);
	fclose(out);
	recording_free(recording);
	return 0;
}
