/* What is there without any counter: the cache model, for built-in workloads and own programs. */
#include <stdio.h>
#include <stdlib.h>

#include "counters/cache_geometry.h"
#include "sampler/base/library.h"
#include "tui/doctor.h"
#include "tui/session_model.h"

#define LIBRARY "libstoke-model.a"

/* With a blank behind each comma, where lines may end. */
static void space(char *out, size_t bytes, const char *list)
{
	size_t n = 0;
	for (; *list && n + 2 < bytes; list++) {
		out[n++] = *list;
		if (*list == ',')
			out[n++] = ' ';
	}
	out[n] = '\0';
}

static void say_caches(const struct doctor *doctor)
{
	struct cache_geometry geometry;
	char caches[CACHE_GEOMETRY_BYTES], spaced[2 * CACHE_GEOMETRY_BYTES],
		text[2 * CACHE_GEOMETRY_BYTES + 128];
	cache_geometry_of_machine(&geometry);
	space(spaced, sizeof spaced, cache_geometry_print(caches, sizeof caches, &geometry));
	snprintf(text, sizeof text, "%s%s; --caches takes others", spaced,
		 geometry.is_assumed ? " (some of a common core, since the machine does not say)"
				     : "");
	doctor_fact(doctor, "modelled caches", text);
}

void doctor_model(const struct doctor *doctor)
{
	struct why why;
	char *program = session_model_program(&why), *library = library_beside_program(LIBRARY);
	puts("\nCache model (misses of every load and store, without counters)");
	doctor_line(doctor, program ? ORIGIN_MODELLED : ORIGIN_UNAVAILABLE, "workloads",
		    program ? "stoke-model is here; `stoke run --model WORKLOAD`" : why.text);
	doctor_line(doctor, library ? ORIGIN_MODELLED : ORIGIN_UNAVAILABLE, "own programs",
		    library ? "compiled for it and linked with this; `stoke help run` says how:"
			    : LIBRARY " is neither beside stoke nor in ../lib/stoke; run `make` or "
				      "`make install`.");
	if (library)
		printf("  %s\n", library);
	say_caches(doctor);
	free(program);
	free(library);
}
