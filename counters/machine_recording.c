/*
 * The machine as facts of a recording, and back. One fact a group or cache, as words separated by
 * blanks, with the CPUs as a list; a recording is as hostile as any file.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/machine_parts.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"

static const char prefix[] = "machine.", table_prefix[] = "machine:", unknown_suffix[] = ".unknown";

/* A list of every other CPU of 2048 takes 5 KiB. */
enum { LIST_BYTES = 8192 };

static void store_group(struct recording *recording, const char *key,
			const struct machine_group *group)
{
	char list[LIST_BYTES], text[LIST_BYTES + 128];
	snprintf(text, sizeof text, "%" PRIu32 " %" PRIu64 " %s %s", group->id, group->memory_bytes,
		 cpu_mask_print(list, sizeof list, &group->cpus), group->label);
	recording_add_fact(recording, key, text);
}

static void store_groups(struct recording *recording, const char *key,
			 const struct machine_groups *groups)
{
	for (size_t i = 0; i < groups->n; i++)
		store_group(recording, key, &groups->rows[i]);
}

static void store_cache(struct recording *recording, const struct machine_cache *cache)
{
	char list[LIST_BYTES], text[LIST_BYTES + 128];
	snprintf(text, sizeof text,
		 "%" PRIu32 " %c %" PRIu64 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %s", cache->level,
		 cache->type, cache->size_bytes, cache->line_bytes, cache->ways, cache->sets,
		 cpu_mask_print(list, sizeof list, &cache->cpus));
	recording_add_fact(recording, "machine:caches", text);
}

void machine_store(const struct machine *machine, struct recording *recording)
{
	char key[sizeof machine->facts->key + 32], list[LIST_BYTES];
	recording_add_fact(recording, "machine:online",
			   cpu_mask_print(list, sizeof list, &machine->online));
	store_groups(recording, "machine:packages", &machine->packages);
	store_groups(recording, "machine:cores", &machine->cores);
	store_groups(recording, "machine:nodes", &machine->nodes);
	store_groups(recording, "machine:kinds", &machine->kinds);
	for (size_t i = 0; i < machine->n_caches; i++)
		store_cache(recording, &machine->caches[i]);
	for (size_t i = 0; i < machine->n_facts; i++) {
		const struct machine_fact *fact = &machine->facts[i];
		snprintf(key, sizeof key, "%s%s%s", prefix, fact->key,
			 fact->value[0] ? "" : unknown_suffix);
		recording_add_fact(recording, key, fact->value[0] ? fact->value : fact->reason);
	}
}

/* The next word as a number; false at the end or if it is none. */
static bool take_number(const char **text, uint64_t most, uint64_t *number)
{
	char *end;
	if (**text < '0' || **text > '9')
		return false;
	*number = strtoull(*text, &end, 10);
	*text = end + (*end == ' ');
	return *number <= most && (*end == ' ' || *end == '\0');
}

/* The next word as a list of CPUs, which may be empty (a node without CPUs). */
static bool take_list(const char **text, struct cpu_mask *list)
{
	char word[LIST_BYTES];
	size_t n = strcspn(*text, " ");
	if (n >= sizeof word)
		return false;
	memcpy(word, *text, n);
	word[n] = '\0';
	*text += n + ((*text)[n] == ' ');
	return cpu_mask_parse(list, word);
}

/* Only memory may be without CPUs. */
static void load_group(struct machine_groups *groups, bool may_be_empty, const char *text)
{
	uint64_t id, memory_bytes;
	struct cpu_mask cpus;
	if (!take_number(&text, UINT32_MAX, &id) || !take_number(&text, INT64_MAX, &memory_bytes) ||
	    !take_list(&text, &cpus) || (!may_be_empty && cpu_mask_count(&cpus) == 0))
		return;
	struct machine_group *group = machine_add_group(groups, (uint32_t)id, &cpus);
	if (!group)
		return;
	group->memory_bytes = memory_bytes;
	text_clean(group->label, sizeof group->label, text);
}

static void load_cache(struct machine *machine, const char *text)
{
	uint64_t level, size, line, ways, sets;
	struct machine_cache cache = { 0 };
	if (!take_number(&text, 9, &level) || !*text || !strchr("diu", *text) || text[1] != ' ')
		return;
	cache.type = *text;
	text += 2;
	if (!take_number(&text, INT64_MAX, &size) || !take_number(&text, UINT32_MAX, &line) ||
	    !take_number(&text, UINT32_MAX, &ways) || !take_number(&text, UINT32_MAX, &sets) ||
	    !take_list(&text, &cache.cpus))
		return;
	cache.level = (uint32_t)level;
	cache.size_bytes = size;
	cache.line_bytes = (uint32_t)line;
	cache.ways = (uint32_t)ways;
	cache.sets = (uint32_t)sets;
	machine_add_cache(machine, &cache);
}

static void load_text(struct machine *machine, const char *key, const char *text)
{
	char name[sizeof machine->facts->key + sizeof unknown_suffix];
	size_t n = strlen(key), tail = sizeof unknown_suffix - 1;
	if (n >= sizeof name)
		return;
	bool is_unknown = n > tail && strcmp(key + n - tail, unknown_suffix) == 0;
	snprintf(name, sizeof name, "%.*s", (int)(is_unknown ? n - tail : n), key);
	if (is_unknown)
		machine_wonder(machine, name, "%s", text);
	else
		machine_know(machine, name, "%s", text);
}

static void load_row(struct machine *machine, const char *table, const char *text)
{
	if (strcmp(table, "online") == 0)
		cpu_mask_parse(&machine->online, text);
	else if (strcmp(table, "packages") == 0)
		load_group(&machine->packages, false, text);
	else if (strcmp(table, "cores") == 0)
		load_group(&machine->cores, false, text);
	else if (strcmp(table, "nodes") == 0)
		load_group(&machine->nodes, true, text);
	else if (strcmp(table, "kinds") == 0)
		load_group(&machine->kinds, false, text);
	else if (strcmp(table, "caches") == 0)
		load_cache(machine, text);
}

struct machine *machine_load(const struct recording *recording)
{
	struct machine *machine = allocate(1, sizeof *machine);
	struct moment moment = recording_moment(recording);
	bool is_there = false;
	for (uint64_t id = 1; id < moment.n[TABLE_FACTS]; id++) {
		const struct fact_row *fact = recording_fact(recording, id);
		const char *key = recording_string_at(recording, fact->key);
		const char *value = recording_string_at(recording, fact->value);
		if (strncmp(key, prefix, sizeof prefix - 1) == 0)
			load_text(machine, key + sizeof prefix - 1, value);
		else if (strncmp(key, table_prefix, sizeof table_prefix - 1) == 0)
			load_row(machine, key + sizeof table_prefix - 1, value);
		else
			continue;
		is_there = true;
	}
	machine_sort(machine);
	if (is_there)
		return machine;
	machine_free(machine);
	return NULL;
}
