/* Finding an exporter by name or by the output's extension. */
#include "sampler/exporter.h"

#include <errno.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"

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

bool exporter_almost(const char *path, struct why *why)
{
	const char *extension = strrchr(text_base_name(path), '.');
	char names[WHY_BYTES / 2] = "";
	size_t used = 0;
	for (const struct exporter *const *at = exporters; extension && *at; at++) {
		const char *end = strrchr((*at)->suffix, '.');
		if (end == (*at)->suffix || strcmp(end, extension) != 0)
			continue;
		int n = snprintf(names + used, sizeof names - used, "%s%s (%s)", used ? ", " : "",
				 (*at)->suffix, (*at)->name);
		used += n > 0 && (size_t)n < sizeof names - used ? (size_t)n : 0;
	}
	if (used)
		why_fail(why,
			 "%s does not say which format is meant: name the file %s, or give "
			 "--format.",
			 extension, names);
	return used > 0;
}

bool exporter_finish(FILE *out, const char *what, struct why *why)
{
	if (fflush(out) == 0 && !ferror(out))
		return true;
	/* Only the stream's own calls fail while a format is written, so errno is the stream's. */
	int error = errno ? errno : EIO;
	why_fail(why, "Cannot write %s: %s.", what, strerror(error));
	errno = error;
	return false;
}
