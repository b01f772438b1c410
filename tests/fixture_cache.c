/* One core: most sequences are worked out for one. */
#include "tests/fixture_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "counters/cache_model.h"

struct cache_model *fixture_cache(const char *text)
{
	struct why why = { "" };
	struct cache_geometry geometry;
	cache_geometry_of_machine(&geometry);
	geometry.n_cores = 1;
	if (!cache_geometry_parse(&geometry, text, &why))
		fail_msg("%s", why.text);
	struct cache_model *model = cache_model_new(&geometry, &why);
	if (!model)
		fail_msg("%s", why.text);
	return model;
}
