/* Finding an exporter by name or by the output's extension. */
#include "sampler/exporter.h"

#include <string.h>

const struct exporter *exporter_find(const char *name)
{
	for (const struct exporter *const *at = exporters; *at; at++)
		if (strcmp((*at)->name, name) == 0)
			return *at;
	return NULL;
}

const struct exporter *exporter_for_path(const char *path)
{
	const struct exporter *best = NULL;
	size_t length = strlen(path), best_length = 0;
	for (const struct exporter *const *at = exporters; *at; at++) {
		size_t n = strlen((*at)->suffix);
		if (n <= length && n > best_length &&
		    strcmp(path + length - n, (*at)->suffix) == 0) {
			best = *at;
			best_length = n;
		}
	}
	return best;
}
