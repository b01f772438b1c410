/* Labels wait in the settings as they were typed, separated by line breaks. */
#include "tui/push_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "tui/settings.h"

static bool add_labels(struct push *push, const char *typed, struct why *why)
{
	char *copy = strdup(typed ? typed : ""), *rest = copy, *label;
	bool is_good = true;
	while (is_good && (label = strsep(&rest, "\n")))
		is_good = !*label || push_add_label(push, label, why);
	free(copy);
	return is_good;
}

bool push_from_settings(struct push *push, const struct settings *settings, char *folder,
			struct why *why)
{
	push_defaults(push);
	push->form = (enum push_form)settings->push_form;
	push->store = settings->push_store;
	push->name = settings->push_name;
	push->token = getenv("STOKE_PUSH_TOKEN");
	push->tenant = getenv("STOKE_PUSH_TENANT");
	if (settings->push_timeout_ns)
		push->timeout_ms = (settings->push_timeout_ns + 999999) / 1000000;
	if (settings->push_tries)
		push->n_tries = (unsigned)settings->push_tries;
	snprintf(folder, PUSH_PATH_BYTES, "%s", settings->push_spool ? settings->push_spool : "");
	if (!folder[0] && !push_spool_folder(folder, PUSH_PATH_BYTES, why))
		return false;
	push->spool = folder;
	return push_check(push, why) && add_labels(push, settings->push_labels, why);
}

void push_print(const struct push *push, const struct push_result *result, const char *command)
{
	char store[256], spool[256];
	text_clean(store, sizeof store, push->store);
	text_clean(spool, sizeof spool, push->spool ? push->spool : "");
	if (result->n_sent)
		fprintf(stderr, "stoke %s: %zu sent to %s\n", command, result->n_sent, store);
	if (result->n_refused)
		fprintf(stderr, "stoke %s: %zu not wanted by %s\n", command, result->n_refused,
			store);
	if (result->n_left)
		fprintf(stderr, "stoke %s: %zu kept in %s until the next push\n", command,
			result->n_left, spool);
	if (result->n_dropped)
		fprintf(stderr, "stoke %s: the spool is full: its %zu oldest were dropped\n",
			command, result->n_dropped);
}
