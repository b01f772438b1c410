/* Keys with a colon are rows of tables, so an event's colons are dots in its key. */
#include "sampler/trust.h"

#include <stdio.h>
#include <string.h>

#include "sampler/recording.h"

/* Without modifiers: "cycles:u" is cycles. */
static size_t base_length(const char *event)
{
	const char *colon = strrchr(event, ':');
	bool is_modifier = colon && colon[1] && strspn(colon + 1, "ukhpSG") == strlen(colon + 1);
	return is_modifier ? (size_t)(colon - event) : strlen(event);
}

char *trust_key(char *out, size_t bytes, const char *event)
{
	snprintf(out, bytes, "counter_grade.%.*s", (int)base_length(event), event);
	for (char *at = out; *at; at++)
		*at = *at == ':' ? '.' : *at;
	return out;
}

const char *trust_of(const struct recording *recording, const char *event)
{
	char key[TRUST_KEY_BYTES];
	trust_key(key, sizeof key, event);
	const char *trust = recording_fact_text(recording, key);
	return trust ? trust : "";
}
