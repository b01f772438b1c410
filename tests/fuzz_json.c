/* JSON of any shape as a trace and as speedscope's; what is read must hold together. */
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

static void read_as(const char *name, const char *path)
{
	struct why why;
	struct recording *recording = importer_find(name)->read(path, &why);
	if (!recording)
		return;
	if (!recording_check(recording, "what was read", &why))
		abort();
	FILE *out = fopen("/dev/null", "w");
	exporter_find("folded")->write(recording, &(struct export_options){ 0 }, out, &why);
	fclose(out);
	recording_free(recording);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[32];
	int fd = memfd_create("fuzz", 0);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	read_as("speedscope", path);
	read_as("chrome", path);
	close(fd);
	return 0;
}
