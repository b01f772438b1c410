/* Finding an importer by a file's extension. */
#include "sampler/importer.h"

#include <string.h>

const struct importer *importer_for_path(const char *path)
{
	size_t length = strlen(path);
	for (const struct importer *const *at = importers; *at; at++) {
		size_t n = strlen((*at)->suffix);
		if (n <= length && strcmp(path + length - n, (*at)->suffix) == 0)
			return *at;
	}
	return NULL;
}
