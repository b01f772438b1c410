/* A configuration of any bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "tui/preferences.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct preferences preferences;
	static struct preference_problems problems;
	char text[128];
	preferences_defaults(&preferences);
	problems = (struct preference_problems){ 0 };
	preferences_read(&preferences, (const char *)data, size, &problems);
	for (const struct preference *at = preference_table; at->name; at++)
		preferences_print(&preferences, at->name, text, sizeof text);
	if (!preferences.theme || preferences.refresh_hz == 0)
		abort();
	return 0;
}
