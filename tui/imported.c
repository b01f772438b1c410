/* Importers put functions whose file nobody told into a module named after the format. */
#include "tui/imported.h"

#include <stddef.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"

const char *imported_from(const struct recording *recording)
{
	return recording_fact_text(recording, "imported_from");
}

bool imported_has_times(const struct recording *recording)
{
	uint64_t n = recording_moment(recording).n[TABLE_SAMPLES];
	if (n <= 1 || !imported_from(recording))
		return true;
	for (uint64_t id = 2; id < n; id++)
		if (recording_sample(recording, id)->time_ns !=
		    recording_sample(recording, 1)->time_ns)
			return true;
	return false;
}

const char *imported_module(const struct recording *recording, uint32_t module)
{
	static const char *const unknown[] = { "[folded]", "[trace]", "[speedscope]", "[pprof]" };
	const char *path =
		recording_string_at(recording, recording_module(recording, module)->path);
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
		if (strcmp(path, unknown[i]) == 0)
			return TEXT_UNKNOWN;
	return text_base_name(path);
}
