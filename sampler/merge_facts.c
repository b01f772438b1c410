/* Of facts with one key the last stands, so what is of all comes last. */
#include "sampler/merge_facts.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/export_rows.h"
#include "sampler/merge.h"
#include "sampler/recording.h"

enum { MOST_HOSTS_BYTES = 400 };

static bool has_fact(const struct recording *recording, const char *key, const char *value)
{
	uint64_t n = recording_moment(recording).n[TABLE_FACTS];
	for (uint64_t id = 1; id < n; id++) {
		const struct fact_row *row = recording_fact(recording, id);
		if (strcmp(recording_string_at(recording, row->key), key) == 0 &&
		    strcmp(recording_string_at(recording, row->value), value) == 0)
			return true;
	}
	return false;
}

static void take_facts(struct recording *out, const struct merge_input *inputs, size_t i)
{
	const struct recording *from = inputs[i].recording;
	uint64_t n = recording_moment(from).n[TABLE_FACTS];
	for (uint64_t id = 1; id < n; id++) {
		const struct fact_row *row = recording_fact(from, id);
		const char *key = recording_string_at(from, row->key);
		const char *value = recording_string_at(from, row->value);
		char text[512];
		if (i > 0 && has_fact(inputs[0].recording, key, value))
			continue;
		snprintf(text, sizeof text, "%s%s%s", i ? inputs[i].label : "", i ? "." : "", key);
		recording_add_fact(out, text, value);
	}
}

/* Numbers of all together; nothing if one of them does not say. */
static void add_sum(struct recording *out, const struct merge_input *inputs, size_t n,
		    const char *key)
{
	uint64_t sum = 0;
	char text[32];
	for (size_t i = 0; i < n; i++) {
		const char *value = export_fact(inputs[i].recording, key);
		char *end = NULL;
		if (!value || value[0] < '0' || value[0] > '9')
			return;
		sum += strtoull(value, &end, 10);
		if (*end)
			return;
	}
	snprintf(text, sizeof text, "%llu", (unsigned long long)sum);
	recording_add_fact(out, key, text);
}

static void add_exit_status(struct recording *out, const struct merge_input *inputs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *value = export_fact(inputs[i].recording, "exit_status");
		if (value && strcmp(value, "0") != 0) {
			recording_add_fact(out, "exit_status", value);
			return;
		}
	}
}

/* Different values, each once, with commas. */
static void add_all(struct recording *out, const struct merge_input *inputs, size_t n,
		    const char *key)
{
	char text[MOST_HOSTS_BYTES] = "";
	size_t used = 0, n_left_out = 0;
	for (size_t i = 0; i < n; i++) {
		const char *value = export_fact(inputs[i].recording, key);
		bool is_known = !value;
		for (size_t k = 0; k < i && !is_known; k++) {
			const char *other = export_fact(inputs[k].recording, key);
			is_known = other && strcmp(other, value) == 0;
		}
		if (is_known)
			continue;
		if (used + strlen(value) + 2 >= sizeof text - 32) {
			n_left_out++;
			continue;
		}
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "",
					 value);
	}
	if (n_left_out)
		snprintf(text + used, sizeof text - used, "%s%zu more", used ? ", " : "",
			 n_left_out);
	if (text[0])
		recording_add_fact(out, key, text);
}

static void add_line(struct recording *out, const struct merge_input *input)
{
	static const char *const keys[] = { "host", "rank", "command_line" };
	char text[1024];
	int used = snprintf(text, sizeof text, "%s", input->label);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const char *value = export_fact(input->recording, keys[i]);
		if (value && used >= 0 && (size_t)used < sizeof text)
			used += snprintf(text + used, sizeof text - (size_t)used, "; %s %s",
					 keys[i], value);
	}
	recording_add_fact(out, "merged", text);
}

void merge_add_facts(struct recording *out, const struct merge_input *inputs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		take_facts(out, inputs, i);
	add_sum(out, inputs, n, "sampling.lost");
	add_sum(out, inputs, n, "sampling.truncated");
	add_exit_status(out, inputs, n);
	add_all(out, inputs, n, "host");
	add_all(out, inputs, n, "command_line");
	for (size_t i = 0; i < n; i++)
		add_line(out, &inputs[i]);
}
