/* Finding an importer by name, by a file's extension or by what it begins with. */
#include "sampler/importer.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/import_bytes.h"

const struct importer *importer_find(const char *name)
{
	for (const struct importer *const *at = importers; *at; at++)
		if (strcmp((*at)->name, name) == 0)
			return *at;
	return NULL;
}

const struct importer *importer_for_path(const char *path)
{
	const struct importer *best = NULL;
	size_t length = strlen(path), best_length = 0;
	for (const struct importer *const *at = importers; *at; at++) {
		size_t n = strlen((*at)->suffix);
		if (n <= length && n > best_length &&
		    strcmp(path + length - n, (*at)->suffix) == 0) {
			best = *at;
			best_length = n;
		}
	}
	return best;
}

const struct importer *importer_for_content(const char *path)
{
	unsigned char *head = allocate(IMPORTER_HEAD_BYTES, 1);
	size_t n_bytes = import_head(path, head, IMPORTER_HEAD_BYTES);
	const struct importer *found = NULL;
	for (const struct importer *const *at = importers; *at && n_bytes && !found; at++)
		if ((*at)->looks_like(head, n_bytes))
			found = *at;
	free(head);
	return found;
}

struct recording *importer_read(const struct importer *importer, const char *path, struct why *why)
{
	const char *reason = importer->unusable ? importer->unusable() : NULL;
	if (!reason)
		return importer->read(path, why);
	why_fail(why, "Cannot read %s files: %s", importer->name, reason);
	return NULL;
}
