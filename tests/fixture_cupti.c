/* The injected library finds the mock by its soname once it is loaded. */
#include "tests/fixture_cupti.h"

#include <stddef.h>

#include "tests/fixture_library.h"

struct fixture_cupti mock;

int fixture_cupti_load(void **state)
{
	const struct {
		const char *name;
		void *into;
	} calls[] = {
		{ "mock_cupti_launch", &mock.launch },
		{ "mock_cupti_graph", &mock.graph },
		{ "mock_cupti_copy", &mock.copy },
		{ "mock_cupti_stray", &mock.stray },
		{ "mock_cupti_others", &mock.others },
		{ "mock_cupti_context", &mock.context },
		{ "mock_cupti_context_end", &mock.context_end },
		{ "mock_cupti_sample", &mock.sample },
		{ "mock_cupti_deliver", &mock.deliver },
	};
	void *library = fixture_library("mock_cupti");
	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		if (!fixture_library_find(library, calls[i].name, calls[i].into))
			return -1;
	return 0;
}
